// SPDX-License-Identifier: MIT
#include "weft/base/frame_allocator.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

#include "support/allocation_counter.hpp"

namespace {

using namespace weft::detail;
using weft_test::allocation_counter;

/// A cache of the test's own, so that the promises hold under sanitizers too.
class frame_allocator_test : public ::testing::Test {
protected:
    ~frame_allocator_test() override { release_frames(*cache); }
    std::unique_ptr<frame_cache> cache = std::make_unique<frame_cache>();
};

TEST_F(frame_allocator_test, blocks_are_aligned_distinct_and_writable_in_every_class) {
    std::vector<std::pair<void*, std::size_t>> blocks;
    std::set<void*> addresses;
    for (std::size_t size = 0; size <= largest_class + 200; size += 13) {
        void* block = allocate_cached(*cache, size);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0u);
        EXPECT_TRUE(addresses.insert(block).second);
        std::memset(block, 0x5a, size);
        blocks.emplace_back(block, size);
    }
    for (const auto& [block, size] : blocks) free_cached(*cache, block, size);
}

TEST_F(frame_allocator_test, the_block_freed_last_is_given_out_first) {
    void* block = allocate_cached(*cache, 200);
    free_cached(*cache, block, 200);
    void* again = allocate_cached(*cache, 195);
    EXPECT_EQ(again, block);
    free_cached(*cache, again, 195);
}

TEST_F(frame_allocator_test, sizes_up_to_a_step_share_a_class_and_the_next_does_not) {
    static_assert(frame_class_of(25) == frame_class_of(40) && frame_class_of(40) != frame_class_of(41));
    void* block = allocate_cached(*cache, 40);
    free_cached(*cache, block, 25);
    void* same = allocate_cached(*cache, 33);
    EXPECT_EQ(same, block);
    void* other = allocate_cached(*cache, 41);
    EXPECT_NE(other, block);
    free_cached(*cache, same, 33);
    free_cached(*cache, other, 41);
}

TEST_F(frame_allocator_test, what_a_thread_gave_away_in_bulk_comes_back_without_the_global_allocator) {
    if (!allocation_counter::is_available) GTEST_SKIP() << "the sanitizer owns operator new";
    std::vector<void*> blocks(2000);
    for (void*& block : blocks) block = allocate_cached(*cache, 100);
    for (void* block : blocks) free_cached(*cache, block, 100);
    const allocation_counter counter;
    for (void*& block : blocks) block = allocate_cached(*cache, 100);
    EXPECT_EQ(counter.count(), 0u);
    for (void* block : blocks) free_cached(*cache, block, 100);
}

TEST_F(frame_allocator_test, a_dying_threads_blocks_serve_another) {
    if (!allocation_counter::is_available) GTEST_SKIP() << "the sanitizer owns operator new";
    std::vector<void*> blocks(50);
    for (void*& block : blocks) block = allocate_cached(*cache, 3000);
    for (void* block : blocks) free_cached(*cache, block, 3000);
    release_frames(*cache);
    const allocation_counter counter;
    for (void*& block : blocks) block = allocate_cached(*cache, 3000);
    EXPECT_EQ(counter.count(), 0u);
    for (void* block : blocks) free_cached(*cache, block, 3000);
}

TEST(frame_allocator, steady_use_asks_the_global_allocator_for_nothing) {
    if (!allocation_counter::is_available) GTEST_SKIP() << "the sanitizer owns operator new";
    free_frame(allocate_frame(300), 300);
    const allocation_counter counter;
    for (int round = 0; round < 1000; ++round) free_frame(allocate_frame(300), 300);
    EXPECT_EQ(counter.count(), 0u);
}

}  // namespace
