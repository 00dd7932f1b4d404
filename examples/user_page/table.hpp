#pragma once
// user_page/table.hpp: the report as a table for the terminal.
// SPDX-License-Identifier: MIT

#include <string>

#include "json.hpp"

namespace user_page {

/// Everything that was measured, with the lanes drawn.
[[nodiscard]] std::string table_of(const json& report);

/// Which rows of a picture the calls of one way go to: the calls of a request stand in as few rows as overlap allows.
struct placed_call {
    std::size_t request = 0;  ///< from 0
    std::size_t row = 0;      ///< from 0, over all requests of the way
    std::size_t thread = 0;
    std::size_t in_flight = 0;
    std::string call;
    double start_ms = 0;
    double end_ms = 0;
};
/// @param calls  `lanes.WAY.calls` of the report
[[nodiscard]] std::vector<placed_call> place_calls(const json::array& calls);

}  // namespace user_page
