#pragma once
// <weft/base/atomics.hpp>: the atomics policy of lock-free structures.
//
// A structure whose correctness hangs on memory orders is a template over such a policy. The library uses it with std_atomics;
// tests/models runs the very same code with a policy whose atomics belong to a checker, which tries interleavings and the
// reorderings that the orders allow (docs/internals/models.md).
// SPDX-License-Identifier: MIT

#include <atomic>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Lets the sibling hyper-thread and the memory system breathe inside a spin.
inline void cpu_pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Gives the processor to another thread: on few cores the holder of a lock may need this very one.
void yield_processor() noexcept;

/// The machine's own atomics: every name here is an alias or one inlined call.
struct std_atomics {
    template <class T>
    using atomic = std::atomic<T>;
    /// What is no atomic, but handed from thread to thread by one.
    template <class T>
    using plain = T;

    static void fence(std::memory_order order) noexcept { std::atomic_thread_fence(order); }
    /// One step of a spin whose end is near.
    static void pause() noexcept { cpu_pause(); }
    /// One step of a spin that has lasted.
    static void yield() noexcept { yield_processor(); }
};

}  // namespace weft::inline WEFT_ABI::detail
