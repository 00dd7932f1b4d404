#pragma once
// <weft/coordination/timer.hpp>: a function that is called when time has passed, once or again and again; delay() on a given clock.
// Follows System.Threading.Timer, ITimer and Task.Delay(TimeSpan, TimeProvider, …) (semantics 1.21).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <memory>
#include <type_traits>
#include <utility>

#include "weft/base/time_provider.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/event.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {
class timer_state;
}  // namespace detail

/// Calls a function after some time, and then in steady periods if it has one.
///
/// When to use   for what is to be called from time to time and does not wait. A loop that works and then waits for its next turn
///               is better written with periodic_timer, which never overlaps.
/// Continuation  calls run on the pool of the runtime it was made in, without a synchronization context, under the async-local
///               values of its making; with a testing::fake_time_provider inside advance(), on the thread that moves the time.
/// Order         a call that takes longer than a period overlaps with the next one; periods that a stalled process has missed
///               are left out.
/// Threads       every member may be called from any thread, and inside the function.
/// Lifetime      a resource, move-only; it owns the function. When it goes the timer stops, and a call that runs, or that was
///               posted and has begun, goes on. Provider and runtime must outlive it.
class timer {
public:
    /// As a time: never.
    static constexpr std::chrono::milliseconds infinite{-1};

    /// @param callback  takes nothing. A coroutine runs until its first suspension within the call and goes on by itself; its failure
    ///                  reaches on_unobserved_task_exception(). Any other exception ends the process, as in .NET
    /// @param due       time until the first call; 0: as soon as possible; infinite: not before change()
    /// @param period    time between calls; 0 or infinite: one call only
    /// @param provider  whose time; null for that of the calling thread's runtime
    /// @throws std::invalid_argument  for other negative times, and beyond 2^32 - 2 ms
    template <class F>
        requires std::is_invocable_v<std::decay_t<F>&>
    explicit timer(F&& callback, std::chrono::nanoseconds due, std::chrono::nanoseconds period = infinite,
        time_provider* provider = nullptr)
        : timer(call_of(std::make_shared<std::decay_t<F>>(std::forward<F>(callback))), due, period, provider, 0) {}
    timer(timer&& other) noexcept = default;
    timer& operator=(timer&& other) noexcept {
        if (this != &other) {
            dispose();
            state_ = std::move(other.state_);
        }
        return *this;
    }
    ~timer() { dispose(); }

    /// Starts anew with other times, whether or not it has been called; calls that were posted are not taken back.
    /// @returns false after dispose() @throws std::invalid_argument  as the constructor
    bool change(std::chrono::nanoseconds due, std::chrono::nanoseconds period = infinite);
    /// Stops it for good; no call begins any more. It does not wait for one that runs. May be called again.
    void dispose() noexcept;
    /// As dispose(); the task is done when no call runs any more. Do not await it inside the function itself.
    [[nodiscard]] task<> dispose_async();

private:
    timer(unique_function<void()> call, std::chrono::nanoseconds due, std::chrono::nanoseconds period,
        time_provider* provider, int);
    template <class F>
    static unique_function<void()> call_of(std::shared_ptr<F> callback) {
        return unique_function<void()>([callback = std::move(callback)] { detail::call_owned<F>(callback); });
    }

    std::shared_ptr<detail::timer_state> state_;
};

/// As delay(limit, token), by the time of `provider`, which must outlive the task.
///
/// Cancellation  the task is canceled with `token`; a token cancelled beforehand wins even over a limit of 0.
/// @throws std::invalid_argument  as delay()
[[nodiscard]] task<> delay(std::chrono::nanoseconds limit, time_provider& provider, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI
