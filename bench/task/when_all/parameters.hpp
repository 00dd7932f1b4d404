#pragma once
// bench/task/when_all/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t tasks = 500'000;  // in all, shared among the groups
inline constexpr std::uint64_t tasks_quick = 100'000;
inline constexpr std::uint64_t children[] = {2, 16, 1024};
inline constexpr std::uint64_t workers[] = {1, 2};
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
