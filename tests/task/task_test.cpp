// Rules 1.1 and 1.2: the hot task, its states, and where continuations run.
// SPDX-License-Identifier: MIT

#include "weft/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "weft/delay.hpp"
#include "weft/run.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

struct test_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

task<int> add_one(int value) { co_return value + 1; }

task<> note_after(task<> gate, std::vector<int>& log, int mark) {
    log.push_back(mark);
    co_await gate;
    log.push_back(mark + 100);
}

// This file is compiled with -Wconversion and -Wsign-conversion: nothing of the library may be what they complain of.
task<std::uint64_t> converts() { co_return 1; }
value_task<std::uint64_t> converts_at_once() { return 1; }

TEST(task, a_result_may_be_given_as_another_type) {
    EXPECT_EQ(converts().get(), 1U);
    EXPECT_EQ(converts_at_once().get(), 1U);
    task_completion_source<std::uint64_t> source;
    source.set_result(1);
    EXPECT_EQ(source.task().get(), 1U);
}

task<int> throws_before_await() {
    throw test_error("early");
    co_return 1;
}

task<int> throws_after(task<> gate) {
    co_await gate;
    throw test_error("late");
}

task<> cancels(cancellation_token token) {
    token.throw_if_cancellation_requested();
    co_return;
}

TEST(task, S_1_1_1_runs_on_the_callers_thread_until_its_first_incomplete_await) {
    task_completion_source<> gate;
    std::vector<int> log;
    task<> running = note_after(gate.task(), log, 1);
    EXPECT_EQ(log, std::vector<int>{1});
    EXPECT_FALSE(running.is_completed());
    gate.set_result();
    running.get();
    EXPECT_EQ(log, (std::vector<int>{1, 101}));
}

task<std::thread::id> where_a_completed_await_continues() {
    const int ignored = co_await add_one(1);
    static_cast<void>(ignored);
    co_return std::this_thread::get_id();
}

TEST(task, S_1_1_3_an_await_of_something_complete_neither_suspends_nor_changes_thread) {
    task<std::thread::id> done = where_a_completed_await_continues();
    EXPECT_TRUE(done.is_completed_successfully());
    EXPECT_EQ(done.get(), std::this_thread::get_id());
}

TEST(task, S_1_1_4_an_exception_before_the_first_await_is_captured_in_the_task) {
    task<int> failed = throws_before_await();
    EXPECT_TRUE(failed.is_faulted());
    EXPECT_THROW(failed.get(), test_error);
}

TEST(task, S_1_1_6_a_cancellation_that_leaves_the_body_ends_the_task_as_canceled_with_the_same_object) {
    cancellation_source source;
    source.cancel();
    task<> ended = cancels(source.token());
    EXPECT_TRUE(ended.is_canceled());
    EXPECT_EQ(ended.exception(), nullptr);
    try {
        ended.get();
        FAIL() << "get() must throw";
    } catch (const operation_canceled& error) {
        EXPECT_EQ(error.token(), source.token());
    }
}

TEST(task, S_1_1_7_a_delegate_task_is_canceled_only_by_its_own_signalled_token) {
    cancellation_source other;
    other.cancel();
    cancellation_source own;
    auto foreign = [](cancellation_token token) { token.throw_if_cancellation_requested(); };
    task<> faulted = run(foreign, other.token());
    EXPECT_THROW(faulted.get(), operation_canceled);
    EXPECT_TRUE(faulted.is_faulted());

    auto cancel_itself = [](cancellation_source source, cancellation_token token) {
        source.cancel();
        token.throw_if_cancellation_requested();
    };
    task<> canceled = run(own.token(), cancel_itself, own);
    EXPECT_THROW(canceled.get(), operation_canceled);
    EXPECT_TRUE(canceled.is_canceled());
}

TEST(task, S_1_1_8_an_incomplete_promise_task_waits_for_activation) {
    task_completion_source<int> source;
    EXPECT_EQ(source.task().status(), task_status::waiting_for_activation);
    source.set_result(1);
    EXPECT_EQ(source.task().status(), task_status::ran_to_completion);
}

TEST(task, S_1_1_9_final_states_are_exclusive) {
    EXPECT_TRUE(completed_task().is_completed_successfully());
    task<> failed = from_exception(test_error("x"));
    EXPECT_TRUE(failed.is_completed());
    EXPECT_TRUE(failed.is_faulted());
    EXPECT_FALSE(failed.is_canceled());
    EXPECT_FALSE(failed.is_completed_successfully());
    EXPECT_THROW(failed.get(), test_error);
}

TEST(task, S_1_1_10_exception_is_null_unless_faulted) {
    EXPECT_EQ(completed_task().exception(), nullptr);
    task<> failed = from_exception(test_error("x"));
    ASSERT_NE(failed.exception(), nullptr);
    EXPECT_EQ(failed.exception()->inner_exceptions().size(), 1U);
}

task<> holds(std::shared_ptr<int> kept, task<> gate) {
    co_await gate;
    static_cast<void>(kept);
}

TEST(task, S_1_1_11_frame_and_parameters_are_released_at_completion_though_the_handle_lives) {
    auto value = std::make_shared<int>(1);
    task_completion_source<> gate;
    task<> running = holds(value, gate.task());
    EXPECT_EQ(value.use_count(), 2);
    gate.set_result();
    running.get();
    EXPECT_EQ(value.use_count(), 1);
}

TEST(task, S_1_1_12_ids_are_unique_and_positive) {
    task<int> a = add_one(1);
    task<int> b = add_one(2);
    EXPECT_GT(a.id(), 0);
    EXPECT_GT(b.id(), 0);
    EXPECT_NE(a.id(), b.id());
    EXPECT_EQ(a.id(), a.id());
}

task<int> awaits_twice(task<int> shared) {
    const int first = co_await shared;
    const int second = co_await shared;
    co_return first + second;
}

TEST(task, S_1_1_14_a_task_may_be_awaited_many_times_from_many_places) {
    task_completion_source<int> source;
    std::vector<task<int>> waiters;
    for (int i = 0; i < 50; ++i) waiters.push_back(awaits_twice(source.task()));
    source.set_result(21);
    for (task<int>& each : waiters) EXPECT_EQ(each.get(), 42);
    EXPECT_EQ(awaits_twice(source.task()).get(), 42);
}

// ---- 1.2

task<> note_thread(task<> gate, std::thread::id& where) {
    co_await gate;
    where = std::this_thread::get_id();
}

TEST(task, S_1_2_5_the_first_awaiter_runs_inline_and_the_others_are_queued) {
    task_completion_source<> gate;
    std::thread::id first;
    std::thread::id second;
    task<> one = note_thread(gate.task(), first);
    task<> two = note_thread(gate.task(), second);
    gate.set_result();
    EXPECT_EQ(first, std::this_thread::get_id());
    two.get();
    EXPECT_NE(second, std::this_thread::get_id());
}

TEST(task, S_1_2_7_run_continuations_asynchronously_runs_nothing_inline) {
    task_completion_source<> gate(creation_options::run_continuations_asynchronously);
    std::thread::id where;
    task<> waiter = note_thread(gate.task(), where);
    gate.set_result();
    waiter.get();
    EXPECT_NE(where, std::this_thread::get_id());
}

task<> await_previous(task<> previous) { co_await previous; }

TEST(task, S_1_2_8_a_chain_of_a_million_completions_does_not_overflow_the_stack) {
    constexpr int length = 1'000'000;
    task_completion_source<> gate;
    task<> last = gate.task();
    for (int i = 0; i < length; ++i) last = await_previous(std::move(last));
    gate.set_result();
    last.get();
}

task<int> loop_of_completed_awaits(int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) sum += co_await add_one(0);
    co_return sum;
}

TEST(task, S_1_2_8_a_loop_of_ten_million_completed_awaits_runs_in_bounded_stack) {
    EXPECT_EQ(loop_of_completed_awaits(10'000'000).get(), 10'000'000);
}

TEST(task, S_1_2_11_an_await_rethrows_the_original_exception_object) {
    task_completion_source<> gate;
    task<int> failing = throws_after(gate.task());
    gate.set_result();
    const void* first = nullptr;
    for (int i = 0; i < 2; ++i) {
        try {
            failing.get();
            FAIL() << "get() must throw";
        } catch (const test_error& error) {
            EXPECT_STREQ(error.what(), "late");
            if (first == nullptr) first = &error;
            EXPECT_EQ(first, &error);
        }
    }
}

TEST(task, S_1_2_12_a_canceled_source_throws_task_canceled_with_its_token) {
    cancellation_source source;
    source.cancel();
    task_completion_source<> gate;
    gate.set_canceled(source.token());
    try {
        gate.task().get();
        FAIL() << "get() must throw";
    } catch (const task_canceled& error) {
        EXPECT_EQ(error.token(), source.token());
    }
}

task<> suppresses(task<> failing) { co_await failing.configure_await(configure_await_options::suppress_throwing); }

TEST(task, S_1_2_14_suppress_throwing_completes_normally_and_is_refused_for_results) {
    suppresses(from_exception(test_error("x"))).get();
    EXPECT_THROW(
        static_cast<void>(add_one(1).configure_await(configure_await_options::suppress_throwing)), std::invalid_argument);
}

task<std::thread::id> forces_a_yield() {
    co_await completed_task().configure_await(configure_await_options::force_yielding);
    co_return std::this_thread::get_id();
}

TEST(task, S_1_2_14_force_yielding_suspends_though_the_task_is_complete) {
    EXPECT_NE(forces_a_yield().get(), std::this_thread::get_id());
}

task<std::thread::id> yields() {
    co_await yield();
    co_return std::this_thread::get_id();
}

TEST(task, S_1_2_15_yield_without_a_context_continues_on_the_pool) {
    EXPECT_NE(yields().get(), std::this_thread::get_id());
}

// ---- handles

TEST(task, an_empty_handle_is_refused_with_a_sentence) {
    task<int> empty;
    EXPECT_FALSE(empty.valid());
    EXPECT_THROW(static_cast<void>(empty.status()), invalid_operation);
    EXPECT_THROW(empty.get(), invalid_operation);
}

task<std::unique_ptr<int>> make_unique_int() { co_return std::make_unique<int>(7); }
task<int> moves_the_result_out() {
    std::unique_ptr<int> owned = co_await make_unique_int();
    co_return *owned;
}
task<int> shares_a_move_only_result() {
    task<std::unique_ptr<int>> kept = make_unique_int();
    const int seen = *co_await kept;
    const int again = *co_await kept;
    co_return seen + again;
}

TEST(task, a_move_only_result_moves_out_of_a_temporary_and_is_shared_by_reference) {
    EXPECT_EQ(moves_the_result_out().get(), 7);
    EXPECT_EQ(shares_a_move_only_result().get(), 14);
}

task<int&> refers_to(int& value) { co_return value; }
task<> adds_through_a_reference(int& value) {
    int& same = co_await refers_to(value);
    ++same;
}

TEST(task, a_reference_result_refers_to_the_callers_object) {
    int value = 1;
    adds_through_a_reference(value).get();
    EXPECT_EQ(value, 2);
}

TEST(task, dropping_every_handle_does_not_stop_the_operation) {
    task_completion_source<> gate;
    std::vector<int> log;
    note_after(gate.task(), log, 1).forget();
    gate.set_result();
    EXPECT_EQ(log, (std::vector<int>{1, 101}));
}

task<int> reads_an_outcome(task<int> failing) {
    outcome<int> result = co_await failing.as_outcome();
    co_return result.is_faulted() ? -1 : result.value();
}

TEST(task, as_outcome_gives_a_failure_without_throwing) {
    EXPECT_EQ(reads_an_outcome(throws_before_await()).get(), -1);
    EXPECT_EQ(reads_an_outcome(add_one(1)).get(), 2);
}

TEST(task, S_1_8_6_wait_and_result_throw_an_aggregate_and_get_the_bare_exception) {
    task<int> failed = throws_before_await();
    EXPECT_THROW(failed.wait(), aggregate_exception);
    EXPECT_THROW(static_cast<void>(failed.result()), aggregate_exception);
    EXPECT_THROW(failed.get(), test_error);
}

TEST(task, S_1_8_7_a_timed_wait_returns_false_and_a_token_throws_while_the_task_goes_on) {
    task_completion_source<> never;
    EXPECT_FALSE(never.task().wait(1ms));
    cancellation_source source(1ms);
    EXPECT_THROW(never.task().wait(-1ms, source.token()), operation_canceled);
    EXPECT_FALSE(never.task().is_completed());
}

}  // namespace
