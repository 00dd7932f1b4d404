#pragma once
// <weft/base/spin_lock.hpp>: a word-sized lock for sections of a few instructions.
// SPDX-License-Identifier: MIT

#include <atomic>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Mutual exclusion for a handful of loads and stores; never held across a call into user code, an allocation or a system call.
template <class Atomics>
class basic_spin_lock {
public:
    void lock() noexcept {
        // Acquire pairs with unlock()'s release: what the last holder wrote is seen here.
        for (int tries = 0; held_.exchange(true, std::memory_order_acquire);) {
            while (held_.load(std::memory_order_relaxed)) {
                if (++tries < 64) Atomics::pause();
                else Atomics::yield();
            }
        }
    }
    [[nodiscard]] bool try_lock() noexcept { return !held_.exchange(true, std::memory_order_acquire); }
    void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
    typename Atomics::template atomic<bool> held_{false};
};

using spin_lock = basic_spin_lock<std_atomics>;

/// Holds a lock until the end of its scope. As std::lock_guard, for headers in front of every coroutine, which do without <mutex>:
/// it would be compiled into each of their units.
template <class Lock>
class [[nodiscard]] lock_scope {
public:
    explicit lock_scope(Lock& lock) noexcept : lock_(lock) { lock_.lock(); }
    lock_scope(const lock_scope&) = delete;
    lock_scope& operator=(const lock_scope&) = delete;
    ~lock_scope() { lock_.unlock(); }

private:
    Lock& lock_;
};

}  // namespace weft::inline WEFT_ABI::detail
