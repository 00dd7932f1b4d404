#pragma once
// <weft/coordination/async_countdown_event.hpp>: waits for a number of signals; the number may grow meanwhile.
// Follows System.Threading.CountdownEvent.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/detail/wait_operation.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// A count that frees the line when it comes to zero: the heart of async_countdown_event and async_latch. The count stands in
/// the word, so a signal that is not the last is one compare-exchange.
class countdown : public wait_queue {
public:
    explicit countdown(std::int32_t initial) noexcept : wait_queue(static_cast<word>(initial) * unit) {}

    static std::int32_t count_of(word now) noexcept { return static_cast<std::int32_t>(now / unit); }
    [[nodiscard]] std::int32_t count() const noexcept { return count_of(load()); }
    /// @returns the count that was left before, `by` of which were taken; nothing is taken when `by` is more
    std::int32_t subtract(std::int32_t by) noexcept;
    /// @returns the count before; `by` was added unless that was 0 or the sum is more than 2^31 - 1
    std::int32_t add(std::int32_t by) noexcept;
    void set_count(std::int32_t count) noexcept;

    [[nodiscard]] take_answer take(const word& now) const noexcept {
        return now < unit ? take_answer::granted : take_answer::must_wait;
    }
};

template <class Owner>
struct countdown_wait : plain_result {
    countdown* on;
    explicit countdown_wait(countdown& of) noexcept : on(&of) {}

    static constexpr const char* name = Owner::name;
    static constexpr left_function left = nullptr;
    [[nodiscard]] wait_queue& line() const noexcept { return *on; }
    [[nodiscard]] bool try_take() const noexcept { return on->count() == 0; }
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter&) const noexcept { return on->take(now); }
    void give_back() const noexcept {}
};

struct countdown_event_name {
    static constexpr const char* name = "async_countdown_event";
};

}  // namespace detail

/// Is set when it has been signalled as often as its count says.
///
/// Use it where the number of things to wait for grows while they run. For a fixed number async_latch is enough; tasks are best
/// waited for by when_all.
///
/// Continuation  a task that had to wait goes on where its await captured, posted in the order of waiting: never inside
///               signal().
/// Threads       every member but reset() from any thread at any time.
/// Allocation    none: the waiter stands in the awaiting frame.
/// Lifetime      may be destroyed by whoever has seen it set, but not while another wait can be ended by its token or limit:
///               that is a use of it. Its destruction ends the waits that are in line with object_disposed.
class async_countdown_event {
public:
    using wait_operation = detail::untimed_wait<detail::countdown_wait<detail::countdown_event_name>>;
    using timed_wait_operation = detail::timed_wait_of<detail::countdown_wait<detail::countdown_event_name>>;

    /// @param initial_count  signals that are needed; 0: set from the start
    /// @throws std::invalid_argument  if it is negative
    explicit async_countdown_event(std::int32_t initial_count);

    /// Counts `count` signals. @returns whether they were the last
    /// @throws std::invalid_argument  if `count` is below 1
    /// @throws invalid_operation  when fewer are needed, or none; nothing is counted then
    bool signal(std::int32_t count = 1);
    /// Asks for `count` more signals.
    /// @throws std::invalid_argument  if `count` is below 1
    /// @throws invalid_operation  when it is set already, or the sum would exceed 2^31 - 1
    void add_count(std::int32_t count = 1);
    /// As add_count(). @returns false, and adds nothing, when it is set already
    bool try_add_count(std::int32_t count = 1);
    /// Starts again with the initial count, or a new one, which becomes the initial count. Who waits goes on waiting, unless
    /// `count` is 0. Not to be called at the same time as signal() and add_count(). @throws std::invalid_argument  if `count`
    /// is negative
    void reset() { count_.set_count(initial_.load(std::memory_order_relaxed)); }
    void reset(std::int32_t count);

    /// Waits until it is set. @throws object_disposed  when the event is destroyed meanwhile
    /// Cancellation  before (even when set) or while waiting: task_canceled carrying `token`; no signal is lost. A last signal
    ///               that came first wins.
    [[nodiscard]] wait_operation wait(cancellation_token token = {}) noexcept {
        return wait_operation(detail::countdown_wait<detail::countdown_event_name>(count_), std::move(token));
    }
    /// As wait(), but gives up after `limit` (0: answers synchronously; -1 ms: never). @returns whether it was set
    /// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
    /// Cancellation  as wait()
    [[nodiscard]] timed_wait_operation wait(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(detail::countdown_wait<detail::countdown_event_name>(count_), limit, std::move(token),
            "async_countdown_event::wait");
    }

    /// Snapshots; out of date when you read them.
    [[nodiscard]] std::int32_t current_count() const noexcept { return count_.count(); }
    [[nodiscard]] bool is_set() const noexcept { return current_count() == 0; }
    [[nodiscard]] std::int32_t initial_count() const noexcept { return initial_.load(std::memory_order_relaxed); }

private:
    detail::countdown count_;
    std::atomic<std::int32_t> initial_;
};

}  // namespace weft::inline WEFT_ABI
