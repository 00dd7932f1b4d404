#pragma once
// <weft/coordination/async_lock.hpp>: what holds an async_mutex or async_shared_mutex, and lets go of it when it goes.
// SPDX-License-Identifier: MIT

#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

struct unlock_exclusive {
    template <class Mutex>
    static void unlock(Mutex& mutex) {
        mutex.unlock();
    }
};
struct unlock_shared {
    template <class Mutex>
    static void unlock(Mutex& mutex) {
        mutex.unlock_shared();
    }
};

/// Holds `Mutex`, or nothing. Unlike std::unique_lock it may be destroyed by another thread than the one that locked: a task
/// that awaits inside the region goes on wherever its context is.
///
/// A resource: move-only.
template <class Mutex, class How>
class [[nodiscard("the mutex is unlocked when the lock goes: keep it in a variable")]] basic_async_lock {
public:
    /// Of nothing.
    basic_async_lock() noexcept = default;
    basic_async_lock(basic_async_lock&& other) noexcept : mutex_(std::exchange(other.mutex_, nullptr)) {}
    basic_async_lock& operator=(basic_async_lock&& other) noexcept {
        if (this != &other) {
            if (mutex_ != nullptr) How::unlock(*mutex_);
            mutex_ = std::exchange(other.mutex_, nullptr);
        }
        return *this;
    }
    ~basic_async_lock() {
        if (mutex_ != nullptr) How::unlock(*mutex_);
    }

    /// Whether it holds the mutex: false after unlock(), release() and a move, and when a wait with a limit gave up.
    [[nodiscard]] bool owns_lock() const noexcept { return mutex_ != nullptr; }
    [[nodiscard]] explicit operator bool() const noexcept { return mutex_ != nullptr; }
    /// The mutex it holds; null when none.
    [[nodiscard]] Mutex* mutex() const noexcept { return mutex_; }

    /// Unlocks now. @throws invalid_operation  when it holds nothing
    void unlock() {
        if (mutex_ == nullptr) throw invalid_operation("async lock: unlock() of a lock that holds no mutex");
        How::unlock(*std::exchange(mutex_, nullptr));
    }
    /// Gives up the duty to unlock. @returns the mutex, still locked
    [[nodiscard("the mutex stays locked: whoever takes it from here unlocks it")]] Mutex* release() noexcept {
        return std::exchange(mutex_, nullptr);
    }

    /// @internal takes over a mutex that is locked; null: none
    struct adopt {};
    basic_async_lock(Mutex* locked, adopt) noexcept : mutex_(locked) {}

private:
    Mutex* mutex_ = nullptr;
};

}  // namespace detail

/// Holds a mutex alone. `auto lock = co_await mutex.lock();`
template <class Mutex>
using async_unique_lock = detail::basic_async_lock<Mutex, detail::unlock_exclusive>;
/// Holds an async_shared_mutex together with others. `auto lock = co_await mutex.lock_shared();`
template <class Mutex>
using async_shared_lock = detail::basic_async_lock<Mutex, detail::unlock_shared>;

}  // namespace weft::inline WEFT_ABI
