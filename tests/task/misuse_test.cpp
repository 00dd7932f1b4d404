// What C++ lets one do wrong and C# does not: handles that were moved away, closures that must outlive their call.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/manual_dispatcher.hpp"
#include "weft/base/error.hpp"
#include "weft/continue_with.hpp"
#include "weft/run.hpp"
#include "weft/start_new.hpp"
#include "weft/task.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/value_task.hpp"
#include "weft/when_all.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using weft_test::manual_dispatcher;

const std::string long_text = "a text that is too long to be stored inside the string";

class misuse_test : public ::testing::Test {
protected:
    manual_dispatcher home;
    task_completion_source<> gate;

    /// Opens the gate after the caller's closure has gone. The address sanitizer sees a closure that did not live on.
    std::string finish(task<std::string> running) {
        home.run_all();
        EXPECT_FALSE(running.is_completed());
        gate.set_result();
        home.run_all();
        EXPECT_TRUE(running.is_completed());
        return running.get();
    }
};

TEST_F(misuse_test, awaiting_a_moved_from_task_throws_invalid_operation) {
    task<int> handle = from_result(7);
    const task<int> taken = std::move(handle);
    auto as_lvalue = [](const task<int>& awaited) -> task<int> { co_return co_await awaited; };
    auto as_rvalue = [](task<int> awaited) -> task<int> { co_return co_await std::move(awaited); };
    auto configured = [](const task<int>& awaited) -> task<int> { co_return co_await awaited.configure_await(false); };
    auto outcome_of = [](const task<int>& awaited) -> task<bool> {
        const auto how = co_await awaited.as_outcome();
        co_return how.has_value();
    };
    EXPECT_THROW(as_lvalue(handle).get(), invalid_operation);
    EXPECT_THROW(as_rvalue(handle).get(), invalid_operation);
    EXPECT_THROW(configured(handle).get(), invalid_operation);
    EXPECT_THROW(outcome_of(handle).get(), invalid_operation);
    EXPECT_THROW(handle.get(), invalid_operation);
    EXPECT_THROW(handle.wait(), invalid_operation);
    EXPECT_THROW(static_cast<void>(handle.is_completed()), invalid_operation);
    EXPECT_EQ(taken.get(), 7);
}

TEST_F(misuse_test, awaiting_a_moved_from_value_task_throws_invalid_operation) {
    value_task<int> value(7);
    value_task<int> taken = std::move(value);
    auto await_it = [](value_task<int>& awaited) -> task<int> { co_return co_await std::move(awaited); };
    EXPECT_THROW(await_it(value).get(), invalid_operation);
    EXPECT_EQ(await_it(taken).get(), 7);
    EXPECT_THROW(await_it(taken).get(), invalid_operation);
}

TEST_F(misuse_test, a_combinator_refuses_a_moved_from_task) {
    task<int> handle = from_result(7);
    const task<int> taken = std::move(handle);
    EXPECT_THROW(static_cast<void>(when_all(handle, taken)), std::invalid_argument);
}

TEST_F(misuse_test, run_keeps_the_closure_of_a_lambda_coroutine) {
    task<std::string> running = run([text = long_text, open = gate.task()]() -> task<std::string> {
        co_await open;
        co_return text;
    });
    EXPECT_EQ(finish(std::move(running)), long_text);
}

TEST_F(misuse_test, run_lets_the_closure_go_when_the_task_is_over) {
    auto held = std::make_shared<int>(7);
    const std::weak_ptr<int> watch = held;
    const task<> running = run([held = std::move(held), open = gate.task()]() -> task<> { co_await open; });
    home.run_all();
    EXPECT_FALSE(watch.expired());
    gate.set_result();
    home.run_all();
    EXPECT_TRUE(watch.expired());
    EXPECT_TRUE(running.is_completed_successfully());
}

TEST_F(misuse_test, start_new_keeps_the_closure_of_a_lambda_coroutine) {
    task<std::string> running = unwrap(start_new([text = long_text, open = gate.task()]() -> task<std::string> {
        co_await open;
        co_return text;
    }));
    EXPECT_EQ(finish(std::move(running)), long_text);
}

TEST_F(misuse_test, continue_with_keeps_the_closure_of_a_lambda_coroutine) {
    task<std::string> running =
        unwrap(from_result(1).continue_with([text = long_text, open = gate.task()](task<int>&) -> task<std::string> {
            co_await open;
            co_return text;
        }));
    EXPECT_EQ(finish(std::move(running)), long_text);
}

TEST_F(misuse_test, start_new_lets_the_closure_go_when_the_inner_task_is_over) {
    auto held = std::make_shared<int>(7);
    const std::weak_ptr<int> watch = held;
    const task<task<>> running = start_new([held = std::move(held), open = gate.task()]() -> task<> { co_await open; });
    home.run_all();
    EXPECT_TRUE(running.is_completed());
    EXPECT_FALSE(watch.expired());
    gate.set_result();
    home.run_all();
    EXPECT_TRUE(watch.expired());
}

TEST_F(misuse_test, start_new_gives_the_very_task_that_the_function_gave) {
    const task<> given = gate.task();
    const task<task<>> running = start_new([given] { return given; });
    home.run_all();
    EXPECT_EQ(running.get(), given);
}

TEST_F(misuse_test, a_continuation_without_captures_may_be_a_coroutine_that_refers_to_its_antecedent) {
    task_completion_source<std::string> first;
    task<std::string> running = unwrap(first.task().continue_with([](task<std::string>& before) -> task<std::string> {
        co_await yield();
        co_return co_await before;
    }));
    first.set_result(long_text);
    home.run_all();
    EXPECT_EQ(running.get(), long_text);
}

}  // namespace
