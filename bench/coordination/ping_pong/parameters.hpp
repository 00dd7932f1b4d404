#pragma once
// bench/coordination/ping_pong/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t messages = 1'000'000;
inline constexpr std::uint64_t messages_quick = 200'000;
inline constexpr std::uint64_t workers[] = {1, 2};
inline constexpr std::uint64_t repetitions = 3;
inline constexpr std::uint64_t allocations = 1;  // run.py counts them

}  // namespace bench::parameters
