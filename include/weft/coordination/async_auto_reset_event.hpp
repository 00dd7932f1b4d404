#pragma once
// <weft/coordination/async_auto_reset_event.hpp>: a signal that one taker consumes; who waits for it blocks no thread.
// Follows System.Threading.AutoResetEvent.
// SPDX-License-Identifier: MIT

#include <chrono>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/detail/wait_operation.hpp"

namespace weft::inline WEFT_ABI {

class async_auto_reset_event;

namespace detail {

struct auto_reset_wait : plain_result {
    async_auto_reset_event* on;
    explicit auto_reset_wait(async_auto_reset_event* event) noexcept : on(event) {}

    static constexpr const char* name = "async_auto_reset_event";
    static constexpr left_function left = nullptr;
    [[nodiscard]] wait_queue& line() const noexcept;
    [[nodiscard]] bool try_take() const noexcept;
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter& who) const noexcept;
    void give_back() const noexcept;
};

}  // namespace detail

/// Lets one waiter through each time it is set. Without a waiter it stays set until one comes; setting it again does not count.
///
/// Use it to tell a single worker that there is something to do. Where every signal must be taken once, use async_semaphore.
///
/// Continuation  a task that had to wait goes on where its await captured, posted: never inside set().
/// Order         first come, first served; a cancelled waiter takes no signal.
/// Threads       every member from any thread at any time.
/// Allocation    none: the waiter stands in the awaiting frame.
/// Lifetime      must outlive the waits on it that were granted or can be ended by a token or a limit; its destruction ends the
///               others, those still in line, with object_disposed.
class async_auto_reset_event : detail::wait_queue {
public:
    using wait_operation = detail::untimed_wait<detail::auto_reset_wait>;
    using timed_wait_operation = detail::timed_wait_of<detail::auto_reset_wait>;

    explicit async_auto_reset_event(bool initially_set = false) noexcept : wait_queue(initially_set ? signalled : 0) {}

    /// Waits for a signal and takes it. @throws object_disposed  when the event is destroyed meanwhile
    /// Cancellation  before (even when set) or while waiting: task_canceled carrying `token`, and no signal is taken. A signal
    ///               that came first wins.
    [[nodiscard]] wait_operation wait(cancellation_token token = {}) noexcept {
        return wait_operation(detail::auto_reset_wait(this), std::move(token));
    }
    /// As wait(), but gives up after `limit` (0: answers synchronously; -1 ms: never). @returns whether a signal was taken
    /// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
    /// Cancellation  as wait()
    [[nodiscard]] timed_wait_operation wait(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(detail::auto_reset_wait(this), limit, std::move(token), "async_auto_reset_event::wait");
    }

    /// Lets the first waiter through; without one, the next who comes. Nothing when it is set already.
    void set() noexcept;
    /// Takes back a signal that nobody has taken.
    void reset() noexcept;
    [[nodiscard]] bool is_set() const noexcept { return (load() & signalled) != 0; }

private:
    friend detail::auto_reset_wait;
    static constexpr word signalled = unit;
};

// ---- implementation

namespace detail {

inline wait_queue& auto_reset_wait::line() const noexcept { return *on; }
inline bool auto_reset_wait::try_take() const noexcept {
    wait_queue::word seen = async_auto_reset_event::signalled;
    return on->change_to_enter(seen, 0);
}
inline take_answer auto_reset_wait::take(wait_queue::word& now, waiter&) const noexcept {
    if ((now & async_auto_reset_event::signalled) == 0) return take_answer::must_wait;
    now &= ~async_auto_reset_event::signalled;
    return take_answer::granted;
}
inline void auto_reset_wait::give_back() const noexcept { on->set(); }

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
