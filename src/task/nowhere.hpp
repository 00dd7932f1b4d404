#pragma once
// A place that continuations never come back from.
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Where the frames that are about to go come back to: nowhere. A destructor of one of them may wake another.
[[nodiscard]] std::uintptr_t place_nowhere() noexcept;

}  // namespace weft::inline WEFT_ABI::detail
