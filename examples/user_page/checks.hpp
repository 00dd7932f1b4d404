#pragma once
// user_page/checks.hpp: the inequalities that the report must satisfy.
// SPDX-License-Identifier: MIT

#include <string>
#include <vector>

#include "json.hpp"

namespace user_page {

/// One inequality, `left relation right`, with the figures of this run.
struct check {
    std::string name;  ///< in words: "parallel PWG takes at most 1.15 times the slowest call"
    double left = 0;
    bool at_most = true;  ///< left <= right, else left >= right
    double right = 0;

    [[nodiscard]] bool holds() const noexcept { return at_most ? left <= right : left >= right; }
    /// "512.3 <= 575.1"
    [[nodiscard]] std::string figures() const;
};

/// Every inequality. @throws std::runtime_error  naming a figure that the report lacks
[[nodiscard]] std::vector<check> check_report(const json& report);

}  // namespace user_page
