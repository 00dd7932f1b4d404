#pragma once
// What the environment says to the explorer.
// SPDX-License-Identifier: MIT

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

#include "weft/base/config.hpp"
#include "weft/testing/explore.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

/// The variable's text; empty when it is not set.
[[nodiscard]] inline std::string environment(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? std::string() : std::string(text);
}

/// A number; `fallback` when the variable is not set. @throws std::invalid_argument  for what is no number
[[nodiscard]] inline std::uint64_t environment_number(const char* name, std::uint64_t fallback) {
    const std::string text = environment(name);
    if (text.empty()) return fallback;
    std::uint64_t told = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, told);
    if (error != std::errc() || rest != end)
        throw std::invalid_argument(std::string(name) + ": '" + text + "' is not a whole number from 0 to 2^64 - 1");
    return told;
}

/// @throws std::invalid_argument  for a name that is none
[[nodiscard]] strategy strategy_named(const std::string& name);

}  // namespace weft::inline WEFT_ABI::testing::detail
