#pragma once
// <weft/coordination/async_mutex.hpp>: mutual exclusion between tasks; who waits for it blocks no thread.
// Follows System.Threading.SemaphoreSlim(1, 1) as .NET code uses it for an asynchronous lock (semantics 1.19).
// SPDX-License-Identifier: MIT

#include <chrono>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/async_lock.hpp"
#include "weft/coordination/detail/wait_operation.hpp"

namespace weft::inline WEFT_ABI {

class async_mutex;

namespace detail {

struct mutex_request {
    async_mutex* on;

    static constexpr const char* name = "async_mutex";
    static constexpr left_function left = nullptr;
    template <bool>
    using result = async_unique_lock<async_mutex>;

    [[nodiscard]] wait_queue& line() const noexcept;
    [[nodiscard]] bool try_take() const noexcept;
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter& who) const noexcept;
    void give_back() const noexcept;
    template <bool>
    [[nodiscard]] async_unique_lock<async_mutex> deliver(bool granted) const noexcept {
        return async_unique_lock<async_mutex>(granted ? on : nullptr, async_unique_lock<async_mutex>::adopt{});
    }
};

}  // namespace detail

/// Lets one task at a time into a region that may await.
///
/// Use it where the region awaits. A region without an await is better served by std::mutex; a bound above one by
/// async_semaphore.
///
/// Continuation  a task that had to wait goes on where its await captured, posted: never inside unlock().
/// Order         first come, first served; a cancelled waiter leaves the line without moving the others. unlock() hands the
///               mutex to the first of the line, so nobody barges in.
/// Threads       every member from any thread at any time. Not owner-checked and not re-entrant: a task that locks it twice
///               waits for itself (1.19/6).
/// Allocation    none: the waiter stands in the awaiting frame.
/// Lifetime      must outlive the waits on it that were granted or can be ended by a token or a limit; its destruction ends the
///               others, those still in line, with object_disposed.
class async_mutex : detail::wait_queue {
public:
    using guard = async_unique_lock<async_mutex>;
    using lock_operation = detail::untimed_wait<detail::mutex_request>;
    using timed_lock_operation = detail::timed_wait_of<detail::mutex_request>;

    async_mutex() noexcept : wait_queue(0) {}

    /// Locks, waiting in line while another holds it. `auto lock = co_await mutex.lock();`
    /// @returns the guard that unlocks
    /// @throws object_disposed  when the mutex is destroyed meanwhile
    /// Cancellation  before or while waiting: task_canceled carrying `token`, and the mutex is not taken. A mutex that was
    ///               handed over first stays with the waiter.
    [[nodiscard]] lock_operation lock(cancellation_token token = {}) noexcept {
        return lock_operation(detail::mutex_request{this}, std::move(token));
    }
    /// As lock(), and gives up after `limit` (0: at once; -1 ms: never) with a guard that holds nothing.
    /// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
    [[nodiscard]] timed_lock_operation lock(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(detail::mutex_request{this}, limit, std::move(token), "async_mutex::lock");
    }
    /// Locks if that takes no waiting. @returns the guard, which holds nothing when the mutex is locked
    [[nodiscard]] guard try_lock() noexcept {
        return guard(detail::mutex_request{this}.try_take() ? this : nullptr, guard::adopt{});
    }

    /// Unlocks, for who has taken the duty out of a guard by release(). Hands the mutex to the first in the line.
    /// @throws invalid_operation  when it is not locked
    void unlock() {
        word seen = held;
        if (!change_to_leave(seen, 0)) [[unlikely]]
            unlock_slowly();
    }

    /// A snapshot; out of date when you read it.
    [[nodiscard]] bool is_locked() const noexcept { return (load() & held) != 0; }

private:
    friend detail::mutex_request;
    static constexpr word held = unit;

    WEFT_NOINLINE void unlock_slowly();
};

// ---- implementation

namespace detail {

inline wait_queue& mutex_request::line() const noexcept { return *on; }
inline bool mutex_request::try_take() const noexcept {
    wait_queue::word seen = 0;
    return on->change_to_enter(seen, async_mutex::held);
}
inline take_answer mutex_request::take(wait_queue::word& now, waiter&) const noexcept {
    if ((now & async_mutex::held) != 0) return take_answer::must_wait;
    now |= async_mutex::held;
    return take_answer::granted;
}
inline void mutex_request::give_back() const noexcept { on->unlock(); }

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
