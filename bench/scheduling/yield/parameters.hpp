#pragma once
// bench/scheduling/yield/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t yields = 5'000'000;  // in all, shared among the tasks
inline constexpr std::uint64_t yields_quick = 1'000'000;
inline constexpr std::uint64_t tasks[] = {1, 100};
inline constexpr std::uint64_t workers = 2;
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
