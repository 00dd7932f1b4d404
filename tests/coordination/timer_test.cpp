// Functions that are called when time has passed, and clocks that a test moves (semantics 1.21).
// SPDX-License-Identifier: MIT

#include "weft/timer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "weft/async_local.hpp"
#include "weft/cancellation.hpp"
#include "weft/delay.hpp"
#include "weft/periodic_timer.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/testing/fake_time_provider.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;
using weft::testing::fake_time_provider;
using weft_test::manual_dispatcher;

TEST(timer, S_1_21_1_what_waits_takes_a_provider_and_asks_no_other_clock) {
    manual_dispatcher home;
    fake_time_provider clock;
    int calls = 0;
    const timer called([&] { ++calls; }, 1s, timer::infinite, &clock);
    periodic_timer ticking(1s, &clock);
    cancellation_source canceled(1s, &clock);
    task<> slept = delay(1s, clock);
    home.time().advance(1h);
    home.run_all();
    EXPECT_EQ(calls, 0);
    EXPECT_FALSE(slept.is_completed());
    EXPECT_FALSE(canceled.is_cancellation_requested());
    clock.advance(1s);
    home.run_all();
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(ticking.wait_for_next_tick().is_completed());
    EXPECT_TRUE(canceled.is_cancellation_requested());
    EXPECT_TRUE(slept.is_completed_successfully());
}

TEST(timer, S_1_21_1_without_a_provider_it_is_the_clock_of_the_runtime) {
    deterministic_scheduler world;
    const auto started = world.time().now();
    std::vector<std::chrono::nanoseconds> calls;
    timer called([&] { calls.push_back(world.time().now() - started); }, 2s, 3s);
    world.advance(9s);
    EXPECT_EQ(calls, (std::vector<std::chrono::nanoseconds>{2s, 5s, 8s}));
    called.dispose();
    EXPECT_EQ(world.run_until_idle(), 0U);
}

TEST(timer, S_1_21_1_a_delay_on_a_given_clock_can_be_cancelled) {
    manual_dispatcher home;
    fake_time_provider clock;
    cancellation_source source;
    EXPECT_TRUE(delay(0s, clock).is_completed_successfully());
    EXPECT_THROW(delay(-2ms, clock).forget(), std::invalid_argument);
    task<> slept = delay(1h, clock, source.token());
    source.cancel();
    home.run_all();
    ASSERT_TRUE(slept.is_canceled());
    EXPECT_EQ(clock.pending_timers(), 0U);
    EXPECT_TRUE(delay(0s, clock, source.token()).is_canceled());
}

TEST(timer, S_1_21_2_callbacks_run_on_the_pool_and_may_overlap) {
    deterministic_scheduler world;
    int begun = 0;
    int ended = 0;
    // Each call takes longer than a period: it waits for the time to move on, as a blocked thread would.
    timer called(
        [&] {
            ++begun;
            if (begun == 1) world.advance(25ms);
            ++ended;
        },
        10ms, 10ms);
    EXPECT_EQ(begun, 0);
    world.advance(10ms);
    EXPECT_GE(begun, 3);
    EXPECT_EQ(begun, ended);
}

TEST(timer, S_1_21_2_change_after_dispose_is_false) {
    manual_dispatcher home;
    fake_time_provider clock;
    int calls = 0;
    timer called([&] { ++calls; }, timer::infinite, timer::infinite, &clock);
    clock.advance(1h);
    EXPECT_EQ(calls, 0);
    EXPECT_TRUE(called.change(1s));
    clock.advance(1s);
    EXPECT_EQ(calls, 1);
    clock.advance(1h);
    EXPECT_EQ(calls, 1) << "one call without a period";
    EXPECT_TRUE(called.change(1s, 2s));
    clock.advance(5s);
    EXPECT_EQ(calls, 4);
    EXPECT_TRUE(called.change(timer::infinite));
    clock.advance(1h);
    EXPECT_EQ(calls, 4);
    called.dispose();
    called.dispose();
    EXPECT_FALSE(called.change(1s));
    clock.advance(1h);
    EXPECT_EQ(calls, 4);
    EXPECT_THROW(timer([] {}, -5ms, 1s, &clock), std::invalid_argument);
    EXPECT_THROW(timer([] {}, 1s, std::chrono::hours(24 * 365), &clock), std::invalid_argument);
}

TEST(timer, S_1_21_2_dispose_async_is_over_when_the_calls_in_flight_are) {
    deterministic_scheduler world;
    int ended = 0;
    std::optional<timer> called;
    task<> disposed;
    called.emplace(
        [&] {
            disposed = called->dispose_async();
            EXPECT_FALSE(disposed.is_completed());
            ++ended;
        },
        1s, 1s);
    world.advance(1s);
    EXPECT_EQ(ended, 1);
    EXPECT_TRUE(disposed.is_completed_successfully());
    EXPECT_TRUE(called->dispose_async().is_completed()) << "nothing runs any more";
}

TEST(timer, S_1_21_2_a_call_may_dispose_of_its_timer_and_destroy_it) {
    manual_dispatcher home;
    fake_time_provider clock;
    auto held = std::make_shared<int>(5);
    std::unique_ptr<timer> called;
    int seen = 0;
    called = std::make_unique<timer>(
        [&called, &seen, held] {
            called.reset();
            seen = *held;  // the closure is there until the call is over
        },
        1s, 1s, &clock);
    clock.advance(10s);
    EXPECT_EQ(seen, 5);
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_EQ(clock.pending_timers(), 0U);
}

TEST(timer, S_1_21_2_a_posted_call_does_not_begin_after_dispose) {
    manual_dispatcher home;
    int calls = 0;
    struct posting_clock final : time_provider {
        time_point now() noexcept override { return time_point(1h); }
        std::chrono::system_clock::time_point utc_now() noexcept override { return {}; }
        void arm(timer_node& node) noexcept override { armed = &node; }
        bool disarm(timer_node& node) noexcept override { return std::exchange(armed, nullptr) == &node; }
        void fire() {
            timer_node& node = *std::exchange(armed, nullptr);
            node.slot = timer_node::unarmed;
            node.fire(node);
        }
        timer_node* armed = nullptr;
    } clock;
    timer called([&] { ++calls; }, 1s, 1s, &clock);
    clock.fire();
    EXPECT_EQ(home.queued(), 1U);
    home.run_all();
    EXPECT_EQ(calls, 1);
    clock.fire();
    called.dispose();
    home.run_all();
    EXPECT_EQ(calls, 1);
}

TEST(timer, S_1_21_2_a_change_that_meets_a_firing_timer_wins) {
    manual_dispatcher home;
    // Takes the node out, and fires it later: what happens when two threads meet.
    struct slow_clock final : time_provider {
        time_point now() noexcept override { return time_point(1h); }
        std::chrono::system_clock::time_point utc_now() noexcept override { return {}; }
        void arm(timer_node& node) noexcept override {
            node.slot = 0;
            armed = &node;
        }
        bool disarm(timer_node& node) noexcept override {
            if (node.slot == timer_node::unarmed) return false;
            armed = nullptr;
            node.slot = timer_node::unarmed;
            return true;
        }
        timer_node* take() {
            armed->slot = timer_node::unarmed;
            return std::exchange(armed, nullptr);
        }
        timer_node* armed = nullptr;
    } clock;
    int calls = 0;
    timer called([&] { ++calls; }, 1s, timer::infinite, &clock);
    timer_node* taken = clock.take();
    EXPECT_TRUE(called.change(5s));
    EXPECT_EQ(clock.armed, nullptr) << "not armed while it is about to fire";
    taken->fire(*taken);
    home.run_all();
    EXPECT_EQ(calls, 0);
    ASSERT_NE(clock.armed, nullptr);
    EXPECT_EQ(clock.armed->deadline, time_point(1h) + 5s);
    taken = clock.take();
    taken->fire(*taken);
    home.run_all();
    EXPECT_EQ(calls, 1);
}

TEST(timer, S_1_21_3_callbacks_run_inside_advance_earliest_first_ties_as_armed) {
    manual_dispatcher home;
    fake_time_provider clock;
    std::string order;
    const timer c([&] { order += 'c'; }, 3s, timer::infinite, &clock);
    const timer a([&] { order += 'a'; }, 2s, timer::infinite, &clock);
    const timer b([&] { order += 'b'; }, 2s, timer::infinite, &clock);
    const timer first([&] { order += '1'; }, 1s, timer::infinite, &clock);
    clock.advance(3s);
    EXPECT_EQ(order, "1abc");
    EXPECT_EQ(home.queued(), 0U);
}

TEST(timer, S_1_21_4_one_advance_calls_a_periodic_timer_once_for_each_period_at_the_end_time) {
    manual_dispatcher home;
    fake_time_provider clock;
    const auto started = clock.now();
    std::string order;
    const timer two(
        [&] {
            order += '2';
            EXPECT_EQ(clock.now() - started, 6s);
        },
        2s, 2s, &clock);
    const timer three([&] { order += '3'; }, 3s, 3s, &clock);
    clock.advance(6s);
    EXPECT_EQ(order, "23232") << "in the order of their due times";
    clock.advance(1s);
    EXPECT_EQ(order, "23232");
}

TEST(timer, S_1_21_5_a_callback_that_moves_time_shifts_the_next_call) {
    manual_dispatcher home;
    fake_time_provider clock;
    const auto started = clock.now();
    int calls = 0;
    const timer called(
        [&] {
            if (++calls == 1) clock.advance(5s);
        },
        10s, 10s, &clock);
    clock.advance(10s);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(clock.next_deadline(), started + 25s) << "one period after the new time";
    clock.advance(10s);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(clock.next_deadline(), started + 35s);
}

TEST(timer, S_1_21_5_a_nested_advance_does_not_recurse) {
    manual_dispatcher home;
    fake_time_provider clock;
    int depth = 0;
    int deepest = 0;
    int calls = 0;
    const auto enter = [&] {
        deepest = std::max(deepest, ++depth);
        if (++calls < 5) clock.advance(1s);
        --depth;
    };
    const timer a(enter, 1s, 1s, &clock);
    const timer b(enter, 1s, 1s, &clock);
    clock.advance(1s);
    EXPECT_EQ(deepest, 1);
    EXPECT_GE(calls, 5);
}

TEST(timer, S_1_21_6_adjusting_the_wall_clock_fires_nothing_and_leaves_the_wait_as_it_was) {
    manual_dispatcher home;
    fake_time_provider clock;
    int calls = 0;
    const timer called([&] { ++calls; }, 10s, 10s, &clock);
    clock.adjust_time(clock.utc_now() + 24h);
    clock.adjust_time(clock.utc_now() - 48h);
    EXPECT_EQ(calls, 0);
    clock.advance(9s);
    EXPECT_EQ(calls, 0);
    clock.advance(1s);
    EXPECT_EQ(calls, 1);
}

TEST(timer, S_1_21_7_reading_an_automatic_clock_fires_what_falls_due) {
    manual_dispatcher home;
    fake_time_provider clock;
    int calls = 0;
    const timer called([&] { ++calls; }, 2s, timer::infinite, &clock);
    clock.set_auto_advance(1s);
    static_cast<void>(clock.now());
    EXPECT_EQ(calls, 0);
    static_cast<void>(clock.utc_now());
    EXPECT_EQ(calls, 1);
}

TEST(timer, S_1_21_8_a_timer_that_goes_is_taken_out_of_the_clock) {
    manual_dispatcher home;
    fake_time_provider clock;
    {
        const timer called([] {}, 1s, 1s, &clock);
        const periodic_timer ticking(1s, &clock);
        EXPECT_EQ(clock.pending_timers(), 2U);
    }
    EXPECT_EQ(clock.pending_timers(), 0U);
    clock.advance(10s);
}

TEST(timer, calls_have_the_async_locals_of_its_making) {
    manual_dispatcher home;
    fake_time_provider clock;
    static async_local<int> culture;
    culture.set(3);
    int seen = 0;
    const timer called([&] { seen = culture.value_or(0); }, 1s, timer::infinite, &clock);
    culture.set(4);
    clock.advance(1s);
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(culture.value_or(0), 4);
    culture.clear();
}

TEST(timer, a_coroutine_as_callback_keeps_its_closure_although_the_timer_goes) {
    deterministic_scheduler world;
    std::string seen;
    {
        std::string text = "a text that is too long to lie inside of the string itself";
        timer called(
            [text, &seen]() -> task<> {
                co_await delay(1s);
                seen = text;
            },
            1s);
        world.advance(1s);
    }
    EXPECT_EQ(seen, "");
    world.advance(1s);
    EXPECT_TRUE(seen.starts_with("a text"));
}

TEST(timer, a_real_clock_leaves_missed_periods_out_and_keeps_the_rhythm) {
    struct late_clock final : time_provider {
        time_point now() noexcept override { return time_point(105s); }
        std::chrono::system_clock::time_point utc_now() noexcept override { return {}; }
        void arm(timer_node&) noexcept override {}
        bool disarm(timer_node&) noexcept override { return true; }
    } clock;
    EXPECT_EQ(clock.next_period(time_point(100s), 10s), time_point(110s));
    EXPECT_EQ(clock.next_period(time_point(50s), 10s), time_point(110s));
    EXPECT_EQ(clock.next_period(time_point(95s), 10s), time_point(115s));
}

}  // namespace
