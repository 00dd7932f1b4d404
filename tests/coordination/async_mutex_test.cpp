// SPDX-License-Identifier: MIT
#include "weft/sync/async_mutex.hpp"

#include <gtest/gtest.h>
#include <malloc.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/allocation_counter.hpp"
#include "support/scale.hpp"
#include "weft/delay.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/when_all.hpp"
#include "weft/when_any.hpp"
#include "weft/when_each.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

static_assert(sizeof(async_mutex) <= 32);
static_assert(sizeof(async_mutex::lock_operation) <= 128 && sizeof(async_mutex::timed_lock_operation) <= 128,
    "an operation stands in every frame that awaits one");

task<> enter(async_mutex& mutex, std::vector<int>& order, int number, cancellation_token token = {}) {
    const auto lock = co_await mutex.lock(token);
    order.push_back(number);
    co_await yield();
    order.push_back(number);
}

TEST(async_mutex, lets_one_task_in_at_a_time_in_the_order_of_coming) {
    deterministic_scheduler world(0);
    async_mutex mutex;
    std::vector<int> order;
    std::vector<task<>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(enter(mutex, order, i));
    EXPECT_TRUE(mutex.is_locked());
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 0, 1, 1, 2, 2, 3, 3}));
    EXPECT_FALSE(mutex.is_locked());
}

TEST(async_mutex, a_cancelled_waiter_moves_nobody_else) {
    deterministic_scheduler world(0);
    async_mutex mutex;
    std::vector<int> order;
    cancellation_source stop;
    std::vector<task<>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(enter(mutex, order, i, i == 2 ? stop.token() : cancellation_token()));
    stop.cancel();
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 0, 1, 1, 3, 3, 4, 4}));
    EXPECT_TRUE(tasks[2].is_canceled());
}

TEST(async_mutex, try_lock_and_a_limit_give_a_guard_of_nothing) {
    deterministic_scheduler world(0);
    async_mutex mutex;
    auto first = mutex.try_lock();
    EXPECT_TRUE(first.owns_lock());
    EXPECT_EQ(first.mutex(), &mutex);
    EXPECT_FALSE(mutex.try_lock());
    auto attempt = [](async_mutex& of) -> task<bool> {
        const auto lock = co_await of.lock(1s);
        co_return lock.owns_lock();
    };
    const task<bool> refused = attempt(mutex);
    world.run_until_idle();
    EXPECT_FALSE(refused.get());
    const task<bool> admitted = attempt(mutex);
    first.unlock();
    world.run_until_idle();
    EXPECT_TRUE(admitted.get());
    EXPECT_FALSE(mutex.is_locked());
}

TEST(async_mutex, unlocking_what_is_not_held_is_refused) {
    async_mutex mutex;
    try {
        mutex.unlock();
        ADD_FAILURE() << "unlocked";
    } catch (const invalid_operation& error) {
        EXPECT_STREQ(error.what(), "async_mutex::unlock: the mutex is not locked");
    }
    async_mutex::guard guard = mutex.try_lock();
    guard.unlock();
    EXPECT_THROW(guard.unlock(), invalid_operation);
    guard = mutex.try_lock();
    async_mutex* kept = guard.release();
    EXPECT_FALSE(guard);
    EXPECT_TRUE(mutex.is_locked());
    kept->unlock();
    EXPECT_FALSE(mutex.is_locked());
}

TEST(async_mutex, a_waiter_comes_back_to_its_context) {
    deterministic_scheduler world(0);
    event_loop_context loop;
    async_mutex mutex;
    auto holder = mutex.try_lock();
    std::optional<task<>> waiting;
    {
        const synchronization_context_scope scope(&loop);
        waiting = [](async_mutex& of, event_loop_context& home) -> task<> {
            const auto lock = co_await of.lock();
            EXPECT_EQ(synchronization_context::current(), &home);
        }(mutex, loop);
    }
    holder.unlock();
    world.run_ready();
    EXPECT_FALSE(waiting->is_completed());
    EXPECT_EQ(loop.run_pending(), 1U);
    EXPECT_TRUE(waiting->is_completed_successfully());
}

TEST(async_mutex, waits_by_the_clock_of_the_runtime) {
    deterministic_scheduler world(0);
    async_mutex mutex;
    const auto holder = mutex.try_lock();
    const time_point before = world.time().now();
    auto attempt = [](async_mutex& of) -> task<> { const auto lock = co_await of.lock(24h); };
    world.run(attempt(mutex));
    EXPECT_EQ(world.time().now() - before, 24h);
}

TEST(async_mutex, frames_destroyed_while_they_wait_pass_the_mutex_on_and_its_end_lets_them_go) {
    async_mutex outside;
    {
        deterministic_scheduler world(0);
        auto hold = [](async_mutex& of) -> task<> {
            const auto lock = co_await of.lock();
            co_await delay(1h);
        };
        for (int i = 0; i < 4; ++i) hold(outside).forget();
        // This one goes before those that wait for its mutex.
        auto own = [](auto holding) -> task<> {
            async_mutex inside;
            auto lock = inside.try_lock();
            holding(inside).forget();
            holding(inside).forget();
            co_await delay(1h);
        };
        own(hold).forget();
        world.run_ready();
        EXPECT_TRUE(outside.is_locked());
    }
    EXPECT_FALSE(outside.is_locked());
}

// Shutdown destroys what a task awaits before the task, through combinators as well: the guards below refer to their parent's
// mutex.
TEST(async_mutex, may_be_a_local_of_the_task_that_awaits_those_who_hold_it) {
    auto hold = [](async_mutex& of) -> task<> {
        const auto lock = co_await of.lock();
        co_await delay(1h);
    };
    auto all = [](auto holding) -> task<> {
        async_mutex inside;
        task<> first = holding(inside);
        task<> second = holding(inside);
        co_await when_all(first, second);
    };
    auto any = [](auto holding) -> task<> {
        async_mutex inside;
        task<> first = holding(inside);
        task<> second = holding(inside);
        co_await when_any(first, second);
    };
    auto each = [](auto holding) -> task<> {
        async_mutex inside;
        std::vector<task<>> both;
        both.push_back(holding(inside));
        both.push_back(holding(inside));
        auto ended = when_each(std::move(both));
        const auto next = co_await ended.next();
        EXPECT_FALSE(next.has_value());
    };
    deterministic_scheduler world(0);
    all(hold).forget();
    any(hold).forget();
    each(hold).forget();
    world.run_ready();
}

TEST(async_mutex, a_frame_destroyed_after_the_mutex_was_handed_to_it_passes_it_on) {
    event_loop_context never_pumped;
    async_mutex mutex;
    {
        deterministic_scheduler world(0);
        std::vector<int> order;
        const synchronization_context_scope scope(&never_pumped);
        auto holder = mutex.try_lock();
        enter(mutex, order, 1).forget();
        enter(mutex, order, 2).forget();
        holder.unlock();
        EXPECT_TRUE(mutex.is_locked());
    }
    EXPECT_FALSE(mutex.is_locked());
    never_pumped.run_pending();
}

TEST(async_mutex, a_million_cancelled_waiters_behind_a_live_one_leave_no_trace) {
    deterministic_scheduler world(0);
    async_mutex mutex;
    auto holder = mutex.try_lock();
    std::vector<int> order;
    const task<> live = enter(mutex, order, 1);
    const auto wave = [&](int many) {
        cancellation_source stop;
        std::vector<task<>> waiting;
        waiting.reserve(static_cast<std::size_t>(many));
        for (int i = 0; i < many; ++i) waiting.push_back(enter(mutex, order, 2, stop.token()));
        stop.cancel();
        world.run_ready();
        for (const task<>& each : waiting) EXPECT_TRUE(each.is_canceled());
    };
    const int many = weft_test::scaled(1'000'000) / 100;
    wave(many);  // fills the recycled frames
    const std::size_t waiting_tasks = world.suspended_tasks();
    const std::size_t bytes = mallinfo2().uordblks;
    for (int i = 0; i < 99; ++i) wave(many);
    EXPECT_EQ(world.suspended_tasks(), waiting_tasks);
    const std::size_t most = weft_test::allocation_counter::is_available ? bytes + 65536 : SIZE_MAX;
    EXPECT_LE(mallinfo2().uordblks, most) << "memory is back at its base";
    holder.unlock();
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{1, 1})) << "the live waiter, and none of the cancelled";
    EXPECT_TRUE(live.is_completed_successfully());
    EXPECT_FALSE(mutex.is_locked());
}

TEST(async_mutex, locking_allocates_nothing) {
    if (!weft_test::allocation_counter::is_available) GTEST_SKIP();
    deterministic_scheduler world(0);
    async_mutex mutex;
    auto loop = [](async_mutex& of, int rounds) -> task<> {
        for (int i = 0; i < rounds; ++i) {
            const auto lock = co_await of.lock();
            co_await yield();
        }
    };
    auto both = [&](int rounds) {
        task<> first = loop(mutex, rounds);
        task<> second = loop(mutex, rounds);
        world.run(std::move(first));
        world.run(std::move(second));
    };
    both(100);
    const weft_test::allocation_counter counter;
    both(1000);
    EXPECT_LE(counter.count(), 40U) << "the scheduler's own queue grows by blocks; 4000 locks allocate nothing";
}

}  // namespace
