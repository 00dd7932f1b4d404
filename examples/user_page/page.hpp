#pragma once
// user_page/page.hpp: the report as pictures: one HTML document without anything from outside.
// SPDX-License-Identifier: MIT

#include <string>

#include "json.hpp"

namespace user_page {

/// Thread lanes over time for the three ways, bars for time, threads, throughput and memory, and the checks.
[[nodiscard]] std::string page_of(const json& report);

}  // namespace user_page
