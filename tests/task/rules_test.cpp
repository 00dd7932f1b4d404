// Rules of tasks and awaits that no other file here is about.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "support/allocation_counter.hpp"
#include "support/manual_dispatcher.hpp"
#include "support/manual_scheduler.hpp"
#include "weft/async_local.hpp"
#include "weft/async_stream.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/start_new.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/value_task.hpp"
#include "weft/value_task_source.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using weft_test::manual_dispatcher;
using weft_test::manual_scheduler;

TEST(rules, S_1_1_13_a_shared_completed_task_is_like_any_other) {
    const task<> shared = completed_task();
    const task<> again = completed_task();
    EXPECT_EQ(shared.status(), task_status::ran_to_completion);
    EXPECT_TRUE(again.is_completed_successfully());
    EXPECT_EQ(shared.exception(), nullptr);
    EXPECT_GT(shared.id(), 0);
    EXPECT_NO_THROW(shared.wait());
    const task<int> one = from_result(1);
    const task<int> other = from_result(1);
    EXPECT_EQ(one.get(), other.get());
}

task<> note_place(task<> gate, synchronization_context*& context, task_scheduler*& scheduler) {
    co_await gate;
    context = synchronization_context::current();
    scheduler = &task_scheduler::current();
}

TEST(rules, S_1_2_1_a_context_is_captured_before_a_scheduler_and_a_base_context_counts_as_none) {
    manual_dispatcher dispatcher;
    event_loop_context loop;
    synchronization_context base;
    manual_scheduler scheduler;
    task_completion_source<> gate;
    synchronization_context* with_both = nullptr;
    synchronization_context* with_base = &base;
    task_scheduler* of_both = nullptr;
    task_scheduler* of_base = nullptr;
    task<> first;
    task<> second;
    task<> starting = start_new(
        [&] {
            {
                const synchronization_context_scope scope(&loop);
                first = note_place(gate.task(), with_both, of_both);
            }
            const synchronization_context_scope scope(&base);
            second = note_place(gate.task(), with_base, of_base);
        },
        creation_options::none, &scheduler);
    scheduler.run_one();
    gate.set_result();
    EXPECT_EQ(loop.run_pending(), 1U);
    EXPECT_EQ(with_both, &loop);
    EXPECT_FALSE(second.is_completed());
    EXPECT_TRUE(scheduler.run_one());
    EXPECT_EQ(of_base, &scheduler);
    EXPECT_EQ(with_base, nullptr);
    EXPECT_TRUE(starting.is_completed() && first.is_completed() && second.is_completed());
}

task<> callee_that_notes(synchronization_context*& seen) {
    seen = synchronization_context::current();
    co_return;
}

TEST(rules, S_1_2_13_configure_await_concerns_one_continuation_only) {
    manual_dispatcher dispatcher;
    event_loop_context loop;
    synchronization_context* in_callee = nullptr;
    synchronization_context* after_complete = nullptr;
    synchronization_context* after_pending = nullptr;
    const auto body = [&]() -> task<> {
        co_await callee_that_notes(in_callee).configure_await(false);  // complete: nothing to come back from
        after_complete = synchronization_context::current();
        co_await yield();  // still captured
        after_pending = synchronization_context::current();
    };
    task<> running;
    {
        const synchronization_context_scope scope(&loop);
        running = body();
    }
    loop.run_pending();
    EXPECT_EQ(in_callee, &loop);
    EXPECT_EQ(after_complete, &loop);
    EXPECT_EQ(after_pending, &loop);
    EXPECT_TRUE(running.is_completed());
}

class refusing_context final : public synchronization_context {
public:
    void post(callback) override { throw std::runtime_error("the window is closed"); }
};

TEST(rules_death, S_1_2_16_a_context_that_refuses_a_continuation_ends_the_process_instead_of_hanging_it) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            refusing_context context;
            task_completion_source<> gate;
            const auto waits = [](task<> awaited) -> task<> { co_await awaited; };
            task<> waiting;
            {
                const synchronization_context_scope scope(&context);
                waiting = waits(gate.task());
            }
            gate.set_result();
            waiting.wait();
        },
        "the window is closed|terminate");
}

TEST(rules, S_1_3_8_an_await_of_a_source_captures_context_and_values_by_its_own_wish) {
    manual_dispatcher dispatcher;
    event_loop_context loop;
    static async_local<int> value;
    manual_reset_value_task_source<> source;
    synchronization_context* after = nullptr;
    int seen = 0;
    const auto body = [&](bool capture) -> task<> {
        value.set(5);
        if (capture) co_await value_task<>(source, source.version());
        else co_await value_task<>(source, source.version()).as_task().configure_await(false);
        after = synchronization_context::current();
        seen = value.value_or(0);
    };
    for (const bool capture : {true, false}) {
        task<> running;
        {
            const synchronization_context_scope scope(&loop);
            running = body(capture);
        }
        value.set(6);
        source.set_result();
        dispatcher.run_all();
        while (loop.run_pending() > 0) dispatcher.run_all();
        EXPECT_TRUE(running.is_completed());
        EXPECT_EQ(after, capture ? &loop : nullptr);
        EXPECT_EQ(seen, 5);
        value.clear();
    }
}

value_task<int> value_now(int value) { co_return value; }

TEST(rules, S_1_3_9_a_synchronous_value_task_allocates_nothing) {
    static_cast<void>(value_now(1).as_task().get());
    const auto sum = [](int count) -> task<std::size_t> {
        int total = 0;
        total += co_await value_now(0);  // the first frame is made, later ones are recycled
        const weft_test::allocation_counter counter;
        for (int i = 0; i < count; ++i) total += co_await value_now(i);
        for (int i = 0; i < count; ++i) total += co_await value_task<int>(i);
        co_return counter.count() + (total == -1 ? 1U : 0U);
    };
    EXPECT_EQ(sum(100).get(), 0U);
}

TEST(rules, S_1_3_10_changes_in_the_synchronous_part_of_a_value_task_stay_inside) {
    static async_local<int> value;
    value.set(1);
    const auto changes = []() -> value_task<int> {
        value.set(2);
        co_return value.value_or(0);
    };
    EXPECT_EQ(changes().as_task().get(), 2);
    EXPECT_EQ(value.value_or(0), 1);
    value.clear();
}

TEST(rules, S_1_6_11_changes_never_flow_back_to_the_caller_also_after_a_suspension) {
    manual_dispatcher dispatcher;
    static async_local<int> value;
    const auto callee = []() -> task<> {
        co_await yield();
        value.set(9);
        co_await yield();
    };
    int seen = 0;
    const auto caller = [&]() -> task<> {
        value.set(3);
        co_await callee();
        seen = value.value_or(0);
    };
    task<> running = caller();
    dispatcher.run_all();
    EXPECT_TRUE(running.is_completed());
    EXPECT_EQ(seen, 3);
}

TEST(rules, S_1_7_2_set_result_runs_a_continuation_inline_unless_asked_not_to) {
    manual_dispatcher dispatcher;
    const auto notes = [](task<> gate, bool& ran) -> task<> {
        co_await gate;
        ran = true;
    };
    task_completion_source<> inline_source;
    task_completion_source<> queued_source(creation_options::run_continuations_asynchronously);
    bool inline_ran = false;
    bool queued_ran = false;
    task<> first = notes(inline_source.task(), inline_ran);
    task<> second = notes(queued_source.task(), queued_ran);
    inline_source.set_result();
    EXPECT_TRUE(inline_ran);
    queued_source.set_result();
    EXPECT_FALSE(queued_ran);
    dispatcher.run_all();
    EXPECT_TRUE(queued_ran);
    EXPECT_TRUE(first.is_completed() && second.is_completed());
}

TEST(rules, S_1_7_6_a_source_canceled_with_a_token_throws_with_that_token) {
    cancellation_source cause;
    task_completion_source<int> source;
    source.set_canceled(cause.token());
    try {
        static_cast<void>(source.task().get());
        FAIL() << "it returned";
    } catch (const operation_canceled& error) {
        EXPECT_TRUE(error.token() == cause.token());
    }
}

TEST(rules, S_1_7_9_a_source_dropped_unset_is_told_of_and_breaks_its_promise_only_when_asked) {
    std::int32_t told = 0;
    auto remove = on_abandoned_source([&](std::int32_t id) { told = id; });
    task<> left;
    {
        const task_completion_source<> source;
        left = source.task();
    }
    EXPECT_FALSE(left.is_completed());
    EXPECT_EQ(told, left.id());

    told = 0;
    task<int> broken;
    {
        const task_completion_source<int> source(creation_options::break_promise_on_drop);
        broken = source.task();
        const task_completion_source<int> nobody_has_its_task;
    }
    EXPECT_EQ(told, 0);
    EXPECT_THROW(static_cast<void>(broken.get()), broken_promise);
    remove();
    {
        const task_completion_source<> source;
        left = source.task();
    }
    EXPECT_EQ(told, 0);
}

TEST(rules, S_1_16_3_disposing_again_is_harmless) {
    const auto producer = []() -> async_stream<int> { co_yield 1; };
    async_stream<int> stream = producer();
    static_cast<void>(stream.next().as_task().get());
    EXPECT_NO_THROW(stream.dispose().as_task().get());
    EXPECT_NO_THROW(stream.dispose().as_task().get());
}

}  // namespace
