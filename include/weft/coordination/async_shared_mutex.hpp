#pragma once
// <weft/coordination/async_shared_mutex.hpp>: many readers or one writer; who waits for it blocks no thread.
// Follows System.Threading.ReaderWriterLockSlim without recursion and upgrades.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/async_lock.hpp"
#include "weft/coordination/detail/wait_operation.hpp"

namespace weft::inline WEFT_ABI {

class async_shared_mutex;

namespace detail {

struct shared_mutex_request {
    async_shared_mutex* on;

    static constexpr const char* name = "async_shared_mutex";
    /// A writer that leaves lets in the readers who queued behind it.
    static void left(wait_queue& line, wait_queue::word& now, waiter& who, claimed_list& woken) noexcept;
    [[nodiscard]] wait_queue& line() const noexcept;
};
struct write_lock_request : shared_mutex_request {
    explicit write_lock_request(async_shared_mutex* mutex) noexcept : shared_mutex_request{mutex} {}
    template <bool>
    using result = async_unique_lock<async_shared_mutex>;
    [[nodiscard]] bool try_take() const noexcept;
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter& who) const noexcept;
    void give_back() const noexcept;
    template <bool>
    [[nodiscard]] result<true> deliver(bool granted) const noexcept {
        return result<true>(granted ? on : nullptr, result<true>::adopt{});
    }
};
struct read_lock_request : shared_mutex_request {
    explicit read_lock_request(async_shared_mutex* mutex) noexcept : shared_mutex_request{mutex} {}
    template <bool>
    using result = async_shared_lock<async_shared_mutex>;
    [[nodiscard]] bool try_take() const noexcept;
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter& who) const noexcept;
    void give_back() const noexcept;
    template <bool>
    [[nodiscard]] result<true> deliver(bool granted) const noexcept {
        return result<true>(granted ? on : nullptr, result<true>::adopt{});
    }
};

}  // namespace detail

/// Lets many tasks that only read, or one that writes, into a region that may await.
///
/// Use it where reads are long and far more frequent than writes; otherwise async_mutex is cheaper.
///
/// Continuation  a task that had to wait goes on where its await captured, posted: never inside an unlock.
/// Order         first come, first served: a reader that comes after a waiting writer waits behind it, so neither side starves.
///               Readers that stand next to each other are let in together. A cancelled waiter moves nobody, except that
///               readers whom only a cancelled writer held up are let in at once.
/// Threads       every member from any thread at any time. Not owner-checked and not re-entrant.
/// Allocation    none: the waiter stands in the awaiting frame.
/// Lifetime      must outlive the waits on it that were granted or can be ended by a token or a limit; its destruction ends the
///               others, those still in line, with object_disposed.
class async_shared_mutex : detail::wait_queue {
public:
    using guard = async_unique_lock<async_shared_mutex>;
    using shared_guard = async_shared_lock<async_shared_mutex>;
    using lock_operation = detail::untimed_wait<detail::write_lock_request>;
    using timed_lock_operation = detail::timed_wait_of<detail::write_lock_request>;
    using shared_lock_operation = detail::untimed_wait<detail::read_lock_request>;
    using timed_shared_lock_operation = detail::timed_wait_of<detail::read_lock_request>;

    async_shared_mutex() noexcept : wait_queue(0) {}

    /// Locks alone, waiting in line. @returns the guard that unlocks. @throws object_disposed
    /// Cancellation  before or while waiting: task_canceled carrying `token`, and nothing is taken. A mutex that was handed
    ///               over first stays with the waiter.
    [[nodiscard]] lock_operation lock(cancellation_token token = {}) noexcept {
        return lock_operation(detail::write_lock_request(this), std::move(token));
    }
    /// As lock(), and gives up after `limit` (0: at once; -1 ms: never) with a guard that holds nothing.
    /// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
    /// Cancellation  as lock()
    [[nodiscard]] timed_lock_operation lock(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(detail::write_lock_request(this), limit, std::move(token), "async_shared_mutex::lock");
    }
    /// Locks alone if that takes no waiting. @returns the guard, which holds nothing otherwise
    [[nodiscard]] guard try_lock() noexcept {
        return guard(detail::write_lock_request(this).try_take() ? this : nullptr, guard::adopt{});
    }
    /// Ends lock(), for who has taken the duty out of a guard. @throws invalid_operation  when no writer holds it
    void unlock();

    /// Locks together with other readers, waiting in line while a writer holds it or stands before.
    /// Cancellation  as lock()
    [[nodiscard]] shared_lock_operation lock_shared(cancellation_token token = {}) noexcept {
        return shared_lock_operation(detail::read_lock_request(this), std::move(token));
    }
    /// As lock_shared(), and gives up after `limit` with a guard that holds nothing.
    /// Cancellation  as lock()
    [[nodiscard]] timed_shared_lock_operation lock_shared(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(
            detail::read_lock_request(this), limit, std::move(token), "async_shared_mutex::lock_shared");
    }
    /// Locks for reading if that takes no waiting; a waiting writer refuses it. @returns the guard, which may hold nothing
    [[nodiscard]] shared_guard try_lock_shared() noexcept {
        return shared_guard(detail::read_lock_request(this).try_take() ? this : nullptr, shared_guard::adopt{});
    }
    /// Ends lock_shared(), for who has taken the duty out of a guard. @throws invalid_operation  when no reader holds it
    void unlock_shared();

    /// Snapshots; out of date when you read them.
    [[nodiscard]] bool is_locked() const noexcept { return (load() & writer) != 0; }
    [[nodiscard]] std::uint32_t readers() const noexcept { return static_cast<std::uint32_t>(load() / reader); }

private:
    friend detail::shared_mutex_request;
    friend detail::write_lock_request;
    friend detail::read_lock_request;
    // The word: a bit for the writer, above it the number of readers. Somebody is in line only while one of them is not 0.
    static constexpr word writer = unit;
    static constexpr word reader = unit << 1;
    enum kind : std::uint8_t { reads, writes };

    void admit(word& now, detail::claimed_list& woken) noexcept;
    [[nodiscard]] bool unlock_slowly(word what);
};

}  // namespace weft::inline WEFT_ABI
