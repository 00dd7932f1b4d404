#pragma once
// The time_provider of a runtime: the system's clocks, and timers in one set for each worker plus some for other threads.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>

#include "scheduling/timer_buckets.hpp"
#include "weft/base/config.hpp"
#include "weft/base/spin_lock.hpp"
#include "weft/base/time_provider.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Where a thread's timers go, and who must hear of one that is due before anybody would look.
class timer_host {
public:
    /// The calling thread's set.
    [[nodiscard]] virtual unsigned timer_shard() noexcept = 0;
    /// A set's earliest deadline became `deadline`.
    virtual void earlier_timer(time_point deadline) noexcept = 0;

protected:
    ~timer_host() = default;
};

/// Arms and disarms in O(1) under the spin lock of one shard; whoever has time calls fire_due().
///
/// Order    by deadline within a shard, equal ones in the order in which they were armed, as long as firing keeps up: when a
///          shard is 2 ms late, because a `fire` takes long, another thread helps.
/// Threads  any.
class timer_service final : public time_provider {
public:
    timer_service(timer_host& host, unsigned shards);
    /// Tells what is still armed, the timers of cancellation sources that outlive the runtime, that the clock is gone.
    ~timer_service() override;
    timer_service(const timer_service&) = delete;
    timer_service& operator=(const timer_service&) = delete;

    time_point now() noexcept override { return std::chrono::steady_clock::now(); }
    std::chrono::system_clock::time_point utc_now() noexcept override { return std::chrono::system_clock::now(); }
    void arm(timer_node& timer) noexcept override;
    bool disarm(timer_node& timer) noexcept override;

    /// Fires what is due by `now`, beginning with shard `first`, with no lock held: a bounded batch, so that other work is not
    /// starved. @returns whether anything fired
    bool fire_due(time_point now, unsigned first) noexcept;

    /// The earliest moment at which fire_due() has something to do; max() when nothing is armed. May be early, never late.
    [[nodiscard]] time_point next_due() const noexcept;
    /// How many timers are armed: a snapshot.
    [[nodiscard]] std::size_t armed() const noexcept;

private:
    struct alignas(64) shard {
        std::atomic<time_point::rep> next{time_point::max().time_since_epoch().count()};
        std::atomic<std::size_t> armed{0};
        std::atomic<bool> firing{false};  ///< some thread is between taking timers out and firing the last of them
        spin_lock lock;
        timer_buckets buckets;
    };

    bool fire_shard(shard& set, time_point now) noexcept;
    bool fire_batches(shard& set, time_point now) noexcept;

    timer_host& host_;
    unsigned count_;
    std::unique_ptr<shard[]> shards_;
};

}  // namespace weft::inline WEFT_ABI::detail
