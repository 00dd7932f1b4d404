// Uses the installed test support: an hour passes at once.
// SPDX-License-Identifier: MIT
#include <weft/testing/deterministic_scheduler.hpp>
#include <weft/weft.hpp>

#include <chrono>

static weft::task<int> sleeper() {
    co_await weft::delay(std::chrono::hours(1));
    co_return 7;
}

int main() {
    weft::testing::deterministic_scheduler scheduler;
    return scheduler.run(sleeper) == 7 ? 0 : 1;
}
