#pragma once
// src/io/turn.hpp: how long a thread may go on with answers that come without a suspension.
// SPDX-License-Identifier: MIT

#include "weft/io/io_driver.hpp"

namespace weft::inline WEFT_ABI::detail {

/// io_driver::others_wait() of a driver that serves `host`. Of a thread that owns no slot nobody knows, so there it is true.
[[nodiscard]] bool others_wait_at(driver_host& host) noexcept;

/// Counts what this thread has got without suspending. @returns whether it has had its turn and others wait for it: who always finds his
/// data would keep them waiting
[[nodiscard]] bool turn_is_over(const io_driver& driver) noexcept;

}  // namespace weft::inline WEFT_ABI::detail
