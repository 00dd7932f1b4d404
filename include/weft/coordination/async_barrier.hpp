#pragma once
// <weft/coordination/async_barrier.hpp>: tasks that work in phases wait for each other at the end of each.
// Follows System.Threading.Barrier.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/detail/wait_operation.hpp"

namespace weft::inline WEFT_ABI {

class async_barrier;

/// The action at the end of a barrier's phase threw; every participant of the phase gets this.
/// Follows System.Threading.BarrierPostPhaseException.
class barrier_post_phase_exception : public std::runtime_error {
public:
    explicit barrier_post_phase_exception(std::exception_ptr inner);
    /// What the action threw.
    [[nodiscard]] const std::exception_ptr& inner() const noexcept { return inner_; }

private:
    std::exception_ptr inner_;
};

namespace detail {

struct barrier_request {
    async_barrier* on;
    claimed_list others;       // of the last one to arrive: those it frees
    std::exception_ptr error;  // of the others: what the action threw, from the last one
    bool last = false;
    bool refused = false;

    explicit barrier_request(async_barrier* barrier) noexcept : on(barrier) {}

    static constexpr const char* name = "async_barrier";
    static void left(wait_queue& line, wait_queue::word& now, waiter& who, claimed_list& woken) noexcept;
    [[nodiscard]] wait_queue& line() const noexcept;
    [[nodiscard]] bool try_take();
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter& who) noexcept;
    void give_back() const noexcept {}
    void finish();
};
template <bool Timed>
struct barrier_arrival : barrier_request {
    using barrier_request::barrier_request;
    template <bool>
    using result = std::conditional_t<Timed, bool, void>;
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter& who) noexcept {
        who.kind = Timed ? 1 : 0;
        return barrier_request::take(now, who);
    }
    template <bool>
    result<Timed> deliver(bool granted) {
        if (granted) this->finish();
        if constexpr (Timed) return granted;
    }
};

}  // namespace detail

/// A meeting point for a number of participants: nobody gets past the end of a phase before all have come to it.
///
/// Continuation  a task that had to wait goes on where its await captured, posted in the order of arrival. The last to arrive
///               goes on at once; before that it runs the action of the phase, in its own context.
/// Threads       every member from any thread at any time.
/// Allocation    none: the waiter stands in the awaiting frame.
/// Lifetime      must outlive the waits on it that were granted or can be ended by a token or a limit; its destruction ends the
///               others, those still in line, with object_disposed.
class async_barrier : detail::wait_queue {
public:
    using wait_operation = detail::untimed_wait<detail::barrier_arrival<false>>;
    using timed_wait_operation = detail::timed_wait_of<detail::barrier_arrival<true>>;
    /// Most participants.
    static constexpr std::int32_t most_participants = 32767;

    /// @param participants       how many meet; 0: none yet, see add_participants()
    /// @param post_phase_action  called at the end of each phase, while everybody waits; may be empty
    /// @throws std::invalid_argument  unless 0 <= participants <= most_participants
    explicit async_barrier(std::int32_t participants, unique_function<void(async_barrier&)> post_phase_action = nullptr);

    /// Arrives, when it is awaited, and waits for the others.
    /// @throws invalid_operation  when there are no participants, or more arrive than there are
    /// @throws barrier_post_phase_exception  when the action threw; the phase is over all the same
    /// @throws object_disposed  when the barrier is destroyed meanwhile
    /// Cancellation  before or while waiting: task_canceled carrying `token`, and the arrival is taken back: the others wait
    ///               until this participant arrives again or is removed. A phase that was complete first wins.
    [[nodiscard]] wait_operation signal_and_wait(cancellation_token token = {}) noexcept {
        return wait_operation(detail::barrier_arrival<false>(this), std::move(token));
    }
    /// As signal_and_wait(), but gives up after `limit` (0: unless it is the last, at once; -1 ms: never), as when cancelled.
    /// @returns whether the phase was completed
    /// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
    /// Cancellation  as signal_and_wait()
    [[nodiscard]] timed_wait_operation signal_and_wait(std::chrono::nanoseconds limit, cancellation_token token = {}) {
        return detail::wait_at_most(
            detail::barrier_arrival<true>(this), limit, std::move(token), "async_barrier::signal_and_wait");
    }

    /// Adds `count` participants. @returns the number of the phase in which they first take part
    /// @throws std::invalid_argument  if `count` is below 1; invalid_operation  if there would be too many
    std::int64_t add_participants(std::int32_t count = 1);
    /// Takes out `count` participants that have not arrived in this phase. When only those who have arrived are left the phase
    /// ends, and its action runs here. @throws std::invalid_argument  if `count` is below 1 or there are fewer
    /// @throws invalid_operation  when fewer have not yet arrived; barrier_post_phase_exception
    void remove_participants(std::int32_t count = 1);

    /// Snapshots; out of date when you read them.
    [[nodiscard]] std::int32_t participant_count() const noexcept { return total_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::int32_t participants_remaining() const noexcept {
        return total_.load(std::memory_order_relaxed) - arrived_.load(std::memory_order_relaxed);
    }
    /// Number of the present phase, from 0.
    [[nodiscard]] std::int64_t current_phase_number() const noexcept { return phase_.load(std::memory_order_acquire); }

private:
    friend detail::barrier_request;

    [[nodiscard]] const char* refusal() const noexcept;
    [[nodiscard]] bool complete_if_last(std::int32_t arriving, detail::claimed_list& others) noexcept;
    void finish_phase(detail::claimed_list& others);

    // Written under the lock of the word, read without it for the snapshots.
    std::atomic<std::int32_t> total_;
    std::atomic<std::int32_t> arrived_{0};
    std::atomic<std::int64_t> phase_{0};
    bool finishing_ = false;  // all have arrived and the action runs
    unique_function<void(async_barrier&)> action_;
};

}  // namespace weft::inline WEFT_ABI
