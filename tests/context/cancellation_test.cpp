// SPDX-License-Identifier: MIT
#include "weft/cancellation.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/allocation_counter.hpp"
#include "support/lifetime_tracked.hpp"
#include "support/manual_dispatcher.hpp"
#include "weft/aggregate_exception.hpp"
#include "weft/async_local.hpp"
#include "weft/base/error.hpp"
#include "weft/synchronization_context.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

TEST(cancellation, S_1_13_1_callbacks_run_on_the_cancelling_thread_newest_first) {
    cancellation_source source;
    std::vector<int> order;
    auto first = source.token().register_callback([&] { order.push_back(1); });
    auto second = source.token().register_callback([&] { order.push_back(2); });
    auto third = source.token().register_callback([&] { order.push_back(3); });
    source.cancel();
    EXPECT_EQ(order, (std::vector{3, 2, 1}));
}

TEST(cancellation, S_1_13_2_every_callback_runs_and_one_aggregate_holds_what_they_threw_in_order) {
    cancellation_source source;
    int ran = 0;
    auto first = source.token().register_callback([&] {
        ++ran;
        throw std::runtime_error("first");
    });
    auto second = source.token().register_callback([&] { ++ran; });
    auto third = source.token().register_callback([&] {
        ++ran;
        throw std::logic_error("third");
    });
    try {
        source.cancel();
        FAIL() << "nothing was thrown";
    } catch (const aggregate_exception& error) {
        ASSERT_EQ(error.inner_exceptions().size(), 2u);
        EXPECT_EQ(message_of(error.inner_exceptions()[0]), "third");
        EXPECT_EQ(message_of(error.inner_exceptions()[1]), "first");
    }
    EXPECT_EQ(ran, 3);
}

TEST(cancellation, S_1_13_2_throw_on_first_lets_it_out_and_skips_the_rest) {
    cancellation_source source;
    int ran = 0;
    auto first = source.token().register_callback([&] { ++ran; });
    auto second = source.token().register_callback([&] {
        ++ran;
        throw std::logic_error("second");
    });
    EXPECT_THROW(source.cancel(true), std::logic_error);
    EXPECT_EQ(ran, 1);
    EXPECT_TRUE(source.is_cancellation_requested());
    EXPECT_TRUE(first.unregister()) << "it never ran, so it was removed";
}

TEST(cancellation, S_1_13_3_the_request_is_visible_in_callbacks_and_a_second_cancel_does_nothing) {
    cancellation_source source;
    int ran = 0;
    auto registration = source.token().register_callback([&] {
        ++ran;
        EXPECT_TRUE(source.is_cancellation_requested());
        source.cancel();
    });
    source.cancel();
    source.cancel();
    EXPECT_EQ(ran, 1);
}

TEST(cancellation, S_1_13_4_registering_on_a_cancelled_token_calls_at_once) {
    cancellation_source source;
    source.cancel();
    int ran = 0;
    auto registration = source.token().register_callback([&] { ++ran; });
    EXPECT_EQ(ran, 1);
    EXPECT_FALSE(registration.unregister());
    EXPECT_THROW(
        static_cast<void>(source.token().register_callback([] { throw std::logic_error("x"); })), std::logic_error);
}

TEST(cancellation, S_1_13_5_disposing_inside_the_callback_does_not_wait) {
    cancellation_source source;
    cancellation_registration registration;
    weft_test::lifetime_counts counts;
    bool ran = false;
    registration = source.token().register_callback([&, held = weft_test::lifetime_tracked<int>(counts)] {
        registration.dispose();
        ran = held.value == 0;  // the callable is still there
    });
    source.cancel();
    EXPECT_TRUE(ran);
    EXPECT_EQ(counts.alive(), 0);
}

TEST(cancellation, S_1_13_5_a_nested_callback_may_dispose_the_one_that_is_running) {
    cancellation_source outer;
    cancellation_source inner;
    cancellation_registration registration;
    registration = outer.token().register_callback([&] { inner.cancel(); });
    auto nested = inner.token().register_callback([&] { registration.dispose(); });
    outer.cancel();
    SUCCEED();
}

TEST(cancellation, S_1_13_6_unregister_tells_whether_it_removed_the_callback) {
    cancellation_source source;
    int ran = 0;
    auto registration = source.token().register_callback([&] { ++ran; });
    EXPECT_TRUE(registration.unregister());
    EXPECT_FALSE(registration.unregister());
    source.cancel();
    EXPECT_EQ(ran, 0);

    cancellation_source second;
    auto late = second.token().register_callback([&] { ++ran; });
    second.cancel();
    EXPECT_FALSE(late.unregister());
    EXPECT_EQ(ran, 1);
}

TEST(cancellation, S_1_13_7_a_callback_not_yet_reached_can_be_removed_during_cancel) {
    cancellation_source source;
    bool older_ran = false;
    bool removed = false;
    auto older = source.token().register_callback([&] { older_ran = true; });
    auto newer = source.token().register_callback([&] { removed = older.unregister(); });
    source.cancel();
    EXPECT_TRUE(removed);
    EXPECT_FALSE(older_ran);
}

TEST(cancellation, S_1_13_8_the_same_callable_may_be_registered_many_times) {
    cancellation_source source;
    int ran = 0;
    const auto callable = [&ran] { ++ran; };
    auto first = source.token().register_callback(callable);
    auto second = source.token().register_callback(callable);
    auto third = source.token().register_callback(callable);
    EXPECT_TRUE(second.unregister());
    source.cancel();
    EXPECT_EQ(ran, 2);
}

TEST(cancellation, S_1_13_9_a_default_token_never_cancels_and_costs_nothing) {
    const cancellation_token token;
    EXPECT_FALSE(token.can_be_canceled());
    EXPECT_FALSE(token.is_cancellation_requested());
    token.throw_if_cancellation_requested();
    const weft_test::allocation_counter counter;
    auto registration = token.register_callback([] {});
    if (weft_test::allocation_counter::is_available) {
        EXPECT_EQ(counter.count(), 0u);
    }
    EXPECT_FALSE(registration.unregister());
    EXPECT_EQ(token, cancellation_token(false));
}

TEST(cancellation, S_1_13_9_a_token_made_cancelled_is_cancelled) {
    const cancellation_token token(true);
    EXPECT_TRUE(token.can_be_canceled());
    EXPECT_TRUE(token.is_cancellation_requested());
    int ran = 0;
    auto registration = token.register_callback([&] { ++ran; });
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(token, cancellation_token(true));
}

TEST(cancellation, S_1_13_10_dispose_does_not_cancel_and_refuses_later_use) {
    cancellation_source source;
    const auto token = source.token();
    bool ran = false;
    auto registration = token.register_callback([&] { ran = true; });
    source.dispose();
    source.dispose();
    EXPECT_FALSE(source.is_cancellation_requested());
    EXPECT_THROW(static_cast<void>(source.token()), object_disposed);
    EXPECT_THROW(source.cancel(), object_disposed);
    EXPECT_THROW(source.cancel_after(1s), object_disposed);
    EXPECT_THROW(source.try_reset(), object_disposed);
    EXPECT_FALSE(token.is_cancellation_requested());
    auto late = token.register_callback([&] { ran = true; });
    EXPECT_FALSE(late.unregister());
    EXPECT_FALSE(registration.unregister());
    EXPECT_FALSE(ran);
}

TEST(cancellation, S_1_13_10_tokens_of_a_disposed_cancelled_source_stay_cancelled) {
    cancellation_source source;
    const auto token = source.token();
    source.cancel();
    source.dispose();
    EXPECT_TRUE(token.is_cancellation_requested());
    int ran = 0;
    auto registration = token.register_callback([&] { ++ran; });
    EXPECT_EQ(ran, 1);
}

TEST(cancellation, S_1_13_11_a_timeout_of_zero_is_cancelled_from_the_start) {
    EXPECT_TRUE(cancellation_source(0s).is_cancellation_requested());
}

TEST(cancellation, S_1_13_11_infinite_is_minus_one_millisecond_and_other_negatives_are_refused) {
    EXPECT_FALSE(cancellation_source(cancellation_source::infinite).is_cancellation_requested());
    EXPECT_THROW(cancellation_source(-2ms), std::invalid_argument);
    EXPECT_THROW(cancellation_source(cancellation_source::longest_delay + 1ms), std::invalid_argument);
    cancellation_source source;
    EXPECT_THROW(source.cancel_after(-1s), std::invalid_argument);
}

TEST(cancellation, S_1_13_11_the_timer_cancels_at_its_time) {
    weft_test::manual_dispatcher home;
    cancellation_source source(100ms);
    home.time().advance(99ms);
    EXPECT_FALSE(source.is_cancellation_requested());
    home.time().advance(1ms);
    EXPECT_TRUE(source.is_cancellation_requested());
}

TEST(cancellation, S_1_13_11_cancel_after_replaces_the_timer) {
    weft_test::manual_dispatcher home;
    cancellation_source source(100ms);
    source.cancel_after(1s);
    EXPECT_EQ(home.time().pending_timers(), 1u);
    home.time().advance(500ms);
    EXPECT_FALSE(source.is_cancellation_requested());
    source.cancel_after(cancellation_source::infinite);
    EXPECT_EQ(home.time().pending_timers(), 0u);
    source.cancel_after(10ms);
    home.time().advance(10ms);
    EXPECT_TRUE(source.is_cancellation_requested());
    source.cancel_after(1s);
    EXPECT_EQ(home.time().pending_timers(), 0u) << "nothing to time on a cancelled source";
}

TEST(cancellation, S_1_13_11_cancel_after_zero_fires_soon_but_not_in_the_call) {
    weft_test::manual_dispatcher home;
    cancellation_source source;
    source.cancel_after(0s);
    EXPECT_FALSE(source.is_cancellation_requested());
    home.run_all();
    EXPECT_TRUE(source.is_cancellation_requested());
}

TEST(cancellation, the_timer_of_a_given_provider_is_used) {
    weft::testing::fake_time_provider clock;
    cancellation_source source(1h, &clock);
    clock.advance(1h);
    EXPECT_TRUE(source.is_cancellation_requested());
}

TEST(cancellation, a_timer_goes_when_nobody_holds_source_or_token) {
    weft_test::manual_dispatcher home;
    { cancellation_source source(1h); }
    EXPECT_EQ(home.time().pending_timers(), 0u);

    const cancellation_token token = cancellation_source(1h).token();
    EXPECT_EQ(home.time().pending_timers(), 1u) << "a token keeps the timer of its source going";
    home.time().advance(1h);
    EXPECT_TRUE(token.is_cancellation_requested());
}

TEST(cancellation, the_timer_may_drop_the_last_handle_in_its_own_callback) {
    weft_test::manual_dispatcher home;
    auto source = std::make_unique<cancellation_source>(1s);
    auto registration = std::make_unique<cancellation_registration>();
    *registration = source->token().register_callback([&] {
        source.reset();
        registration.reset();
    });
    home.time().advance(1s);
    EXPECT_EQ(source, nullptr);
}

TEST(cancellation, cancelling_stops_the_timer) {
    weft_test::manual_dispatcher home;
    cancellation_source source(1s);
    source.cancel();
    EXPECT_EQ(home.time().pending_timers(), 0u);
}

TEST(cancellation, S_1_13_12_a_linked_source_is_cancelled_by_any_parent_before_cancel_returns) {
    cancellation_source left;
    cancellation_source right;
    const auto child = cancellation_source::linked(left.token(), right.token());
    EXPECT_FALSE(child.is_cancellation_requested());
    right.cancel();
    EXPECT_TRUE(child.is_cancellation_requested());
    EXPECT_FALSE(left.is_cancellation_requested());
    left.cancel();
}

TEST(cancellation, S_1_13_12_a_linked_source_of_a_cancelled_parent_is_cancelled_at_once) {
    cancellation_source live;
    const auto child = cancellation_source::linked(live.token(), cancellation_token(true));
    EXPECT_TRUE(child.is_cancellation_requested());
    live.cancel();
}

TEST(cancellation, S_1_13_12_cancelling_or_disposing_a_child_does_not_touch_its_parents) {
    cancellation_source parent;
    auto child = cancellation_source::linked(parent.token(), cancellation_token());
    child.cancel();
    EXPECT_FALSE(parent.is_cancellation_requested());

    auto other = cancellation_source::linked(parent.token());
    const auto token = other.token();
    other.dispose();
    parent.cancel();
    EXPECT_FALSE(token.is_cancellation_requested()) << "it left its parent";
}

TEST(cancellation, S_1_13_12_a_child_may_be_disposed_after_its_parent) {
    cancellation_source parent;
    auto child = cancellation_source::linked(parent.token());
    parent.dispose();
    child.dispose();
}

TEST(cancellation, S_1_13_12_a_childs_errors_are_an_aggregate_within_the_parents) {
    cancellation_source parent;
    auto child = cancellation_source::linked(parent.token());
    auto registration = child.token().register_callback([] { throw std::runtime_error("deep"); });
    try {
        parent.cancel();
        FAIL();
    } catch (const aggregate_exception& error) {
        EXPECT_EQ(error.inner_exceptions().size(), 1u);
        EXPECT_THROW(std::rethrow_exception(error.inner_exception()), aggregate_exception);
        EXPECT_EQ(message_of(error.flatten().inner_exception()), "deep");
    }
}

TEST(cancellation, a_linked_source_that_only_a_registration_knows_still_hears_its_parent) {
    cancellation_source parent;
    bool ran = false;
    auto registration = cancellation_source::linked(parent.token()).token().register_callback([&] { ran = true; });
    parent.cancel();
    EXPECT_TRUE(ran);
}

TEST(cancellation, a_linked_child_may_go_inside_the_callback_its_parent_called) {
    cancellation_source parent;
    auto child = std::make_unique<cancellation_source>(cancellation_source::linked(parent.token()));
    std::unique_ptr<cancellation_registration> registration;
    registration = std::make_unique<cancellation_registration>(child->token().register_callback([&] {
        child.reset();
        registration.reset();
    }));
    parent.cancel();
    EXPECT_EQ(child, nullptr);
}

TEST(cancellation, S_1_13_13_try_reset_forgets_registrations_and_keeps_the_token) {
    weft_test::manual_dispatcher home;
    cancellation_source source(1s);
    const auto token = source.token();
    bool ran = false;
    auto old = token.register_callback([&] { ran = true; });
    EXPECT_TRUE(source.try_reset());
    EXPECT_EQ(home.time().pending_timers(), 0u);
    EXPECT_FALSE(old.unregister());
    source.cancel_after(2s);
    home.time().advance(2s);
    EXPECT_TRUE(token.is_cancellation_requested());
    EXPECT_FALSE(ran);
    EXPECT_FALSE(source.try_reset());
}

TEST(cancellation, S_1_13_15_throw_if_requested_carries_the_token) {
    cancellation_source source;
    const auto token = source.token();
    token.throw_if_cancellation_requested();
    source.cancel();
    try {
        token.throw_if_cancellation_requested();
        FAIL();
    } catch (const operation_canceled& error) {
        EXPECT_EQ(error.token(), token);
        EXPECT_STREQ(error.what(), "the operation was canceled");
    }
}

TEST(cancellation, S_1_13_15_tokens_are_equal_when_their_source_is) {
    cancellation_source one;
    cancellation_source two;
    const cancellation_source copy = one;
    EXPECT_EQ(one.token(), copy.token());
    EXPECT_NE(one.token(), two.token());
    EXPECT_EQ(one, copy);
}

TEST(cancellation, S_1_13_16_async_locals_flow_into_register_but_not_into_unsafe_register) {
    async_local<int> local;
    cancellation_source source;
    int safe = 0;
    int unsafe = 0;
    local.set(1);
    auto first = source.token().register_callback([&] { safe = local.value_or(-1); });
    auto second = source.token().unsafe_register([&] { unsafe = local.value_or(-1); });
    local.set(2);
    source.cancel();
    EXPECT_EQ(safe, 1);
    EXPECT_EQ(unsafe, 2);
    EXPECT_EQ(local.value_or(-1), 2) << "the canceller's own values are back";
    local.clear();
}

class sending_context final : public synchronization_context {
public:
    void post(callback function) override { function(); }
    void send(callback function) override {
        ++sends;
        const synchronization_context_scope scope(this);
        function();
    }
    int sends = 0;
};

TEST(cancellation, S_1_13_17_a_captured_context_gets_the_callback_by_send) {
    sending_context context;
    cancellation_source source;
    bool inside = false;
    cancellation_registration captured;
    {
        const synchronization_context_scope scope(&context);
        captured = source.token().register_callback(
            [&] {
                inside = synchronization_context::current() == &context;
                captured.dispose();  // must not wait for itself
                throw std::runtime_error("from the context");
            },
            true);
    }
    try {
        source.cancel();
        FAIL();
    } catch (const aggregate_exception& error) {
        EXPECT_EQ(message_of(error.inner_exception()), "from the context");
    }
    EXPECT_TRUE(inside);
    EXPECT_EQ(context.sends, 1);
}

TEST(cancellation, S_1_13_17_without_asking_the_context_is_not_captured) {
    sending_context context;
    const synchronization_context_scope scope(&context);
    cancellation_source source;
    bool ran = false;
    auto registration = source.token().register_callback([&] { ran = true; });
    source.cancel();
    EXPECT_TRUE(ran);
    EXPECT_EQ(context.sends, 0);
}

TEST(cancellation, a_callback_may_drop_the_source_that_calls_it) {
    auto source = std::make_unique<cancellation_source>();
    auto registration = source->token().register_callback([&] { source.reset(); });
    source->cancel();
    EXPECT_EQ(source, nullptr);
}

TEST(cancellation, a_registration_may_outlive_source_and_token) {
    cancellation_registration registration;
    {
        cancellation_source source;
        registration = source.token().register_callback([] {});
    }
    EXPECT_TRUE(registration.token().can_be_canceled());
    EXPECT_TRUE(registration.unregister());
    EXPECT_FALSE(registration.token().can_be_canceled());
}

TEST(cancellation, a_moved_from_source_says_so) {
    cancellation_source source;
    const cancellation_source taken = std::move(source);
    EXPECT_THROW(static_cast<void>(source.token()), invalid_operation);
    EXPECT_FALSE(source.is_cancellation_requested());
    EXPECT_FALSE(taken.is_cancellation_requested());
}

struct counting_node : detail::cancellation_node {
    counting_node()
        : cancellation_node([](detail::cancellation_node& node) { ++static_cast<counting_node&>(node).fired; }) {}
    int fired = 0;
};

TEST(cancellation_node, fires_once_and_can_be_removed_without_allocating) {
    cancellation_source source;
    const auto token = source.token();
    counting_node kept;
    counting_node removed;
    const weft_test::allocation_counter counter;
    EXPECT_TRUE(detail::add_registration(token, kept));
    EXPECT_TRUE(detail::add_registration(token, removed));
    EXPECT_TRUE(detail::remove_registration(removed));
    EXPECT_FALSE(detail::remove_registration(removed));
    source.cancel();
    if (weft_test::allocation_counter::is_available) {
        EXPECT_EQ(counter.count(), 0u);
    }
    EXPECT_EQ(kept.fired, 1);
    EXPECT_EQ(removed.fired, 0);
    EXPECT_FALSE(detail::remove_and_wait(kept));

    counting_node late;
    EXPECT_FALSE(detail::add_registration(token, late));
    EXPECT_FALSE(detail::remove_and_wait(late));
    EXPECT_EQ(late.fired, 0);
    EXPECT_LE(sizeof(detail::cancellation_node), 48u);
}

TEST(cancellation_node, is_never_called_by_a_token_that_cannot_be_cancelled) {
    counting_node node;
    EXPECT_TRUE(detail::add_registration(cancellation_token(), node));
    EXPECT_FALSE(detail::remove_registration(node));
}

TEST(operation_canceled, task_canceled_is_one_with_its_own_sentence) {
    cancellation_source source;
    try {
        throw task_canceled(source.token());
    } catch (const operation_canceled& error) {
        EXPECT_STREQ(error.what(), "a task was canceled");
        EXPECT_EQ(error.token(), source.token());
    }
    EXPECT_STREQ(operation_canceled("gave up on 'x'").what(), "gave up on 'x'");
    EXPECT_TRUE(std::is_nothrow_copy_constructible_v<task_canceled>);
}

}  // namespace
