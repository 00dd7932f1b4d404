// Rules 1.7 (completion sources), 1.8/12 (unobserved exceptions) and 1.9 (combinators).
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "weft/block_on.hpp"
#include "weft/delay.hpp"
#include "weft/run.hpp"
#include "weft/runtime.hpp"
#include "weft/synchronization_context.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/unobserved_exception.hpp"
#include "weft/wait_async.hpp"
#include "weft/when_all.hpp"
#include "weft/when_any.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

struct test_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

task<int> value_after(task<> gate, int value) {
    co_await gate;
    co_return value;
}
task<int> fail_after(task<> gate, const char* what) {
    co_await gate;
    throw test_error(what);
}
std::string text_of(const std::exception_ptr& error) { return message_of(error); }

// ---- 1.7

TEST(task_completion_source, S_1_7_1_the_second_completion_is_refused) {
    task_completion_source<int> source;
    source.set_result(1);
    EXPECT_THROW(source.set_result(2), invalid_operation);
    EXPECT_FALSE(source.try_set_result(2));
    EXPECT_FALSE(source.try_set_canceled());
    EXPECT_FALSE(source.try_set_exception(std::make_exception_ptr(test_error("x"))));
    EXPECT_EQ(source.task().get(), 1);
}

TEST(task_completion_source, S_1_7_1_exactly_one_of_racing_callers_wins) {
    for (int round = 0; round < 200; ++round) {
        task_completion_source<int> source;
        std::atomic<int> winners{0};
        std::vector<std::jthread> racers;
        for (int i = 0; i < 4; ++i)
            racers.emplace_back([&source, &winners, i] { winners += source.try_set_result(i) ? 1 : 0; });
        racers.clear();
        EXPECT_EQ(winners, 1);
    }
}

TEST(task_completion_source, S_1_7_3_the_task_is_complete_and_inline_continuations_have_run_when_set_result_returns) {
    task_completion_source<> gate;
    task<int> waiter = value_after(gate.task(), 5);
    gate.set_result();
    EXPECT_TRUE(waiter.is_completed_successfully());
}

TEST(task_completion_source, S_1_7_4_several_exceptions_are_kept_in_order_and_null_is_refused) {
    task_completion_source<> source;
    EXPECT_THROW(source.set_exception(std::exception_ptr()), std::invalid_argument);
    EXPECT_THROW(source.set_exception(std::vector<std::exception_ptr>()), std::invalid_argument);
    std::vector<std::exception_ptr> errors{
        std::make_exception_ptr(test_error("a")), std::make_exception_ptr(test_error("b"))};
    source.set_exception(errors);
    const aggregate_exception* all = source.task().exception();
    ASSERT_NE(all, nullptr);
    ASSERT_EQ(all->inner_exceptions().size(), 2U);
    EXPECT_EQ(text_of(all->inner_exceptions()[0]), "a");
    EXPECT_EQ(text_of(all->inner_exceptions()[1]), "b");
}

TEST(task_completion_source, S_1_7_5_an_operation_canceled_given_as_an_exception_is_a_fault) {
    task_completion_source<> source;
    source.set_exception(operation_canceled());
    EXPECT_TRUE(source.task().is_faulted());
    EXPECT_THROW(source.task().get(), operation_canceled);
}

TEST(task_completion_source, S_1_7_7_set_from_task_copies_the_final_state_and_refuses_an_incomplete_task) {
    task_completion_source<int> source;
    task_completion_source<int> pending;
    EXPECT_THROW(source.set_from_task(pending.task()), std::invalid_argument);
    source.set_from_task(from_result(3));
    EXPECT_EQ(source.task().get(), 3);
    task_completion_source<int> failing;
    failing.set_from_task(from_exception<int>(test_error("copied")));
    EXPECT_THROW(failing.task().get(), test_error);
}

TEST(task_completion_source, S_1_7_8_other_creation_options_are_refused) {
    EXPECT_THROW(task_completion_source<> bad(creation_options::long_running), std::invalid_argument);
}

TEST(task_completion_source, S_1_7_9_a_dropped_source_leaves_its_waiters_pending) {
    task<> orphan;
    {
        task_completion_source<> source;
        orphan = source.task();
    }
    EXPECT_FALSE(orphan.is_completed());
}

// ---- 1.8/12

TEST(unobserved, S_1_8_12_a_fault_nobody_looked_at_raises_the_event_once_and_a_cancellation_never) {
    std::vector<std::string> seen;
    auto remove = on_unobserved_task_exception(
        [&seen](const unobserved_task_exception& event) { seen.push_back(text_of(event.errors().front())); });
    { static_cast<void>(from_exception(test_error("lost"))); }
    {
        cancellation_source source;
        source.cancel();
        static_cast<void>(from_canceled(source.token()));
    }
    {
        task<> observed = from_exception(test_error("seen"));
        EXPECT_NE(observed.exception(), nullptr);
    }
    EXPECT_EQ(seen, std::vector<std::string>{"lost"});
    remove();
}

// ---- 1.9

TEST(when_all, S_1_9_1_waits_for_every_task_also_after_failures) {
    task_completion_source<> first;
    task_completion_source<> second;
    std::vector<task<int>> tasks{fail_after(first.task(), "x"), value_after(second.task(), 2)};
    task<std::vector<int>> all = when_all(tasks);
    first.set_result();
    EXPECT_FALSE(all.is_completed());
    second.set_result();
    EXPECT_THROW(all.get(), test_error);
}

TEST(when_all, S_1_9_2_faults_win_over_cancellation_and_cancellation_over_success) {
    cancellation_source source;
    source.cancel();
    std::vector<task<>> canceled{completed_task(), from_canceled(source.token())};
    task<> ends_canceled = when_all(canceled);
    EXPECT_TRUE(ends_canceled.is_canceled());
    try {
        ends_canceled.get();
        FAIL() << "get() must throw";
    } catch (const operation_canceled& error) {
        EXPECT_EQ(error.token(), source.token());
    }
    std::vector<task<>> faulted{from_canceled(source.token()), from_exception(test_error("x"))};
    task<> ends_faulted = when_all(faulted);
    EXPECT_TRUE(ends_faulted.is_faulted());
    EXPECT_THROW(ends_faulted.get(), test_error);
}

TEST(when_all, S_1_9_3_the_aggregate_is_flat_and_cancelled_tasks_contribute_nothing_to_it) {
    cancellation_source source;
    source.cancel();
    std::vector<std::exception_ptr> errors{
        std::make_exception_ptr(test_error("a")), std::make_exception_ptr(test_error("b"))};
    task_completion_source<> several;
    several.set_exception(errors);
    std::vector<task<>> tasks{several.task(), from_canceled(source.token()), from_exception(test_error("c"))};
    task<> all = when_all(tasks);
    ASSERT_NE(all.exception(), nullptr);
    EXPECT_EQ(all.exception()->inner_exceptions().size(), 3U);
}

TEST(when_all, S_1_9_4_results_are_in_argument_order) {
    task_completion_source<> first;
    task_completion_source<> second;
    std::vector<task<int>> tasks{value_after(first.task(), 1), value_after(second.task(), 2)};
    task<std::vector<int>> all = when_all(tasks);
    second.set_result();
    first.set_result();
    EXPECT_EQ(all.get(), (std::vector<int>{1, 2}));
}

TEST(when_all, S_1_9_4_errors_are_in_the_order_of_failing) {
    task_completion_source<> first;
    task_completion_source<> second;
    std::vector<task<>> tasks{first.task(), second.task()};
    task<> all = when_all(tasks);
    second.set_exception(std::make_exception_ptr(test_error("second")));
    first.set_exception(std::make_exception_ptr(test_error("first")));
    try {
        all.get();
        FAIL() << "get() must throw";
    } catch (const test_error& error) {
        EXPECT_STREQ(error.what(), "second");
    }
    EXPECT_EQ(all.exception()->inner_exceptions().size(), 2U);
}

TEST(when_all, S_1_9_5_an_empty_input_completes_at_once_and_an_empty_handle_is_refused) {
    std::vector<task<>> none;
    EXPECT_TRUE(when_all(none).is_completed_successfully());
    std::vector<task<>> bad(1);
    EXPECT_THROW(static_cast<void>(when_all(bad)), std::invalid_argument);
}

TEST(when_all, S_1_9_6_awaiting_throws_the_first_failure_and_exception_has_all) {
    std::vector<task<>> tasks{from_exception(test_error("a")), from_exception(test_error("b"))};
    task<> all = when_all(tasks);
    try {
        all.get();
        FAIL() << "get() must throw";
    } catch (const test_error& error) {
        EXPECT_STREQ(error.what(), "a");
    }
    EXPECT_EQ(all.exception()->inner_exceptions().size(), 2U);
}

TEST(when_all, a_mixed_pack_gives_a_tuple_and_operations_start_as_tasks) {
    task<std::tuple<int, std::monostate, std::string>> all =
        when_all(from_result(1), delay(1ms), from_result(std::string("x")));
    EXPECT_EQ(std::get<2>(all.get()), "x");
    task<> none = when_all(delay(1ms), completed_task());
    none.get();
}

TEST(when_any, S_1_9_7_gives_the_first_completed_task_and_does_not_throw_its_failure) {
    task_completion_source<> gate;
    task_completion_source<> never;
    std::vector<task<int>> tasks{value_after(never.task(), 1), fail_after(gate.task(), "x")};
    task<when_any_result<int>> any = when_any(tasks);
    EXPECT_FALSE(any.is_completed());
    gate.set_result();
    const when_any_result<int>& first = any.get();
    EXPECT_EQ(first.index, 1U);
    EXPECT_TRUE(first.task.is_faulted());
    EXPECT_THROW(first.task.get(), test_error);
}

TEST(when_any, S_1_9_8_of_several_complete_ones_the_earliest_wins_and_an_empty_input_is_refused) {
    task_completion_source<> never;
    std::vector<task<>> tasks{never.task(), completed_task(), completed_task()};
    EXPECT_EQ(when_any(tasks).get().index, 1U);
    std::vector<task<>> none;
    EXPECT_THROW(static_cast<void>(when_any(none)), std::invalid_argument);
}

TEST(when_any, S_1_9_9_nothing_stays_registered_with_the_losers) {
    task_completion_source<> never;
    task_completion_source<> other;
    task<> loser = never.task();
    {
        std::vector<task<>> tasks{loser, other.task()};
        task<when_any_result<void>> any = when_any(tasks);
        EXPECT_NE(loser.core_or_null()->word.load(), 0U);
        other.set_result();
        EXPECT_EQ(any.get().index, 1U);
    }
    EXPECT_EQ(loser.core_or_null()->word.load(), 0U);
}

TEST(when_any, S_1_9_10_does_not_cancel_the_losers) {
    task_completion_source<int> slow;
    task<when_any_pack_result<int, void>> any = when_any(slow.task(), completed_task());
    EXPECT_EQ(any.get().index, 1U);
    slow.set_result(4);
    EXPECT_EQ(std::get<0>(any.get().tasks).get(), 4);
}

TEST(delay, S_1_9_12_zero_is_complete_bad_limits_are_refused_and_a_cancelled_token_wins) {
    task<> none = delay(0ms);
    EXPECT_TRUE(none.is_completed_successfully());
    EXPECT_THROW(static_cast<void>(delay(-2ms)), std::invalid_argument);
    cancellation_source source;
    source.cancel();
    task<> canceled = delay(0ms, source.token());
    EXPECT_TRUE(canceled.is_canceled());
}

TEST(delay, S_1_9_12_minus_one_is_never_over) {
    cancellation_source source;
    task<> waiting = delay(-1ms, source.token());
    EXPECT_FALSE(waiting.is_completed());
    source.cancel();
    EXPECT_THROW(waiting.get(), task_canceled);
}

TEST(delay, S_1_9_12_cancelling_ends_it_with_that_token) {
    cancellation_source source;
    task<> waiting = delay(1h, source.token());
    EXPECT_FALSE(waiting.is_completed());
    source.cancel();
    try {
        waiting.get();
        FAIL() << "get() must throw";
    } catch (const task_canceled& error) {
        EXPECT_EQ(error.token(), source.token());
    }
}

TEST(delay, S_1_9_13_never_completes_early) {
    const auto start = std::chrono::steady_clock::now();
    task<> waiting = delay(5ms);
    waiting.get();
    EXPECT_GE(std::chrono::steady_clock::now() - start, 5ms);
}

TEST(wait_async, S_1_9_14_a_complete_task_wins_and_the_task_is_not_affected) {
    cancellation_source cancelled;
    cancelled.cancel();
    EXPECT_EQ(from_result(1).wait_async(0ms, cancelled.token()).get(), 1);
    task_completion_source<int> slow;
    EXPECT_THROW(slow.task().wait_async(0ms).get(), timeout_exception);
    EXPECT_THROW(slow.task().wait_async(1ms).get(), timeout_exception);
    EXPECT_THROW(slow.task().wait_async(cancelled.token()).get(), task_canceled);
    cancellation_source later;
    task<int> given_up = slow.task().wait_async(1h, later.token());
    later.cancel();
    EXPECT_THROW(given_up.get(), task_canceled);
    EXPECT_THROW(static_cast<void>(from_result(1).wait_async(-5ms)), std::invalid_argument);
    slow.set_result(2);
    EXPECT_EQ(slow.task().get(), 2);
}

TEST(wait_async, S_1_9_15_nothing_stays_registered_whichever_side_wins) {
    task_completion_source<int> slow;
    task<int> watched = slow.task();
    EXPECT_THROW(watched.wait_async(1ms).get(), timeout_exception);
    EXPECT_EQ(watched.core_or_null()->word.load(), 0U);
}

task<bool> blocks_until_done(task<> all, const task<int>& other) {
    co_await all;
    co_return other.wait(20s);
}

TEST(when_all, S_1_2_5_a_continuation_behind_it_does_not_hold_up_other_awaiters_of_its_member) {
    task_completion_source<> gate;
    task<int> other;
    task<bool> first = blocks_until_done(when_all(gate.task(), completed_task()), other);
    other = value_after(gate.task(), 1);
    gate.set_result();
    EXPECT_TRUE(first.get());
}

/// A context that takes everything and runs nothing: a thread that blocks instead of pumping.
struct never_pumped : synchronization_context {
    void post(callback) override {}
    void post_item(work_item&) override {}
};

TEST(wait_async, gives_up_though_the_callers_context_is_blocked) {
    task_completion_source<int> slow;
    never_pumped context;
    synchronization_context_scope scope(&context);
    task<int> given_up = slow.task().wait_async(1ms);
    ASSERT_TRUE(weft_test::eventually([&given_up] { return given_up.is_completed(); }));
    EXPECT_THROW(given_up.get(), timeout_exception);
}

TEST(wait_async, S_1_9_14_copies_every_error_of_the_task) {
    task_completion_source<> failing;
    task<> proxy = failing.task().wait_async(1h);
    failing.set_exception(std::vector<std::exception_ptr>{
        std::make_exception_ptr(test_error("a")), std::make_exception_ptr(test_error("b"))});
    EXPECT_THROW(proxy.wait(), aggregate_exception);
    EXPECT_EQ(proxy.exception()->inner_exceptions().size(), 2U);
}

TEST(runtime_end, a_source_that_outlives_the_runtime_finds_no_trace_of_those_that_waited) {
    task_completion_source<> gate;
    task<> watched = gate.task();
    {
        runtime_options options;
        options.min_threads = 1;
        options.driver = "parking";
        runtime where(options);
        {
            const detail::home_scope scope(where.pool());
            value_after(watched, 1).forget();
            value_after(watched, 2).forget();
            when_all(watched, gate.task()).forget();
            when_any(watched, gate.task()).forget();
            watched.wait_async(1h).forget();
        }
        EXPECT_GE(where.shutdown(0ms).suspended_tasks, 5U);
    }
    EXPECT_EQ(watched.core_or_null()->word.load(), 0U);
    gate.set_result();
}

TEST(wait, the_longest_limit_is_no_limit) {
    task_completion_source<> gate;
    const task<> opened = gate.task();
    task<bool> waiting = run([opened] { return opened.wait(std::chrono::nanoseconds::max()); });
    task<> soon = delay(1ms);
    soon.get();
    gate.set_result();
    EXPECT_TRUE(waiting.get());
}

// ---- 1.8 run

TEST(run, S_1_8_4_a_function_that_returns_an_empty_task_gives_a_canceled_one) {
    task<> outer = run([] { return task<>(); });
    EXPECT_THROW(outer.get(), task_canceled);
    EXPECT_TRUE(outer.is_canceled());
}

TEST(run, S_1_8_4_every_error_of_the_inner_task_is_copied) {
    task<> outer = run([] { return when_all(from_exception(test_error("a")), from_exception(test_error("b"))); });
    EXPECT_THROW(outer.wait(), aggregate_exception);
    EXPECT_EQ(outer.exception()->inner_exceptions().size(), 2U);
}

TEST(run, S_1_8_2_a_cancelled_token_means_the_function_is_never_called) {
    cancellation_source source;
    source.cancel();
    bool called = false;
    task<> canceled = run(source.token(), [&called] { called = true; });
    EXPECT_TRUE(canceled.is_canceled());
    EXPECT_FALSE(called);
}

TEST(run, S_1_8_4_a_function_that_returns_a_task_is_unwrapped) {
    task<int> outer = run([](int x) { return value_after(completed_task(), x); }, 4);
    EXPECT_EQ(outer.get(), 4);
    task<int> failing = run([] { return fail_after(completed_task(), "inner"); });
    EXPECT_THROW(failing.get(), test_error);
}

TEST(run, S_1_8_5_unwrapping_adds_no_aggregate_layer) {
    task<int> failing = run([] { return fail_after(completed_task(), "inner"); });
    EXPECT_THROW(failing.wait(), aggregate_exception);
    ASSERT_EQ(failing.exception()->inner_exceptions().size(), 1U);
    EXPECT_EQ(text_of(failing.exception()->inner_exceptions()[0]), "inner");
}

TEST(run, S_1_1_8_a_delegate_task_reports_waiting_to_run_or_running_until_it_ends) {
    std::atomic<bool> leave{false};
    task<> working = run([&leave] {
        while (!leave) std::this_thread::yield();
    });
    EXPECT_TRUE(working.status() == task_status::waiting_to_run || working.status() == task_status::running);
    while (working.status() != task_status::running) std::this_thread::yield();
    leave = true;
    working.get();
    EXPECT_EQ(working.status(), task_status::ran_to_completion);
}

TEST(run, owns_a_capturing_lambda_coroutine) {
    auto text = std::make_unique<std::string>("kept");
    auto body = [text = std::move(text)]() -> task<std::string> {
        co_await delay(1ms);
        co_return *text;
    };
    task<std::string> running = run(std::move(body));
    EXPECT_EQ(running.get(), "kept");
}

}  // namespace
