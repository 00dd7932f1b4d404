#pragma once
// bench/io/tcp_echo/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string_view>

namespace bench::parameters {

inline constexpr std::string_view load = "echo";  // the generator's mode; makes this a question about servers
inline constexpr std::uint64_t threads[] = {1, 2};
inline constexpr std::uint64_t threads_quick[] = {1};
inline constexpr std::uint64_t message[] = {64, 16'384};  // bytes sent and awaited back
inline constexpr std::uint64_t connections[] = {1, 64, 1'000, 10'000};
inline constexpr std::uint64_t connections_quick[] = {1, 64, 1'000};
inline constexpr std::uint64_t buffer = 16'384;  // bytes a server reads at most at once
inline constexpr std::uint64_t milliseconds = 3'000;
inline constexpr std::uint64_t milliseconds_quick = 1'000;
inline constexpr std::uint64_t both_drivers = 1;  // weft runs once more on epoll

}  // namespace bench::parameters
