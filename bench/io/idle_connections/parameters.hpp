#pragma once
// bench/io/idle_connections/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string_view>

namespace bench::parameters {

inline constexpr std::string_view load = "idle";  // the generator's mode; makes this a question about servers
inline constexpr std::uint64_t connections = 10'000;
inline constexpr std::uint64_t message = 64;  // bytes sent and awaited back, once a connection
inline constexpr std::uint64_t buffer = 4'096;
inline constexpr std::uint64_t milliseconds = 500;  // all are silent before the first message
inline constexpr std::uint64_t both_drivers = 1;    // weft runs once more on epoll
inline constexpr std::uint64_t rounds = 3;          // memory hardly varies
inline constexpr std::uint64_t rounds_quick = 2;

}  // namespace bench::parameters
