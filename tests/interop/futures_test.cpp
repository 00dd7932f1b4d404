// SPDX-License-Identifier: MIT
#include "weft/futures.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "weft/event_loop_context.hpp"

namespace {

using namespace weft;

TEST(futures, a_task_makes_its_future_ready) {
    task_completion_source<std::unique_ptr<int>> source;
    std::future<std::unique_ptr<int>> future = as_future(source.task());
    EXPECT_EQ(future.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
    source.set_result(std::make_unique<int>(3));
    EXPECT_EQ(*future.get(), 3);
    EXPECT_NO_THROW(as_future(completed_task()).get());
}

TEST(futures, a_failure_is_thrown_by_the_future_and_counts_as_observed) {
    EXPECT_THROW(as_future(from_exception<int>(std::runtime_error("of the task"))).get(), std::runtime_error);
    cancellation_source source;
    source.cancel();
    EXPECT_THROW(as_future(from_canceled(source.token())).get(), task_canceled);
}

TEST(futures, the_thread_of_a_context_may_wait_for_what_completes_elsewhere) {
    event_loop_context loop;
    const synchronization_context_scope scope(&loop);
    task_completion_source<int> source;
    std::future<int> future = as_future(source.task());
    std::thread completer([&] { source.set_result(1); });
    EXPECT_EQ(future.get(), 1);
    completer.join();
}

TEST(futures, a_ready_future_is_a_complete_task) {
    std::promise<int> promise;
    promise.set_value(4);
    task<int> ready = from_future(promise.get_future());
    EXPECT_TRUE(ready.is_completed_successfully());
    EXPECT_EQ(ready.get(), 4);
    std::promise<void> failed;
    failed.set_exception(std::make_exception_ptr(std::runtime_error("of the promise")));
    EXPECT_TRUE(from_future(failed.get_future()).is_faulted());
    EXPECT_THROW(static_cast<void>(from_future(std::future<int>())), std::future_error);
}

TEST(futures, a_pending_one_is_waited_for_on_a_blocking_thread_and_a_deferred_one_evaluated_there) {
    std::promise<std::string> promise;
    task<std::string> pending = from_future(promise.get_future());
    EXPECT_FALSE(pending.is_completed());
    promise.set_value("later");
    EXPECT_EQ(pending.get(), "later");
    const std::thread::id here = std::this_thread::get_id();
    task<bool> deferred =
        from_future(std::async(std::launch::deferred, [here] { return std::this_thread::get_id() != here; }));
    EXPECT_TRUE(deferred.get());
    std::promise<int> shared;
    task<int> many = from_future(shared.get_future().share());
    shared.set_value(2);
    EXPECT_EQ(many.get(), 2);
}

}  // namespace
