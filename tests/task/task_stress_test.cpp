// The status word under real threads: awaiters, removers and completers race; run under ThreadSanitizer in CI.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <thread>
#include <vector>

#include "support/manual_scheduler.hpp"
#include "support/scale.hpp"
#include "weft/delay.hpp"
#include "weft/run.hpp"
#include "weft/start_new.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/wait_async.hpp"
#include "weft/when_all.hpp"
#include "weft/when_any.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

task<> counts(task<int> shared, std::atomic<int>& total) {
    const int value = co_await shared;
    total.fetch_add(value, std::memory_order_relaxed);
}

TEST(task_stress, many_threads_await_one_task_while_another_completes_it) {
    const int rounds = weft_test::scaled(2000);
    for (int round = 0; round < rounds; ++round) {
        task_completion_source<int> source;
        task<int> shared = source.task();
        std::atomic<int> total{0};
        std::vector<task<>> waiters(6);
        {
            std::barrier start(3);
            std::jthread left([&] {
                start.arrive_and_wait();
                for (int i = 0; i < 3; ++i) waiters[static_cast<std::size_t>(i)] = counts(shared, total);
            });
            std::jthread right([&] {
                start.arrive_and_wait();
                for (int i = 3; i < 6; ++i) waiters[static_cast<std::size_t>(i)] = counts(shared, total);
            });
            start.arrive_and_wait();
            source.set_result(1);
        }
        for (task<>& each : waiters) each.get();
        EXPECT_EQ(total, 6);
    }
}

TEST(task_stress, when_any_registers_wins_and_removes_against_completions_on_other_threads) {
    const int rounds = weft_test::scaled(3000);
    for (int round = 0; round < rounds; ++round) {
        task_completion_source<> a;
        task_completion_source<> b;
        task_completion_source<> never;
        std::barrier start(3);
        std::jthread first([&] {
            start.arrive_and_wait();
            a.set_result();
        });
        std::jthread second([&] {
            start.arrive_and_wait();
            b.set_result();
        });
        std::vector<task<>> tasks{never.task(), a.task(), b.task()};
        start.arrive_and_wait();
        const std::size_t index = when_any(tasks).get().index;
        EXPECT_NE(index, 0U);
        EXPECT_EQ(never.task().core_or_null()->word.load(), 0U);
    }
}

TEST(task_stress, timed_waits_race_with_completion_and_cancellation) {
    const int rounds = weft_test::scaled(2000);
    for (int round = 0; round < rounds; ++round) {
        task_completion_source<int> source;
        cancellation_source stop;
        task<int> bounded = source.task().wait_async(1h, stop.token());
        std::jthread completes([&] { source.set_result(3); });
        std::jthread cancels([&] { stop.cancel(); });
        try {
            EXPECT_EQ(bounded.get(), 3);
        } catch (const operation_canceled&) {
            EXPECT_TRUE(bounded.is_canceled());
        }
    }
}

task<int> tree(int depth) {
    if (depth == 0) {
        co_await yield();
        co_return 1;
    }
    task<int> left = run(tree, depth - 1);
    const int right = co_await tree(depth - 1);
    co_return right + co_await left;
}

TEST(task_stress, a_tree_of_tasks_over_the_pool_joins) {
    const int rounds = weft_test::scaled(40);
    for (int round = 0; round < rounds; ++round) EXPECT_EQ(tree(10).get(), 1024);
}

task<> sleeps_or_stops(cancellation_token token, std::atomic<int>& ended) {
    outcome<> result = co_await delay(1ms, token).as_task().as_outcome();
    static_cast<void>(result);
    ended.fetch_add(1, std::memory_order_relaxed);
}

TEST(task_stress, timers_race_with_their_cancellation) {
    const int rounds = weft_test::scaled(200);
    for (int round = 0; round < rounds; ++round) {
        cancellation_source stop;
        std::atomic<int> ended{0};
        std::vector<task<>> all;
        for (int i = 0; i < 20; ++i) all.push_back(sleeps_or_stops(stop.token(), ended));
        std::this_thread::sleep_for(std::chrono::microseconds(900 + round % 200));
        stop.cancel();
        when_all(all).get();
        EXPECT_EQ(ended, 20);
    }
}

/// Cancels `source` in each round, up to five microseconds after it was told to.
class canceller {
public:
    explicit canceller(int rounds) : thread_([this, rounds] { run(rounds); }) {}

    cancellation_source source;
    /// To be called once a round. The two threads share nothing else until end_round().
    void go() { wanted_.fetch_add(1, std::memory_order_release); }
    void end_round() {
        while (done_.load(std::memory_order_acquire) != wanted_.load(std::memory_order_relaxed)) std::this_thread::yield();
        source = cancellation_source();
    }

private:
    void run(int rounds) {
        for (int round = 1; round <= rounds; ++round) {
            while (wanted_.load(std::memory_order_acquire) != round) std::this_thread::yield();
            const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(round % 100 * 50);
            while (std::chrono::steady_clock::now() < until) {}
            source.cancel();
            done_.store(round, std::memory_order_release);
        }
    }

    std::atomic<int> wanted_{0};
    std::atomic<int> done_{0};
    std::jthread thread_;
};

// The delegate that is being made registers with its token while the token ends it.
TEST(task_stress, functions_are_made_while_their_token_is_cancelled) {
    const int rounds = weft_test::scaled(4000);
    canceller other(rounds);
    for (int round = 0; round < rounds; ++round) {
        other.go();
        const cold_task cold([] {}, creation_options::none, other.source.token());
        other.end_round();
        EXPECT_TRUE(cold.task().is_canceled());
    }
}

// The scheduler a task is started on is set while its token ends it.
TEST(task_stress, functions_are_started_while_their_token_is_cancelled) {
    const int rounds = weft_test::scaled(2000);
    weft_test::manual_scheduler scheduler;
    canceller other(rounds);
    for (int round = 0; round < rounds; ++round) {
        cold_task cold([] {}, creation_options::none, other.source.token());
        other.go();
        try {
            cold.start(&scheduler);
        } catch (const invalid_operation&) {
            EXPECT_TRUE(cold.task().is_canceled());
        }
        other.end_round();
        EXPECT_TRUE(cold.task().is_canceled());
        scheduler.run_all();
    }
}

}  // namespace
