#pragma once
// <weft/base/spin_lock.hpp>: a word-sized lock for sections of a few instructions.
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

/// Mutual exclusion for a handful of loads and stores; never held across a call into user code, an allocation or a system call.
class spin_lock {
public:
    void lock() noexcept {
        // Acquire pairs with unlock()'s release: what the last holder wrote is seen here.
        for (int tries = 0; held_.exchange(true, std::memory_order_acquire);) {
            while (held_.load(std::memory_order_relaxed)) {
                if (++tries < 64) cpu_pause();
                else yield_processor();
            }
        }
    }
    [[nodiscard]] bool try_lock() noexcept { return !held_.exchange(true, std::memory_order_acquire); }
    void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
    std::atomic<bool> held_{false};
};

}  // namespace weft::inline WEFT_ABI::detail
