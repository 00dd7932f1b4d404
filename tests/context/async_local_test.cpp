// SPDX-License-Identifier: MIT
#include "weft/async_local.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/allocation_counter.hpp"
#include "support/lifetime_tracked.hpp"
#include "support/manual_dispatcher.hpp"
#include "weft/base/error.hpp"
#include "weft/synchronization_context.hpp"
#include "weft/task_completion_source.hpp"

namespace {

using namespace weft;

async_local<std::string> a_static_one;
static_assert(noexcept(async_local<int>()));

/// Puts the thread's empty context back after each test.
class async_local_test : public ::testing::Test {
protected:
    ~async_local_test() override { detail::switch_context(detail::this_thread_block(), nullptr); }
};

TEST_F(async_local_test, is_unset_until_set) {
    EXPECT_EQ(a_static_one.value(), nullptr);
    EXPECT_EQ(a_static_one.value_or("fallback"), "fallback");
    a_static_one.set("value");
    ASSERT_NE(a_static_one.value(), nullptr);
    EXPECT_EQ(*a_static_one.value(), "value");
    a_static_one.clear();
    EXPECT_EQ(a_static_one.value(), nullptr);
    EXPECT_EQ(detail::this_thread_block().locals, nullptr) << "the empty map is the null one";
}

TEST_F(async_local_test, several_variables_do_not_disturb_each_other) {
    async_local<int> variables[5];
    for (int index : {3, 0, 4, 1, 2}) variables[index].set(index * 10);
    variables[3].set(31);
    variables[0].clear();
    EXPECT_EQ(variables[0].value(), nullptr);
    EXPECT_EQ(*variables[1].value(), 10);
    EXPECT_EQ(*variables[2].value(), 20);
    EXPECT_EQ(*variables[3].value(), 31);
    EXPECT_EQ(*variables[4].value(), 40);
}

TEST_F(async_local_test, another_thread_has_its_own) {
    async_local<int> local;
    local.set(1);
    std::thread([&local] {
        EXPECT_EQ(local.value(), nullptr);
        local.set(2);
    }).join();
    EXPECT_EQ(*local.value(), 1);
}

TEST_F(async_local_test, S_1_6_4_a_capture_keeps_the_values_of_its_moment) {
    async_local<int> local;
    local.set(1);
    const execution_context captured = execution_context::capture();
    local.set(2);
    int seen = 0;
    execution_context::run(captured, [&] { seen = *local.value(); });
    EXPECT_EQ(seen, 1);
    EXPECT_EQ(*local.value(), 2);
}

TEST_F(async_local_test, S_1_6_5_changes_inside_run_reach_neither_the_caller_nor_the_snapshot) {
    async_local<int> local;
    local.set(1);
    const execution_context captured = execution_context::capture();
    execution_context::run(captured, [&] { local.set(9); });
    EXPECT_EQ(*local.value(), 1);
    execution_context::run(captured, [&] { EXPECT_EQ(*local.value(), 1); });
    EXPECT_THROW(execution_context::run(captured,
                     [&] {
                         local.set(3);
                         throw std::runtime_error("out");
                     }),
        std::runtime_error);
    EXPECT_EQ(*local.value(), 1);
}

TEST_F(async_local_test, run_puts_the_callers_synchronization_context_back) {
    synchronization_context context;
    execution_context::run(execution_context::capture(), [&] { synchronization_context::set_current(&context); });
    EXPECT_EQ(synchronization_context::current(), nullptr);
}

TEST_F(async_local_test, S_1_6_6_set_tells_previous_and_current) {
    std::vector<std::string> told;
    async_local<int> local([&](const async_local<int>::change& change) {
        told.push_back((change.previous ? std::to_string(*change.previous) : "none") + ">" +
            (change.current ? std::to_string(*change.current) : "none") + (change.is_context_switch ? " switch" : ""));
    });
    local.set(1);
    local.set(2);
    const execution_context captured = execution_context::capture();
    local.clear();
    execution_context::run(captured, [] {});
    EXPECT_EQ(told, (std::vector<std::string>{"none>1", "1>2", "2>none", "none>2 switch", "2>none switch"}));
}

TEST_F(async_local_test, S_1_6_6_a_continuation_tells_of_the_switch_and_of_the_switch_back) {
    weft_test::manual_dispatcher home;
    std::vector<std::string> told;
    async_local<int> local([&](const async_local<int>::change& change) {
        if (change.is_context_switch) told.push_back(change.current ? std::to_string(*change.current) : "none");
    });
    task_completion_source<> gate;
    const auto flow = [](async_local<int>& variable, task<> open) -> task<> {
        variable.set(1);
        co_await open;
    };
    task<> running = flow(local, gate.task());
    EXPECT_EQ(told, (std::vector<std::string>{"none"})) << "the caller gets its own values back at the suspension";
    gate.set_result();
    home.run_all();
    EXPECT_TRUE(running.is_completed());
    EXPECT_EQ(told, (std::vector<std::string>{"none", "1", "none"}));
}

TEST_F(async_local_test, S_1_6_6_equal_contexts_and_equal_pointers_tell_nothing) {
    int calls = 0;
    async_local<std::shared_ptr<int>> local([&](const auto&) { ++calls; });
    const auto value = std::make_shared<int>(1);
    local.set(value);
    local.set(value);
    execution_context::run(execution_context::capture(), [] {});
    EXPECT_EQ(calls, 1);
}

TEST_F(async_local_test, a_variable_that_is_gone_is_told_nothing) {
    int calls = 0;
    {
        async_local<int> local([&](const auto&) { ++calls; });
        local.set(1);
    }
    detail::switch_context(detail::this_thread_block(), nullptr);
    EXPECT_EQ(calls, 1);
}

TEST_F(async_local_test, S_1_6_6_a_notification_may_set_values) {
    async_local<int> mirror;
    async_local<int> local([&](const async_local<int>::change& change) {
        if (change.current != nullptr) mirror.set(*change.current + 100);
    });
    local.set(1);
    EXPECT_EQ(*mirror.value(), 101);
    const execution_context captured = execution_context::capture();
    local.set(2);
    execution_context::run(captured, [&] {
        mirror.clear();
        EXPECT_EQ(*local.value(), 1);
    });
    EXPECT_EQ(*local.value(), 2);
    EXPECT_EQ(*mirror.value(), 102);
}

TEST_F(async_local_test, S_1_6_7_suppressed_flow_captures_nothing) {
    async_local<int> local;
    local.set(1);
    {
        const auto guard = execution_context::suppress_flow();
        EXPECT_TRUE(execution_context::is_flow_suppressed());
        const execution_context captured = execution_context::capture();
        EXPECT_FALSE(captured.is_captured());
        EXPECT_THROW(execution_context::run(captured, [] {}), invalid_operation);
        EXPECT_THROW(static_cast<void>(execution_context::suppress_flow()), invalid_operation);
        EXPECT_EQ(*local.value(), 1) << "the values themselves stay";
    }
    EXPECT_FALSE(execution_context::is_flow_suppressed());
    EXPECT_TRUE(execution_context::capture().is_captured());
}

TEST_F(async_local_test, S_1_6_7_undo_works_once_and_on_its_own_thread) {
    auto guard = execution_context::suppress_flow();
    std::thread([&guard] { EXPECT_THROW(guard.undo(), invalid_operation); }).join();
    guard.undo();
    EXPECT_THROW(guard.undo(), invalid_operation);
}

TEST_F(async_local_test, S_1_6_7_run_ends_the_suppression_for_its_body) {
    const execution_context captured = execution_context::capture();
    const auto guard = execution_context::suppress_flow();
    execution_context::run(captured, [] { EXPECT_FALSE(execution_context::is_flow_suppressed()); });
    EXPECT_TRUE(execution_context::is_flow_suppressed());
}

TEST_F(async_local_test, S_1_6_3_values_flow_into_a_post_of_the_base_context) {
    weft_test::manual_dispatcher home;
    async_local<int> local;
    synchronization_context base;
    int seen = 0;
    local.set(5);
    base.post([&] { seen = local.value_or(-1); });
    local.set(6);
    home.run_all();
    EXPECT_EQ(seen, 5);
    EXPECT_EQ(*local.value(), 6);
}

TEST_F(async_local_test, S_1_6_10_what_a_pointer_points_to_is_shared) {
    async_local<std::shared_ptr<int>> local;
    local.set(std::make_shared<int>(1));
    execution_context::run(execution_context::capture(), [&] { **local.value() = 2; });
    EXPECT_EQ(**local.value(), 2);
}

TEST_F(async_local_test, a_value_goes_with_the_last_context_that_has_it) {
    weft_test::lifetime_counts counts;
    async_local<weft_test::lifetime_tracked<int>> local;
    std::unique_ptr<execution_context> captured;
    local.set(weft_test::lifetime_tracked<int>(counts));
    captured = std::make_unique<execution_context>(execution_context::capture());
    local.clear();
    EXPECT_EQ(counts.alive(), 1);
    captured.reset();
    EXPECT_EQ(counts.alive(), 0);
}

TEST_F(async_local_test, a_context_may_outlive_the_variable) {
    weft_test::lifetime_counts counts;
    execution_context captured;
    {
        async_local<weft_test::lifetime_tracked<int>> local;
        local.set(weft_test::lifetime_tracked<int>(counts));
        captured = execution_context::capture();
        local.clear();
    }
    EXPECT_EQ(counts.alive(), 1);
    captured = execution_context();
    EXPECT_EQ(counts.alive(), 0);
}

TEST_F(async_local_test, a_dying_thread_drops_its_values) {
    weft_test::lifetime_counts counts;
    async_local<weft_test::lifetime_tracked<int>> local;
    std::thread([&] { local.set(weft_test::lifetime_tracked<int>(counts)); }).join();
    EXPECT_EQ(counts.alive(), 0);
}

TEST_F(async_local_test, capturing_and_running_without_values_allocates_nothing) {
    if (!weft_test::allocation_counter::is_available) GTEST_SKIP() << "the sanitizer owns operator new";
    const weft_test::allocation_counter counter;
    const execution_context captured = execution_context::capture();
    execution_context::run(captured, [] {});
    EXPECT_EQ(counter.count(), 0u);
}

}  // namespace
