#pragma once
// <weft/coordination/async_manual_reset_event.hpp>: a door that is open or closed; who waits for it blocks no thread.
// Follows System.Threading.ManualResetEventSlim.
// SPDX-License-Identifier: MIT

#include <chrono>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/detail/wait_operation.hpp"

namespace weft::inline WEFT_ABI {

class async_manual_reset_event;

namespace detail {

struct manual_reset_wait : plain_result {
    async_manual_reset_event* on;
    explicit manual_reset_wait(async_manual_reset_event* event) noexcept : on(event) {}

    static constexpr const char* name = "async_manual_reset_event";
    static constexpr left_function left = nullptr;
    [[nodiscard]] wait_queue& line() const noexcept;
    [[nodiscard]] bool try_take() const noexcept;
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter& who) const noexcept;
    void give_back() const noexcept {}
};

}  // namespace detail

/// Lets everybody through while it is set, and keeps everybody waiting while it is not.
///
/// Use it for a state ("connected", "not paused"). For a signal that one taker consumes see async_auto_reset_event; for
/// something that happens once async_latch, or a task_completion_source when there is a value.
///
/// Continuation  a task that had to wait goes on where its await captured, posted in the order of waiting: never inside set().
/// Order         set() frees everybody who waits at that moment, also when reset() follows at once.
/// Threads       every member from any thread at any time.
/// Allocation    none: the waiter stands in the awaiting frame.
/// Lifetime      may be destroyed by whoever has come through, but not while another wait can be ended by its token or limit:
///               that is a use of it. Its destruction ends the waits that are in line with object_disposed.
class async_manual_reset_event : detail::wait_queue {
public:
    using wait_operation = detail::untimed_wait<detail::manual_reset_wait>;
    using timed_wait_operation = detail::timed_wait_of<detail::manual_reset_wait>;

    explicit async_manual_reset_event(bool initially_set = false) noexcept : wait_queue(initially_set ? is_open : 0) {}

    /// Waits until it is set. @throws object_disposed  when the event is destroyed meanwhile
    /// Cancellation  before (even when set) or while waiting: task_canceled carrying `token`. A set() that came first wins.
    [[nodiscard]] wait_operation wait(cancellation_token token = {}) noexcept {
        return wait_operation(detail::manual_reset_wait(this), std::move(token));
    }
    /// As wait(), but gives up after `limit` (0: answers synchronously; -1 ms: never). @returns whether it was set
    /// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
    /// Cancellation  as wait()
    [[nodiscard]] timed_wait_operation wait(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(
            detail::manual_reset_wait(this), limit, std::move(token), "async_manual_reset_event::wait");
    }

    /// Opens it: everybody who waits goes on. Nothing when it is set already.
    void set() noexcept;
    /// Closes it for those who come later.
    void reset() noexcept;
    [[nodiscard]] bool is_set() const noexcept { return (load() & is_open) != 0; }

private:
    friend detail::manual_reset_wait;
    static constexpr word is_open = unit;
};

// ---- implementation

namespace detail {

inline wait_queue& manual_reset_wait::line() const noexcept { return *on; }
inline bool manual_reset_wait::try_take() const noexcept { return on->is_set(); }
inline take_answer manual_reset_wait::take(wait_queue::word& now, waiter&) const noexcept {
    return (now & async_manual_reset_event::is_open) != 0 ? take_answer::granted : take_answer::must_wait;
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
