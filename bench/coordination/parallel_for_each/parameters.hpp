#pragma once
// bench/coordination/parallel_for_each/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t trivial_items = 1'000'000;  // a few milliseconds in all, so --quick takes as many
inline constexpr std::uint64_t yielding_items = 100'000;
inline constexpr std::uint64_t degree = 2;  // most bodies at the same time
inline constexpr std::uint64_t workers = 2;
inline constexpr std::uint64_t repetitions = 9;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
