#pragma once
// bench/io/tls_echo/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string_view>

namespace bench::parameters {

inline constexpr std::string_view load = "tls";           // the generator's mode; makes this a question about servers
inline constexpr std::uint64_t message[] = {64, 16'384};  // bytes sent and awaited back
inline constexpr std::uint64_t connections[] = {1, 64};
inline constexpr std::uint64_t buffer = 16'384;  // bytes a server reads at most at once
inline constexpr std::uint64_t milliseconds = 3'000;
inline constexpr std::uint64_t milliseconds_quick = 1'000;
inline constexpr std::uint64_t both_drivers = 1;  // weft runs once more on epoll

}  // namespace bench::parameters
