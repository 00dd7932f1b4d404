// Rules 1.3: value_task and the sources behind it.
// SPDX-License-Identifier: MIT

#include "weft/value_task.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "weft/cancellation.hpp"
#include "weft/task_completion_source.hpp"

namespace {

using namespace weft;

task<int> await_value(value_task<int> value) { co_return co_await std::move(value); }

value_task<int> coroutine_value(int value) { co_return value + 1; }

value_task<int> coroutine_after(task<> gate) {
    co_await gate;
    co_return 9;
}

TEST(value_task, S_1_3_1_a_default_one_is_completed_successfully) {
    value_task<int> value;
    EXPECT_TRUE(value.is_completed_successfully());
    EXPECT_EQ(await_value(std::move(value)).get(), 0);
    value_task<> nothing;
    EXPECT_TRUE(nothing.is_completed());
}

TEST(value_task, S_1_3_2_wraps_a_value_a_task_or_a_source_and_refuses_an_empty_task) {
    EXPECT_EQ(await_value(value_task<int>(5)).get(), 5);
    EXPECT_EQ(await_value(value_task<int>(from_result(6))).get(), 6);
    manual_reset_value_task_source<int> source;
    task<int> waiting = await_value(value_task<int>(source, source.version()));
    EXPECT_FALSE(waiting.is_completed());
    source.set_result(7);
    EXPECT_EQ(waiting.get(), 7);
    EXPECT_THROW(static_cast<void>(value_task<int>(task<int>())), std::invalid_argument);
}

TEST(value_task, S_1_3_3_a_second_use_throws) {
    value_task<int> value(1);
    EXPECT_EQ(await_value(std::move(value)).get(), 1);
    EXPECT_THROW(static_cast<void>(value.is_completed()), invalid_operation);
}

TEST(value_task, S_1_3_3_a_stale_version_throws_from_every_member) {
    manual_reset_value_task_source<int> source;
    const std::uint16_t old = source.version();
    source.set_result(1);
    value_task<int> stale(source, old);
    source.reset();
    EXPECT_THROW(static_cast<void>(stale.is_completed()), invalid_operation);
    EXPECT_THROW(source.get_result(old), invalid_operation);
}

TEST(value_task, S_1_3_4_a_second_continuation_and_an_early_result_are_refused) {
    manual_reset_value_task_source<int> source;
    EXPECT_THROW(source.get_result(source.version()), invalid_operation);
    task<int> first = await_value(value_task<int>(source, source.version()));
    task<int> second = await_value(value_task<int>(source, source.version()));
    EXPECT_THROW(second.get(), invalid_operation);
    source.set_result(3);
    EXPECT_EQ(first.get(), 3);
}

TEST(value_task, S_1_3_5_as_task_gives_the_very_task_behind_it) {
    task<int> behind = from_result(1);
    EXPECT_TRUE(value_task<int>(behind).as_task() == behind);
    EXPECT_EQ(value_task<int>(2).as_task().get(), 2);
}

TEST(value_task, S_1_3_5_preserve_backs_a_source_by_a_task) {
    manual_reset_value_task_source<int> source;
    value_task<int> kept = value_task<int>(source, source.version()).preserve();
    source.set_result(4);
    EXPECT_EQ(await_value(std::move(kept)).get(), 4);
}

TEST(value_task, S_1_3_6_completing_twice_throws_and_reset_makes_a_new_version) {
    manual_reset_value_task_source<int> source;
    source.set_result(1);
    EXPECT_THROW(source.set_result(2), invalid_operation);
    const std::uint16_t before = source.version();
    source.reset();
    EXPECT_NE(source.version(), before);
    source.set_result(2);
    EXPECT_EQ(await_value(value_task<int>(source, source.version())).get(), 2);
}

TEST(value_task, S_1_3_7_an_operation_canceled_makes_the_status_canceled) {
    manual_reset_value_task_source<int> source;
    source.set_exception(std::make_exception_ptr(operation_canceled()));
    EXPECT_EQ(source.get_status(source.version()), value_task_source_status::canceled);
    EXPECT_TRUE(await_value(value_task<int>(source, source.version())).is_canceled());
}

TEST(value_task, a_coroutine_may_return_one) {
    EXPECT_EQ(await_value(coroutine_value(1)).get(), 2);
    task_completion_source<> gate;
    task<int> waiting = await_value(coroutine_after(gate.task()));
    gate.set_result();
    EXPECT_EQ(waiting.get(), 9);
}

}  // namespace
