#pragma once
// Runs this program once more, for one test under one schedule. Ordinary tests cannot be run again from within: what they record stays
// recorded, and what they leave behind is there.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <string>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

/// Another process of this program under WEFT_SIM=1, by itself.
struct rerun {
    std::string arguments;  ///< by which the program runs the test alone, as one writes them in a shell
    std::string sign;       ///< what is on its standard output when the test fails in the way in question

    /// @param replay  the schedule  @param longest  after which the process is ended
    /// @returns whether it failed so; false also where no process can be made
    [[nodiscard]] bool fails(const std::string& replay, std::chrono::milliseconds longest) const;
};

}  // namespace weft::inline WEFT_ABI::testing::detail
