// Functions as tasks: starting, inlining, children, schedulers that fail (semantics 1.1, 1.8, 1.11).
// SPDX-License-Identifier: MIT

#include "weft/start_new.hpp"
#include "weft/unobserved_exception.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "support/manual_scheduler.hpp"
#include "weft/async_local.hpp"
#include "weft/run.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/wait_all.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft_test::manual_dispatcher;
using weft_test::manual_scheduler;

/// Refuses everything, loudly.
class broken_scheduler final : public task_scheduler {
public:
    void queue(work_item&) override {
        if (refuse_queue) throw std::runtime_error("no room");
    }
    bool try_execute_inline(work_item&, bool) override { throw std::runtime_error("not here"); }
    bool refuse_queue = true;
};

template <class T>
concept has_start = requires(T made) { made.start(); };

task<int> plain_coroutine() { co_return 1; }

TEST(start_new, S_1_1_2_only_a_task_that_is_not_started_can_be_started) {
    static_assert(!has_start<task<int>>, "a hot task has no start() at all");
    manual_dispatcher dispatcher;
    cold_task<int> cold([] { return 1; });
    cold.start();
    EXPECT_THROW(cold.start(), invalid_operation);
    EXPECT_THROW(cold.run_synchronously(), invalid_operation);
    dispatcher.run_all();
    EXPECT_EQ(cold.task().get(), 1);
    EXPECT_THROW(cold.start(), invalid_operation);
}

TEST(start_new, S_1_1_8_a_delegate_goes_through_created_waiting_running_and_its_end) {
    manual_dispatcher dispatcher;
    task_status inside{};
    task<> self;
    cold_task<> cold([&] { inside = self.status(); });
    self = cold.task();
    EXPECT_EQ(self.status(), task_status::created);
    cold.start();
    EXPECT_EQ(self.status(), task_status::waiting_to_run);
    dispatcher.run_all();
    EXPECT_EQ(inside, task_status::running);
    EXPECT_EQ(self.status(), task_status::ran_to_completion);
}

TEST(start_new, S_1_1_12_the_current_id_is_that_of_the_running_function) {
    manual_dispatcher dispatcher;
    EXPECT_EQ(this_task::id(), 0);
    std::int32_t seen = 0;
    task<> made = start_new([&] { seen = this_task::id(); });
    std::int32_t seen_by_run = 0;
    task<> run_made = run([&] { seen_by_run = this_task::id(); });
    dispatcher.run_all();
    EXPECT_GT(seen, 0);
    EXPECT_EQ(seen, made.id());
    EXPECT_EQ(seen_by_run, run_made.id());
    EXPECT_EQ(this_task::id(), 0);
}

TEST(start_new, S_1_8_1_it_uses_the_current_scheduler_and_run_the_pool) {
    manual_dispatcher dispatcher;
    manual_scheduler scheduler;
    std::vector<task<>> inner;
    std::size_t queued_here = 0;
    task<> outer = start_new(
        [&] {
            inner.push_back(start_new([] {}));
            queued_here = scheduler.queued();
            inner.push_back(run([] {}));
        },
        creation_options::none, &scheduler);
    scheduler.run_one();
    EXPECT_EQ(queued_here, 1U);
    EXPECT_EQ(scheduler.queued(), 1U);
    EXPECT_EQ(dispatcher.queued(), 1U);
    scheduler.run_one();
    dispatcher.run_all();
    EXPECT_TRUE(inner[0].is_completed());
    EXPECT_TRUE(inner[1].is_completed());
}

TEST(start_new, S_1_8_1_run_denies_children_to_attach) {
    manual_dispatcher dispatcher;
    manual_scheduler never_runs;
    task<> child;
    task<> parent = run([&] { child = start_new([] {}, creation_options::attached_to_parent, &never_runs); });
    dispatcher.run_all();
    EXPECT_TRUE(parent.is_completed_successfully());
    never_runs.run_one();
    EXPECT_TRUE(child.is_completed());
}

TEST(start_new, S_1_8_2_with_a_cancelled_token_the_function_is_never_called) {
    manual_dispatcher dispatcher;
    cancellation_source source;
    source.cancel();
    bool called = false;
    task<> made = start_new([&] { called = true; }, creation_options::none, nullptr, source.token());
    dispatcher.run_all();
    EXPECT_TRUE(made.is_canceled());
    EXPECT_FALSE(called);
}

TEST(start_new, S_1_8_2_a_token_signalled_while_it_is_queued_ends_it_at_once) {
    manual_dispatcher dispatcher;
    cancellation_source source;
    auto owned = std::make_shared<int>(1);
    const std::weak_ptr<int> watched = owned;
    task<> made = start_new([kept = std::move(owned)] {}, creation_options::none, nullptr, source.token());
    source.cancel();
    EXPECT_TRUE(made.is_canceled());
    EXPECT_TRUE(watched.expired());
    EXPECT_EQ(dispatcher.run_all(), 1U);  // the item that is left does nothing
}

TEST(start_new, S_1_8_3_cancelling_after_the_start_does_not_stop_it) {
    manual_dispatcher dispatcher;
    cancellation_source source;
    task<int> made = start_new(
        [&] {
            source.cancel();
            return 5;
        },
        creation_options::none, nullptr, source.token());
    dispatcher.run_all();
    EXPECT_EQ(made.get(), 5);
}

TEST(start_new, S_1_1_7_only_the_own_signalled_token_makes_it_canceled) {
    manual_dispatcher dispatcher;
    cancellation_source own;
    cancellation_source foreign;
    foreign.cancel();
    task<> faulted = start_new([&] { throw task_canceled(foreign.token()); }, creation_options::none, nullptr, own.token());
    task<> too_early = start_new([&] { throw task_canceled(own.token()); }, creation_options::none, nullptr, own.token());
    task<> canceled = start_new(
        [&] {
            own.cancel();
            throw task_canceled(own.token());
        },
        creation_options::none, nullptr, own.token());
    dispatcher.run_one();
    dispatcher.run_one();
    dispatcher.run_one();
    EXPECT_TRUE(faulted.is_faulted());
    EXPECT_TRUE(too_early.is_faulted());
    EXPECT_TRUE(canceled.is_canceled());
    EXPECT_NE(faulted.exception(), nullptr);
    EXPECT_NE(too_early.exception(), nullptr);
}

TEST(start_new, S_1_8_4_unwrap_completes_as_the_inner_task_does) {
    manual_dispatcher dispatcher;
    task<int> flat = unwrap(start_new([] { return plain_coroutine(); }));
    task<int> empty = unwrap(start_new([] { return task<int>(); }));
    dispatcher.run_all();
    EXPECT_EQ(flat.get(), 1);
    EXPECT_TRUE(empty.is_canceled());
}

TEST(start_new, S_1_8_8_a_wait_runs_a_queued_task_of_a_scheduler_that_lets_it) {
    manual_scheduler scheduler;
    scheduler.allow_inline = true;
    std::thread::id ran_on;
    task<> made = start_new([&] { ran_on = std::this_thread::get_id(); }, creation_options::none, &scheduler);
    EXPECT_EQ(scheduler.queued(), 1U);
    made.wait();
    EXPECT_EQ(ran_on, std::this_thread::get_id());
    EXPECT_EQ(scheduler.queued(), 0U);
}

TEST(start_new, S_1_8_8_a_promise_task_is_never_run_inline) {
    task_completion_source<> source;
    EXPECT_FALSE(source.task().wait(1ms));
}

TEST(start_new, S_1_8_10_wait_all_throws_every_failure_once_all_have_ended) {
    task_completion_source<> first;
    task_completion_source<int> second;
    task_completion_source<> last;
    first.set_exception(std::runtime_error("one"));
    second.set_canceled();
    std::thread late([&] { last.set_exception(std::runtime_error("three")); });
    try {
        wait_all(first.task(), second.task(), last.task());
        ADD_FAILURE() << "it returned";
    } catch (const aggregate_exception& error) {
        ASSERT_EQ(error.inner_exceptions().size(), 3U);
        EXPECT_THROW(std::rethrow_exception(error.inner_exceptions()[1]), task_canceled);
        EXPECT_TRUE(last.task().is_completed());
    }
    late.join();
}

TEST(start_new, S_1_8_10_wait_any_gives_an_index_and_never_throws_a_failure) {
    task_completion_source<> pending;
    task_completion_source<> failed;
    failed.set_exception(std::runtime_error("ignored here"));
    EXPECT_EQ(wait_any(pending.task(), failed.task()), 1);
    const std::vector<task<>> only{pending.task()};
    EXPECT_EQ(wait_any(only, 1ms), -1);
    cancellation_source source;
    source.cancel();
    EXPECT_THROW(static_cast<void>(wait_any(only, -1ms, source.token())), operation_canceled);
    EXPECT_THROW(static_cast<void>(wait_any(std::vector<task<>>())), std::invalid_argument);
    std::thread late([&] { pending.set_result(); });
    EXPECT_EQ(wait_any(only), 0);
    late.join();
    EXPECT_NE(failed.task().exception(), nullptr);
}

TEST(start_new, S_1_8_10_wait_any_leaves_nothing_registered_after_its_limit) {
    task_completion_source<> pending;
    const std::vector<task<>> only{pending.task()};
    for (int i = 0; i < 100; ++i) EXPECT_EQ(wait_any(only, 0ms), -1);
    int registered = 0;
    only[0].core_or_null()->visit_continuations([&](detail::continuation&) { ++registered; });
    EXPECT_EQ(registered, 0);
}

TEST(start_new, S_1_8_11_a_parent_waits_for_attached_children_and_takes_their_failures) {
    manual_dispatcher dispatcher;
    manual_scheduler children;
    task<int> parent = start_new([&] {
        start_new([] { throw std::runtime_error("child"); }, creation_options::attached_to_parent, &children).forget();
        start_new([] {}, creation_options::attached_to_parent, &children).forget();
        return 3;
    });
    dispatcher.run_all();
    EXPECT_EQ(parent.status(), task_status::waiting_for_children_to_complete);
    children.run_one();
    EXPECT_EQ(parent.status(), task_status::waiting_for_children_to_complete);
    children.run_one();
    ASSERT_TRUE(parent.is_faulted());
    ASSERT_EQ(parent.exception()->inner_exceptions().size(), 1U);
    try {
        std::rethrow_exception(parent.exception()->inner_exceptions()[0]);
    } catch (const aggregate_exception& nested) {
        EXPECT_EQ(message_of(nested.inner_exception()), "child");
    }
}

TEST(start_new, S_1_8_11_a_child_that_is_not_attached_is_not_waited_for) {
    manual_dispatcher dispatcher;
    manual_scheduler children;
    task<> detached = start_new([&] { start_new([] {}, creation_options::none, &children).forget(); });
    task<> denying = start_new([&] { start_new([] {}, creation_options::attached_to_parent, &children).forget(); },
        creation_options::deny_child_attach);
    dispatcher.run_all();
    EXPECT_TRUE(detached.is_completed_successfully());
    EXPECT_TRUE(denying.is_completed_successfully());
    while (children.run_one()) {}
}

TEST(start_new, S_1_11_1_the_current_scheduler_is_the_running_one_unless_hidden) {
    manual_scheduler scheduler;
    task_scheduler* shown = nullptr;
    task_scheduler* hidden = nullptr;
    task<> first = start_new([&] { shown = &task_scheduler::current(); }, creation_options::none, &scheduler);
    task<> second = start_new([&] { hidden = &task_scheduler::current(); }, creation_options::hide_scheduler, &scheduler);
    while (scheduler.run_one()) {}
    EXPECT_EQ(shown, &scheduler);
    EXPECT_EQ(hidden, &task_scheduler::default_scheduler());
    EXPECT_TRUE(first.is_completed() && second.is_completed());
}

TEST(start_new, S_1_11_2_a_scheduler_that_refuses_throws_and_faults_the_task) {
    broken_scheduler scheduler;
    int unobserved = 0;
    auto remove = on_unobserved_task_exception([&](const unobserved_task_exception&) { ++unobserved; });
    EXPECT_THROW(start_new([] {}, creation_options::none, &scheduler).forget(), task_scheduler_exception);
    EXPECT_EQ(unobserved, 0);  // whoever started it has been told
    remove();
    cold_task<> cold([] {});
    EXPECT_THROW(cold.start(&scheduler), task_scheduler_exception);
    ASSERT_TRUE(cold.task().is_faulted());
    EXPECT_THROW(cold.task().get(), task_scheduler_exception);
}

TEST(start_new, S_1_11_2_a_failing_inline_attempt_surfaces_from_wait) {
    broken_scheduler scheduler;
    scheduler.refuse_queue = false;
    cancellation_source source;
    task<> made = start_new([] {}, creation_options::none, &scheduler, source.token());
    EXPECT_THROW(made.wait(), task_scheduler_exception);
    source.cancel();  // it lies nowhere: the scheduler lost it
    EXPECT_TRUE(made.is_canceled());
    made.core_or_null()->release();  // the reference of the queue that forgot it
}

/// Passes everything on twice.
class stuttering_scheduler final : public task_scheduler {
public:
    void queue(work_item& work) override { kept = &work; }
    work_item* kept = nullptr;
    bool pass_on() { return try_execute(*kept); }
};

TEST(start_new, S_1_11_3_a_task_never_runs_twice) {
    stuttering_scheduler scheduler;
    int runs = 0;
    task<> made = start_new([&] { ++runs; }, creation_options::none, &scheduler);
    made.core_or_null()->add_ref();  // for the second time it is passed on
    EXPECT_TRUE(scheduler.pass_on());
    EXPECT_FALSE(scheduler.pass_on());
    EXPECT_EQ(runs, 1);
}

TEST(start_new, S_1_11_4_a_scheduler_cannot_run_what_was_queued_to_another) {
    stuttering_scheduler owner;
    stuttering_scheduler thief;
    bool ran = false;
    task<> made = start_new([&] { ran = true; }, creation_options::none, &owner);
    thief.kept = owner.kept;
    EXPECT_THROW(thief.pass_on(), invalid_operation);
    EXPECT_FALSE(ran);
    EXPECT_TRUE(owner.pass_on());
    EXPECT_TRUE(ran);
}

TEST(start_new, run_synchronously_runs_here_and_keeps_the_failure_in_the_task) {
    cold_task<> cold([] { throw std::runtime_error("kept"); });
    EXPECT_NO_THROW(cold.run_synchronously());
    EXPECT_TRUE(cold.task().is_faulted());
    EXPECT_NE(cold.task().exception(), nullptr);
    manual_scheduler scheduler;
    scheduler.allow_inline = true;
    cold_task<int> other([] { return 4; });
    other.run_synchronously(&scheduler);
    EXPECT_EQ(other.task().get(), 4);
}

TEST(start_new, an_unstarted_task_destroys_its_function_and_never_ends) {
    auto owned = std::make_shared<int>(1);
    const std::weak_ptr<int> watched = owned;
    task<> left;
    {
        cold_task<> cold([kept = std::move(owned)] {});
        left = cold.task();
    }
    EXPECT_TRUE(watched.expired());
    EXPECT_FALSE(left.is_completed());
}

TEST(start_new, a_long_running_function_has_a_thread_of_its_own) {
    std::thread::id ran_on;
    task<> made = start_new([&] { ran_on = std::this_thread::get_id(); }, creation_options::long_running);
    made.wait();
    EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(start_new, async_locals_flow_into_the_function) {
    manual_dispatcher dispatcher;
    static async_local<int> value;
    value.set(7);
    int seen = 0;
    task<> made = start_new([&] {
        seen = value.value_or(0);
        value.set(9);
    });
    value.set(8);
    dispatcher.run_all();
    EXPECT_EQ(seen, 7);
    EXPECT_EQ(value.value_or(0), 8);
    value.clear();
    EXPECT_TRUE(made.is_completed());
}

}  // namespace
