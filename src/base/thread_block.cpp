// One block a thread, made at its first use and freed when the thread ends.
//
// A pointer of static storage duration is all that is thread-local: reading it is one instruction, while a thread-local
// object with a destructor is checked for construction at each access. The block goes by the destructor of a POSIX key, which
// runs after the destructors of all C++ thread-locals, so those may still use tasks; a block made later still, by another
// key's destructor, is freed in the key's next round. The main thread's block lives until the process ends, for the sake of
// static destructors.
// SPDX-License-Identifier: MIT

#include "weft/base/thread_block.hpp"

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "weft/base/assert.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Defined in context, which knows what a map is.
void release_context_slow(context_map* map) noexcept;

namespace {

// initial-exec: the pointer sits at a fixed distance from the thread register even in position-independent code.
[[gnu::tls_model("initial-exec")]] constinit thread_local thread_block* current_block = nullptr;

void end_block(void* opaque) noexcept {
    auto* block = static_cast<thread_block*>(opaque);
    // Values that go with the map run user destructors, which may need the block: it stays current meanwhile.
    while (context_map* locals = block->locals) {
        block->locals = nullptr;
        release_context_slow(locals);
    }
    release_frames(block->frames);
    current_block = nullptr;
    block->~thread_block();
    std::free(block);
}

pthread_key_t block_key() noexcept {
    static const pthread_key_t key = [] {
        pthread_key_t made{};
        WEFT_ASSERT(::pthread_key_create(&made, [](void* block) { end_block(block); }) == 0,
            "the process has no thread-specific key left");
        return made;
    }();
    return key;
}

WEFT_NOINLINE thread_block& make_block() noexcept {
    // Asked for by functions that cannot fail. Without it a thread can do nothing, so the process ends, as .NET's does.
    void* const room = std::aligned_alloc(alignof(thread_block), sizeof(thread_block));
    WEFT_ASSERT(room != nullptr, "there is no memory for what a thread needs");
    auto* block = ::new (room) thread_block;
    current_block = block;
    ::pthread_setspecific(block_key(), block);
    return *block;
}

/// What a resumed coroutine must still find of stack. A quarter of a small stack; a coroutine that calls formatting, a parser
/// or TLS wants tens of kilobytes, so never under 64 KiB, and 256 KiB is enough for all. Sanitizers more than double frames.
std::size_t reserve_of(std::size_t stack_size) noexcept {
    std::size_t reserve = stack_size / 4;
    if (reserve < 64 * 1024) reserve = 64 * 1024;
    if (reserve > 256 * 1024) reserve = 256 * 1024;
#if WEFT_ASAN || WEFT_TSAN
    reserve *= 2;
#endif
    return reserve < stack_size / 2 ? reserve : stack_size / 2;
}

char* find_stack_limit() noexcept {
    pthread_attr_t attributes;
    if (::pthread_getattr_np(::pthread_self(), &attributes) == 0) {
        void* low = nullptr;
        std::size_t size = 0;
        const bool told = ::pthread_attr_getstack(&attributes, &low, &size) == 0;
        ::pthread_attr_destroy(&attributes);
        if (told && low != nullptr) return static_cast<char*>(low) + reserve_of(size);
    }
    // Unknown bounds: allow the smallest stack anyone uses, seen from here.
    return static_cast<char*>(__builtin_frame_address(0)) - 32 * 1024;
}

std::uint32_t next_shard() noexcept {
    static constinit std::atomic<std::uint32_t> made{0};
    return made.fetch_add(1, std::memory_order_relaxed);  // only the number matters, it publishes nothing
}

}  // namespace

thread_block::thread_block() noexcept : stack_limit(find_stack_limit()), shard(next_shard()) {}

thread_block::~thread_block() {
    if (locals != nullptr) release_context_slow(locals);
    release_frames(frames);
}

thread_block& this_thread_block() noexcept {
    // Keeps a link-time optimizer from proving the function free of effects and merging two calls across a suspension.
    asm volatile("");
    thread_block* block = current_block;
    if (block == nullptr) [[unlikely]]
        return make_block();
    return *block;
}

}  // namespace weft::inline WEFT_ABI::detail
