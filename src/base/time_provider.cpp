// SPDX-License-Identifier: MIT

#include "weft/base/time_provider.hpp"

#include "weft/base/dispatcher.hpp"

namespace weft::inline WEFT_ABI {

void time_provider::run_callback(dispatcher& home, work_item& callback) noexcept { home.post(callback, post_hint::fair); }

time_point time_provider::next_period(time_point due, std::chrono::nanoseconds period) noexcept {
    const time_point next = due + period;
    const time_point instant = now();
    if (next > instant) return next;
    return next + period * ((instant - next) / period + 1);
}

}  // namespace weft::inline WEFT_ABI
