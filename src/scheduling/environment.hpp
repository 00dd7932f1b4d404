#pragma once
// The WEFT_* variables that configure a runtime.
// SPDX-License-Identifier: MIT

#include <cstddef>

#include "weft/base/config.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The processors this process may run on, which containers and taskset narrow.
[[nodiscard]] std::size_t processors() noexcept;

/// `given` with every zero and null field filled in, from the environment or with the default; `driver` and `clock` stay.
/// @throws std::invalid_argument  naming the option or variable and its value
[[nodiscard]] runtime_options resolve_options(const runtime_options& given);

}  // namespace weft::inline WEFT_ABI::detail
