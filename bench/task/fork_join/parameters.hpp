#pragma once
// bench/task/fork_join/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t number = 27;
inline constexpr std::uint64_t number_quick = 22;
inline constexpr std::uint64_t workers[] = {1, 2};
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
