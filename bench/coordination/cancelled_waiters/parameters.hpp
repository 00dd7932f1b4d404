#pragma once
// bench/coordination/cancelled_waiters/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>

namespace bench::parameters {

inline constexpr std::uint64_t waiters = 1'000'000;
inline constexpr std::uint64_t waiters_quick = 100'000;
inline constexpr std::uint64_t workers = 1;
inline constexpr std::uint64_t repetitions = 1;

}  // namespace bench::parameters
