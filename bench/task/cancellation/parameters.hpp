#pragma once
// bench/task/cancellation/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t operations = 5'000'000;
inline constexpr std::uint64_t operations_quick = 1'000'000;
inline constexpr std::uint64_t workers = 1;
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
