// SPDX-License-Identifier: MIT
#include "weft/eap.hpp"

#include <gtest/gtest.h>

#include <any>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/manual_dispatcher.hpp"

namespace {

using namespace weft;

class counting_context final : public synchronization_context {
public:
    void post(callback function) override { queue.push_back(std::move(function)); }
    void operation_started() noexcept override { ++started; }
    void operation_completed() noexcept override { ++completed; }
    void run_all() {
        const synchronization_context_scope scope(this);
        for (std::size_t index = 0; index < queue.size(); ++index) {
            callback next = std::move(queue[index]);
            next();
        }
        queue.clear();
    }
    std::vector<callback> queue;
    int started = 0;
    int completed = 0;
};

class eap : public ::testing::Test {
protected:
    weft_test::manual_dispatcher home;
    void run_pool() {
        const synchronization_context_scope none(nullptr);
        home.run_all();
    }
    counting_context context;
    synchronization_context_scope scope{&context};
};

TEST_F(eap, S_1_29_1_create_captures_the_context_tells_it_and_keeps_the_state) {
    const async_operation operation = async_operation_manager::create_operation(std::string("mine"));
    EXPECT_EQ(&operation.synchronization_context(), &context);
    EXPECT_EQ(context.started, 1);
    EXPECT_EQ(std::any_cast<std::string>(operation.user_supplied_state()), "mine");
}

TEST_F(eap, S_1_29_1_a_thread_without_a_context_gets_a_default_one) {
    const synchronization_context_scope none(nullptr);
    const async_operation operation = async_operation_manager::create_operation();
    EXPECT_EQ(synchronization_context::current(), &operation.synchronization_context());
    EXPECT_EQ(detail::capturable(synchronization_context::current()), nullptr);
    bool ran = false;
    operation.post([&] { ran = true; });
    EXPECT_FALSE(ran);
    home.run_all();
    EXPECT_TRUE(ran);
}

TEST_F(eap, S_1_29_2_posts_through_the_context_and_completes_once) {
    const async_operation operation = async_operation_manager::create_operation();
    int calls = 0;
    const synchronization_context_scope elsewhere(nullptr);
    operation.post([&] { ++calls; });
    EXPECT_EQ(context.completed, 0);
    operation.post_operation_completed([&] { calls += 10; });
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(context.completed, 1);
    context.run_all();
    EXPECT_EQ(calls, 11);
    EXPECT_THROW(operation.post([] {}), invalid_operation);
    EXPECT_THROW(operation.post_operation_completed([] {}), invalid_operation);
    EXPECT_THROW(operation.operation_completed(), invalid_operation);
    EXPECT_EQ(context.completed, 1);
}

TEST_F(eap, S_1_29_2_an_empty_callback_is_an_argument_error) {
    const async_operation operation = async_operation_manager::create_operation();
    EXPECT_THROW(operation.post({}), std::invalid_argument);
    EXPECT_THROW(operation.post_operation_completed({}), std::invalid_argument);
    EXPECT_EQ(context.completed, 0);
    operation.operation_completed();
    EXPECT_EQ(context.completed, 1);
}

TEST_F(eap, S_1_29_3_an_operation_that_is_dropped_completes_itself) {
    {
        const async_operation first = async_operation_manager::create_operation();
        const async_operation second = first;
    }
    EXPECT_EQ(context.completed, 1);
    { async_operation_manager::create_operation().operation_completed(); }
    EXPECT_EQ(context.completed, 2);
    EXPECT_TRUE(context.queue.empty());
}

TEST_F(eap, S_1_29_4_reading_the_result_throws_what_the_operation_ended_with) {
    EXPECT_EQ(async_completed_event_args<int>(std::in_place, 3).result(), 3);
    EXPECT_THROW(static_cast<void>(async_completed_event_args<int>(nullptr, true).result()), invalid_operation);
    const auto error = std::make_exception_ptr(std::runtime_error("its own"));
    const async_completed_event_args<int> failed(error, false, 5);
    EXPECT_EQ(failed.error(), error);
    EXPECT_EQ(std::any_cast<int>(failed.user_state()), 5);
    try {
        static_cast<void>(failed.result());
        ADD_FAILURE();
    } catch (const target_invocation_exception& wrapper) {
        EXPECT_EQ(wrapper.inner(), error);
        EXPECT_STREQ(wrapper.what(), "an event-based operation failed: its own");
    }
    EXPECT_NO_THROW(async_completed_event_args<>(nullptr, false).result());
}

TEST_F(eap, S_1_29_5_a_worker_runs_one_operation_at_a_time_on_the_pool_and_reports_to_the_context) {
    background_worker worker;
    worker.set_worker_reports_progress(true);
    std::vector<std::string> log;
    const subscription work = worker.do_work().subscribe([&](do_work_event_args& args) {
        EXPECT_NE(synchronization_context::current(), &context);
        worker.report_progress(50, std::string("half"));
        args.result = std::any_cast<int>(args.argument) * 2;
    });
    const subscription progress = worker.progress_changed().subscribe([&](const progress_changed_event_args& args) {
        EXPECT_EQ(synchronization_context::current(), &context);
        log.push_back(std::to_string(args.progress_percentage()) + std::any_cast<std::string>(args.user_state()));
    });
    const subscription end = worker.run_worker_completed().subscribe([&](const async_completed_event_args<std::any>& args) {
        EXPECT_EQ(synchronization_context::current(), &context);
        EXPECT_FALSE(worker.is_busy());
        log.push_back(std::to_string(std::any_cast<int>(args.result())));
    });
    worker.run_worker_async(21);
    EXPECT_TRUE(worker.is_busy());
    EXPECT_THROW(worker.run_worker_async(), invalid_operation);
    run_pool();
    EXPECT_TRUE(log.empty());
    context.run_all();
    EXPECT_EQ(log, (std::vector<std::string>{"50half", "42"}));
    EXPECT_EQ(context.started, 1);
    EXPECT_EQ(context.completed, 1);
    worker.run_worker_async(1);
    run_pool();
    context.run_all();
    EXPECT_EQ(log.back(), "2");
}

TEST_F(eap, S_1_29_5_progress_and_cancellation_must_be_asked_for) {
    background_worker worker;
    EXPECT_THROW(worker.cancel_async(), invalid_operation);
    EXPECT_THROW(worker.report_progress(1), invalid_operation);
    worker.set_worker_reports_progress(true);
    EXPECT_THROW(worker.report_progress(1), invalid_operation) << "no run is under way";
    worker.set_worker_supports_cancellation(true);
    bool cancelled = false;
    const subscription work = worker.do_work().subscribe([&](do_work_event_args& args) {
        if (worker.cancellation_pending()) args.cancel = true;
    });
    const subscription end = worker.run_worker_completed().subscribe(
        [&](const async_completed_event_args<std::any>& args) { cancelled = args.cancelled(); });
    worker.run_worker_async();
    worker.cancel_async();
    run_pool();
    context.run_all();
    EXPECT_TRUE(cancelled);
    EXPECT_FALSE(worker.cancellation_pending());
}

TEST_F(eap, S_1_29_5_what_the_work_throws_is_the_completions_error) {
    background_worker worker;
    std::string told;
    const subscription work =
        worker.do_work().subscribe([](do_work_event_args&) { throw std::runtime_error("of the work"); });
    const subscription end = worker.run_worker_completed().subscribe(
        [&](const async_completed_event_args<std::any>& args) { told = message_of(args.error()); });
    worker.run_worker_async();
    run_pool();
    context.run_all();
    EXPECT_EQ(told, "of the work");
}

using completed_event = event<const async_completed_event_args<int>&>;

TEST_F(eap, S_1_29_6_the_handler_goes_at_completion_and_each_ending_is_mapped) {
    completed_event completed;
    auto succeeded = from_completed_event(completed, [] {});
    EXPECT_EQ(completed.subscribers(), 1U);
    completed.raise(async_completed_event_args<int>(std::in_place, 4));
    EXPECT_EQ(completed.subscribers(), 0U);
    EXPECT_EQ(succeeded.get(), 4);
    completed.raise(async_completed_event_args<int>(std::in_place, 5));
    EXPECT_EQ(succeeded.get(), 4);

    auto failed = from_completed_event(completed, [] {});
    completed.raise({std::make_exception_ptr(std::runtime_error("its own")), false});
    EXPECT_THROW(static_cast<void>(failed.get()), std::runtime_error);
    auto cancelled = from_completed_event(completed, [] {});
    completed.raise({nullptr, true});
    EXPECT_TRUE(cancelled.is_canceled());
}

TEST_F(eap, S_1_29_6_completion_inside_start_is_not_lost_and_a_start_that_throws_leaves_no_handler) {
    completed_event completed;
    auto at_once =
        from_completed_event(completed, [&] { completed.raise(async_completed_event_args<int>(std::in_place, 1)); });
    EXPECT_EQ(at_once.get(), 1);
    EXPECT_EQ(completed.subscribers(), 0U);
    EXPECT_THROW(static_cast<void>(from_completed_event(completed, [] { throw std::runtime_error("of start"); })),
        std::runtime_error);
    EXPECT_EQ(completed.subscribers(), 0U);
}

}  // namespace
