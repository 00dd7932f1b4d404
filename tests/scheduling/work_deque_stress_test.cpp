// One owner and three thieves: every item comes out exactly once.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "scheduling/work_deque.hpp"

namespace {

using weft::work_item;
using weft::detail::work_deque;

struct counted_item : work_item {
    std::atomic<int> taken{0};
    int payload = 0;  // written before the push, read by whoever takes it
};

void race(std::size_t count, unsigned burst, bool owner_pops) {
    work_deque queue;
    std::vector<counted_item> items(count);
    std::atomic<std::size_t> left{count};
    const auto take = [&](work_item* item) {
        if (item == nullptr) return;
        auto& counted = static_cast<counted_item&>(*item);
        EXPECT_EQ(counted.payload, 7);
        EXPECT_EQ(counted.taken.fetch_add(1), 0);
        left.fetch_sub(1);
    };
    std::vector<std::thread> thieves;
    for (int index = 0; index < 3; ++index) {
        thieves.emplace_back([&] {
            bool lost = false;
            while (left.load() > 0) take(queue.steal(lost));
        });
    }
    for (std::size_t index = 0; index < count;) {
        for (unsigned step = 0; step < burst && index < count; ++step, ++index) {
            items[index].payload = 7;
            queue.push(items[index]);
        }
        for (unsigned step = 0; owner_pops && step < burst; ++step) take(queue.pop());
    }
    while (owner_pops && left.load() > 0) take(queue.pop());
    for (auto& thief : thieves) thief.join();
    EXPECT_EQ(left.load(), 0U);
}

TEST(work_deque_stress, a_lone_item_goes_to_exactly_one_taker) { race(100'000, 1, true); }
TEST(work_deque_stress, bursts_go_out_at_both_ends_exactly_once) { race(200'000, 5, true); }
TEST(work_deque_stress, growth_under_thieves_loses_nothing) { race(100'000, 10'000, false); }

}  // namespace
