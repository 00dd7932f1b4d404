// The explorer finds what only some schedules show, and keeps quiet about what is right.
// SPDX-License-Identifier: MIT

#include "weft/testing/explore.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "weft/testing/sim_test.hpp"
#include "weft/weft.hpp"

namespace {

using namespace std::chrono_literals;
using weft::task;
using weft::testing::exploration;
using weft::testing::explore;
using weft::testing::explore_options;
using weft::testing::strategy;
using weft::testing::world;

// Reads, lets others run, writes: an update is lost when both read before either writes.
task<> add_one(int& total) {
    const int before = total;
    co_await weft::completed_task();
    total = before + 1;
}

task<> lost_update(world& w) {
    int total = 0;
    task<> first = add_one(total);
    task<> second = add_one(total);
    co_await weft::when_all(first, second);
    w.check(total == 2, "both updates count");
}

TEST(explore, finds_a_lost_update_with_every_strategy) {
    for (const strategy which : {strategy::random, strategy::pct2, strategy::pct3, strategy::walk, strategy::delay2}) {
        explore_options options;
        options.how = which;
        const exploration done = explore(options, lost_update);
        ASSERT_FALSE(done.ok()) << weft::testing::name_of(which);
        EXPECT_NE(done.failure->message.find("both updates count"), std::string::npos) << done.failure->message;
        EXPECT_LE(done.failure->choices, 2U) << done.failure->report;
    }
}

TEST(explore, exhausts_a_small_test_and_finds_its_failure) {
    explore_options options;
    options.exhaustive = true;
    options.schedules = 100'000;
    EXPECT_FALSE(explore(options, lost_update).ok());
    const exploration done = explore(options, [](world& w) -> task<> {
        int total = 0;
        task<> first = add_one(total);
        co_await first;
        co_await add_one(total);
        w.check(total == 2, "both updates count");
    });
    EXPECT_TRUE(done.ok()) << done.to_string();
    EXPECT_TRUE(done.exhausted);
    EXPECT_EQ(done.distinct, done.schedules);
}

TEST(explore, a_failure_is_repeated_by_its_text) {
    const exploration found = explore({}, lost_update);
    ASSERT_FALSE(found.ok());
    explore_options options;
    options.replay = found.failure->replay;
    for (int i = 0; i < 10; ++i) {
        const exploration again = explore(options, lost_update);
        ASSERT_FALSE(again.ok());
        EXPECT_EQ(again.failure->message, found.failure->message);
    }
    EXPECT_NE(found.to_string().find("WEFT_REPLAY=" + found.failure->replay), std::string::npos) << found.to_string();
}

// Exhaustive: without advance() a timer comes only when nothing else can happen.
TEST(explore, advance_lets_time_pass_although_there_is_work) {
    explore_options options;
    options.exhaustive = true;
    bool early = false;
    bool late = false;
    const exploration done = explore(options, [&](world& w) -> task<> {
        int steps = 0;
        const auto work = [&]() -> task<> {
            for (; steps < 3; ++steps) co_await w.point();
        };
        const auto wait = [&]() -> task<> {
            co_await weft::delay(2ms);
            (steps < 3 ? early : late) = true;
        };
        const weft::time_point begun = w.clock().now();
        task<> working = w.spawn(work);
        task<> waiting = w.spawn(wait);
        co_await w.point();
        w.advance(2ms);
        WEFT_CHECK(w.clock().now() - begun == 2ms);
        co_await weft::when_all(working, waiting);
    });
    EXPECT_TRUE(done.ok() && done.exhausted) << done.to_string();
    EXPECT_TRUE(early && late);
    const exploration refused = explore({}, [](world& w) -> task<> {
        co_await w.point();
        w.advance(-1ms);
    });
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.failure->message, "world::advance: the step is negative");
}

WEFT_SIM_TEST("sim: a semaphore keeps its count", {.schedules = 2000}) {
    weft::async_semaphore gate(1);
    int inside = 0;
    const auto user = [&]() -> task<> {
        co_await gate.wait();
        WEFT_CHECK(++inside == 1);
        co_await w.point();
        --inside;
        gate.release();
    };
    task<> first = user();
    task<> second = user();
    co_await weft::when_all(first, second);
    EXPECT_EQ(gate.current_count(), 1);
}

}  // namespace
