// Coroutines that nobody waits for (semantics 1.4).
// SPDX-License-Identifier: MIT

#include "weft/async_void.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "support/manual_dispatcher.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;

/// A loop that counts the operations it was told of.
class counting_context final : public synchronization_context {
public:
    void post(callback function) override { loop.post(std::move(function)); }
    void operation_started() noexcept override { ++started; }
    void operation_completed() noexcept override { ++completed; }
    /// Runs what was posted, as this context.
    void pump() { loop.run_pending(); }

    event_loop_context loop;
    int started = 0;
    int completed = 0;
};

async_void set_after(task<> signal, std::string& trace) {
    trace += "before ";
    co_await signal;
    trace += "after";
}

async_void throw_at_once() {
    throw std::runtime_error("at once");
    co_return;
}

async_void throw_after(task<> signal) {
    co_await signal;
    throw std::runtime_error("later");
}

async_void cancel_at_once() {
    throw task_canceled();
    co_return;
}

template <class F>
std::string message_thrown_by(F function) {
    try {
        function();
    } catch (const std::exception& error) {
        return error.what();
    }
    return "";
}

TEST(async_void, S_1_4_1_the_context_is_told_of_start_and_completion_once_each) {
    counting_context context;
    const synchronization_context_scope scope(&context);
    task_completion_source<> signal;
    std::string trace;
    set_after(signal.task(), trace);
    EXPECT_EQ(context.started, 1);
    EXPECT_EQ(context.completed, 0);
    signal.set_result();
    context.pump();
    EXPECT_EQ(trace, "before after");
    EXPECT_EQ(context.completed, 1);
}

TEST(async_void, S_1_4_1_a_failure_is_a_completion_too) {
    counting_context context;
    const synchronization_context_scope scope(&context);
    task_completion_source<> signal;
    throw_after(signal.task());
    throw_at_once();
    EXPECT_EQ(context.started, 2);
    EXPECT_EQ(context.completed, 1);
    EXPECT_EQ(message_thrown_by([&] { context.pump(); }), "at once");
    signal.set_result();
    EXPECT_EQ(message_thrown_by([&] {
        context.pump();
        context.pump();
    }),
        "later");
    EXPECT_EQ(context.completed, 2);
}

TEST(async_void, S_1_4_1_the_context_of_the_call_is_told_even_when_another_is_current_at_the_end) {
    counting_context context;
    task_completion_source<> signal;
    std::string trace;
    {
        const synchronization_context_scope scope(&context);
        const auto handler = [](task<> awaited, std::string& seen) -> async_void {
            co_await awaited.configure_await(false);
            seen += "end";
        };
        handler(signal.task(), trace);
    }
    signal.set_result();
    EXPECT_EQ(trace, "end");
    EXPECT_EQ(context.completed, 1);
}

TEST(async_void, S_1_4_2_an_exception_is_posted_to_the_captured_context) {
    counting_context context;
    task_completion_source<> signal;
    {
        const synchronization_context_scope scope(&context);
        throw_after(signal.task());
    }
    EXPECT_NO_THROW(signal.set_result());
    EXPECT_EQ(message_thrown_by([&] {
        context.pump();
        context.pump();
    }),
        "later");
}

TEST(async_void_death, S_1_4_2_without_a_context_an_exception_ends_the_process_from_a_pool_thread) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            throw_at_once();
            task_completion_source<> never;
            never.task().wait();
        },
        "at once|terminate");
}

TEST(async_void, S_1_4_3_a_cancellation_is_an_exception_like_any_other) {
    counting_context context;
    const synchronization_context_scope scope(&context);
    cancel_at_once();
    EXPECT_THROW(context.pump(), task_canceled);
}

TEST(async_void, S_1_4_4_the_first_segment_runs_on_the_caller_and_throws_nothing_at_it) {
    counting_context context;
    const synchronization_context_scope scope(&context);
    std::string trace;
    set_after(completed_task(), trace);
    EXPECT_EQ(trace, "before after");  // it never suspended
    EXPECT_NO_THROW(throw_at_once());
    EXPECT_THROW(context.pump(), std::runtime_error);
}

TEST(async_void, a_suspended_one_keeps_itself_alive_and_ends) {
    weft_test::manual_dispatcher dispatcher;
    std::string trace;
    const auto handler = [](std::string& seen) -> async_void {
        co_await yield();
        seen += "alive";
    };
    handler(trace);
    EXPECT_EQ(trace, "");
    dispatcher.run_all();
    EXPECT_EQ(trace, "alive");
}

}  // namespace
