#pragma once
// <weft/coordination/async_semaphore.hpp>: a counting semaphore whose waiters are tasks, not threads.
// Follows System.Threading.SemaphoreSlim (semantics 1.19).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/error.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/detail/wait_operation.hpp"

namespace weft::inline WEFT_ABI {

class async_semaphore;

/// More permits were released than a semaphore can hold. Follows System.Threading.SemaphoreFullException.
class semaphore_full : public invalid_operation {
public:
    using invalid_operation::invalid_operation;
};

/// One permit of an async_semaphore, or none. Gives it back when it goes. A resource: move-only.
class [[nodiscard("the permit is released when it goes: keep it in a variable")]] semaphore_permit {
public:
    /// Of nothing.
    semaphore_permit() noexcept = default;
    semaphore_permit(semaphore_permit&& other) noexcept : semaphore_(std::exchange(other.semaphore_, nullptr)) {}
    /// Releases what it held.
    semaphore_permit& operator=(semaphore_permit&& other) noexcept {
        semaphore_permit taken(std::move(other));
        std::swap(semaphore_, taken.semaphore_);
        return *this;
    }
    ~semaphore_permit() {
        if (semaphore_ != nullptr) give_back();
    }

    /// Whether it holds a permit: false after release() and a move, and when a wait with a limit gave up.
    [[nodiscard]] explicit operator bool() const noexcept { return semaphore_ != nullptr; }
    /// Gives the permit back now; nothing when there is none.
    void release() {
        if (semaphore_ != nullptr) give_back();
    }
    /// Gives up the duty to release: the permit is whoever's who calls async_semaphore::release() for it.
    void detach() noexcept { semaphore_ = nullptr; }

    /// @internal takes over a permit; null: none
    struct adopt {};
    semaphore_permit(async_semaphore* of, adopt) noexcept : semaphore_(of) {}

private:
    void give_back();

    async_semaphore* semaphore_ = nullptr;
};

namespace detail {

struct semaphore_request {
    async_semaphore* on;

    static constexpr const char* name = "async_semaphore";
    static constexpr left_function left = nullptr;

    [[nodiscard]] wait_queue& line() const noexcept;
    [[nodiscard]] bool try_take() const;
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter& who) const noexcept;
    void give_back() const noexcept;
};
struct semaphore_wait : semaphore_request, plain_result {
    explicit semaphore_wait(async_semaphore* semaphore) noexcept : semaphore_request{semaphore} {}
};
struct semaphore_acquire : semaphore_request {
    explicit semaphore_acquire(async_semaphore* semaphore) noexcept : semaphore_request{semaphore} {}
    template <bool>
    using result = semaphore_permit;
    template <bool>
    [[nodiscard]] semaphore_permit deliver(bool granted) const noexcept {
        return semaphore_permit(granted ? on : nullptr, semaphore_permit::adopt{});
    }
};

}  // namespace detail

/// Limits how many callers are inside a region at once.
///
/// Use it to bound concurrency against a resource (connections, files, a remote service). For a region with a single owner
/// prefer async_mutex, whose guard cannot be released twice.
///
/// Continuation  a task that had to wait goes on where its await captured, posted: never inside release() (1.19/2).
/// Order         first come, first served, try_wait() included; a cancelled waiter leaves the line without moving the others.
/// Threads       every member but dispose() from any thread at any time. Permits have no owner (1.19/6).
/// Allocation    none: the waiter stands in the awaiting frame.
/// Lifetime      must outlive the waits on it that were granted or can be ended by a token or a limit; its destruction ends the
///               others, those still in line, with object_disposed.
class async_semaphore : detail::wait_queue {
public:
    static constexpr std::int32_t unlimited = std::numeric_limits<std::int32_t>::max();

    using wait_operation = detail::untimed_wait<detail::semaphore_wait>;
    using timed_wait_operation = detail::timed_wait_of<detail::semaphore_wait>;
    using acquire_operation = detail::untimed_wait<detail::semaphore_acquire>;
    using timed_acquire_operation = detail::timed_wait_of<detail::semaphore_acquire>;

    /// @param initial  permits free at the start
    /// @param maximum  most permits ever free
    /// @throws std::invalid_argument  unless 0 <= initial <= maximum and maximum > 0
    explicit async_semaphore(std::int32_t initial, std::int32_t maximum = unlimited);

    /// Takes one permit, waiting in line for it if none is free.
    /// @throws object_disposed  after dispose(), and when the semaphore is destroyed meanwhile
    /// Cancellation  before (even with permits free) or while waiting: task_canceled carrying `token`, and no permit is taken.
    ///               A permit granted first wins over a later cancel.
    [[nodiscard]] wait_operation wait(cancellation_token token = {}) noexcept {
        return wait_operation(detail::semaphore_wait(this), std::move(token));
    }
    /// As wait(), but gives up after `limit` (0: answers synchronously; -1 ms: never). @returns whether a permit was taken
    /// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
    /// Cancellation  as wait()
    [[nodiscard]] timed_wait_operation wait(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(detail::semaphore_wait(this), limit, std::move(token), "async_semaphore::wait");
    }
    /// Takes one permit as an object that gives it back: `auto permit = co_await gate.acquire();`
    /// Cancellation  as wait()
    [[nodiscard]] acquire_operation acquire(cancellation_token token = {}) noexcept {
        return acquire_operation(detail::semaphore_acquire(this), std::move(token));
    }
    /// As acquire(), but gives up after `limit`, with a permit that is none.
    /// Cancellation  as wait()
    [[nodiscard]] timed_acquire_operation acquire(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(detail::semaphore_acquire(this), limit, std::move(token), "async_semaphore::acquire");
    }
    /// Takes one permit if that takes no waiting: one is free, and nobody is in line. @throws object_disposed
    [[nodiscard]] bool try_wait() { return try_take(); }
    /// As try_wait(), as an object. @returns the permit, or none
    [[nodiscard]] semaphore_permit try_acquire() {
        return semaphore_permit(try_take() ? this : nullptr, semaphore_permit::adopt{});
    }

    /// Gives back `count` permits: to those who wait, oldest first, and what is left to whoever comes.
    /// @returns permits that were free before the call
    /// @throws std::invalid_argument  if `count` is below 1
    /// @throws semaphore_full  if more than the maximum would be free; nothing is released then
    /// @throws object_disposed
    std::int32_t release(std::int32_t count = 1) {
        word seen = load();
        if (count == 1 && (seen & (busy | disposed)) == 0 && permits_of(seen) < maximum_ &&
            change_to_leave(seen, seen + unit)) [[likely]]
            return permits_of(seen);
        return release_slowly(count);
    }

    /// A snapshot; out of date when you read it.
    [[nodiscard]] std::int32_t current_count() const noexcept { return permits_of(load()); }

    /// Makes every later call throw object_disposed. Wakes nobody: who is in line stays there until its token or limit ends the
    /// wait, or the semaphore is destroyed (1.19/7). Not to be called at the same time as other members.
    void dispose() noexcept;

private:
    friend detail::semaphore_request;
    static constexpr word disposed = word{1} << 63;
    static std::int32_t permits_of(word now) noexcept { return static_cast<std::int32_t>((now & ~disposed) / unit); }

    [[nodiscard]] bool try_take() {
        word seen = load();
        // While somebody is in line no permit is free, so a newcomer cannot barge in.
        while ((seen & (locked | disposed)) == 0 && seen >= unit) {
            if (change_to_enter(seen, seen - unit)) return true;
        }
        return (seen & (locked | disposed)) != 0 && try_take_slowly();
    }
    WEFT_NOINLINE bool try_take_slowly();
    WEFT_NOINLINE std::int32_t release_slowly(std::int32_t count);

    const std::int32_t maximum_;
};

// ---- implementation

namespace detail {

inline wait_queue& semaphore_request::line() const noexcept { return *on; }
inline bool semaphore_request::try_take() const { return on->try_take(); }
inline take_answer semaphore_request::take(wait_queue::word& now, waiter&) const noexcept {
    if ((now & async_semaphore::disposed) != 0) return take_answer::disposed;
    if (async_semaphore::permits_of(now) == 0) return take_answer::must_wait;
    now -= wait_queue::unit;
    return take_answer::granted;
}

}  // namespace detail

inline void semaphore_permit::give_back() { std::exchange(semaphore_, nullptr)->release(); }

}  // namespace weft::inline WEFT_ABI
