#pragma once
// bench/scheduling/sleepers/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t sleepers = 1'000'000;
inline constexpr std::uint64_t sleepers_quick = 200'000;
inline constexpr std::uint64_t milliseconds = 10'000;
inline constexpr std::uint64_t milliseconds_quick = 1'500;
inline constexpr std::uint64_t token[] = {0, 1};  // 1: each sleep can also be cancelled
inline constexpr std::uint64_t workers = 2;
inline constexpr std::uint64_t rounds = 2;  // one sample a process: memory once used cannot be measured again
inline constexpr std::uint64_t rounds_quick = 1;

}  // namespace bench::parameters
