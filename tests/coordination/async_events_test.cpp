// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

#include "weft/event_loop_context.hpp"
#include "weft/sync/async_auto_reset_event.hpp"
#include "weft/sync/async_countdown_event.hpp"
#include "weft/sync/async_latch.hpp"
#include "weft/sync/async_manual_reset_event.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

template <class Event>
task<> note(Event& event, std::vector<int>& order, int number, cancellation_token token = {}) {
    co_await event.wait(token);
    order.push_back(number);
}

template <class Event>
std::vector<task<>> waiting(Event& event, std::vector<int>& order, int many) {
    std::vector<task<>> tasks;
    for (int i = 0; i < many; ++i) tasks.push_back(note(event, order, i));
    return tasks;
}

// ---- async_manual_reset_event

TEST(async_manual_reset_event, frees_everybody_in_order_and_stays_set) {
    deterministic_scheduler world(0);
    async_manual_reset_event door;
    std::vector<int> order;
    const auto tasks = waiting(door, order, 3);
    door.set();
    door.set();
    EXPECT_TRUE(order.empty()) << "nobody continues inside set()";
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
    const task<> late = note(door, order, 3);
    EXPECT_TRUE(late.is_completed());
    EXPECT_TRUE(door.is_set());
}

TEST(async_manual_reset_event, a_reset_at_once_does_not_keep_those_who_waited) {
    deterministic_scheduler world(0);
    async_manual_reset_event door(true);
    door.reset();
    door.reset();
    std::vector<int> order;
    const auto tasks = waiting(door, order, 3);
    door.set();
    door.reset();
    const task<> late = note(door, order, 3);
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
    EXPECT_FALSE(late.is_completed());
    door.set();
    world.run_ready();
}

TEST(async_manual_reset_event, a_wait_ends_by_limit_token_and_its_end) {
    deterministic_scheduler world(0);
    auto door = std::make_unique<async_manual_reset_event>();
    cancellation_source stop;
    const task<bool> limited = door->wait(1s);
    const task<> canceled = door->wait(stop.token());
    const task<> ended = door->wait();
    stop.cancel();
    world.run_until_idle();
    EXPECT_FALSE(limited.get());
    EXPECT_TRUE(canceled.is_canceled());
    EXPECT_FALSE(ended.is_completed());
    door.reset();
    world.run_ready();
    EXPECT_THROW(ended.get(), object_disposed);
}

TEST(async_manual_reset_event, a_set_that_came_first_wins_over_the_cancellation) {
    deterministic_scheduler world(0);
    async_manual_reset_event door;
    cancellation_source stop;
    const task<> wait = door.wait(stop.token());
    door.set();
    stop.cancel();
    world.run_ready();
    EXPECT_TRUE(wait.is_completed_successfully());
    const task<> beforehand = door.wait(stop.token());
    EXPECT_TRUE(beforehand.is_canceled()) << "a token cancelled before wins over an open door";
}

// ---- async_auto_reset_event

TEST(async_auto_reset_event, each_signal_frees_one_in_order) {
    deterministic_scheduler world(0);
    async_auto_reset_event signal;
    std::vector<int> order;
    const auto tasks = waiting(signal, order, 3);
    signal.set();
    signal.set();
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 1}));
    EXPECT_FALSE(signal.is_set());
    signal.set();
    world.run_ready();
    EXPECT_EQ(order.size(), 3U);
}

TEST(async_auto_reset_event, a_signal_without_a_taker_is_kept_once) {
    deterministic_scheduler world(0);
    async_auto_reset_event signal(true);
    signal.set();
    signal.set();
    const task<> first = signal.wait();
    const task<bool> second = signal.wait(0ms);
    EXPECT_TRUE(first.is_completed_successfully());
    EXPECT_FALSE(second.get());
    signal.set();
    signal.reset();
    EXPECT_FALSE(signal.is_set());
}

TEST(async_auto_reset_event, a_cancelled_waiter_takes_no_signal) {
    deterministic_scheduler world(0);
    async_auto_reset_event signal;
    cancellation_source stop;
    std::vector<int> order;
    const task<> first = note(signal, order, 1, stop.token());
    const task<> second = note(signal, order, 2);
    stop.cancel();
    signal.set();
    world.run_ready();
    EXPECT_EQ(order, std::vector<int>{2});
    EXPECT_FALSE(signal.is_set());
}

TEST(async_auto_reset_event, a_frame_destroyed_with_a_signal_hands_it_on) {
    event_loop_context never_pumped;
    async_auto_reset_event signal;
    {
        deterministic_scheduler world(0);
        std::vector<int> order;
        const synchronization_context_scope scope(&never_pumped);
        note(signal, order, 1).forget();
        signal.set();
        EXPECT_FALSE(signal.is_set()) << "the waiter was granted the signal, and lies in the queue of its context";
    }
    EXPECT_TRUE(signal.is_set());
    never_pumped.run_pending();
}

// ---- async_countdown_event

TEST(async_countdown_event, is_set_by_the_last_signal) {
    deterministic_scheduler world(0);
    async_countdown_event count(3);
    std::vector<int> order;
    const auto tasks = waiting(count, order, 2);
    EXPECT_FALSE(count.signal());
    EXPECT_EQ(count.current_count(), 2);
    count.add_count();
    EXPECT_FALSE(count.signal(2));
    world.run_ready();
    EXPECT_TRUE(order.empty());
    EXPECT_TRUE(count.signal());
    EXPECT_TRUE(count.is_set());
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 1}));
    EXPECT_EQ(count.initial_count(), 3);
}

TEST(async_countdown_event, refuses_what_cannot_be_counted) {
    EXPECT_THROW(async_countdown_event(-1), std::invalid_argument);
    async_countdown_event count(2);
    EXPECT_THROW(count.signal(0), std::invalid_argument);
    EXPECT_THROW(count.add_count(0), std::invalid_argument);
    EXPECT_THROW(count.add_count(2147483647), invalid_operation);
    try {
        count.signal(3);
        ADD_FAILURE() << "counted";
    } catch (const invalid_operation& error) {
        EXPECT_STREQ(error.what(), "async_countdown_event::signal(3): only 2 more are expected");
    }
    EXPECT_EQ(count.current_count(), 2);
    count.signal(2);
    EXPECT_THROW(count.signal(), invalid_operation);
    EXPECT_FALSE(count.try_add_count());
    EXPECT_THROW(count.add_count(), invalid_operation);
}

TEST(async_countdown_event, reset_starts_again) {
    deterministic_scheduler world(0);
    async_countdown_event count(0);
    EXPECT_TRUE(count.is_set());
    count.reset(2);
    EXPECT_EQ(count.initial_count(), 2);
    const task<> wait = count.wait();
    count.signal();
    count.reset();
    EXPECT_EQ(count.current_count(), 2);
    EXPECT_FALSE(wait.is_completed());
    count.reset(0);
    world.run_ready();
    EXPECT_TRUE(wait.is_completed_successfully());
    EXPECT_THROW(count.reset(-1), std::invalid_argument);
}

TEST(async_countdown_event, a_wait_ends_by_limit_or_token_and_loses_no_signal) {
    deterministic_scheduler world(0);
    async_countdown_event count(1);
    cancellation_source stop;
    const task<bool> limited = count.wait(1s);
    const task<> canceled = count.wait(stop.token());
    stop.cancel();
    world.run_until_idle();
    EXPECT_FALSE(limited.get());
    EXPECT_TRUE(canceled.is_canceled());
    EXPECT_TRUE(count.signal());
    const task<bool> after = count.wait(1s);
    EXPECT_TRUE(after.get());
}

// ---- async_latch

TEST(async_latch, opens_once_and_stays_open) {
    deterministic_scheduler world(0);
    async_latch latch(2);
    std::vector<int> order;
    const auto tasks = waiting(latch, order, 2);
    EXPECT_FALSE(latch.try_wait());
    latch.count_down();
    latch.count_down(0);
    EXPECT_EQ(latch.remaining(), 1);
    latch.count_down();
    EXPECT_TRUE(latch.try_wait());
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 1}));
    EXPECT_THROW(latch.count_down(), invalid_operation);
    EXPECT_THROW(latch.count_down(-1), std::invalid_argument);
    EXPECT_THROW(async_latch(-1), std::invalid_argument);
}

TEST(async_latch, arriving_tasks_wait_for_each_other) {
    deterministic_scheduler world(0);
    async_latch latch(3);
    int passed = 0;
    auto arrive = [&]() -> task<> {
        co_await latch.arrive_and_wait();
        ++passed;
    };
    const task<> first = arrive();
    const task<> second = arrive();
    world.run_ready();
    EXPECT_EQ(passed, 0);
    const task<> third = arrive();
    EXPECT_TRUE(third.is_completed());
    world.run_ready();
    EXPECT_EQ(passed, 3);
    const task<> fourth = arrive();
    EXPECT_THROW(fourth.get(), invalid_operation);
}

TEST(async_latch, a_cancelled_arrival_counts_unless_it_was_cancelled_before) {
    deterministic_scheduler world(0);
    async_latch latch(2);
    cancellation_source stop;
    const task<> arrival = latch.arrive_and_wait(stop.token());
    stop.cancel();
    world.run_ready();
    EXPECT_TRUE(arrival.is_canceled());
    EXPECT_EQ(latch.remaining(), 1);
    const task<> beforehand = latch.arrive_and_wait(stop.token());
    EXPECT_TRUE(beforehand.is_canceled());
    EXPECT_EQ(latch.remaining(), 1);
}

TEST(async_latch, the_frame_that_waits_may_own_it) {
    deterministic_scheduler world(0);
    auto work = [](async_latch& done) -> task<> {
        static_cast<void>(co_await done.wait(0ms));
        done.count_down();
    };
    auto all = [](auto each) -> task<> {
        async_latch done(10);
        for (int i = 0; i < 10; ++i) each(done).forget();
        co_await done.wait();
    };
    world.run(all(work));
}

}  // namespace
