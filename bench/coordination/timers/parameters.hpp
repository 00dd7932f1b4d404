#pragma once
// bench/coordination/timers/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t timers = 1'000'000;
inline constexpr std::uint64_t timers_quick = 200'000;
inline constexpr std::uint64_t milliseconds = 1'000;  // each timer's own time is below it
inline constexpr std::uint64_t cancelled = 1'000'000;
inline constexpr std::uint64_t cancelled_quick = 200'000;
inline constexpr std::uint64_t standing = 100'000;  // that many armed at once, then all cancelled
inline constexpr std::uint64_t workers = 2;
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
