// The schedulers and the context that stand over the pool (semantics 1.11/5, 1.11/6).
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "support/eventually.hpp"
#include "support/scale.hpp"
#include "weft/async_void.hpp"
#include "weft/concurrent_exclusive_scheduler_pair.hpp"
#include "weft/limited_concurrency_scheduler.hpp"
#include "weft/serial_context.hpp"
#include "weft/start_new.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/wait_all.hpp"
#include "weft/when_all.hpp"
#include "weft/would_deadlock.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using weft::testing::deterministic_scheduler;

/// How many are inside, and the most that ever were.
class crowd {
public:
    void enter() {
        const int now = inside_.fetch_add(1) + 1;
        int most = most_.load();
        while (now > most && !most_.compare_exchange_weak(most, now)) {}
    }
    void leave() { inside_.fetch_sub(1); }
    [[nodiscard]] int inside() const { return inside_.load(); }
    [[nodiscard]] int most() const { return most_.load(); }

private:
    std::atomic<int> inside_{0};
    std::atomic<int> most_{0};
};

TEST(limited_concurrency_scheduler, it_runs_everything_in_order_one_at_a_time_with_limit_one) {
    limited_concurrency_scheduler scheduler(1);
    std::vector<int> order;
    std::vector<task<>> all;
    for (int i = 0; i < 100; ++i)
        all.push_back(start_new([&order, i] { order.push_back(i); }, creation_options::none, &scheduler));
    wait_all(all);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(limited_concurrency_scheduler, S_1_11_5_it_never_runs_more_than_its_limit) {
    limited_concurrency_scheduler scheduler(2);
    EXPECT_EQ(scheduler.maximum_concurrency(), 2);
    crowd inside;
    std::vector<task<>> all;
    for (int i = 0; i < weft_test::scaled(2000); ++i)
        all.push_back(start_new(
            [&] {
                inside.enter();
                inside.leave();
            },
            creation_options::none, &scheduler));
    wait_all(all);
    EXPECT_LE(inside.most(), 2);
    EXPECT_THROW(limited_concurrency_scheduler(0), std::invalid_argument);
}

TEST(limited_concurrency_scheduler, awaits_of_its_tasks_come_back_to_it) {
    limited_concurrency_scheduler scheduler(1);
    const auto body = [&]() -> task<bool> {
        co_await yield();
        co_return &task_scheduler::current() == &scheduler;
    };
    EXPECT_TRUE(unwrap(start_new(body, creation_options::none, &scheduler)).get());
}

TEST(limited_concurrency_scheduler, a_wait_inside_runs_what_is_queued_behind) {
    limited_concurrency_scheduler scheduler(1);
    int ran = 0;
    task<> outer = start_new(
        [&] {
            task<> inner = start_new([&] { ran = 1; }, creation_options::none, &scheduler);
            inner.wait();  // with a limit of one nobody else could run it (1.8/8)
            EXPECT_EQ(ran, 1);
        },
        creation_options::none, &scheduler);
    outer.wait();
}

TEST(concurrent_exclusive, S_1_11_6_an_exclusive_task_runs_alone_and_concurrent_ones_together) {
    concurrent_exclusive_scheduler_pair pair(4);
    crowd readers;
    crowd writers;
    std::atomic<bool> broken{false};
    std::vector<task<>> all;
    for (int i = 0; i < weft_test::scaled(2000); ++i) {
        if (i % 5 == 0)
            all.push_back(start_new(
                [&] {
                    writers.enter();
                    if (writers.inside() != 1 || readers.inside() != 0) broken = true;
                    writers.leave();
                },
                creation_options::none, &pair.exclusive()));
        else
            all.push_back(start_new(
                [&] {
                    readers.enter();
                    if (writers.inside() != 0) broken = true;
                    readers.leave();
                },
                creation_options::none, &pair.concurrent()));
    }
    wait_all(all);
    EXPECT_FALSE(broken);
    EXPECT_LE(readers.most(), 4);
    EXPECT_EQ(pair.exclusive().maximum_concurrency(), 1);
    EXPECT_EQ(pair.concurrent().maximum_concurrency(), 4);
}

TEST(concurrent_exclusive, S_1_11_6_concurrent_tasks_really_run_together) {
    concurrent_exclusive_scheduler_pair pair(2);
    std::atomic<int> inside{0};
    const auto meet = [&] {
        inside.fetch_add(1);
        EXPECT_TRUE(weft_test::eventually([&] { return inside.load() == 2; }));
    };
    task<> a = start_new(meet, creation_options::none, &pair.concurrent());
    task<> b = start_new(meet, creation_options::none, &pair.concurrent());
    wait_all(a, b);
}

TEST(concurrent_exclusive, S_1_11_6_a_waiting_exclusive_task_goes_before_concurrent_ones) {
    deterministic_scheduler world;
    concurrent_exclusive_scheduler_pair pair(1);
    std::string order;
    const auto note = [&order](char what) { return [&order, what] { order += what; }; };
    task<> first = start_new(note('a'), creation_options::none, &pair.concurrent());
    task<> second = start_new(note('b'), creation_options::none, &pair.concurrent());
    task<> writer = start_new(note('X'), creation_options::none, &pair.exclusive());
    world.run_until_idle();
    EXPECT_EQ(order, "aXb");
    EXPECT_TRUE(first.is_completed() && second.is_completed() && writer.is_completed());
}

TEST(concurrent_exclusive, S_1_11_6_complete_lets_queued_work_finish_and_refuses_more) {
    deterministic_scheduler world;
    concurrent_exclusive_scheduler_pair pair;
    int ran = 0;
    task<> queued = start_new([&] { ++ran; }, creation_options::none, &pair.exclusive());
    pair.complete();
    EXPECT_FALSE(pair.completion().is_completed());
    EXPECT_THROW(start_new([] {}, creation_options::none, &pair.concurrent()).forget(), task_scheduler_exception);
    world.run_until_idle();
    EXPECT_EQ(ran, 1);
    EXPECT_TRUE(queued.is_completed());
    EXPECT_TRUE(pair.completion().is_completed());
}

// ---- the context of a request

task<> count_up(int& shared, int times) {
    for (int i = 0; i < times; ++i) {
        const int seen = shared;
        co_await yield();
        shared = seen == shared ? seen + 1 : shared + 1;  // no lock: one at a time
    }
}

TEST(serial_context, it_runs_one_callback_at_a_time) {
    serial_context context;
    int shared = 0;
    const int times = weft_test::scaled(500);
    const auto request = [&]() -> task<> {
        std::vector<task<>> all;
        for (int i = 0; i < 4; ++i) all.push_back(count_up(shared, times));
        co_await when_all(all);
    };
    context.run(request).get();
    EXPECT_EQ(shared, 4 * times);
}

TEST(serial_context, code_in_it_sees_it_as_current_and_comes_back_to_it) {
    serial_context context;
    const auto request = [&]() -> task<bool> {
        const bool before = synchronization_context::current() == &context;
        co_await yield();
        co_return before&& synchronization_context::current() == &context;
    };
    EXPECT_TRUE(context.run(request).get());
    EXPECT_EQ(synchronization_context::current(), nullptr);
}

async_void set_later(task<> signal, bool& set) {
    co_await signal;
    set = true;
}
async_void throw_later(task<> signal) {
    co_await signal;
    throw std::runtime_error("in the background");
}

TEST(serial_context, a_request_ends_only_when_its_async_void_operations_have) {
    deterministic_scheduler world;
    serial_context context;
    task_completion_source<> signal;
    bool set = false;
    const auto request = [&]() -> task<> {
        set_later(signal.task(), set);
        co_return;
    };
    task<> running = context.run(request);
    world.run_until_idle();
    EXPECT_FALSE(running.is_completed());
    signal.set_result();
    world.run_until_idle();
    EXPECT_TRUE(set);
    EXPECT_TRUE(running.is_completed_successfully());
}

TEST(serial_context, an_exception_of_an_async_void_is_the_requests) {
    deterministic_scheduler world;
    serial_context context;
    task_completion_source<> signal;
    const auto request = [&]() -> task<> {
        throw_later(signal.task());
        co_return;
    };
    task<> running = context.run(request);
    world.run_until_idle();
    signal.set_result();
    world.run_until_idle();
    EXPECT_THROW(running.get(), std::runtime_error);
    const auto failing = []() -> task<> {
        throw std::logic_error("body");
        co_return;
    };
    EXPECT_THROW(world.run(context.run(failing)), std::logic_error);
}

TEST(serial_context, send_waits_for_its_turn_and_throws_here) {
    serial_context context;
    int value = 0;
    context.send([&] { value = 1; });
    EXPECT_EQ(value, 1);
    EXPECT_THROW(context.send([] { throw std::runtime_error("sent"); }), std::runtime_error);
}

TEST(serial_context, blocking_on_what_needs_it_is_told) {
    serial_context context;
    const auto needs_it = []() -> task<> { co_await yield(); };
    const auto request = [&]() -> task<bool> {
        task<> inner = needs_it();
        bool told = false;
        try {
            inner.wait();
        } catch (const would_deadlock&) {
            told = true;
        }
        co_await inner;
        co_return told;
    };
    EXPECT_TRUE(context.run(request).get());
}

}  // namespace
