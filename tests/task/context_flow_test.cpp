// Rules 1.2/1-4, 1.5 and 1.6 as awaits keep them: contexts come back, async-locals flow in and not out.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <deque>
#include <thread>

#include "weft/async_local.hpp"
#include "weft/delay.hpp"
#include "weft/run.hpp"
#include "weft/synchronization_context.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

// Runs what was posted when told to, as itself.
class recording_context : public synchronization_context {
public:
    void post(callback function) override {
        std::lock_guard lock(mutex_);
        queue_.push_back(std::move(function));
    }
    std::size_t run_all() {
        std::size_t ran = 0;
        for (;;) {
            callback next;
            {
                std::lock_guard lock(mutex_);
                if (queue_.empty()) return ran;
                next = std::move(queue_.front());
                queue_.pop_front();
            }
            synchronization_context_scope scope(this);
            next();
            ++ran;
        }
    }
    void run_until(const task<>& done) {
        while (!done.is_completed())
            if (run_all() == 0) std::this_thread::yield();
    }

private:
    std::mutex mutex_;
    std::deque<callback> queue_;
};

task<> await_and_note(task<> gate, synchronization_context*& seen) {
    co_await gate;
    seen = synchronization_context::current();
}
task<> await_without_context(task<> gate, synchronization_context*& seen) {
    co_await gate.configure_await(false);
    seen = synchronization_context::current();
}

TEST(context, S_1_2_2_a_captured_context_gets_its_continuation_by_post) {
    recording_context context;
    task_completion_source<> gate;
    synchronization_context* seen = nullptr;
    task<> waiting;
    {
        synchronization_context_scope scope(&context);
        waiting = await_and_note(gate.task(), seen);
    }
    gate.set_result();
    EXPECT_FALSE(waiting.is_completed());
    EXPECT_EQ(context.run_all(), 1U);
    EXPECT_TRUE(waiting.is_completed());
    EXPECT_EQ(seen, &context);
}

TEST(context, S_1_2_3_completing_on_the_captured_context_runs_inline) {
    recording_context context;
    task_completion_source<> gate;
    synchronization_context* seen = nullptr;
    synchronization_context_scope scope(&context);
    task<> waiting = await_and_note(gate.task(), seen);
    gate.set_result();
    EXPECT_TRUE(waiting.is_completed());
}

TEST(context, S_1_2_4_a_completion_on_a_context_never_runs_a_context_free_continuation_there) {
    recording_context context;
    task_completion_source<> gate;
    synchronization_context* seen = &context;
    task<> waiting = await_without_context(gate.task(), seen);
    {
        synchronization_context_scope scope(&context);
        gate.set_result();
    }
    waiting.get();
    EXPECT_EQ(seen, nullptr);
}

TEST(context, S_1_5_3_an_instance_of_exactly_the_base_class_counts_as_none) {
    synchronization_context base;
    task_completion_source<> gate;
    synchronization_context* seen = &base;
    task<> waiting;
    {
        synchronization_context_scope scope(&base);
        waiting = await_and_note(gate.task(), seen);
    }
    gate.set_result();
    waiting.get();
    EXPECT_EQ(seen, nullptr);
}

task<> changes_context(synchronization_context* other, task<> gate) {
    synchronization_context::set_current(other);
    co_await gate.configure_await(false);
}
task<> changes_context_and_ends(synchronization_context* other) {
    synchronization_context::set_current(other);
    co_return;
}

TEST(context, S_1_5_4_a_context_set_in_the_synchronous_part_is_restored_for_the_caller) {
    recording_context mine;
    recording_context other;
    task_completion_source<> gate;
    synchronization_context_scope scope(&mine);
    task<> suspended = changes_context(&other, gate.task());
    EXPECT_EQ(synchronization_context::current(), &mine);
    task<> ended = changes_context_and_ends(&other);
    EXPECT_EQ(synchronization_context::current(), &mine);
    gate.set_result();
}

// ---- 1.6

async_local<int> ambient;

int seen_value() { return ambient.value_or(-1); }

task<> callee_changes(task<> gate, int& before, int& after) {
    before = seen_value();
    ambient.set(2);
    co_await gate;
    after = seen_value();
    ambient.set(3);
}

task<> caller(task_completion_source<>& gate, std::vector<int>& seen) {
    ambient.set(1);
    int before = 0;
    int after = 0;
    task<> callee = callee_changes(gate.task(), before, after);
    seen.push_back(seen_value());
    gate.set_result();
    co_await callee;
    seen.push_back(seen_value());
    seen.push_back(before);
    seen.push_back(after);
}

TEST(async_local_flow, S_1_6_1_a_callee_sees_the_callers_values_and_its_changes_do_not_leak_out) {
    task_completion_source<> gate;
    std::vector<int> seen;
    caller(gate, seen).get();
    EXPECT_EQ(seen, (std::vector<int>{1, 1, 1, 2}));
    EXPECT_EQ(seen_value(), -1);
}

task<int> keeps_across_awaits() {
    ambient.set(5);
    co_await yield();
    co_await delay(1ms);
    co_return seen_value();
}

TEST(async_local_flow, S_1_6_2_changes_persist_across_the_awaits_of_one_method) {
    EXPECT_EQ(keeps_across_awaits().get(), 5);
    EXPECT_EQ(seen_value(), -1);
}

task<int> reads_on_the_pool() {
    ambient.set(6);
    co_return co_await run([] { return seen_value(); });
}

TEST(async_local_flow, S_1_6_3_values_flow_into_run) { EXPECT_EQ(reads_on_the_pool().get(), 6); }

void helper_sets() { ambient.set(8); }
task<int> calls_a_plain_helper() {
    helper_sets();
    co_return seen_value();
}

TEST(async_local_flow, S_1_6_8_a_plain_helper_changes_its_callers_context) {
    EXPECT_EQ(calls_a_plain_helper().get(), 8);
    EXPECT_EQ(seen_value(), -1);
}

// ---- foreign awaitables

struct resumes_elsewhere {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const {
        std::thread([handle] { handle.resume(); }).detach();
    }
    void await_resume() const noexcept {}
};

task<> awaits_a_foreign_awaitable(synchronization_context*& seen, int& value) {
    ambient.set(4);
    co_await resumes_elsewhere();
    seen = synchronization_context::current();
    value = seen_value();
}

TEST(context, after_a_foreign_awaitable_context_and_async_locals_are_restored) {
    recording_context context;
    synchronization_context* seen = nullptr;
    int value = 0;
    task<> waiting;
    {
        synchronization_context_scope scope(&context);
        waiting = awaits_a_foreign_awaitable(seen, value);
    }
    context.run_until(waiting);
    waiting.get();
    EXPECT_EQ(seen, &context);
    EXPECT_EQ(value, 4);
}

}  // namespace
