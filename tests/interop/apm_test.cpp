// SPDX-License-Identifier: MIT
#include "weft/apm.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "support/eventually.hpp"
#include "support/manual_dispatcher.hpp"
#include "weft/synchronization_context.hpp"
#include "weft/unobserved_exception.hpp"

namespace {

using namespace weft;

/// A begin/end pair as a library without tasks would write it: the test says when it ends.
class hand_made_result final : public async_result {
public:
    hand_made_result(std::any state, bool synchronous) : state_(std::move(state)), synchronous_(synchronous) {
        if (synchronous) done_ = true;
    }
    [[nodiscard]] const std::any& async_state() const noexcept override { return state_; }
    [[nodiscard]] bool is_completed() const noexcept override { return done_; }
    [[nodiscard]] bool completed_synchronously() const noexcept override { return synchronous_; }
    void wait() const override { done_.wait(false); }
    bool wait(std::chrono::nanoseconds) const override { return done_; }
    void finish() {
        done_ = true;
        done_.notify_all();
    }

private:
    std::any state_;
    bool synchronous_;
    std::atomic<bool> done_{false};
};

struct pair_of_functions {
    int begins = 0;
    int ends = 0;
    bool synchronous = false;
    std::exception_ptr failure;
    async_callback callback;
    std::shared_ptr<hand_made_result> result;

    std::shared_ptr<async_result> begin(int, async_callback called, std::any state) {
        ++begins;
        callback = std::move(called);
        result = std::make_shared<hand_made_result>(std::move(state), synchronous);
        if (synchronous) callback(result);
        return result;
    }
    std::unique_ptr<int> end(const std::shared_ptr<async_result>& ended) {
        ++ends;
        EXPECT_EQ(ended, result);
        if (failure) std::rethrow_exception(failure);
        return std::make_unique<int>(42);
    }
    auto start() {
        return from_async(
            std::any(std::string("state")),
            [this](int argument, async_callback called, std::any state) {
                return begin(argument, std::move(called), std::move(state));
            },
            [this](const std::shared_ptr<async_result>& ended) { return end(ended); }, 1);
    }
};

class apm : public ::testing::Test {
protected:
    weft_test::manual_dispatcher home;
    pair_of_functions functions;
};

TEST_F(apm, S_1_28_1_from_async_calls_begin_once_and_ends_when_end_returns) {
    auto operation = functions.start();
    EXPECT_EQ(functions.begins, 1);
    EXPECT_FALSE(operation.is_completed());
    EXPECT_EQ(operation.status(), task_status::waiting_for_activation);
    EXPECT_EQ(std::any_cast<std::string>(functions.result->async_state()), "state");
    functions.result->finish();
    EXPECT_FALSE(operation.is_completed());
    functions.callback(functions.result);
    EXPECT_EQ(functions.ends, 1);
    EXPECT_EQ(*std::move(operation).get(), 42);
    EXPECT_EQ(functions.begins, 1);
}

TEST_F(apm, S_1_28_1_an_operation_that_ends_inside_begin_is_ended_once) {
    functions.synchronous = true;
    auto operation = functions.start();
    EXPECT_TRUE(operation.is_completed_successfully());
    EXPECT_EQ(functions.ends, 1);
}

TEST_F(apm, S_1_28_1_what_begin_throws_leaves_from_async) {
    int ends = 0;
    const auto begin = [](async_callback, std::any) -> std::shared_ptr<async_result> {
        throw std::runtime_error("of begin");
    };
    EXPECT_THROW(
        static_cast<void>(from_async(begin, [&](const std::shared_ptr<async_result>&) { ++ends; })), std::runtime_error);
    EXPECT_EQ(ends, 0);
}

TEST_F(apm, S_1_28_2_a_cancellation_of_end_cancels_with_that_object_and_an_error_faults_in_one_layer) {
    functions.failure = std::make_exception_ptr(operation_canceled("of end"));
    auto canceled = functions.start();
    functions.callback(functions.result);
    EXPECT_TRUE(canceled.is_canceled());
    try {
        static_cast<void>(std::move(canceled).get());
        ADD_FAILURE();
    } catch (const operation_canceled& error) {
        EXPECT_STREQ(error.what(), "of end");
    }
    functions.failure = std::make_exception_ptr(std::runtime_error("of end"));
    auto faulted = functions.start();
    functions.callback(functions.result);
    ASSERT_TRUE(faulted.is_faulted());
    ASSERT_EQ(faulted.exception()->inner_exceptions().size(), 1U);
    EXPECT_EQ(faulted.exception()->inner_exceptions()[0], functions.failure);
}

TEST_F(apm, S_1_28_3_from_async_of_an_operation_under_way_waits_and_ends_it_once) {
    task_completion_source<int> source;
    std::shared_ptr<async_result> begun = as_async_result(source.task());
    int ends = 0;
    auto operation = from_async(begun, [&](const std::shared_ptr<async_result>& ended) {
        ++ends;
        return end_async_result<int>(ended);
    });
    EXPECT_EQ(ends, 0);
    source.set_result(6);
    home.run_all();
    EXPECT_EQ(operation.get(), 6);
    EXPECT_EQ(ends, 1);
    EXPECT_THROW(static_cast<void>(from_async(std::shared_ptr<async_result>(), [](const auto&) {})), std::invalid_argument);
}

TEST(apm_foreign, S_1_28_3_a_result_of_another_kind_is_waited_for_on_a_blocking_thread) {
    auto begun = std::make_shared<hand_made_result>(std::any(), false);
    std::atomic<int> ends{0};
    auto operation = from_async(std::shared_ptr<async_result>(begun), [&](const std::shared_ptr<async_result>& ended) {
        EXPECT_TRUE(ended->is_completed());
        ++ends;
    });
    EXPECT_FALSE(operation.is_completed());
    begun->finish();
    operation.wait();
    EXPECT_EQ(ends, 1);
}

TEST_F(apm, S_1_28_4_a_complete_task_calls_back_inside_begin) {
    std::shared_ptr<async_result> seen;
    const auto result =
        as_async_result(from_result(1), [&](const std::shared_ptr<async_result>& ended) { seen = ended; }, std::any(7));
    EXPECT_EQ(seen, result);
    EXPECT_TRUE(result->completed_synchronously());
    EXPECT_TRUE(result->is_completed());
    EXPECT_EQ(std::any_cast<int>(result->async_state()), 7);
}

TEST_F(apm, S_1_28_4_a_pending_task_calls_back_later_and_is_not_synchronous) {
    task_completion_source<int> source;
    std::shared_ptr<async_result> seen;
    const auto result = as_async_result(source.task(), [&](const std::shared_ptr<async_result>& ended) { seen = ended; });
    EXPECT_EQ(seen, nullptr);
    EXPECT_FALSE(result->is_completed());
    source.set_result(1);
    home.run_all();
    EXPECT_EQ(seen, result);
    EXPECT_TRUE(result->is_completed());
    EXPECT_FALSE(result->completed_synchronously());
    seen.reset();
}

TEST_F(apm, S_1_28_5_end_blocks_gives_the_value_and_throws_the_original) {
    task_completion_source<int> source;
    const task<int> operation = source.task();
    const auto result = as_async_result(operation);
    synchronization_context pool;
    pool.post([&] { source.set_result(9); });
    EXPECT_EQ(end_async_result<int>(result), 9);
    EXPECT_EQ(unwrap_async_result<int>(result), operation);
    EXPECT_THROW(end_async_result(as_async_result(from_exception(std::runtime_error("of the task")))), std::runtime_error);
    EXPECT_THROW(static_cast<void>(end_async_result<long>(result)), std::invalid_argument);
    EXPECT_THROW(end_async_result(std::make_shared<hand_made_result>(std::any(), true)), std::invalid_argument);
    EXPECT_THROW(end_async_result(nullptr), std::invalid_argument);
}

TEST_F(apm, S_1_28_6_waiting_ends_at_completion_and_throws_nothing_of_the_operation) {
    task_completion_source<> source;
    const auto result = as_async_result(source.task());
    synchronization_context pool;
    pool.post([&] { source.set_exception(std::runtime_error("not through wait")); });
    result->wait();
    EXPECT_TRUE(result->is_completed());
    EXPECT_TRUE(result->wait(std::chrono::nanoseconds::zero()));
}

TEST_F(apm, S_1_28_7_a_fault_that_no_end_observed_is_silent) {
    int raised = 0;
    auto remove = on_unobserved_task_exception([&](const unobserved_task_exception&) { ++raised; });
    {
        task_completion_source<> source;
        const auto pending = as_async_result(source.task());
        const auto complete = as_async_result(from_exception(std::runtime_error("complete")));
        source.set_exception(std::runtime_error("pending"));
        home.run_all();
    }
    EXPECT_EQ(raised, 0);
    from_exception(std::runtime_error("seen by nobody")).forget();
    EXPECT_EQ(raised, 1);
    remove();
}

}  // namespace
