// What a source that cancels itself may do to the pool whose timers it uses.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "support/eventually.hpp"
#include "weft/cancellation.hpp"
#include "weft/delay.hpp"
#include "weft/task.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

task<> raise_after(std::chrono::milliseconds limit, std::atomic<bool>& flag) {
    co_await delay(limit);
    flag = true;
}

TEST(cancel_after, a_callback_that_blocks_holds_up_nobodys_timers) {
    cancellation_source source;
    std::atomic<bool> passed{false};
    std::atomic<bool> seen{false};
    cancellation_registration registration = source.token().unsafe_register(
        [&passed, &seen] { seen = weft_test::eventually([&passed] { return passed.load(); }); });
    source.cancel_after(1ms);
    task<> timer = raise_after(10ms, passed);
    timer.get();
    EXPECT_TRUE(weft_test::eventually([&seen] { return seen.load(); }));
}

}  // namespace
