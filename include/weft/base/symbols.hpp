#pragma once
// <weft/base/symbols.hpp>: from a code address to the name of its function, for reports that name a coroutine.
// SPDX-License-Identifier: MIT

#include <string>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The demangled name of the function that holds `address`; for a part of a coroutine that of the coroutine. Read from the
/// symbol table of the program or library, static functions included; "0x… in 'file'" when that was stripped.
/// Slow: a library's table is read once, when first asked for. Any thread; @throws std::bad_alloc only
[[nodiscard]] std::string function_name(const void* address);

}  // namespace weft::inline WEFT_ABI::detail
