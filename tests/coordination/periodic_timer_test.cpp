// Ticks to wait for (semantics 1.20).
// SPDX-License-Identifier: MIT

#include "weft/periodic_timer.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "weft/async_local.hpp"
#include "weft/delay.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/testing/fake_time_provider.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;
using weft::testing::fake_time_provider;
using weft_test::manual_dispatcher;

TEST(periodic_timer, S_1_20_1_the_period_is_at_least_a_millisecond_and_below_the_limit) {
    manual_dispatcher home;
    fake_time_provider clock;
    EXPECT_THROW(periodic_timer(0ms, &clock), std::invalid_argument);
    EXPECT_THROW(periodic_timer(999us, &clock), std::invalid_argument);
    EXPECT_THROW(periodic_timer(-2ms, &clock), std::invalid_argument);
    EXPECT_THROW(periodic_timer(cancellation_source::longest_delay + 1ms, &clock), std::invalid_argument);
    EXPECT_EQ(periodic_timer(1ms, &clock).period(), 1ms);
    EXPECT_EQ(periodic_timer(cancellation_source::longest_delay, &clock).period(), cancellation_source::longest_delay);
    periodic_timer never(periodic_timer::infinite, &clock);
    clock.advance(1h);
    task<bool> wait = never.wait_for_next_tick().as_task();
    EXPECT_FALSE(wait.is_completed());
    EXPECT_THROW(never.set_period(0ms), std::invalid_argument);
    never.set_period(2s);
    EXPECT_EQ(never.period(), 2s);
    clock.advance(2s);
    home.run_all();
    EXPECT_TRUE(wait.get());
    never.dispose();
    EXPECT_THROW(never.set_period(2s), object_disposed);
}

TEST(periodic_timer, S_1_20_2_ticks_that_nobody_waited_for_count_as_one) {
    manual_dispatcher home;
    fake_time_provider clock;
    periodic_timer ticking(1s, &clock);
    clock.advance(5s);
    value_task<bool> first = ticking.wait_for_next_tick();
    EXPECT_TRUE(first.is_completed());
    EXPECT_TRUE(std::move(first).get());
    task<bool> second = ticking.wait_for_next_tick().as_task();
    EXPECT_FALSE(second.is_completed());
    clock.advance(1s);
    home.run_all();
    EXPECT_TRUE(second.get());
}

TEST(periodic_timer, S_1_20_2_the_rhythm_does_not_depend_on_the_work) {
    deterministic_scheduler world;
    const auto started = world.time().now();
    std::vector<std::chrono::nanoseconds> turns;
    const auto loop = [&]() -> task<> {
        periodic_timer ticking(10ms);
        while (turns.size() < 4) {
            const bool ticked = co_await ticking.wait_for_next_tick();
            EXPECT_TRUE(ticked);
            turns.push_back(world.time().now() - started);
            co_await delay(4ms);
        }
    };
    world.run(loop());
    EXPECT_EQ(turns, (std::vector<std::chrono::nanoseconds>{10ms, 20ms, 30ms, 40ms}));
}

TEST(periodic_timer, S_1_20_3_a_second_wait_is_refused) {
    manual_dispatcher home;
    fake_time_provider clock;
    periodic_timer ticking(1s, &clock);
    task<bool> wait = ticking.wait_for_next_tick().as_task();
    EXPECT_THROW(static_cast<void>(ticking.wait_for_next_tick()), invalid_operation);
    clock.advance(1s);
    EXPECT_THROW(static_cast<void>(ticking.wait_for_next_tick()), invalid_operation) << "it has not gone on yet";
    home.run_all();
    EXPECT_TRUE(wait.get());
    wait = ticking.wait_for_next_tick().as_task();
    clock.advance(1s);
    home.run_all();
    EXPECT_TRUE(wait.get());
}

TEST(periodic_timer, S_1_20_4_dispose_gives_false_to_the_pending_wait_and_all_later_ones) {
    manual_dispatcher home;
    fake_time_provider clock;
    periodic_timer ticking(1s, &clock);
    task<bool> wait = ticking.wait_for_next_tick().as_task();
    ticking.dispose();
    EXPECT_FALSE(wait.is_completed()) << "never inside dispose()";
    home.run_all();
    EXPECT_FALSE(wait.get());
    EXPECT_FALSE(ticking.wait_for_next_tick().get());
    EXPECT_FALSE(ticking.wait_for_next_tick().get());
    ticking.dispose();
}

TEST(periodic_timer, S_1_20_4_dispose_drops_a_tick_that_is_there) {
    manual_dispatcher home;
    fake_time_provider clock;
    periodic_timer ticking(1s, &clock);
    clock.advance(1s);
    ticking.dispose();
    EXPECT_FALSE(ticking.wait_for_next_tick().get());
    EXPECT_EQ(clock.pending_timers(), 0U);
}

TEST(periodic_timer, S_1_20_5_cancelling_a_wait_cancels_that_wait_only) {
    manual_dispatcher home;
    fake_time_provider clock;
    periodic_timer ticking(1s, &clock);
    cancellation_source source;
    task<bool> wait = ticking.wait_for_next_tick(source.token()).as_task();
    source.cancel();
    home.run_all();
    ASSERT_TRUE(wait.is_canceled());
    try {
        static_cast<void>(wait.get());
    } catch (const operation_canceled& error) {
        EXPECT_EQ(error.token(), source.token());
    }
    cancellation_source other;
    wait = ticking.wait_for_next_tick(other.token()).as_task();
    clock.advance(1s);
    other.cancel();  // too late
    home.run_all();
    EXPECT_TRUE(wait.get());
}

TEST(periodic_timer, S_1_20_6_a_token_cancelled_beforehand_wins_over_a_tick_which_stays) {
    manual_dispatcher home;
    fake_time_provider clock;
    periodic_timer ticking(1s, &clock);
    clock.advance(1s);
    cancellation_source source;
    source.cancel();
    EXPECT_TRUE(ticking.wait_for_next_tick(source.token()).as_task().is_canceled());
    EXPECT_TRUE(ticking.wait_for_next_tick().get());
}

TEST(periodic_timer, S_1_20_7_it_takes_no_async_locals_along_and_a_pending_wait_outlives_it) {
    manual_dispatcher home;
    fake_time_provider clock;
    static int changes = 0;
    async_local<int> watched([](const async_local<int>::change&) { ++changes; });
    watched.set(1);
    changes = 0;
    std::optional<periodic_timer> ticking(std::in_place, 1s, &clock);
    watched.clear();
    changes = 0;
    clock.advance(3s);
    EXPECT_EQ(changes, 0) << "no other context came into force while it ticked";
    static_cast<void>(ticking->wait_for_next_tick().get());
    task<bool> wait = ticking->wait_for_next_tick().as_task();
    ticking.reset();
    EXPECT_EQ(clock.pending_timers(), 0U);
    home.run_all();
    EXPECT_FALSE(wait.get());
}

TEST(periodic_timer, a_wait_without_capture_does_not_come_back_to_the_context) {
    deterministic_scheduler world;
    std::optional<bool> ended;
    const auto loop = [&]() -> task<> {
        periodic_timer ticking(5ms);
        const bool ticked = co_await ticking.wait_for_next_tick().configure_await(false);
        ended = ticked;
    };
    task<> running = loop();
    world.advance(5ms);
    EXPECT_EQ(ended, true);
    running.get();
}

}  // namespace
