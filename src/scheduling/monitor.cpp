// The monitor thread: the safety net under workers that do not come back.
//
// It ticks each millisecond while workers run and there is something they could be late for: operations of the driver, timers,
// queued items. Otherwise each ten milliseconds while workers run, and not at all when all sleep. A tick
//
//  1. harvests the driver for busy owners;
//  2. fires timers that are overdue although nobody sleeps for them;
//  3. wakes a thief for a worker that has not begun an item since the last tick and has queued ones;
//  4. when work is queued, nobody sleeps and nothing was begun for a while, adds a thread (1.12/6). "A while" is short when
//     fewer threads want a processor than the pool has workers, so that some are blocked without having said so, and half a
//     second when they compute, or wait for a processor; it doubles with each thread added in vain.
//
// Going to rest has the same shape as parking: publish `resting`, fence, look again; a worker that gets up reads the mode.
// SPDX-License-Identifier: MIT

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "scheduling/pool_core.hpp"
#include "weft/base/thread_block.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

using std::chrono::milliseconds;

constexpr auto fast_tick = milliseconds(1);
constexpr auto slow_tick = milliseconds(10);
constexpr auto timer_slack = std::chrono::microseconds(500);  // a keeper that is about to wake gets it first
constexpr auto short_patience = milliseconds(20);
constexpr auto long_patience = milliseconds(500);
constexpr int calm_ticks = 4;  // without anything running, before the monitor rests: 1 + 2 + 4 + 8 ms

}  // namespace

void pool_core::run_monitor() noexcept {
    thread_block& block = this_thread_block();
    block.home = &door_;
    block.worker = static_cast<worker_identity*>(&monitor_);
    name_this_thread("weft-monitor");
    driver_->owner_started(monitor_.owner);
    patience_ = short_patience;
    stalled_since_ = std::chrono::steady_clock::now();

    int calm = 0;
    while (!stopping_.load(std::memory_order_relaxed)) {
        const bool asked = monitor_asked_.exchange(false, std::memory_order_relaxed);
        calm = asked || active() ? 0 : calm + 1;
        time_point until;
        if (calm > calm_ticks) {
            monitor_mode_.store(resting, std::memory_order_seq_cst);
            // Pairs with park(): either the worker that gets up reads `resting`, or it is seen running here.
            std::atomic_thread_fence(std::memory_order_seq_cst);
            until = active() ? std::chrono::steady_clock::now() + fast_tick : time_point::max();
        } else {
            const bool fast = asked || calm > 0 || must_tick();
            monitor_mode_.store(fast ? ticking : slow, std::memory_order_seq_cst);
            until = std::chrono::steady_clock::now() + (fast ? fast_tick * (1 << calm) / (calm > 0 ? 2 : 1) : slow_tick);
        }
        driver_->poll(monitor_.owner, until);
        monitor_mode_.store(ticking, std::memory_order_seq_cst);
        tick(std::chrono::steady_clock::now());
    }
    driver_->owner_stopping(monitor_.owner);
    block.worker = nullptr;
    block.home = nullptr;
}

/// Whether any thread runs items, or has left operations or timers behind by blocking.
bool pool_core::active() noexcept {
    const auto [sleeping, searching] = idle_.look();
    if (static_cast<int>(sleeping) < running_.load(std::memory_order_relaxed)) return true;
    return blocked_.load(std::memory_order_relaxed) > 0 && must_tick();
}

bool pool_core::must_tick() noexcept {
    return driver_->has_operations() || timers_.next_due() != time_point::max() || work_visible();
}

void pool_core::need_monitor() noexcept {
    monitor_asked_.store(true, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with run_monitor(): it sees the wish, or we its mode
    wake_monitor_from(slow);
    wake_monitor_from(resting);
}

void pool_core::wake_monitor_from(monitor_mode mode) noexcept {
    int expected = mode;
    // The exchange lets one of many wakers pay for the system call.
    if (monitor_mode_.load(std::memory_order_seq_cst) == mode &&
        monitor_mode_.compare_exchange_strong(expected, ticking, std::memory_order_seq_cst))
        driver_->wake(monitor_.owner);
}

void pool_core::tick(time_point now) noexcept {
    driver_->monitor_tick();
    if (timers_.next_due() <= now - timer_slack) timers_.fire_due(now, permanent_);
    watch_progress(now);
}

void pool_core::watch_progress(time_point now) noexcept {
    std::uint64_t progress = 0;
    bool stranded = false;
    bool queued = shared_work();
    const unsigned count = table_size_.load(std::memory_order_acquire);
    for (unsigned index = 0; index < count; ++index) {
        worker& each = *table_[index].load(std::memory_order_acquire);
        const std::uint64_t started = each.started.load(std::memory_order_relaxed);
        progress += started;
        if (each.has_work()) {
            queued = true;
            stranded = stranded || started == each.started_at_last_tick;
        }
        each.started_at_last_tick = started;
    }

    const auto [sleeping, searching] = idle_.look();
    if (sleeping > 0) {
        if ((stranded || (queued && progress == progress_seen_)) && searching == 0)
            if (worker* sleeper = idle_.wake_one()) rouse(*sleeper);
        queued = false;  // somebody can take it: no starvation
    }
    if (compensation_ == blocking_compensation::paced) pace(queued);
    if (progress != progress_seen_ || !queued) {
        progress_seen_ = progress;
        stalled_since_ = now;
        if (calm_since_ == time_point{}) calm_since_ = now;
        if (now - calm_since_ >= long_patience) {
            // Half a second without a stall: one of the threads added against starvation may go.
            patience_ = short_patience;
            calm_since_ = now;
            if (goal_.load(std::memory_order_relaxed) > static_cast<int>(min_threads())) {
                const std::lock_guard guard(mutex_);
                if (goal_.load(std::memory_order_relaxed) > static_cast<int>(min_threads()))
                    goal_.fetch_sub(1, std::memory_order_seq_cst);
            }
        }
        return;
    }

    calm_since_ = {};
    const auto stalled = now - stalled_since_;
    if (stalled < patience_) return;
    const bool may_be_short = compensation_ == blocking_compensation::at_once && runnable_threads() < permanent_;
    if (stalled < long_patience && !may_be_short) return;
    {
        const std::lock_guard guard(mutex_);
        if (threads_.load(std::memory_order_relaxed) < max_threads_.load(std::memory_order_relaxed))
            goal_.store(std::max(goal_.load(std::memory_order_relaxed), running_.load(std::memory_order_relaxed) + 1),
                std::memory_order_seq_cst);
    }
    add_thread(injection_reason::starvation);
    patience_ = std::min<std::chrono::nanoseconds>(patience_ * 2, long_patience);
    stalled_since_ = now;
}

/// Paced compensation: what notify() was refused because it was too early.
void pool_core::pace(bool work_waits) noexcept {
    if (work_waits && running_.load(std::memory_order_relaxed) < goal_.load(std::memory_order_relaxed)) {
        add_thread(injection_reason::blocking);
        return;
    }
    const std::lock_guard guard(mutex_);
    wanted_since_ = {};
}

/// How many of the pool's threads run or wait for a processor, as the kernel sees them. Zero where it does not tell.
unsigned pool_core::runnable_threads() const noexcept {
    unsigned sum = 0;
    const unsigned count = table_size_.load(std::memory_order_acquire);
    for (unsigned index = 0; index < count; ++index) {
        const worker& each = *table_[index].load(std::memory_order_acquire);
        if (!each.running.load(std::memory_order_acquire)) continue;  // acquire: thread_id is set
        char path[48];
        std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", each.thread_id.load(std::memory_order_relaxed));
        const int file = ::open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) continue;
        char text[64];
        const ssize_t size = ::read(file, text, sizeof text - 1);
        ::close(file);
        text[std::max<ssize_t>(size, 0)] = 0;
        // "id (name) S …": our names have no parenthesis in them.
        const char* const end = std::strchr(text, ')');
        if (end != nullptr && end[1] == ' ' && end[2] == 'R') ++sum;
    }
    return sum;
}

}  // namespace weft::inline WEFT_ABI::detail
