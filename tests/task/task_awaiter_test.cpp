// The awaiter protocol by hand.
// SPDX-License-Identifier: MIT
#include "weft/task_awaiter.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "support/manual_dispatcher.hpp"
#include "weft/async_local.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/task_completion_source.hpp"

namespace {

using namespace weft;

class task_awaiter_test : public ::testing::Test {
protected:
    weft_test::manual_dispatcher home;
};

TEST_F(task_awaiter_test, S_1_2_9_a_continuation_of_a_completed_task_runs_once_and_not_inside_the_call) {
    int calls = 0;
    const task_awaiter<int> awaiter = from_result(5).get_awaiter();
    EXPECT_TRUE(awaiter.is_completed());
    awaiter.on_completed([&] { ++calls; });
    EXPECT_EQ(calls, 0);
    home.run_all();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(awaiter.get_result(), 5);
}

TEST_F(task_awaiter_test, S_1_2_2_a_continuation_is_posted_to_the_captured_context) {
    event_loop_context loop;
    task_completion_source<> source;
    int calls = 0;
    {
        const synchronization_context_scope scope(&loop);
        source.task().get_awaiter().on_completed([&] { ++calls; });
        task_awaiter<>(source.task(), false).on_completed([&] { calls += 10; });
    }
    source.set_result();
    EXPECT_EQ(calls, 0) << "the first is posted to the loop, the second may not run before it";
    home.run_all();
    EXPECT_EQ(calls, 10);
    loop.run_pending();
    EXPECT_EQ(calls, 11);
}

TEST_F(task_awaiter_test, S_1_6_3_async_locals_flow_through_on_completed_and_not_through_the_unsafe_form) {
    async_local<int> local;
    task_completion_source<> source;
    const task_awaiter<> awaiter = source.task().get_awaiter();
    int safe = -1;
    int unsafe = -1;
    local.set(3);
    awaiter.on_completed([&] { safe = local.value_or(0); });
    awaiter.unsafe_on_completed([&] { unsafe = local.value_or(0); });
    EXPECT_FALSE(execution_context::is_flow_suppressed());
    local.clear();
    source.set_result();
    home.run_all();
    EXPECT_EQ(safe, 3);
    EXPECT_EQ(unsafe, 0);
}

TEST_F(task_awaiter_test, S_1_2_10_get_result_blocks_and_throws_the_original_exception) {
    task_completion_source<int> source;
    const task_awaiter<int> awaiter = source.task().get_awaiter();
    EXPECT_FALSE(awaiter.is_completed());
    synchronization_context pool;
    pool.post([&] { source.set_result(4); });
    EXPECT_EQ(awaiter.get_result(), 4);
    EXPECT_THROW(static_cast<void>(from_exception<int>(std::runtime_error("of the task")).get_awaiter().get_result()),
        std::runtime_error);
    EXPECT_THROW(static_cast<void>(task<>().get_awaiter()), invalid_operation);
}

}  // namespace
