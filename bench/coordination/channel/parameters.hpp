#pragma once
// bench/coordination/channel/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t items = 2'000'000;  // in all, shared among the producers
inline constexpr std::uint64_t items_quick = 400'000;
inline constexpr std::uint64_t producers[] = {1, 4};
inline constexpr std::uint64_t consumers[] = {1, 4};
inline constexpr std::uint64_t capacity[] = {1, 100, 1024, 0};  // 0: unbounded
inline constexpr std::uint64_t workers = 2;
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
