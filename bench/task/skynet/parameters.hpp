#pragma once
// bench/task/skynet/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t leaves = 1'000'000;
inline constexpr std::uint64_t leaves_quick = 100'000;
inline constexpr std::uint64_t workers[] = {1, 2};
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
