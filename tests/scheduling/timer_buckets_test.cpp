// The bucket structure of the timers, driven by hand: no thread, no clock.
// SPDX-License-Identifier: MIT

#include "scheduling/timer_buckets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <vector>

namespace {

using namespace std::chrono_literals;
using weft::time_point;
using weft::timer_node;
using weft::detail::timer_buckets;

time_point at(std::chrono::nanoseconds since) { return time_point(1'000'000s + since); }

/// Everything due by `now`, in the order in which it comes out.
std::vector<timer_node*> drain(timer_buckets& set, time_point now) {
    std::vector<timer_node*> all;
    timer_node* some[16];
    do {
        const std::size_t count = set.take_due(now, some, std::size(some));
        all.insert(all.end(), some, some + count);
    } while (set.next_due() <= now);
    return all;
}

TEST(timer_buckets, takes_timers_out_by_deadline_whatever_their_order_of_arming) {
    timer_buckets set;
    timer_node nodes[4];
    const auto deadlines = {5s, 1s, 3s, 2s};
    auto next = nodes;
    for (const auto deadline : deadlines) {
        next->deadline = at(deadline);
        set.insert(*next++);
    }
    EXPECT_EQ(drain(set, at(500ms)), std::vector<timer_node*>{});
    EXPECT_EQ(drain(set, at(4s)), (std::vector<timer_node*>{&nodes[1], &nodes[3], &nodes[2]}));
    EXPECT_EQ(drain(set, at(6s)), std::vector<timer_node*>{&nodes[0]});
    EXPECT_EQ(set.next_due(), time_point::max());
}

TEST(timer_buckets, never_takes_a_timer_out_early) {
    timer_buckets set;
    timer_node node;
    node.deadline = at(1ms + 1ns);
    set.insert(node);
    EXPECT_TRUE(drain(set, at(1ms)).empty());
    EXPECT_LE(timer_buckets::due_time(node.deadline) - node.deadline, 9us);
    EXPECT_EQ(drain(set, timer_buckets::due_time(node.deadline)).size(), 1U);
}

TEST(timer_buckets, equal_deadlines_come_out_in_the_order_of_arming_even_when_armed_at_different_times) {
    timer_buckets set;
    timer_node nodes[30];
    for (int index = 0; index < 30; ++index) {
        nodes[index].deadline = at(10s);
        set.insert(nodes[index]);
        // The present moves on in between, so that the later ones are put into lower levels.
        EXPECT_TRUE(drain(set, at(index * 333ms)).empty());
    }
    const auto order = drain(set, at(10s + 1ms));
    ASSERT_EQ(order.size(), 30U);
    for (std::size_t index = 0; index < 30; ++index) EXPECT_EQ(order[index], &nodes[index]);
}

TEST(timer_buckets, a_removed_timer_never_comes_out_and_leaves_the_others) {
    timer_buckets set;
    timer_node nodes[100];
    for (int index = 0; index < 100; ++index) {
        nodes[index].deadline = at(1s + index % 3 * 1ms);
        set.insert(nodes[index]);
    }
    for (int index = 0; index < 100; index += 2) set.remove(nodes[index]);
    EXPECT_EQ(set.size(), 50U);
    EXPECT_EQ(drain(set, at(2s)).size(), 50U);
    for (const auto& node : nodes) EXPECT_EQ(node.slot, timer_node::unarmed);
}

TEST(timer_buckets, past_and_endless_deadlines_are_legal) {
    timer_buckets set;
    timer_node past;
    timer_node never;
    EXPECT_TRUE(drain(set, at(1s)).empty());
    past.deadline = time_point{};
    never.deadline = time_point::max();
    set.insert(past);
    set.insert(never);
    EXPECT_EQ(drain(set, at(1s)), std::vector<timer_node*>{&past});
    EXPECT_GT(set.next_due(), at(24h * 365 * 100));
    set.remove(never);
    EXPECT_EQ(set.size(), 0U);
}

TEST(timer_buckets, tells_a_lone_sleeper_its_deadline_and_not_the_border_of_a_bucket) {
    timer_buckets set;
    timer_node node;
    EXPECT_TRUE(drain(set, at(0s)).empty());
    node.deadline = at(10s);
    set.insert(node);
    EXPECT_EQ(set.next_due(), timer_buckets::due_time(at(10s)));
}

TEST(timer_buckets, one_call_does_a_bounded_amount_of_work_on_a_large_bucket) {
    constexpr std::size_t count = 10'000;
    timer_buckets set;
    std::vector<timer_node> nodes(count);
    for (auto& node : nodes) {
        node.deadline = at(3600s);
        set.insert(node);
    }
    std::size_t calls = 0;
    std::size_t taken = 0;
    timer_node* some[64];
    while (taken < count) {
        taken += set.take_due(at(3601s), some, std::size(some));
        ++calls;
        ASSERT_LT(calls, count);
    }
    EXPECT_GT(calls, count / 256);
}

// Between the calls that sift a large bucket its timers may go, those too that were looked at ahead.
TEST(timer_buckets, timers_may_be_removed_and_freed_while_their_bucket_is_sifted) {
    for (std::size_t from_end = 0; from_end < 600; from_end += 37) {
        constexpr std::size_t count = 2'000;
        timer_buckets set;
        std::vector<std::unique_ptr<timer_node>> nodes;
        for (std::size_t index = 0; index < count; ++index) {
            nodes.push_back(std::make_unique<timer_node>());
            nodes.back()->deadline = at(3600s);
            set.insert(*nodes.back());
        }
        std::vector<timer_node*> out;
        timer_node* some[64];
        const auto take = [&] { out.insert(out.end(), some, some + set.take_due(at(3601s), some, std::size(some))); };
        take();
        const auto gone = nodes.end() - 1 - static_cast<std::ptrdiff_t>(from_end);
        for (auto each = gone - 300; each != gone; ++each) {
            if ((*each)->slot == timer_node::unarmed) continue;
            set.remove(**each);
            each->reset();
        }
        while (set.size() > 0) take();
        std::size_t left = 0;
        for (const auto& each : nodes) left += each != nullptr ? 1U : 0U;
        EXPECT_EQ(out.size(), left);
        EXPECT_EQ(left, count - 300);
    }
}

TEST(timer_buckets, agrees_with_a_sorted_list_over_random_arming_removing_and_time) {
    std::mt19937_64 random(42);
    for (int round = 0; round < 20; ++round) {
        timer_buckets set;
        std::vector<std::unique_ptr<timer_node>> armed;
        std::chrono::nanoseconds now{0};
        for (int step = 0; step < 2000; ++step) {
            const auto what = random() % 10;
            if (what < 6) {
                auto node = std::make_unique<timer_node>();
                node->deadline = at(now + std::chrono::nanoseconds(random() % (std::uint64_t{1} << (random() % 36))));
                set.insert(*node);
                armed.push_back(std::move(node));
            } else if (what < 8 && !armed.empty()) {
                const auto chosen = armed.begin() + static_cast<std::ptrdiff_t>(random() % armed.size());
                set.remove(**chosen);
                armed.erase(chosen);
            } else {
                now += std::chrono::nanoseconds(random() % (std::uint64_t{1} << (random() % 34)));
                const auto due = drain(set, at(now));
                const auto late = [&](const auto& node) { return timer_buckets::due_time(node->deadline) <= at(now); };
                ASSERT_EQ(due.size(), static_cast<std::size_t>(std::count_if(armed.begin(), armed.end(), late)));
                for (std::size_t index = 1; index < due.size(); ++index)
                    ASSERT_LE(
                        timer_buckets::due_time(due[index - 1]->deadline), timer_buckets::due_time(due[index]->deadline));
                armed.erase(std::remove_if(armed.begin(), armed.end(), late), armed.end());
                ASSERT_EQ(set.size(), armed.size());
            }
            time_point earliest = time_point::max();
            for (const auto& node : armed) earliest = std::min(earliest, timer_buckets::due_time(node->deadline));
            ASSERT_LE(set.next_due(), earliest);
        }
        for (const auto& node : armed) set.remove(*node);
    }
}

}  // namespace
