// Blocking on asynchronous code: a wait that nothing but the blocked thread could end is told, not hung.
// SPDX-License-Identifier: MIT

#include "weft/would_deadlock.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "weft/block_on.hpp"
#include "weft/delay.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/run.hpp"
#include "weft/task.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/wait_async.hpp"
#include "weft/when_all.hpp"

namespace {

using namespace std::chrono_literals;

// A completion on the loop's own thread would run the coroutine at once (1.2/3) instead of putting it into the queue.
constexpr auto queued = weft::creation_options::run_continuations_asynchronously;

weft::task<int> innermost(weft::task<> signal) {
    co_await signal;  // comes back to the loop
    co_return 7;
}
weft::task<int> in_between(weft::task<> signal) { co_return co_await innermost(std::move(signal)); }
weft::task<int> outermost(weft::task<> signal) {
    const int value = co_await in_between(std::move(signal)).configure_await(false);
    co_return value + 1;
}
weft::task<int> both(weft::task<> signal, weft::task<> other) {
    auto [first, second] = co_await weft::when_all(innermost(std::move(signal)), innermost(std::move(other)));
    co_return first + second;
}
weft::task<int> library(weft::task<> signal) {
    co_await signal.configure_await(false);
    co_return 9;
}

/// Runs `body` as a callback of a loop of its own.
template <class F>
void in_loop(F body) {
    weft::event_loop_context loop;
    loop.post([&] {
        body(loop);
        loop.stop();
    });
    loop.run();
}

struct policy_scope {
    explicit policy_scope(weft::deadlock_policy policy) : before(weft::set_deadlock_policy(policy)) {}
    ~policy_scope() { weft::set_deadlock_policy(before); }
    policy_scope(const policy_scope&) = delete;
    policy_scope& operator=(const policy_scope&) = delete;
    weft::deadlock_policy before;
};

TEST(would_deadlock, get_on_a_task_whose_coroutine_lies_in_the_own_queue_throws_with_both_stacks) {
    in_loop([](weft::event_loop_context& loop) {
        weft::task_completion_source<> signal(queued);
        weft::task<int> work = outermost(signal.task());
        signal.set_result();
        try {
            static_cast<void>(work.get());
            FAIL() << "it cannot end";
        } catch (const weft::would_deadlock& error) {
            EXPECT_NE(error.awaited_stack().find("innermost("), std::string::npos) << error.what();
            EXPECT_NE(error.awaited_stack().find("in_between("), std::string::npos) << error.what();
            EXPECT_NE(error.awaited_stack().find("outermost("), std::string::npos) << error.what();
            EXPECT_NE(error.blocked_stack().find("would_deadlock"), std::string::npos) << error.what();
        }
        // Nothing is lost: the loop goes on, and the task ends.
        EXPECT_EQ(loop.run_until(work), 8);
    });
}

TEST(would_deadlock, wait_and_result_throw_it_too) {
    in_loop([](weft::event_loop_context& loop) {
        weft::task_completion_source<> signal(queued);
        weft::task<int> work = innermost(signal.task());
        signal.set_result();
        EXPECT_THROW(work.wait(), weft::would_deadlock);
        EXPECT_THROW(static_cast<void>(work.result()), weft::would_deadlock);
        EXPECT_EQ(loop.run_until(work), 7);
    });
}

TEST(would_deadlock, it_is_found_when_the_coroutine_comes_to_the_queue_during_the_wait) {
    in_loop([](weft::event_loop_context& loop) {
        weft::task_completion_source<> signal(queued);
        weft::task<int> work = outermost(signal.task());
        weft::task<> later = weft::run([&signal] { signal.set_result(); });
        EXPECT_THROW(static_cast<void>(work.get()), weft::would_deadlock);
        EXPECT_EQ(loop.run_until(work), 8);
        loop.run_until(later);
    });
}

TEST(would_deadlock, it_is_found_through_when_all) {
    in_loop([](weft::event_loop_context& loop) {
        weft::task_completion_source<> signal(queued);
        weft::task_completion_source<> never_before(queued);
        weft::task<int> work = both(signal.task(), never_before.task());
        signal.set_result();
        EXPECT_THROW(static_cast<void>(work.get()), weft::would_deadlock);
        never_before.set_result();
        EXPECT_EQ(loop.run_until(work), 14);
    });
}

TEST(would_deadlock, a_chain_that_does_not_need_the_context_is_waited_for) {
    in_loop([](weft::event_loop_context& loop) {
        weft::task_completion_source<> signal(queued);
        weft::task_completion_source<> unrelated(queued);
        weft::task<int> work = library(signal.task());
        weft::task<int> other = innermost(unrelated.task());
        unrelated.set_result();  // lies in the queue, but nobody blocks on it
        weft::task<> later = weft::run([&signal] { signal.set_result(); });
        EXPECT_EQ(work.get(), 9);
        EXPECT_EQ(loop.run_until(other), 7);
        later.wait();
    });
}

TEST(would_deadlock, a_wait_with_a_time_limit_ends_by_its_limit) {
    in_loop([](weft::event_loop_context& loop) {
        weft::task_completion_source<> signal(queued);
        weft::task<int> work = innermost(signal.task());
        signal.set_result();
        EXPECT_FALSE(work.wait(1ms));
        EXPECT_EQ(loop.run_until(work), 7);
    });
}

TEST(would_deadlock, a_chain_that_a_time_limit_may_end_is_not_taken_for_one) {
    in_loop([](weft::event_loop_context& loop) {
        weft::task_completion_source<> signal(queued);
        weft::task<int> work = innermost(signal.task());
        signal.set_result();
        EXPECT_THROW(static_cast<void>(work.wait_async(20ms).get()), weft::timeout_exception);
        EXPECT_EQ(loop.run_until(work), 7);
    });
}

TEST(would_deadlock, another_thread_may_block_while_the_loop_runs) {
    weft::event_loop_context loop;
    weft::task_completion_source<> signal(queued);
    weft::task<int> work;
    loop.post([&] { work = innermost(signal.task()); });
    loop.run_pending();
    signal.set_result();
    std::thread other([&] {
        EXPECT_EQ(work.get(), 7);
        loop.stop();
    });
    loop.run();
    other.join();
}

[[noreturn]] void block_for_ever_in_a_loop() {
    weft::set_deadlock_policy(weft::deadlock_policy::log);
    int ends[2];
    if (::pipe(ends) != 0 || ::dup2(ends[1], STDERR_FILENO) < 0) std::_Exit(1);
    std::thread reader([from = ends[0]] {
        std::string said;
        char buffer[4096];
        for (;;) {
            const ssize_t count = ::read(from, buffer, sizeof buffer);
            if (count <= 0) std::_Exit(2);
            said.append(buffer, static_cast<std::size_t>(count));
            const std::size_t chain = said.find("the awaited chain:");
            if (chain == std::string::npos || !said.ends_with("\n")) continue;
            std::_Exit(said.find("innermost(", chain) != std::string::npos ? 3 : 6);
        }
    });
    in_loop([](weft::event_loop_context&) {
        weft::task_completion_source<> signal(queued);
        weft::task<int> work = innermost(signal.task());
        signal.set_result();
        work.wait();
    });
    reader.join();
    std::_Exit(4);
}

TEST(would_deadlock_death, by_policy_it_is_written_down_and_hangs_as_in_dot_net) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(block_for_ever_in_a_loop(), testing::ExitedWithCode(3), "");
}

[[noreturn]] void block_without_a_word() {
    weft::set_deadlock_policy(weft::deadlock_policy::allow);
    std::thread killer([] {
        weft::block_on(weft::delay(200ms));  // several looks, if there were any
        std::_Exit(5);
    });
    in_loop([](weft::event_loop_context&) {
        weft::task_completion_source<> signal(queued);
        weft::task<int> work = innermost(signal.task());
        signal.set_result();
        work.wait();
    });
    killer.join();
    std::_Exit(4);
}

TEST(would_deadlock_death, by_policy_nothing_is_looked_for) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(block_without_a_word(), testing::ExitedWithCode(5), "^$");
}

}  // namespace
