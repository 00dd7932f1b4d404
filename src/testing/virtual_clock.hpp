#pragma once
// The clock of a deterministic scheduler: moves only when told, and fires no timer by itself.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "weft/base/time_provider.hpp"
#include "weft/testing/allocation_failure.hpp"

namespace weft::inline WEFT_ABI::testing {

class virtual_clock final : public time_provider {
public:
    [[nodiscard]] time_point now() noexcept override {
        const std::lock_guard guard(mutex_);
        return now_;
    }
    [[nodiscard]] std::chrono::system_clock::time_point utc_now() noexcept override {
        const std::lock_guard guard(mutex_);
        return year_2000 + std::chrono::duration_cast<std::chrono::system_clock::duration>(now_ - first_instant + stepped_);
    }
    /// Sets the wall clock alone; timers do not know.
    void step_wall(std::chrono::nanoseconds by) noexcept {
        const std::lock_guard guard(mutex_);
        stepped_ += by;
    }

    void arm(timer_node& timer) noexcept override {
        const allocations_succeed own;
        const std::lock_guard guard(mutex_);
        timer.sequence = next_sequence_++;
        timer.slot = 0;
        timers_.emplace(key(timer.deadline, timer.sequence), &timer);
    }
    bool disarm(timer_node& timer) noexcept override {
        const std::lock_guard guard(mutex_);
        if (timer.slot == timer_node::unarmed) return false;
        timer.slot = timer_node::unarmed;
        return timers_.erase(key(timer.deadline, timer.sequence)) == 1;
    }

    /// The earliest deadline that will ever come.
    [[nodiscard]] std::optional<time_point> next_deadline() const noexcept {
        const std::lock_guard guard(mutex_);
        if (timers_.empty() || timers_.begin()->first.first == time_point::max()) return std::nullopt;
        return timers_.begin()->first.first;
    }
    void move_to(time_point instant) noexcept {
        const std::lock_guard guard(mutex_);
        if (instant > now_) now_ = instant;
    }
    /// How many timers are due now.
    [[nodiscard]] std::size_t due() const noexcept {
        const std::lock_guard guard(mutex_);
        std::size_t count = 0;
        for (auto timer = timers_.begin(); timer != timers_.end() && timer->first.first <= now_; ++timer) ++count;
        return count;
    }
    /// Takes the due timer at `position` out, for its `fire` to be called.
    [[nodiscard]] timer_node& take(std::size_t position) noexcept {
        const std::lock_guard guard(mutex_);
        const auto found = std::next(timers_.begin(), static_cast<std::ptrdiff_t>(position));
        timer_node* timer = found->second;
        timer->slot = timer_node::unarmed;
        timers_.erase(found);
        return *timer;
    }

private:
    using key = std::pair<time_point, std::uint32_t>;

    static constexpr std::chrono::system_clock::time_point year_2000 =
        std::chrono::sys_days{std::chrono::January / 1 / 2000};
    // Far from zero, so that a test may subtract from it.
    static constexpr time_point first_instant{std::chrono::hours(24)};

    mutable std::mutex mutex_;
    time_point now_ = first_instant;
    std::chrono::nanoseconds stepped_{0};  // the wall clock, by hand
    std::map<key, timer_node*> timers_;    // in firing order
    std::uint32_t next_sequence_ = 0;
};

}  // namespace weft::inline WEFT_ABI::testing
