#pragma once
// <weft/base/frame_allocator.hpp>: recycles coroutine frames and task blocks in per-thread, size-classed lists.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <new>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Blocks grow in steps of 16 bytes from 24, 40, 56 on: what fits without a rest into a chunk of the C library's allocator, which
/// puts 8 bytes of its own in front. Above the largest class they come straight from the global allocator.
inline constexpr std::size_t frame_step = 16;
inline constexpr std::size_t smallest_class = 24;
inline constexpr std::size_t frame_classes = 256;  // up to 4 KiB: GCC keeps every local of a coroutine in its frame
inline constexpr std::size_t largest_class = smallest_class + frame_step * (frame_classes - 1);

/// Which class holds `size`. Precondition: size <= largest_class.
[[nodiscard]] constexpr std::size_t frame_class_of(std::size_t size) noexcept {
    return size <= smallest_class ? 0 : (size - smallest_class + frame_step - 1) / frame_step;
}

/// One thread's free blocks. Reached through thread_block; a block travels to another thread only in a full batch.
struct frame_cache {
    struct free_block {
        free_block* next;
        free_block* next_batch;  ///< in the first block of a batch: the batch below it in the depot
        std::uint32_t count;     ///< in the first block of a batch: how many blocks it has
    };
    struct bin {
        free_block* head = nullptr;
        free_block* spare = nullptr;  ///< null or exactly one full batch, kept so that a thread at the edge stays at home
        std::uint32_t count = 0;      ///< blocks behind `head`
        std::uint32_t batch = 0;      ///< how many make a batch; 0 until the first block of this class came back
    };
    bin bins[frame_classes];
};

/// Allocates `size` bytes aligned to 16. Under a sanitizer every block comes from the global allocator, so that it sees
/// use after free. @throws std::bad_alloc
[[nodiscard]] void* allocate_frame(std::size_t size);
/// Returns a block of allocate_frame(size), from any thread.
void free_frame(void* block, std::size_t size) noexcept;

/// The two calls above without the sanitizers' detour: what they are in an ordinary build, on a cache of the caller's choice.
[[nodiscard]] void* allocate_cached(frame_cache& cache, std::size_t size);
void free_cached(frame_cache& cache, void* block, std::size_t size) noexcept;

/// allocate_frame() for a caller that has its thread's cache at hand: the usual case, a block on the list, is inline.
[[nodiscard]] inline void* allocate_from([[maybe_unused]] frame_cache& cache, std::size_t size) {
#if WEFT_ASAN || WEFT_TSAN
    return allocate_frame(size);
#else
    if (size <= largest_class) [[likely]] {
        frame_cache::bin& bin = cache.bins[frame_class_of(size)];
        if (frame_cache::free_block* block = bin.head) [[likely]] {
            bin.head = block->next;
            --bin.count;
            return block;
        }
    }
    return allocate_cached(cache, size);
#endif
}

/// free_frame() for a caller that has its thread's cache at hand.
inline void free_to([[maybe_unused]] frame_cache& cache, void* memory, std::size_t size) noexcept {
#if WEFT_ASAN || WEFT_TSAN
    free_frame(memory, size);
#else
    if (size <= largest_class) [[likely]] {
        frame_cache::bin& bin = cache.bins[frame_class_of(size)];
        if (bin.count + 1 < bin.batch) [[likely]] {
            auto* block = ::new (memory) frame_cache::free_block;
            block->next = bin.head;
            bin.head = block;
            ++bin.count;
            return;
        }
    }
    free_cached(cache, memory, size);
#endif
}

/// What a block's header keeps of its size, so that freeing need not compute the class: blocks of the last class, and what is
/// larger, are told apart by their size.
[[nodiscard]] constexpr std::uint8_t stored_class_of(std::size_t size) noexcept {
    return size <= largest_class ? static_cast<std::uint8_t>(frame_class_of(size)) : std::uint8_t{frame_classes - 1};
}

/// free_to() for a block that knows stored_class_of(size).
inline void free_to_class([[maybe_unused]] frame_cache& cache, [[maybe_unused]] std::uint8_t stored_class, void* memory,
    std::size_t size) noexcept {
#if WEFT_ASAN || WEFT_TSAN
    free_frame(memory, size);
#else
    frame_cache::bin& bin = cache.bins[stored_class];
    if (bin.count + 1 < bin.batch && stored_class != frame_classes - 1) [[likely]] {
        auto* block = ::new (memory) frame_cache::free_block;
        block->next = bin.head;
        bin.head = block;
        ++bin.count;
        return;
    }
    free_cached(cache, memory, size);
#endif
}

/// Hands every block a dying thread still holds to the others. Called by the thread block's destructor.
void release_frames(frame_cache& cache) noexcept;

/// Gives back to the global allocator what `cache`, the calling thread's own, and the depot hold.
void discard_frames(frame_cache& cache) noexcept;

}  // namespace weft::inline WEFT_ABI::detail
