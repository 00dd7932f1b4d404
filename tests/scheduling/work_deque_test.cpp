// The worker's queue, used by one thread.
// SPDX-License-Identifier: MIT

#include "scheduling/work_deque.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace {

using weft::work_item;
using weft::detail::work_deque;

TEST(work_deque, gives_the_owner_the_newest_and_a_thief_the_oldest) {
    work_deque queue;
    work_item items[3];
    for (auto& item : items) queue.push(item);
    bool lost = false;
    EXPECT_EQ(queue.size(), 3U);
    EXPECT_EQ(queue.steal(lost), &items[0]);
    EXPECT_EQ(queue.pop(), &items[2]);
    EXPECT_EQ(queue.pop(), &items[1]);
    EXPECT_EQ(queue.pop(), nullptr);
    EXPECT_EQ(queue.steal(lost), nullptr);
    EXPECT_FALSE(lost);
    EXPECT_TRUE(queue.empty());
}

TEST(work_deque, keeps_everything_when_it_grows_from_the_middle_of_its_ring) {
    constexpr std::size_t count = 5000;
    work_deque queue;
    std::vector<work_item> items(count);
    bool lost = false;
    // Moves both ends away from the ring's start first.
    for (std::size_t index = 0; index < 200; ++index) queue.push(items[index]);
    for (std::size_t index = 0; index < 200; ++index) EXPECT_EQ(queue.steal(lost), &items[index]);
    for (auto& item : items) queue.push(item);
    EXPECT_EQ(queue.size(), count);
    for (std::size_t index = 0; index < 100; ++index) EXPECT_EQ(queue.steal(lost), &items[index]);
    for (std::size_t index = count; index-- > 100;) EXPECT_EQ(queue.pop(), &items[index]);
    EXPECT_EQ(queue.pop(), nullptr);
}

TEST(work_deque, is_usable_after_it_ran_empty_from_either_end) {
    work_deque queue;
    work_item item;
    bool lost = false;
    for (int round = 0; round < 1000; ++round) {
        queue.push(item);
        EXPECT_EQ(round % 2 == 0 ? queue.pop() : queue.steal(lost), &item);
        EXPECT_EQ(queue.pop(), nullptr);
    }
}

}  // namespace
