#pragma once
// Makes a failing schedule short: by delta debugging on its answers, towards the plain order.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

using answer_list = std::vector<std::uint64_t>;

/// @param fails  runs a schedule. @returns its answers as they were really made if it fails as the first did, else nothing
/// @param most   how many runs it may take
/// @returns the shortest list found: answers to 0, then the end cut off
[[nodiscard]] answer_list shrink(
    answer_list failing, const std::function<bool(const answer_list&)>& fails, std::size_t most);

/// How many answers differ from the plain order.
[[nodiscard]] std::size_t departures(const answer_list& answers) noexcept;

}  // namespace weft::inline WEFT_ABI::testing::detail
