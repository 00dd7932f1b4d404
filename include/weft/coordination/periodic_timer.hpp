#pragma once
// <weft/coordination/periodic_timer.hpp>: ticks to wait for, one after another.
// Follows System.Threading.PeriodicTimer (semantics 1.20).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <memory>

#include "weft/base/time_provider.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/timer.hpp"
#include "weft/task/value_task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {
class periodic_state;
}  // namespace detail

/// A loop's clock: `for (;;) { const bool ticked = co_await timer.wait_for_next_tick(); if (!ticked) break; work(); }`
///
/// Ticks come in a steady rhythm that does not depend on how long the work takes; those that nobody waited for count as one.
///
/// Continuation  posted to the captured context, else to the pool; never inside dispose() or a clock's advance().
/// Threads       one waits; dispose() and set_period() may be called from any thread.
/// Lifetime      a resource, move-only. When it goes a pending wait gives false, as after dispose(). The provider must outlive it.
class periodic_timer {
public:
    /// As a period: no ticks.
    static constexpr std::chrono::milliseconds infinite{-1};

    /// @param period    from 1 ms to 2^32 - 2 ms, or infinite
    /// @param provider  whose time; null for that of the calling thread's runtime
    /// @throws std::invalid_argument  for another period
    explicit periodic_timer(std::chrono::nanoseconds period, time_provider* provider = nullptr);
    periodic_timer(periodic_timer&&) noexcept = default;
    periodic_timer& operator=(periodic_timer&& other) noexcept;
    ~periodic_timer() { dispose(); }

    /// True at the next tick, at once if there was one since the last wait; false when the timer is disposed of.
    ///
    /// Cancellation  ends this wait only, as canceled with `token`; a token cancelled beforehand wins over a tick that is there,
    ///               which stays.
    /// @throws invalid_operation  while another wait is pending
    [[nodiscard]] value_task<bool> wait_for_next_tick(cancellation_token token = {});

    [[nodiscard]] std::chrono::nanoseconds period() const noexcept;
    /// The next tick comes one new period from now. @throws std::invalid_argument  as the constructor; object_disposed
    void set_period(std::chrono::nanoseconds period);

    /// Stops it: a pending wait and all later ones give false, and a tick that is there is dropped. May be called again.
    void dispose() noexcept;

private:
    std::shared_ptr<detail::periodic_state> state_;
    timer timer_;
};

}  // namespace weft::inline WEFT_ABI
