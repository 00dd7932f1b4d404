// SPDX-License-Identifier: MIT
#include "weft/testing/fake_time_provider.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <vector>

#include "support/manual_dispatcher.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::fake_time_provider;

struct test_timer : timer_node {
    explicit test_timer(std::function<void()> function) : on_fire(std::move(function)) {
        fire = [](timer_node& node) noexcept { static_cast<test_timer&>(node).on_fire(); };
    }
    void start(time_provider& provider, std::chrono::nanoseconds wait) {
        deadline = provider.now() + wait;
        provider.arm(*this);
    }
    std::function<void()> on_fire;
};

TEST(fake_time_provider, S_1_21_3_starts_at_the_year_2000) {
    fake_time_provider clock;
    EXPECT_EQ(clock.utc_now(), std::chrono::sys_days{std::chrono::January / 1 / 2000});
}

TEST(fake_time_provider, S_1_21_3_advance_fires_due_timers_at_once_earliest_first_ties_as_armed) {
    fake_time_provider clock;
    std::vector<int> order;
    test_timer first([&] { order.push_back(1); });
    test_timer tie_a([&] { order.push_back(2); });
    test_timer tie_b([&] { order.push_back(3); });
    test_timer later([&] { order.push_back(4); });
    tie_a.start(clock, 2s);
    later.start(clock, 5s);
    tie_b.start(clock, 2s);
    first.start(clock, 1s);
    clock.advance(2s);
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
    EXPECT_EQ(clock.pending_timers(), 1u);
    EXPECT_EQ(clock.next_deadline(), clock.now() + 3s);
    clock.set_utc_now(clock.utc_now() + 3s);
    EXPECT_EQ(order.size(), 4u);
}

TEST(fake_time_provider, S_1_21_4_during_the_callbacks_the_time_is_that_of_the_end) {
    fake_time_provider clock;
    const time_point start = clock.now();
    int fired = 0;
    test_timer timer([&] {
        EXPECT_EQ(clock.now() - start, 10s);
        if (++fired < 5) {
            timer.deadline += 2s;
            clock.arm(timer);
        }
    });
    timer.start(clock, 2s);
    clock.advance(10s);
    EXPECT_EQ(fired, 5) << "once a period";
}

TEST(fake_time_provider, S_1_21_5_a_nested_advance_moves_the_time_and_does_not_recurse) {
    fake_time_provider clock;
    int depth = 0;
    int deepest = 0;
    bool second_fired = false;
    test_timer second([&] {
        second_fired = true;
        deepest = std::max(deepest, depth + 1);
    });
    test_timer first([&] {
        ++depth;
        deepest = std::max(deepest, depth);
        clock.advance(1s);
        EXPECT_FALSE(second_fired);
        --depth;
    });
    first.start(clock, 1s);
    second.start(clock, 2s);
    clock.advance(1s);
    EXPECT_TRUE(second_fired);
    EXPECT_EQ(deepest, 1);
}

TEST(fake_time_provider, S_1_21_6_time_does_not_go_backwards_but_may_be_adjusted) {
    fake_time_provider clock;
    EXPECT_THROW(clock.advance(-1ns), std::invalid_argument);
    EXPECT_THROW(clock.set_utc_now(clock.utc_now() - 1s), std::invalid_argument);
    bool fired = false;
    test_timer timer([&] { fired = true; });
    timer.start(clock, 10s);
    const auto before = clock.utc_now();
    clock.adjust_time(before + 24h);
    EXPECT_EQ(clock.utc_now(), before + 24h);
    EXPECT_FALSE(fired);
    clock.adjust_time(before - 24h);
    clock.advance(10s);
    EXPECT_TRUE(fired);
}

TEST(fake_time_provider, S_1_21_7_auto_advance_adds_at_every_reading) {
    fake_time_provider clock;
    clock.set_auto_advance(1s);
    const time_point first = clock.now();
    EXPECT_EQ(clock.now() - first, 1s);
    static_cast<void>(clock.utc_now());
    EXPECT_EQ(clock.now() - first, 3s);
    EXPECT_THROW(clock.set_auto_advance(-1s), std::invalid_argument);
}

TEST(fake_time_provider, a_disarmed_timer_does_not_fire_and_says_so) {
    fake_time_provider clock;
    bool fired = false;
    test_timer timer([&] { fired = true; });
    timer.start(clock, 1s);
    EXPECT_TRUE(clock.disarm(timer));
    EXPECT_FALSE(clock.disarm(timer));
    clock.advance(2s);
    EXPECT_FALSE(fired);
}

TEST(fake_time_provider, a_deadline_in_the_past_fires_soon_but_not_inside_arm) {
    weft_test::manual_dispatcher home;
    fake_time_provider clock;
    bool fired = false;
    test_timer timer([&] { fired = true; });
    timer.start(clock, 0s);
    EXPECT_FALSE(fired);
    home.run_all();
    EXPECT_TRUE(fired);
}

}  // namespace
