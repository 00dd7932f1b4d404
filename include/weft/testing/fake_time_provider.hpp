#pragma once
// <weft/testing/fake_time_provider.hpp>: a clock that moves only when the test says so.
// Follows Microsoft.Extensions.Time.Testing.FakeTimeProvider (semantics 1.21).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include "weft/base/config.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI::testing {

/// A time_provider under the test's control. Give it to what takes a provider, or to a runtime as its clock.
///
/// advance() fires due timers before it returns, on the calling thread: earliest deadline first, equal ones in the order in
/// which they were armed. While they fire, the clocks already show the time after the whole step. The callback of a `timer`
/// runs inside advance(), too; a periodic one once for each period of the step. What awaits a timer is only posted there, and
/// goes on when its runtime runs it.
///
/// Threads   every member may be called from any thread. One thread fires timers at a time; a nested or concurrent advance()
///           moves the time and leaves the firing to that thread.
/// Lifetime  must outlive the timers armed on it.
class fake_time_provider final : public time_provider {
public:
    using utc_time = std::chrono::system_clock::time_point;

    /// The wall clock starts at midnight of 1 January 2000.
    fake_time_provider();
    explicit fake_time_provider(utc_time start);
    ~fake_time_provider() override;

    [[nodiscard]] time_point now() noexcept override;
    [[nodiscard]] utc_time utc_now() noexcept override;
    /// A deadline that is not in the future fires from the calling thread's runtime, soon, without any advance().
    void arm(timer_node& timer) noexcept override;
    bool disarm(timer_node& timer) noexcept override;
    /// Runs it now, on the thread that moves the time.
    void run_callback(dispatcher& home, work_item& callback) noexcept override;
    /// One period later, however late it is by then; counted from the new time if the callback has moved it (1.21/5).
    [[nodiscard]] time_point next_period(time_point due, std::chrono::nanoseconds period) noexcept override;

    /// Moves both clocks on and fires what is due. @throws std::invalid_argument  if `step` is negative
    void advance(std::chrono::nanoseconds step);
    /// As advance() up to `target` of the wall clock. @throws std::invalid_argument  if that is in the past
    void set_utc_now(utc_time target);
    /// Sets the wall clock alone, either way: no timer fires, and each keeps the time it still has to wait.
    void adjust_time(utc_time target);
    /// Moves both clocks on by `step` after each reading. @throws std::invalid_argument  if negative
    void set_auto_advance(std::chrono::nanoseconds step);

    [[nodiscard]] std::size_t pending_timers() const noexcept;
    /// The earliest deadline, if a timer is armed.
    [[nodiscard]] std::optional<time_point> next_deadline() const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI::testing
