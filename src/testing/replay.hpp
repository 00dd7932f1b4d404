#pragma once
// A schedule as text: "w1-<seed>-<answers>", the answers separated by dots, "zN" for N zeros; zeros at the end are left out.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

struct replayed {
    std::uint64_t seed = 0;
    std::vector<std::uint64_t> answers;
};

[[nodiscard]] std::string to_replay(std::uint64_t seed, std::span<const std::uint64_t> answers);
/// @throws std::invalid_argument  for a text that to_replay() does not write
[[nodiscard]] replayed from_replay(const std::string& text);

}  // namespace weft::inline WEFT_ABI::testing::detail
