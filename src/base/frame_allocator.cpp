// Coroutine frames come and go at the rate of function calls and often die on another thread than the one that made them.
//
// 1. Each thread keeps, for each size class, a list of free blocks: `head`. Allocating pops, freeing pushes.
// 2. When a list reaches one batch it becomes the `spare`; when there is a spare already, that one goes to the depot as a
//    whole. So a thread that only frees sends batches away, and one at the edge of a batch does not swing.
// 3. A thread whose list and spare are empty takes a batch from the depot, and only then asks the global allocator.
//
// The depot is a stack of batches for each class, in a few shards; moving a batch is one lock and a handful of stores,
// whatever its size. A depot list that is full gives the batch back to the global allocator, so memory is bounded by what
// was in use plus that.
// SPDX-License-Identifier: MIT

#include "weft/base/frame_allocator.hpp"

#include <array>
#include <mutex>
#include <new>

#include "weft/base/spin_lock.hpp"
#include "weft/base/thread_block.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

using free_block = frame_cache::free_block;
static_assert(sizeof(free_block) <= smallest_class, "the smallest block holds the links of a batch");

constexpr std::size_t batch_bytes = 32 * 1024;  // about what a second-level cache shares without noticing
constexpr std::uint32_t depot_batches = 256;    // of one class in one shard: at most 8 MiB
constexpr std::size_t depot_shards = 4;

constexpr std::size_t block_bytes(std::size_t index) noexcept { return smallest_class + index * frame_step; }

constexpr auto batch_sizes = [] {
    std::array<std::uint32_t, frame_classes> sizes{};
    for (std::size_t index = 0; index < frame_classes; ++index) {
        const std::size_t fitting = batch_bytes / block_bytes(index);
        sizes[index] = static_cast<std::uint32_t>(fitting > 128 ? 128 : fitting);
    }
    return sizes;
}();
static_assert(batch_sizes.back() >= 2, "a batch is worth a lock");

struct alignas(64) depot_list {
    spin_lock lock;
    std::uint32_t batches = 0;
    free_block* top = nullptr;
};

// Never destroyed: threads and static objects give frames back until the very end of the process.
constinit depot_list depot[depot_shards][frame_classes];

void free_to_system(free_block* batch, std::size_t index) noexcept {
    while (batch != nullptr) {
        free_block* next = batch->next;
        ::operator delete(static_cast<void*>(batch), block_bytes(index));
        batch = next;
    }
}

void give_batch(free_block* batch, std::uint32_t count, std::size_t index) noexcept {
    batch->count = count;
    depot_list& list = depot[this_thread_block().shard % depot_shards][index];
    {
        std::lock_guard guard(list.lock);
        if (list.batches < depot_batches) {
            batch->next_batch = list.top;
            list.top = batch;
            ++list.batches;
            return;
        }
    }
    free_to_system(batch, index);
}

/// Its own shard first; then the others, where a thread that only frees may have left everything.
free_block* take_batch(std::size_t index) noexcept {
    const std::size_t home = this_thread_block().shard;
    for (std::size_t step = 0; step < depot_shards; ++step) {
        depot_list& list = depot[(home + step) % depot_shards][index];
        std::lock_guard guard(list.lock);
        if (free_block* batch = list.top) {
            list.top = batch->next_batch;
            --list.batches;
            return batch;
        }
    }
    return nullptr;
}

// Out of line so that the fast paths keep no stack frame.
WEFT_NOINLINE void* refill(frame_cache::bin& bin, std::size_t index) {
    free_block* batch = bin.spare;
    if (batch != nullptr) {
        bin.spare = nullptr;
        bin.count = batch_sizes[index];
    } else if ((batch = take_batch(index)) != nullptr) {
        bin.count = batch->count;
    } else {
        return ::operator new(block_bytes(index));
    }
    bin.head = batch->next;
    --bin.count;
    return batch;
}

WEFT_NOINLINE void retire(frame_cache::bin& bin, std::size_t index) noexcept {
    if (bin.spare != nullptr) give_batch(bin.spare, batch_sizes[index], index);
    bin.spare = bin.head;
    bin.head = nullptr;
    bin.count = 0;
}

}  // namespace

void* allocate_cached(frame_cache& cache, std::size_t size) {
    if (size > largest_class) [[unlikely]]
        return ::operator new(size);
    const std::size_t index = frame_class_of(size);
    frame_cache::bin& bin = cache.bins[index];
    if (free_block* block = bin.head) [[likely]] {
        bin.head = block->next;
        --bin.count;
        return block;
    }
    return refill(bin, index);
}

void free_cached(frame_cache& cache, void* memory, std::size_t size) noexcept {
    if (size > largest_class) [[unlikely]] {
        ::operator delete(memory, size);
        return;
    }
    const std::size_t index = frame_class_of(size);
    frame_cache::bin& bin = cache.bins[index];
    free_block* block = ::new (memory) free_block;
    block->next = bin.head;
    bin.head = block;
    bin.batch = batch_sizes[index];
    if (++bin.count >= batch_sizes[index]) [[unlikely]]
        retire(bin, index);
}

void* allocate_frame(std::size_t size) {
#if WEFT_ASAN || WEFT_TSAN
    return ::operator new(size);
#else
    return allocate_cached(this_thread_block().frames, size);
#endif
}

void free_frame(void* block, std::size_t size) noexcept {
#if WEFT_ASAN || WEFT_TSAN
    ::operator delete(block, size);
#else
    free_cached(this_thread_block().frames, block, size);
#endif
}

void release_frames(frame_cache& cache) noexcept {
    for (std::size_t index = 0; index < frame_classes; ++index) {
        frame_cache::bin& bin = cache.bins[index];
        if (bin.spare != nullptr) give_batch(bin.spare, batch_sizes[index], index);
        // A scrap would take a batch's place in the depot: many short-lived threads would fill it with single blocks.
        if (bin.count >= batch_sizes[index] / 2 && bin.head != nullptr) give_batch(bin.head, bin.count, index);
        else free_to_system(bin.head, index);
        bin = {};
    }
}

void discard_frames(frame_cache& cache) noexcept {
    release_frames(cache);
    for (std::size_t index = 0; index < frame_classes; ++index)
        while (free_block* batch = take_batch(index)) free_to_system(batch, index);
}

}  // namespace weft::inline WEFT_ABI::detail
