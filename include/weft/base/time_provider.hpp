#pragma once
// <weft/base/time_provider.hpp>: the one clock and timer interface; virtual under test.
// Follows System.TimeProvider.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI {

class dispatcher;

/// Monotonic instants: delays and timeouts never depend on the wall clock.
using time_point = std::chrono::steady_clock::time_point;

/// One pending timer. Lives inside the operation that waits, so arming allocates nothing.
///
/// The provider owns `prev`, `next`, `slot` and `shard` between arm() and the moment it calls `fire` or disarm() returns true.
struct timer_node {
    using fire_function = void (*)(timer_node&) noexcept;

    timer_node* next = nullptr;
    timer_node* prev = nullptr;
    time_point deadline{};
    fire_function fire = nullptr;
    std::uint16_t slot = 0;      ///< bucket within the shard; `unarmed` when in none
    std::uint16_t shard = 0;     ///< which of the provider's independent timer sets holds the node
    std::uint32_t sequence = 0;  ///< order among equal deadlines

    static constexpr std::uint16_t unarmed = 0xffff;
    /// In `slot` while `fire` is called by a provider that is being destroyed: the timer is not due, its clock is gone.
    static constexpr std::uint16_t orphaned = 0xfffe;

    constexpr timer_node() noexcept : slot(unarmed) {}
    timer_node(const timer_node&) = delete;
    timer_node& operator=(const timer_node&) = delete;
};

/// Reads clocks and runs timers. Every time-based API asks the provider of the runtime it runs in.
///
/// Threads  every member may be called from any thread at any time.
class time_provider {
public:
    time_provider(const time_provider&) = delete;
    time_provider& operator=(const time_provider&) = delete;
    virtual ~time_provider() = default;

    /// The monotonic clock.
    [[nodiscard]] virtual time_point now() noexcept = 0;
    /// The wall clock, for dates that people read; never for timers.
    [[nodiscard]] virtual std::chrono::system_clock::time_point utc_now() noexcept = 0;

    /// Starts `timer`, whose `deadline` and `fire` are set. A deadline in the past fires as soon as possible, never inside arm().
    virtual void arm(timer_node& timer) noexcept = 0;
    /// Stops `timer`. @returns true when it will never fire; false when it was not armed, has fired or is firing right now
    /// (then `fire` runs to its end without asking again).
    virtual bool disarm(timer_node& timer) noexcept = 0;

    /// Runs what a timer of the user's calls, once: posted to `home`. A clock that a test moves runs it at once.
    virtual void run_callback(dispatcher& home, work_item& callback) noexcept;
    /// When a periodic timer is due again whose `fire`, for the deadline `due`, has just run. Periods that have been missed
    /// are left out.
    [[nodiscard]] virtual time_point next_period(time_point due, std::chrono::nanoseconds period) noexcept;

protected:
    time_provider() = default;
};

}  // namespace weft::inline WEFT_ABI
