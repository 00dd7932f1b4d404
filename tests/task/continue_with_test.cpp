// Continuations as tasks (semantics 1.10, 1.2/6).
// SPDX-License-Identifier: MIT

#include "weft/continue_with.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "support/manual_dispatcher.hpp"
#include "support/manual_scheduler.hpp"
#include "weft/start_new.hpp"
#include "weft/task_completion_source.hpp"

namespace {

using namespace weft;
using weft_test::manual_dispatcher;
using weft_test::manual_scheduler;
using enum continuation_options;

task<> await_and_note(task<> signal, std::string& trace, std::string what) {
    co_await signal;
    trace += what;
}

TEST(continue_with, S_1_10_1_the_default_scheduler_is_the_current_one_at_registration) {
    manual_dispatcher dispatcher;
    manual_scheduler scheduler;
    task_completion_source<> source;
    task<> continuation;
    task<> registering = start_new(
        [&] { continuation = source.task().continue_with([](const task<>&) {}); }, creation_options::none, &scheduler);
    scheduler.run_one();
    source.set_result();
    EXPECT_EQ(scheduler.queued(), 1U);
    EXPECT_EQ(dispatcher.queued(), 0U);
    scheduler.run_one();
    EXPECT_TRUE(continuation.is_completed_successfully());
    EXPECT_TRUE(registering.is_completed());
}

TEST(continue_with, S_1_10_2_it_gets_the_antecedent_and_runs_whatever_the_outcome) {
    manual_dispatcher dispatcher;
    task<int> good = from_result(4).continue_with([](const task<int>& before) { return before.get() + 1; });
    task<bool> bad = from_exception<int>(std::runtime_error("x")).continue_with([](const task<int>& before) {
        return before.exception() != nullptr;
    });
    cancellation_source source;
    source.cancel();
    task<bool> gone =
        from_canceled(source.token()).continue_with([](const task<>& before) { return before.is_canceled(); });
    dispatcher.run_all();
    EXPECT_EQ(good.get(), 5);
    EXPECT_TRUE(bad.get());
    EXPECT_TRUE(gone.get());
}

TEST(continue_with, S_1_10_2_a_continuation_that_is_filtered_out_is_canceled) {
    manual_dispatcher dispatcher;
    bool called = false;
    const auto note = [&](const task<>&) { called = true; };
    cancellation_source source;
    source.cancel();
    const task<> canceled = from_canceled(source.token());
    const task<> faulted = from_exception(std::runtime_error("x"));
    EXPECT_TRUE(completed_task().continue_with(note, only_on_faulted).is_canceled());
    EXPECT_TRUE(completed_task().continue_with(note, only_on_canceled).is_canceled());
    EXPECT_TRUE(completed_task().continue_with(note, not_on_ran_to_completion).is_canceled());
    EXPECT_TRUE(faulted.continue_with(note, only_on_ran_to_completion).is_canceled());
    EXPECT_TRUE(faulted.continue_with(note, not_on_faulted).is_canceled());
    EXPECT_TRUE(canceled.continue_with(note, not_on_canceled).is_canceled());
    dispatcher.run_all();
    EXPECT_FALSE(called);
    task<> wanted = faulted.continue_with(note, only_on_faulted);
    dispatcher.run_all();
    EXPECT_TRUE(called);
    EXPECT_TRUE(wanted.is_completed_successfully());
    EXPECT_NE(faulted.exception(), nullptr);
}

TEST(continue_with, S_1_10_3_a_token_signalled_before_it_starts_cancels_it_at_once) {
    manual_dispatcher dispatcher;
    task_completion_source<> source;
    cancellation_source stop;
    bool called = false;
    auto owned = std::make_shared<int>(1);
    const std::weak_ptr<int> watched = owned;
    task<> continuation = source.task().continue_with(
        [&called, kept = std::move(owned)](const task<>&) { called = true; }, none, nullptr, stop.token());
    stop.cancel();
    EXPECT_TRUE(continuation.is_canceled());
    EXPECT_TRUE(watched.expired());
    int registered = 0;
    source.task().core_or_null()->visit_continuations([&](detail::continuation&) { ++registered; });
    EXPECT_EQ(registered, 0);
    source.set_result();
    dispatcher.run_all();
    EXPECT_FALSE(called);
}

TEST(continue_with, S_1_10_3_lazy_cancellation_waits_for_the_antecedent) {
    manual_dispatcher dispatcher;
    task_completion_source<> source;
    cancellation_source stop;
    task<> continuation = source.task().continue_with([](const task<>&) {}, lazy_cancellation, nullptr, stop.token());
    stop.cancel();
    EXPECT_FALSE(continuation.is_completed());
    source.set_result();
    dispatcher.run_all();
    EXPECT_TRUE(continuation.is_canceled());
}

TEST(continue_with, S_1_10_4_execute_synchronously_runs_where_the_antecedent_ends) {
    manual_dispatcher dispatcher;
    task_completion_source<> source;
    task<> continuation = source.task().continue_with([](const task<>&) {}, execute_synchronously);
    source.set_result();
    EXPECT_TRUE(continuation.is_completed());
    EXPECT_EQ(dispatcher.queued(), 0U);
}

TEST(continue_with, S_1_10_4_it_is_ignored_when_the_antecedent_runs_continuations_asynchronously) {
    manual_dispatcher dispatcher;
    task_completion_source<> source(creation_options::run_continuations_asynchronously);
    task<> continuation = source.task().continue_with([](const task<>&) {}, execute_synchronously);
    source.set_result();
    EXPECT_FALSE(continuation.is_completed());
    dispatcher.run_all();
    EXPECT_TRUE(continuation.is_completed());
}

TEST(continue_with, S_1_10_5_what_the_function_throws_faults_the_continuation_only) {
    manual_dispatcher dispatcher;
    task<> thrown = completed_task().continue_with([](const task<>&) { throw std::runtime_error("mine"); });
    const task<> faulted = from_exception(std::runtime_error("not mine"));
    task<> calm = faulted.continue_with([](const task<>&) {});
    dispatcher.run_all();
    EXPECT_TRUE(thrown.is_faulted());
    EXPECT_NE(thrown.exception(), nullptr);
    EXPECT_TRUE(calm.is_completed_successfully());
    EXPECT_NE(faulted.exception(), nullptr);
}

TEST(continue_with, S_1_10_6_a_function_that_returns_a_task_gives_a_task_of_a_task) {
    manual_dispatcher dispatcher;
    task_completion_source<int> inner;
    task<task<int>> nested = completed_task().continue_with([&](const task<>&) { return inner.task(); });
    dispatcher.run_all();
    EXPECT_TRUE(nested.is_completed());
    task<int> flat = unwrap(nested);
    EXPECT_FALSE(flat.is_completed());
    inner.set_result(6);
    dispatcher.run_all();
    EXPECT_EQ(flat.get(), 6);
}

TEST(continue_with, S_1_10_7_options_that_contradict_each_other_are_refused) {
    const auto nothing = [](const task<>&) {};
    EXPECT_THROW(
        completed_task().continue_with(nothing, not_on_ran_to_completion | not_on_faulted | not_on_canceled).forget(),
        std::invalid_argument);
    EXPECT_THROW(
        completed_task().continue_with(nothing, long_running | execute_synchronously).forget(), std::invalid_argument);
    EXPECT_THROW(completed_task().continue_with(nothing, static_cast<continuation_options>(1U << 30)).forget(),
        std::invalid_argument);
    EXPECT_THROW(continue_with(task<>(), nothing).forget(), std::invalid_argument);
}

TEST(continue_with, S_1_10_8_a_scheduler_that_throws_faults_the_continuation) {
    class refusing final : public task_scheduler {
    public:
        void queue(work_item&) override { throw std::runtime_error("full"); }
    } scheduler;
    task_completion_source<> source;
    task<> continuation = source.task().continue_with([](const task<>&) {}, none, &scheduler);
    EXPECT_NO_THROW(source.set_result());
    ASSERT_TRUE(continuation.is_faulted());
    EXPECT_THROW(continuation.get(), task_scheduler_exception);
}

TEST(continue_with, S_1_2_6_queued_continuations_are_queued_before_inline_ones_run) {
    manual_dispatcher dispatcher;
    task_completion_source<> source;
    std::string trace;
    std::vector<std::size_t> queued_when_inline_ran;
    const auto inline_one = [&](const char* name) {
        return [&, name](const task<>&) {
            trace += name;
            queued_when_inline_ran.push_back(dispatcher.queued());
        };
    };
    task<> a = source.task().continue_with(inline_one("a"), execute_synchronously);
    task<> queued = source.task().continue_with([&](const task<>&) { trace += "q"; });
    task<> awaiting = await_and_note(source.task(), trace, "w");
    task<> b = source.task().continue_with(inline_one("b"), execute_synchronously);
    source.set_result();
    EXPECT_EQ(trace, "ab");
    EXPECT_EQ(queued_when_inline_ran, (std::vector<std::size_t>{2, 2}));
    dispatcher.run_all();
    EXPECT_EQ(trace.size(), 4U);
    EXPECT_TRUE(a.is_completed() && b.is_completed() && queued.is_completed() && awaiting.is_completed());
}

TEST(continue_with, a_continuation_can_be_attached_to_the_task_that_registers_it) {
    manual_dispatcher dispatcher;
    task_completion_source<> source;
    task<> parent = start_new([&] { source.task().continue_with([](const task<>&) {}, attached_to_parent).forget(); });
    dispatcher.run_all();
    EXPECT_EQ(parent.status(), task_status::waiting_for_children_to_complete);
    source.set_result();
    dispatcher.run_all();
    EXPECT_TRUE(parent.is_completed_successfully());
}

TEST(continue_with, a_waiting_continuation_says_that_it_waits_for_activation) {
    manual_dispatcher dispatcher;
    task_completion_source<> source;
    task<> continuation = source.task().continue_with([](const task<>&) {});
    EXPECT_EQ(continuation.status(), task_status::waiting_for_activation);
    source.set_result();
    EXPECT_EQ(continuation.status(), task_status::waiting_to_run);
    dispatcher.run_all();
    EXPECT_EQ(continuation.status(), task_status::ran_to_completion);
}

TEST(continue_with, cancelling_races_completing_and_one_of_them_wins) {
    for (int round = 0; round < 500; ++round) {
        task_completion_source<> source;
        cancellation_source stop;
        std::atomic<int> calls{0};
        task<> continuation = source.task().continue_with(
            [&](const task<>&) { calls.fetch_add(1); }, execute_synchronously, nullptr, stop.token());
        std::thread canceller([&] { stop.cancel(); });
        source.set_result();
        canceller.join();
        ASSERT_TRUE(continuation.is_completed());
        ASSERT_EQ(calls.load(), continuation.is_canceled() ? 0 : 1);
    }
}

}  // namespace
