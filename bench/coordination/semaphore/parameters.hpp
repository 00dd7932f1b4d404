#pragma once
// bench/coordination/semaphore/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t turns = 2'000'000;  // in all, shared among the tasks
inline constexpr std::uint64_t turns_quick = 400'000;
inline constexpr std::uint64_t tasks = 16;
inline constexpr std::uint64_t permits = 4;
inline constexpr std::uint64_t workers = 2;
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
