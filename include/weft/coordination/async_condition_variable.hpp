#pragma once
// <weft/coordination/async_condition_variable.hpp>: waits, with an async_mutex held, until something is said to have changed.
// Follows System.Threading.Monitor.Wait, Pulse and PulseAll; the names are those of std::condition_variable_any.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <concepts>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/async_mutex.hpp"
#include "weft/coordination/detail/wait_operation.hpp"
#include "weft/task/value_task.hpp"

namespace weft::inline WEFT_ABI {

/// Where tasks wait for a change of what an async_mutex guards.
///
/// Use it for conditions that no other primitive expresses. Always look at the condition again after a wait: another task may
/// have been there first. The form with a predicate does.
///
/// Continuation  a task goes on where its await captured, posted, with the mutex locked: never inside a notification.
/// Order         first come, first served. A notification goes to who waits at that moment; it is not kept.
/// Threads       every member from any thread at any time; notifying needs no lock. Waiting unlocks the mutex and joins the
///               line in one step: a notification by who has locked the mutex since is never missed.
/// Allocation    a recycled frame a wait.
/// Lifetime      must outlive the waits on it that were granted or can be ended by a token or a limit; its destruction ends the
///               others, those still in line, with object_disposed.
class async_condition_variable : detail::wait_queue {
public:
    async_condition_variable() noexcept : wait_queue(0) {}

    /// Unlocks `lock`, waits for a notification and locks again, however the wait ends.
    /// @param lock  holds its mutex; must live, and not be used, until the wait is over
    /// @throws invalid_operation  when it holds nothing
    /// @throws object_disposed  when the condition variable is destroyed meanwhile
    /// Cancellation  before or while waiting: task_canceled carrying `token`, with the mutex locked, and no notification is
    ///               taken. A notification that came first wins. Locking again cannot be cancelled.
    [[nodiscard]] value_task<> wait(async_mutex::guard& lock, cancellation_token token = {});
    /// As wait(), but stops waiting for a notification after `limit` (0: at once, without unlocking; -1 ms: never).
    /// @returns whether there was one
    /// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
    /// Cancellation  as wait()
    [[nodiscard]] value_task<bool> wait(
        async_mutex::guard& lock, std::chrono::nanoseconds limit, cancellation_token token = {});
    /// Waits until `predicate()`, which is called with the mutex locked.
    /// Cancellation  as wait(); a predicate that holds at once is not asked for a token
    template <std::predicate Predicate>
    [[nodiscard]] value_task<> wait(async_mutex::guard& lock, Predicate predicate, cancellation_token token = {}) {
        while (!predicate()) {
            value_task<> one = wait(lock, token);
            co_await std::move(one).configure_await(true);
        }
    }

    /// Frees the first in the line.
    void notify_one() noexcept;
    /// Frees everybody who waits at this moment.
    void notify_all() noexcept;

private:
    struct request;
};

}  // namespace weft::inline WEFT_ABI
