// Cleanup that is awaited (semantics 1.16).
// SPDX-License-Identifier: MIT

#include "weft/using_async.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "support/manual_dispatcher.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using weft_test::manual_dispatcher;

/// Disposes asynchronously and says so.
class resource {
public:
    resource(std::string& trace, std::string name, bool fails = false)
        : trace_(&trace), name_(std::move(name)), fails_(fails) {}
    task<> dispose() {
        std::string& trace = *trace_;
        const std::string name = name_;
        const bool fails = fails_;
        co_await yield();
        trace += name + " ";
        if (fails) throw std::logic_error("disposal of " + name);
    }
    [[nodiscard]] const std::string& name() const { return name_; }

private:
    std::string* trace_;
    std::string name_;
    bool fails_;
};
static_assert(async_disposable<resource>);
static_assert(!async_disposable<int>);

task<int> body_that_returns(resource& used) {
    co_await yield();
    co_return static_cast<int>(used.name().size());
}
task<int> body_that_throws(resource&) {
    co_await yield();
    throw std::runtime_error("body");
}

template <class T>
T drive(manual_dispatcher& dispatcher, task<T> running) {
    dispatcher.run_all();
    return running.get();
}

TEST(using_async, S_1_16_1_nested_resources_are_disposed_of_in_reverse_order_and_awaited) {
    manual_dispatcher dispatcher;
    std::string trace;
    const auto outer = [&trace](resource&) {
        return using_async(resource(trace, "inner"), [&trace](resource& inner) -> task<int> {
            trace += "body ";
            return body_that_returns(inner);
        });
    };
    EXPECT_EQ(drive(dispatcher, using_async(resource(trace, "outer"), outer)), 5);
    EXPECT_EQ(trace, "body inner outer ");
}

TEST(using_async, S_1_16_1_it_disposes_when_the_body_throws_or_is_canceled) {
    manual_dispatcher dispatcher;
    std::string trace;
    EXPECT_THROW(drive(dispatcher, using_async(resource(trace, "a"), body_that_throws)), std::runtime_error);
    const auto plain_throw = [](resource&) -> task<int> { throw std::runtime_error("before it gave a task"); };
    EXPECT_THROW(drive(dispatcher, using_async(resource(trace, "b"), plain_throw)), std::runtime_error);
    const auto canceled = [](resource&) -> task<int> {
        co_await yield();
        throw task_canceled();
    };
    EXPECT_THROW(drive(dispatcher, using_async(resource(trace, "c"), canceled)), task_canceled);
    EXPECT_EQ(trace, "a b c ");
}

TEST(using_async, S_1_16_2_an_exception_of_the_disposal_replaces_the_bodys) {
    manual_dispatcher dispatcher;
    std::string trace;
    EXPECT_THROW(drive(dispatcher, using_async(resource(trace, "a", true), body_that_throws)), std::logic_error);
    EXPECT_THROW(drive(dispatcher, using_async(resource(trace, "a", true), body_that_returns)), std::logic_error);
    const auto plain_throw = [](resource&) -> task<int> { throw std::runtime_error("before it gave a task"); };
    EXPECT_THROW(drive(dispatcher, using_async(resource(trace, "a", true), plain_throw)), std::logic_error);
}

TEST(using_async, S_1_16_4_the_disposal_comes_back_to_the_context_of_its_await) {
    manual_dispatcher dispatcher;
    event_loop_context loop;
    std::string trace;
    task<int> running;
    {
        const synchronization_context_scope scope(&loop);
        running = using_async(resource(trace, "a"), body_that_returns);
    }
    dispatcher.run_all();
    EXPECT_FALSE(running.is_completed());
    while (loop.run_pending() > 0) dispatcher.run_all();
    EXPECT_EQ(running.get(), 1);
}

TEST(try_finally, the_cleanup_runs_on_return_exception_and_cancellation) {
    manual_dispatcher dispatcher;
    std::string trace;
    const auto cleanup = [&trace]() -> task<> {
        co_await yield();
        trace += "cleaned ";
    };
    const auto returns = []() -> task<int> { co_return 3; };
    const auto throws = []() -> task<int> {
        co_await yield();
        throw std::runtime_error("body");
    };
    const auto canceled = []() -> task<int> {
        co_await yield();
        throw task_canceled();
    };
    EXPECT_EQ(drive(dispatcher, try_finally(returns, cleanup)), 3);
    EXPECT_THROW(drive(dispatcher, try_finally(throws, cleanup)), std::runtime_error);
    EXPECT_THROW(drive(dispatcher, try_finally(canceled, cleanup)), task_canceled);
    EXPECT_EQ(trace, "cleaned cleaned cleaned ");
}

TEST(try_finally, it_owns_what_its_closures_hold) {
    manual_dispatcher dispatcher;
    auto owned = std::make_shared<int>(4);
    const std::weak_ptr<int> watched = owned;
    task<int> running = try_finally(
        [kept = std::move(owned)]() -> task<int> {
            co_await yield();
            co_return *kept;
        },
        []() -> task<> { co_return; });
    EXPECT_FALSE(watched.expired());
    dispatcher.run_all();
    EXPECT_EQ(running.get(), 4);
    EXPECT_TRUE(watched.expired());
}

TEST(scope_exit, it_calls_its_function_once_at_the_end_of_the_scope) {
    int calls = 0;
    {
        const scope_exit guard([&] { ++calls; });
        EXPECT_EQ(calls, 0);
    }
    EXPECT_EQ(calls, 1);
}

}  // namespace
