#pragma once
// bench/coordination/timers/times.hpp: the times of the timers; the Go and Rust programs compute the same.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>

namespace bench {

/// Timers that are to be cancelled are armed for some time after this.
inline constexpr std::chrono::hours never_before{1};

/// The time of timer `i`: below `limit`, spread evenly, in no order (splitmix64).
inline std::chrono::nanoseconds time_below(std::chrono::nanoseconds limit, std::uint64_t i) {
    std::uint64_t x = (i + 1) * 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return std::chrono::nanoseconds((x ^ (x >> 31)) % static_cast<std::uint64_t>(limit.count()));
}

}  // namespace bench
