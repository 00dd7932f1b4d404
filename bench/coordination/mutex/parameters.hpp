#pragma once
// bench/coordination/mutex/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t locks = 4'000'000;  // in all, shared among the tasks; enough for both workers to be awake
inline constexpr std::uint64_t locks_quick = 2'000'000;
inline constexpr std::uint64_t hand_offs = 1'000'000;
inline constexpr std::uint64_t hand_offs_quick = 200'000;
inline constexpr std::uint64_t tasks = 16;
inline constexpr std::uint64_t workers = 2;
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
