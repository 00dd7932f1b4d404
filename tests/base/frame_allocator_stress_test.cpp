// Blocks that are made in one thread and freed in another: nothing is handed out twice, and memory stays bounded.
// SPDX-License-Identifier: MIT
#include "weft/base/frame_allocator.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "support/allocation_counter.hpp"

namespace {

using namespace weft::detail;

/// A bounded ring from one producer to one consumer.
class ring {
public:
    void push(void* block) noexcept {
        const std::size_t at = tail_.load(std::memory_order_relaxed);
        while (at - head_.load(std::memory_order_acquire) == slots_.size()) std::this_thread::yield();
        slots_[at % slots_.size()] = block;
        tail_.store(at + 1, std::memory_order_release);
    }
    void* pop() noexcept {
        const std::size_t at = head_.load(std::memory_order_relaxed);
        while (tail_.load(std::memory_order_acquire) == at) std::this_thread::yield();
        void* block = slots_[at % slots_.size()];
        head_.store(at + 1, std::memory_order_release);
        return block;
    }

private:
    std::array<void*, 256> slots_{};
    std::atomic<std::size_t> head_{0};
    std::atomic<std::size_t> tail_{0};
};

TEST(frame_allocator_stress, a_thread_that_only_frees_feeds_one_that_only_allocates) {
    constexpr int rounds = 200'000;
    ring hand_over;
    std::thread consumer([&hand_over] {
        auto cache = std::make_unique<frame_cache>();
        for (int round = 0; round < rounds; ++round) {
            void* block = hand_over.pop();
            EXPECT_EQ(*static_cast<int*>(block), round);
            free_cached(*cache, block, 256);
        }
        release_frames(*cache);
    });
    auto cache = std::make_unique<frame_cache>();
    const weft_test::allocation_counter counter;
    for (int round = 0; round < rounds; ++round) {
        void* block = allocate_cached(*cache, 256);
        *static_cast<int*>(block) = round;
        hand_over.push(block);
    }
    const std::size_t asked = counter.count();
    consumer.join();
    release_frames(*cache);
    // In flight at once: the ring and a few batches on either side; never a number that grows with the rounds.
    if (weft_test::allocation_counter::is_available) {
        EXPECT_LT(asked, 2000u);
    }
}

TEST(frame_allocator_stress, threads_that_exchange_blocks_never_share_one) {
    constexpr int threads = 4;
    constexpr int rounds = 20'000;
    std::array<std::atomic<std::uint64_t*>, 64> board{};
    std::vector<std::thread> crew;
    std::atomic<int> clashes{0};
    for (int index = 0; index < threads; ++index) {
        crew.emplace_back([&, index] {
            auto cache = std::make_unique<frame_cache>();
            std::uint64_t state = static_cast<std::uint64_t>(index) + 1;
            for (int round = 0; round < rounds; ++round) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                auto* mine = static_cast<std::uint64_t*>(allocate_cached(*cache, 96));
                mine[0] = state;
                mine[1] = ~state;
                auto* theirs = board[(state >> 33) % board.size()].exchange(mine, std::memory_order_acq_rel);
                if (theirs == nullptr) continue;
                if (theirs[1] != ~theirs[0]) ++clashes;
                free_cached(*cache, theirs, 96);
            }
            release_frames(*cache);
        });
    }
    for (std::thread& thread : crew) thread.join();
    EXPECT_EQ(clashes, 0);
    auto cache = std::make_unique<frame_cache>();
    for (auto& slot : board) {
        if (std::uint64_t* left = slot.load()) free_cached(*cache, left, 96);
    }
    release_frames(*cache);
}

}  // namespace
