#pragma once
// bench/task/throw_deep/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t failures = 20'000;
inline constexpr std::uint64_t failures_quick = 4'000;
inline constexpr std::uint64_t depth = 16;
inline constexpr std::uint64_t workers = 1;
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
