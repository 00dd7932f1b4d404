// SPDX-License-Identifier: MIT
#include "weft/base/thread_block.hpp"

#include <gtest/gtest.h>
#include <pthread.h>

#include <thread>

#include "weft/base/frame_allocator.hpp"

namespace {

using weft::detail::this_thread_block;
using weft::detail::thread_block;

TEST(thread_block, is_the_same_object_in_one_thread_and_another_in_another) {
    thread_block& mine = this_thread_block();
    EXPECT_EQ(&this_thread_block(), &mine);
    std::thread([&mine] {
        EXPECT_NE(&this_thread_block(), &mine);
        EXPECT_NE(this_thread_block().shard, mine.shard);
    }).join();
}

TEST(thread_block, a_fresh_thread_has_no_ambient_state) {
    std::thread([] {
        const thread_block& block = this_thread_block();
        EXPECT_EQ(block.home, nullptr);
        EXPECT_EQ(block.sync, nullptr);
        EXPECT_EQ(block.scheduler, nullptr);
        EXPECT_EQ(block.locals, nullptr);
        EXPECT_FALSE(block.flow_suppressed);
    }).join();
}

[[gnu::noinline]] bool deep_enough_is_low(int depth, int& reached) {
    char room[4096];
    reached = depth;
    if (this_thread_block().stack_is_low()) return true;
    if (depth > 100000) return false;
    const bool found = deep_enough_is_low(depth + 1, reached);
    asm volatile("" : : "r"(&room) : "memory");  // the room must be there, before and after the call
    return found;
}

TEST(thread_block, tells_a_stack_that_runs_low_before_it_ends) {
    EXPECT_FALSE(this_thread_block().stack_is_low());
    int reached = 0;
    EXPECT_TRUE(deep_enough_is_low(0, reached));
    EXPECT_GT(reached, 100);
}

void* recurse_on_small_stack(void* result) {
    int reached = 0;
    *static_cast<bool*>(result) = !this_thread_block().stack_is_low() && deep_enough_is_low(0, reached);
    return nullptr;
}

TEST(thread_block, leaves_half_of_a_small_stack_usable) {
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_attr_init(&attributes), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, 512 * 1024), 0);
    bool ok = false;
    pthread_t thread{};
    ASSERT_EQ(pthread_create(&thread, &attributes, &recurse_on_small_stack, &ok), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&attributes);
    EXPECT_TRUE(ok);
}

struct uses_block_late {
    ~uses_block_late() {
        void* frame = weft::detail::allocate_frame(100);
        weft::detail::free_frame(frame, 100);
        if (done != nullptr) *done = true;
    }
    bool* done = nullptr;
};
thread_local uses_block_late late_user;

TEST(thread_block, works_in_the_destructors_of_thread_locals) {
    bool done = false;
    std::thread([&done] { late_user.done = &done; }).join();
    EXPECT_TRUE(done);
}

TEST(thread_block, works_in_the_destructors_of_thread_specific_keys) {
    pthread_key_t key{};
    // The block has its key already, so this one is destroyed after it, and the block is made a second time.
    static_cast<void>(this_thread_block());
    ASSERT_EQ(pthread_key_create(&key,
                  [](void* done) {
                      weft::detail::free_frame(weft::detail::allocate_frame(64), 64);
                      *static_cast<bool*>(done) = true;
                  }),
        0);
    bool done = false;
    std::thread([key, &done] {
        static_cast<void>(this_thread_block());
        pthread_setspecific(key, &done);
    }).join();
    pthread_key_delete(key);
    EXPECT_TRUE(done);
}

}  // namespace
