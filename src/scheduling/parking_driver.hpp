#pragma once
// The driver of a runtime without I/O: its owners only sleep.
// SPDX-License-Identifier: MIT

#include <memory>

#include "weft/base/config.hpp"
#include "weft/scheduling/driver.hpp"

namespace weft::inline WEFT_ABI::detail {

[[nodiscard]] std::unique_ptr<driver> make_parking_driver();

/// What set_driver_factory() registered; null: nothing.
[[nodiscard]] driver_factory current_driver_factory() noexcept;

}  // namespace weft::inline WEFT_ABI::detail
