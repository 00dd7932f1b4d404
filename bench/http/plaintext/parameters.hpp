#pragma once
// bench/http/plaintext/parameters.hpp: the numbers every subject of this question uses.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string_view>

namespace bench::parameters {

inline constexpr std::string_view load = "http";  // the generator's mode; makes this a question about servers
inline constexpr std::uint64_t connections = 64;
inline constexpr std::uint64_t depth = 1;  // requests sent before the first answer is awaited
inline constexpr std::uint64_t milliseconds = 5'000;
inline constexpr std::uint64_t milliseconds_quick = 1'000;
inline constexpr std::string_view path = "/plaintext";
inline constexpr std::string_view body = "Hello, World!";

}  // namespace bench::parameters
