#pragma once
// bench/io/udp_echo/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string_view>

namespace bench::parameters {

inline constexpr std::string_view load = "udp";     // the generator's mode; makes this a question about servers
inline constexpr std::uint64_t message = 64;        // bytes of a datagram
inline constexpr std::uint64_t window[] = {1, 64};  // datagrams under way
inline constexpr std::uint64_t buffer = 2'048;      // bytes a server has room for
inline constexpr std::uint64_t milliseconds = 3'000;
inline constexpr std::uint64_t milliseconds_quick = 1'000;
inline constexpr std::uint64_t both_drivers = 1;  // weft runs once more on epoll

}  // namespace bench::parameters
