#pragma once
// <weft/coordination/async_latch.hpp>: waits once for a number of arrivals.
// The shape of std::latch; .NET has System.Threading.CountdownEvent alone.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/async_countdown_event.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

struct latch_name {
    static constexpr const char* name = "async_latch";
};
/// Arrives when it is awaited, and waits for the others.
struct latch_arrival : countdown_wait<latch_name> {
    using countdown_wait::countdown_wait;
    [[nodiscard]] bool try_take() const;
};

}  // namespace detail

/// Opens when its count has come to zero, and stays open. The count never grows.
///
/// Continuation  a task that had to wait goes on where its await captured, posted in the order of waiting: never inside
///               count_down().
/// Threads       every member from any thread at any time.
/// Allocation    none: the waiter stands in the awaiting frame.
/// Lifetime      may be destroyed by whoever has seen it open, the frame of the waiting task included, but not while another
///               wait can be ended by its token or limit: that is a use of it. Its destruction ends the waits that are in line
///               with object_disposed.
class async_latch {
public:
    using wait_operation = detail::untimed_wait<detail::countdown_wait<detail::latch_name>>;
    using timed_wait_operation = detail::timed_wait_of<detail::countdown_wait<detail::latch_name>>;
    using arrive_operation = detail::untimed_wait<detail::latch_arrival>;

    /// @param expected  arrivals that are needed; 0: open from the start. @throws std::invalid_argument  if it is negative
    explicit async_latch(std::int32_t expected);

    /// Counts `count` arrivals, 0 for none, without waiting.
    /// @throws std::invalid_argument  if `count` is negative
    /// @throws invalid_operation  when fewer are needed; nothing is counted then
    void count_down(std::int32_t count = 1);
    /// Whether it is open.
    [[nodiscard]] bool try_wait() const noexcept { return count_.count() == 0; }

    /// Waits until it is open. @throws object_disposed  when the latch is destroyed meanwhile
    /// Cancellation  before (even when open) or while waiting: task_canceled carrying `token`; no arrival is lost.
    [[nodiscard]] wait_operation wait(cancellation_token token = {}) noexcept {
        return wait_operation(detail::countdown_wait<detail::latch_name>(count_), std::move(token));
    }
    /// As wait(), but gives up after `limit` (0: answers synchronously; -1 ms: never). @returns whether it is open
    /// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
    /// Cancellation  as wait()
    [[nodiscard]] timed_wait_operation wait(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(
            detail::countdown_wait<detail::latch_name>(count_), limit, std::move(token), "async_latch::wait");
    }
    /// Counts one arrival when it is awaited, and waits for the others. @throws invalid_operation  when none is needed any more
    /// Cancellation  a token cancelled before: task_canceled, and nothing was counted. While waiting: task_canceled, and the
    ///               arrival stays counted, as that of who does not wait.
    [[nodiscard]] arrive_operation arrive_and_wait(cancellation_token token = {}) noexcept {
        return arrive_operation(detail::latch_arrival(count_), std::move(token));
    }

    /// Arrivals that are still needed. A snapshot; out of date when you read it.
    [[nodiscard]] std::int32_t remaining() const noexcept { return count_.count(); }

private:
    detail::countdown count_;
};

}  // namespace weft::inline WEFT_ABI
