#pragma once
// What the environment says to the explorer.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "weft/base/config.hpp"
#include "weft/testing/explore.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

/// The variable's text; empty when it is not set.
[[nodiscard]] inline std::string environment(const char* name) {
    const char* text = std::getenv(name);
    return text == nullptr ? std::string() : std::string(text);
}

/// A number; `fallback` when the variable is not set.
[[nodiscard]] inline std::uint64_t environment_number(const char* name, std::uint64_t fallback) {
    const std::string text = environment(name);
    return text.empty() ? fallback : std::strtoull(text.c_str(), nullptr, 10);
}

/// @throws std::invalid_argument  for a name that is none
[[nodiscard]] strategy strategy_named(const std::string& name);

}  // namespace weft::inline WEFT_ABI::testing::detail
