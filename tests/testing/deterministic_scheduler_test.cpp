// SPDX-License-Identifier: MIT
#include "weft/testing/deterministic_scheduler.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "support/lifetime_tracked.hpp"
#include "weft/cancellation.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/scheduling/yield.hpp"
#include "weft/task.hpp"
#include "weft/task/task_completion_source.hpp"
#include "weft/task/when_all.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deadlock;
using weft::testing::deterministic_scheduler;

task<int> value_after(std::chrono::nanoseconds wait, int value) {
    co_await delay(wait);
    co_return value;
}

task<> append_in_turns(std::string& log, char letter) {
    for (int turn = 0; turn < 3; ++turn) {
        log += letter;
        co_await yield();
    }
}

std::string interleaving(deterministic_scheduler& world) {
    std::string log;
    auto a = append_in_turns(log, 'a');
    auto b = append_in_turns(log, 'b');
    auto c = append_in_turns(log, 'c');
    world.run_until_idle();
    EXPECT_TRUE(a.is_completed() && b.is_completed() && c.is_completed());
    return log;
}

TEST(deterministic_scheduler, runs_a_task_to_its_result) {
    deterministic_scheduler world;
    EXPECT_EQ(world.run(value_after(0s, 7)), 7);
    EXPECT_EQ(world.run(value_after, 1ms, 8), 8);
}

TEST(deterministic_scheduler, time_stands_still_and_then_jumps_exactly) {
    deterministic_scheduler world;
    const time_point start = world.time().now();
    world.run(value_after(24h, 0));
    EXPECT_EQ(world.time().now() - start, 24h);
}

TEST(deterministic_scheduler, timers_fire_in_the_order_of_their_deadlines) {
    deterministic_scheduler world(3);
    std::vector<int> order;
    const auto note = [&order](std::chrono::nanoseconds wait, int number) -> task<> {
        co_await delay(wait);
        order.push_back(number);
    };
    auto late = note(3s, 3);
    auto early = note(1s, 1);
    auto next = note(2s, 2);
    world.run_until_idle();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(deterministic_scheduler, seed_zero_is_the_order_of_the_queue) {
    deterministic_scheduler world(0);
    EXPECT_EQ(interleaving(world), "abcabcabc");
}

TEST(deterministic_scheduler, other_seeds_choose_and_each_repeats_itself) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        deterministic_scheduler first(seed);
        const std::string order = interleaving(first);
        deterministic_scheduler second(seed);
        EXPECT_EQ(interleaving(second), order);
        seen.insert(order);
    }
    EXPECT_GT(seen.size(), 25u);
}

TEST(deterministic_scheduler, a_run_is_repeated_by_its_choices_alone) {
    deterministic_scheduler first(11);
    const std::string order = interleaving(first);
    const std::uint64_t bits = first.random();
    const std::vector<weft::testing::choice> answers(first.choices().begin(), first.choices().end());
    deterministic_scheduler second(answers);
    EXPECT_EQ(interleaving(second), order);
    EXPECT_EQ(second.random(), bits);
    EXPECT_EQ(second.choices().size(), answers.size());
}

TEST(deterministic_scheduler, choose_asks_only_where_there_is_a_choice) {
    deterministic_scheduler world(5);
    EXPECT_EQ(world.choose("own", 0), 0u);
    EXPECT_EQ(world.choose("own", 1), 0u);
    EXPECT_TRUE(world.choices().empty());
    EXPECT_LT(world.choose("own", 3), 3u);
    ASSERT_EQ(world.choices().size(), 1u);
    EXPECT_STREQ(world.choices()[0].kind, "own");
    EXPECT_EQ(world.choices()[0].options, 3u);
}

TEST(deterministic_scheduler, a_task_that_can_never_end_is_a_deadlock_with_a_sentence) {
    deterministic_scheduler world(4);
    task_completion_source<int> never;
    const auto wait_for = [](task<int> what) -> task<int> { co_return co_await what; };
    try {
        world.run(wait_for(wait_for(never.task())));
        FAIL() << "it ended";
    } catch (const deadlock& error) {
        EXPECT_NE(std::string(error.what()).find("2 tasks wait (seed 4"), std::string::npos) << error.what();
    }
}

TEST(deterministic_scheduler, frames_that_still_wait_are_destroyed_with_it) {
    weft_test::lifetime_counts counts;
    task_completion_source<int> never;
    {
        deterministic_scheduler world;
        const auto holder = [&](weft_test::lifetime_tracked<int>) -> task<> { co_await never.task(); };
        auto holding = holder(weft_test::lifetime_tracked<int>(counts));
        auto waiting = value_after(1h, 1);
        world.run_ready();
        EXPECT_EQ(world.suspended_tasks(), 2u);
        EXPECT_EQ(counts.alive(), 1);
        EXPECT_FALSE(holding.is_completed());
    }
    EXPECT_EQ(counts.alive(), 0);
}

TEST(deterministic_scheduler, advance_fires_what_falls_due_on_the_way) {
    deterministic_scheduler world;
    auto soon = value_after(1s, 1);
    auto late = value_after(3s, 2);
    world.advance(2s);
    EXPECT_TRUE(soon.is_completed());
    EXPECT_FALSE(late.is_completed());
    world.advance(1s);
    EXPECT_TRUE(late.is_completed());
    EXPECT_THROW(world.advance(-1s), std::invalid_argument);
}

TEST(deterministic_scheduler, a_blocking_wait_runs_the_world_meanwhile) {
    deterministic_scheduler world;
    const auto outer = []() -> task<int> {
        co_await yield();
        co_return value_after(5s, 9).result();
    };
    EXPECT_EQ(world.run(outer()), 9);
    EXPECT_EQ(value_after(5s, 4).get(), 4);
}

TEST(deterministic_scheduler, a_blocking_wait_with_a_limit_is_over_in_virtual_time) {
    deterministic_scheduler world;
    const time_point start = world.time().now();
    auto slow = value_after(1h, 3);
    EXPECT_FALSE(slow.wait(2min));
    EXPECT_EQ(world.time().now() - start, 2min);
    EXPECT_TRUE(slow.wait(2h));
    EXPECT_EQ(world.time().now() - start, 1h);
}

TEST(deterministic_scheduler, a_blocking_wait_with_a_token_ends_when_the_world_cancels_it) {
    deterministic_scheduler world;
    const time_point start = world.time().now();
    const cancellation_source source(1min);
    auto slow = value_after(1h, 3);
    EXPECT_THROW(static_cast<void>(slow.wait(2h, source.token())), operation_canceled);
    EXPECT_EQ(world.time().now() - start, 1min);
}

TEST(deterministic_scheduler, a_loop_that_yields_until_a_time_ends) {
    deterministic_scheduler world;
    const auto spin = [&world]() -> task<> {
        const time_point end = world.time().now() + 1s;
        auto tick = value_after(1s, 0);
        while (world.time().now() < end) co_await yield();
        co_await tick;
    };
    world.run(spin());
}

TEST(deterministic_scheduler, cancellation_timers_use_its_clock) {
    deterministic_scheduler world;
    const auto wait = []() -> task<> {
        cancellation_source source(2s);
        co_await delay(1h, source.token());
    };
    const time_point start = world.time().now();
    EXPECT_THROW(world.run(wait()), task_canceled);
    EXPECT_EQ(world.time().now() - start, 2s);
}

TEST(deterministic_scheduler, items_run_without_context_and_worlds_nest) {
    deterministic_scheduler outer;
    {
        deterministic_scheduler inner;
        EXPECT_EQ(inner.run(value_after(1s, 1)), 1);
    }
    EXPECT_EQ(outer.run(value_after(1s, 2)), 2);
}

TEST(deterministic_scheduler, a_day_of_timers_takes_no_time) {
    deterministic_scheduler world(1);
    const auto ticks = []() -> task<int> {
        int count = 0;
        for (; count < 24 * 60; ++count) co_await delay(1min);
        co_return count;
    };
    EXPECT_EQ(world.run(ticks()), 1440);
}

}  // namespace
