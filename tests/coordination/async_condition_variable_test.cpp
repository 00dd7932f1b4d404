// SPDX-License-Identifier: MIT
#include "weft/sync/async_condition_variable.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <memory>
#include <vector>

#include "weft/delay.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

struct shared_queue {
    async_mutex mutex;
    async_condition_variable changed;
    std::deque<int> items;
};

TEST(async_condition_variable, no_item_of_a_queue_is_lost_under_any_schedule) {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        deterministic_scheduler world(seed);
        shared_queue queue;
        std::vector<int> taken;
        auto consume = [](shared_queue& from, std::vector<int>& into, int many) -> task<> {
            for (int i = 0; i < many; ++i) {
                async_mutex::guard lock = co_await from.mutex.lock();
                auto any = [&from] { return !from.items.empty(); };
                co_await from.changed.wait(lock, any);
                EXPECT_TRUE(lock.owns_lock());
                into.push_back(from.items.front());
                from.items.pop_front();
            }
        };
        auto produce = [](shared_queue& into, int first, bool locked) -> task<> {
            for (int i = first; i < first + 6; ++i) {
                {
                    const auto lock = co_await into.mutex.lock();
                    into.items.push_back(i);
                    if (locked) into.changed.notify_one();
                }
                if (!locked) into.changed.notify_one();
                co_await yield();
            }
        };
        std::vector<task<>> tasks;
        for (int i = 0; i < 3; ++i) tasks.push_back(consume(queue, taken, 4));
        tasks.push_back(produce(queue, 0, true));
        tasks.push_back(produce(queue, 6, false));
        world.run_until_idle();
        for (const task<>& each : tasks) {
            ASSERT_TRUE(each.is_completed()) << "seed " << seed;
            each.get();
        }
        EXPECT_EQ(taken.size(), 12U);
        EXPECT_FALSE(queue.mutex.is_locked());
    }
}

TEST(async_condition_variable, notify_one_frees_the_first_and_notify_all_everybody) {
    deterministic_scheduler world(0);
    async_mutex mutex;
    async_condition_variable changed;
    std::vector<int> order;
    auto wait = [](async_mutex& of, async_condition_variable& on, std::vector<int>& into, int number) -> task<> {
        async_mutex::guard lock = co_await of.lock();
        co_await on.wait(lock);
        into.push_back(number);
    };
    std::vector<task<>> tasks;
    for (int i = 0; i < 4; ++i) tasks.push_back(wait(mutex, changed, order, i));
    EXPECT_FALSE(mutex.is_locked()) << "waiting unlocks";
    changed.notify_one();
    world.run_ready();
    EXPECT_EQ(order, std::vector<int>{0});
    changed.notify_all();
    changed.notify_all();
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

TEST(async_condition_variable, a_cancelled_wait_holds_the_mutex_again_and_takes_no_notification) {
    deterministic_scheduler world(0);
    async_mutex mutex;
    async_condition_variable changed;
    cancellation_source stop;
    bool notified = false;
    auto cancelled = [](async_mutex& of, async_condition_variable& on, cancellation_token token) -> task<> {
        async_mutex::guard lock = co_await of.lock();
        task<> waiting = on.wait(lock, token).as_task();
        const auto end = co_await waiting.as_outcome();
        EXPECT_TRUE(end.is_canceled());
        EXPECT_TRUE(lock.owns_lock());
        EXPECT_TRUE(of.is_locked());
    };
    auto waits = [](async_mutex& of, async_condition_variable& on, bool& note) -> task<> {
        async_mutex::guard lock = co_await of.lock();
        note = co_await on.wait(lock, 1h);
    };
    const task<> first = cancelled(mutex, changed, stop.token());
    const task<> second = waits(mutex, changed, notified);
    stop.cancel();
    changed.notify_one();
    world.run_ready();
    first.get();
    ASSERT_TRUE(second.is_completed());
    EXPECT_TRUE(notified);
    // A token that is cancelled beforehand leaves the mutex locked throughout.
    const task<> third = cancelled(mutex, changed, stop.token());
    EXPECT_TRUE(third.is_completed_successfully());
    EXPECT_FALSE(mutex.is_locked());
}

TEST(async_condition_variable, a_limit_that_passes_gives_false_with_the_mutex_locked) {
    deterministic_scheduler world(0);
    async_mutex mutex;
    async_condition_variable changed;
    auto waits = [](async_mutex& of, async_condition_variable& on) -> task<bool> {
        async_mutex::guard lock = co_await of.lock();
        const bool at_once = co_await on.wait(lock, 0ms);
        EXPECT_FALSE(at_once);
        const bool notified = co_await on.wait(lock, 1s);
        EXPECT_TRUE(lock.owns_lock());
        co_return notified;
    };
    const task<bool> waiting = waits(mutex, changed);
    world.run_until_idle();
    EXPECT_FALSE(waiting.get());
    EXPECT_FALSE(mutex.is_locked());
}

TEST(async_condition_variable, waiting_without_the_lock_is_refused) {
    deterministic_scheduler world(0);
    async_condition_variable changed;
    async_mutex::guard none;
    const task<> waiting = changed.wait(none).as_task();
    EXPECT_THROW(waiting.get(), invalid_operation);
}

TEST(async_condition_variable, a_notification_granted_to_a_destroyed_frame_goes_to_the_next) {
    async_mutex mutex;
    async_condition_variable changed;
    {
        deterministic_scheduler world(0);
        auto waits = [](async_mutex& of, async_condition_variable& on) -> task<> {
            async_mutex::guard lock = co_await of.lock();
            co_await on.wait(lock);
            co_await delay(1h);
        };
        for (int i = 0; i < 3; ++i) waits(mutex, changed).forget();
        changed.notify_one();
        world.run_ready();
        EXPECT_TRUE(mutex.is_locked());
    }
    EXPECT_FALSE(mutex.is_locked());
    changed.notify_all();
}

TEST(async_condition_variable, its_end_ends_the_waits_with_the_mutex_locked) {
    deterministic_scheduler world(0);
    async_mutex mutex;
    auto changed = std::make_unique<async_condition_variable>();
    auto waits = [](async_mutex& of, async_condition_variable& on) -> task<> {
        async_mutex::guard lock = co_await of.lock();
        co_await on.wait(lock);
    };
    const task<> waiting = waits(mutex, *changed);
    changed.reset();
    world.run_ready();
    EXPECT_THROW(waiting.get(), object_disposed);
    EXPECT_FALSE(mutex.is_locked());
}

}  // namespace
