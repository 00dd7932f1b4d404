#pragma once
// <weft/base/assert.hpp>: invariants that end the process with a sentence when they break.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Prints `sentence` with its place to standard error and aborts. Async-signal-safe: it only writes.
[[noreturn]] void fail(const char* sentence, const char* file, int line) noexcept;

}  // namespace weft::inline WEFT_ABI::detail

/// Checks an invariant of the library in every build; a broken one is not recoverable.
#define WEFT_ASSERT(condition, sentence) \
    ((condition) ? static_cast<void>(0) : ::weft::detail::fail(sentence, __FILE__, __LINE__))
