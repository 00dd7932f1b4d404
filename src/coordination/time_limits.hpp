#pragma once
// What the timers and limiters of this room agree on about times.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <stdexcept>
#include <string>

#include "weft/base/dispatcher.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/context/execution_context.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Refuses negative times but -1 ms, and those that no timer may be set to. @throws std::invalid_argument
inline void check_timer_limit(std::chrono::nanoseconds limit, const char* who) {
    if (limit == cancellation_source::infinite) return;
    if (limit < limit.zero() || limit > cancellation_source::longest_delay)
        throw std::invalid_argument(std::string(who) + " takes a time from 0 to 2^32 - 2 ms, or -1 ms for none");
}

/// Without overflow: what is beyond the clock's range never comes.
[[nodiscard]] inline time_point instant_after(time_provider& clock, std::chrono::nanoseconds limit) noexcept {
    const time_point now = clock.now();
    return time_point::max() - now <= limit ? time_point::max() : now + limit;
}

/// `provider`, or the clock of the calling thread's runtime.
[[nodiscard]] inline time_provider& provider_or_default(time_provider* provider) {
    return provider != nullptr ? *provider : current_dispatcher().time();
}

/// What `make` gives, made under no async-local values.
template <class Make>
auto without_flow(Make make) {
    if (execution_context::is_flow_suppressed()) return make();
    const auto suppressed = execution_context::suppress_flow();
    return make();
}

}  // namespace weft::inline WEFT_ABI::detail
