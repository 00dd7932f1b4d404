// An ordinary test, which takes a day without WEFT_SIM=1.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <weft/weft.hpp>

#include <chrono>

TEST(simulation, a_day_passes_at_once) {
    const weft::task<> day = weft::delay(std::chrono::hours(24));
    day.get();
}
