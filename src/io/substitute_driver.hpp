#pragma once
// src/io/substitute_driver.hpp: how code in a dispatcher without a runtime finds its driver.
// SPDX-License-Identifier: MIT

#include "weft/base/dispatcher.hpp"
#include "weft/io/io_driver.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What set_io_driver() gave `home`; null: nothing.
[[nodiscard]] io_driver* substitute_io_driver(const dispatcher& home) noexcept;

}  // namespace weft::inline WEFT_ABI::detail
