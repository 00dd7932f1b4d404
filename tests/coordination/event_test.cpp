// SPDX-License-Identifier: MIT
#include "weft/event.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "weft/async_local.hpp"
#include "weft/async_void.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/unobserved_exception.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;

class event_test : public ::testing::Test {
protected:
    weft_test::manual_dispatcher home;
};

TEST_F(event_test, calls_its_handlers_in_the_order_of_subscription) {
    event<int> raised;
    std::string order;
    const subscription first = raised.subscribe([&](int value) { order += "a" + std::to_string(value); });
    const subscription second = raised.subscribe([&](int value) { order += "b" + std::to_string(value); });
    raised.raise(1);
    raised.raise(2);
    EXPECT_EQ(order, "a1b1a2b2");
}

TEST_F(event_test, a_subscription_that_goes_unsubscribes) {
    event<> raised;
    int calls = 0;
    {
        const subscription kept = raised.subscribe([&] { ++calls; });
        EXPECT_TRUE(kept.is_subscribed());
        EXPECT_EQ(raised.subscribers(), 1U);
        raised.raise();
    }
    EXPECT_EQ(raised.subscribers(), 0U);
    raised.raise();
    EXPECT_EQ(calls, 1);
    raised.subscribe([&] { ++calls; }).detach();
    raised.raise();
    EXPECT_EQ(calls, 2);
}

TEST_F(event_test, a_subscription_may_outlive_its_event) {
    subscription kept;
    {
        event<> raised;
        kept = raised.subscribe([] {});
    }
    kept.unsubscribe();
    EXPECT_FALSE(kept.is_subscribed());
}

TEST_F(event_test, changes_during_a_raise_count_from_the_next_one_on_but_a_removed_handler_is_not_called) {
    event<> raised;
    std::string order;
    subscription late;
    subscription removed;
    const subscription first = raised.subscribe([&] {
        order += "a";
        if (!late.is_subscribed()) late = raised.subscribe([&] { order += "c"; });
        removed.unsubscribe();
    });
    removed = raised.subscribe([&] { order += "b"; });
    raised.raise();
    EXPECT_EQ(order, "a");
    raised.raise();
    EXPECT_EQ(order, "aac");
}

TEST_F(event_test, what_a_plain_handler_throws_leaves_raise_and_the_rest_is_not_called) {
    event<> raised;
    int calls = 0;
    const subscription first = raised.subscribe([] { throw std::runtime_error("of the handler"); });
    const subscription second = raised.subscribe([&] { ++calls; });
    EXPECT_THROW(raised.raise(), std::runtime_error);
    EXPECT_EQ(calls, 0);
}

TEST_F(event_test, owns_the_closure_and_the_arguments_while_a_coroutine_handler_runs) {
    task_completion_source<> gate;
    task<> open = gate.task();
    auto token = std::make_shared<int>(7);
    const std::weak_ptr<int> watch = token;
    std::string seen;
    {
        event<std::string> raised;
        // A capturing lambda coroutine that takes its argument by reference: both live in the event's frame for the call.
        const subscription kept =
            raised.subscribe([&seen, open, held = std::move(token)](const std::string& text) -> task<> {
                co_await open;
                seen = text + std::to_string(*held);
            });
        raised.raise("a text that is too long to be stored inside the string ");
        EXPECT_EQ(seen, "");
    }
    EXPECT_FALSE(watch.expired());
    gate.set_result();
    home.run_all();
    EXPECT_EQ(seen, "a text that is too long to be stored inside the string 7");
    EXPECT_TRUE(watch.expired());
}

TEST_F(event_test, a_coroutine_handler_comes_back_to_the_context_of_the_raise) {
    event_loop_context loop;
    event<> raised;
    task_completion_source<> done;
    const subscription kept = raised.subscribe([&]() -> task<> {
        EXPECT_EQ(synchronization_context::current(), &loop);
        co_await yield();
        EXPECT_EQ(synchronization_context::current(), &loop);
        done.set_result();
    });
    loop.post([&] { raised.raise(); });
    loop.run_until(done.task());
}

TEST_F(event_test, changes_a_coroutine_handler_makes_to_async_locals_stay_its_own) {
    async_local<int> local;
    event<> raised;
    const subscription kept = raised.subscribe([&]() -> task<> {
        local.set(2);
        co_return;
    });
    local.set(1);
    raised.raise();
    EXPECT_EQ(*local.value(), 1);
    local.clear();
}

TEST_F(event_test, the_failure_of_a_coroutine_handler_is_an_unobserved_exception) {
    std::vector<std::string> told;
    auto remove = on_unobserved_task_exception([&](const unobserved_task_exception& raised) {
        for (const std::exception_ptr& error : raised.errors()) told.push_back(message_of(error));
    });
    event<> raised;
    int calls = 0;
    const subscription first = raised.subscribe([]() -> task<> {
        throw std::runtime_error("of the handler");
        co_return;
    });
    const subscription second = raised.subscribe([&]() -> value_task<int> { co_return ++calls; });
    raised.raise();
    home.run_all();
    remove();
    EXPECT_EQ(told, (std::vector<std::string>{"of the handler"}));
    EXPECT_EQ(calls, 1);
}

TEST_F(event_test, an_async_void_handler_keeps_its_closure_until_it_has_ended) {
    auto owned = std::make_shared<int>(4);
    const std::weak_ptr<int> watched = owned;
    event<> raised;
    int seen = 0;
    {
        const subscription kept = raised.subscribe([owned = std::move(owned), &seen]() -> async_void {
            co_await yield();
            seen = *owned;
        });
        raised.raise();
    }
    EXPECT_FALSE(watched.expired());
    home.run_all();
    EXPECT_EQ(seen, 4);
    EXPECT_TRUE(watched.expired());
}

TEST_F(event_test, a_reference_argument_is_the_raisers_object) {
    event<int&> raised;
    const subscription kept = raised.subscribe([](int& value) { value += 1; });
    int value = 1;
    raised.raise(value);
    EXPECT_EQ(value, 2);
}

}  // namespace
