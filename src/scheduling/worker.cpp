// What a worker does: run, search, sleep.
//
// Where the next item comes from: work of high priority (at most sixteen times in a row), the slot (at most three times), the own
// queue, the global queue and the own fair one in turn, the queues of others, work of low priority. Each 200 µs or so maintenance looks at the global queue, the
// timers and the driver first, and each sixteenth time at the work of low priority.
//
// Parking without losing a wake-up. A post to the global queue queues its item and then looks at the idle set (notify()); a
// worker that found nothing
//
//  1. lies down: enters the idle set's list and word, and stops counting as a searcher, in one read-modify-write;
//  2. fences, and looks at every queue once more, unless others search, who will do the same when they stop;
//  3. sleeps in its driver; a wake that came since 1 makes the sleep end at once, because drivers and parkers remember it.
//
// For the global queue both sides have a sequentially consistent fence between their store and their load, so either the post sees the sleeper, and
// wakes it, or the sleeper sees the item. A post that sees a searcher wakes nobody: the searcher either finds that item, or
// finds another one, and then, if it was the last searcher, looks at every queue and wakes the next (found_work()), or finds
// nothing and comes to 1. So while work is queued and somebody sleeps, somebody searches.
//
// An item in the own queue of a running worker cannot be lost: that worker runs it, or puts it where others look before it
// blocks or ends. A wake-up is only for its being shared. So such posts save the fence, which would wait for every store of the
// item itself; what they miss in the moment in which another lies down, maintenance and the monitor make good.
//
// Only the slot is left out of the look in 2, and a fair item of a lone task: their worker is about to take them. If it does
// not come back for a while, the monitor wakes a thief.
//
// The timekeeper. One sleeper minds the timers: it claims `keeper_`, publishes "any deadline is earlier than mine",
// fences, reads the earliest deadline of all shards, publishes that, and sleeps until then. A thread that arms a timer makes it
// visible in its shard, fences, and reads the keeper's deadline: one of the two sees the other. A running worker that arms one
// tells nobody: it looks at the timers between items; when it lies down while the keeper means to sleep longer, it sleeps until
// the earliest deadline itself; and should it come to neither in time, or block, or end, the monitor or pass_timers_on() sees to
// them. The same holds for a keeper that was woken for something else.
// SPDX-License-Identifier: MIT

#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "scheduling/pool_core.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/execution_context.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

constexpr unsigned lifo_streak_limit = 3;     // longer starves the queue behind a ping-pong of two tasks
constexpr std::size_t share_limit = 16;       // items taken out of a shared queue at once
constexpr unsigned urgent_streak_limit = 16;  // of high priority in a row, so that a flood of them stops nobody for ever
constexpr unsigned low_priority_every = 16;  // maintenances: an item of low priority each few milliseconds on a busy worker
constexpr unsigned longest_interval = 127;   // items between looks at the global queue, however short they are
constexpr auto maintenance_every = std::chrono::microseconds(200);

std::uint64_t next_random(std::uint64_t& state) noexcept {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

// Only the owner writes these counters, so an addition needs no read-modify-write.
void count(std::atomic<std::uint64_t>& counter) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace

void pool_core::run_worker(worker& self) noexcept {
    thread_block& block = this_thread_block();
    block.home = &door_;
    block.worker = static_cast<worker_identity*>(&self);
    self.block = &block;
    self.budget = self.interval;
    name_this_thread((self.injected ? "weft-extra-" : "weft-worker-") + std::to_string(self.index));
    self.thread_id.store(::gettid(), std::memory_order_relaxed);
    self.running.store(true, std::memory_order_release);  // pairs with runnable_threads(): thread_id is set
    if (!self.injected) driver_->owner_started(self.owner);

    bool counted = true;  // in running_
    while (!stopping_.load(std::memory_order_relaxed)) {
        work_item* item = next_item(self);
        if (item == nullptr) item = search(self);
        if (item == nullptr) item = unhurried_.pop();
        if (item == nullptr) {
            if (collect(self)) continue;
            if (park(self)) continue;
            break;
        }
        if (self.searching) found_work(self);
        execute(self, *item);
        if (self.injected && running_.load(std::memory_order_relaxed) > goal_.load(std::memory_order_relaxed))
            [[unlikely]] {
            if (retire(self)) {
                counted = false;
                break;
            }
        }
    }

    if (self.searching) found_work(self);
    if (counted) {
        // As for blocking: this thread was one that a post might have counted on.
        leave_running<std_atomics>(
            running_, [this] { return !stopping_.load(std::memory_order_relaxed) && work_visible(); },
            [this] { notify(); });
        if (!stopping_.load(std::memory_order_relaxed)) pass_timers_on();
    }
    if (!self.injected) driver_->owner_stopping(self.owner);
    block.worker = nullptr;
    block.home = nullptr;
    thread_ended(self);
}

void pool_core::execute(worker& self, work_item& item) noexcept {
    count(self.started);
    item.run(item);
    count(self.finished);
    // Each item starts without a context (1.12/12); what the last one left behind goes now, not when the next one comes.
    thread_block& block = *self.block;
    block.sync = nullptr;
    block.scheduler = nullptr;
    block.current_task = nullptr;
    block.flow_suppressed = false;
    switch_context(block, nullptr);
}

// ---- finding work

work_item* pool_core::next_item(worker& self) noexcept {
    if (self.budget-- == 0) [[unlikely]] {
        if (work_item* item = maintain(self)) return item;
    }
    if (!urgent_.empty()) [[unlikely]] {
        if (work_item* item = take_urgent(self)) return item;
    }
    if (self.lifo_streak < lifo_streak_limit) {
        if (work_item* item = self.slot.take()) {
            ++self.lifo_streak;
            return item;
        }
    }
    self.lifo_streak = 0;
    if (work_item* item = self.queue.pop()) return item;
    if (work_item* item = self.slot.take()) return item;
    return take_in_order(self, 1);
}

/// @returns null also when it is the turn of other work
work_item* pool_core::take_urgent(worker& self) noexcept {
    if (self.urgent_streak == urgent_streak_limit) {
        self.urgent_streak = 0;
        return nullptr;
    }
    work_item* item = urgent_.pop();
    self.urgent_streak = item == nullptr ? 0 : self.urgent_streak + 1;
    return item;
}

work_item* pool_core::maintain(worker& self) noexcept {
    const auto now = std::chrono::steady_clock::now();
    if (self.maintained_at != time_point{}) {
        // The interval follows a moving average of the time an item takes, so that 200 µs pass between two looks.
        const auto passed = std::chrono::duration<double, std::nano>(now - self.maintained_at).count();
        const double each = passed / (self.interval + 1);
        self.nanoseconds_each += (each - self.nanoseconds_each) / 8;
        const double items =
            std::chrono::duration<double, std::nano>(maintenance_every).count() / (self.nanoseconds_each + 1);
        self.interval = static_cast<unsigned>(std::clamp(items, 1.0, static_cast<double>(longest_interval)));
    }
    self.maintained_at = now;
    self.budget = self.interval;
    self.collecting = true;
    if (timers_.next_due() <= now) timers_.fire_due(now, self.shard);
    if (!self.injected) driver_->harvest(self.owner, false);
    end_collecting(self);
    work_item* item = ++self.maintenances % low_priority_every == 0 ? unhurried_.pop() : nullptr;
    if (item == nullptr) item = take_in_order(self, share_limit);
    // For what stays queued here while one item runs.
    if (self.queue.size() + self.fair.size() > (item == nullptr ? 1 : 0)) wake_helper();
    return item;
}

/// The global queue and the own fair one in turn. @param most  items taken from the latter; the rest go to the own queue
work_item* pool_core::take_in_order(worker& self, std::size_t most) noexcept {
    if (!self.fair_turn) {
        if (work_item* item = take_global(self)) {
            self.fair_turn = true;
            return item;
        }
    }
    self.fair_turn = false;
    if (work_item* item = take_fair(self, most)) return item;
    return take_global(self);
}

work_item* pool_core::take_fair(worker& self, std::size_t most) noexcept {
    work_item* taken[share_limit];
    std::size_t found = 0;
    for (bool lost = false; found < most; lost = false) {
        if (work_item* item = self.fair.steal(lost)) taken[found++] = item;
        else if (!lost) break;
    }
    if (found == 0) return nullptr;
    for (std::size_t index = found - 1; index > 0; --index) self.queue.push(*taken[index]);
    return taken[0];
}

work_item* pool_core::take_global(worker& self) noexcept {
    // A share of what is there: one lock for several items, and some left for the others.
    work_item* taken[share_limit];
    const std::size_t share = std::min(injected_.size() / permanent_ + 1, std::size(taken));
    const std::size_t found = injected_.pop_many(taken, share);
    if (found == 0) return nullptr;
    // Newest first, since the own queue gives back what came last.
    for (std::size_t index = found - 1; index > 0; --index) self.queue.push(*taken[index]);
    return taken[0];
}

work_item* pool_core::search(worker& self) noexcept {
    const unsigned count = table_size_.load(std::memory_order_acquire);
    if (count < 2) return nullptr;
    if (!self.searching &&
        !idle_.begin_search(self, static_cast<unsigned>(std::max(running_.load(std::memory_order_relaxed), 1))))
        return nullptr;
    constexpr int rounds = 3;
    for (int round = 1; round <= rounds; ++round) {
        const auto start = static_cast<unsigned>(next_random(self.random) % count);
        for (unsigned step = 0; step < count; ++step) {
            worker& victim = *table_[(start + step) % count].load(std::memory_order_acquire);
            if (&victim == &self) continue;
            if (work_item* item = rob(self, victim, round == rounds)) return item;
        }
        if (work_item* item = take_global(self)) return item;
        cpu_pause();
    }
    return nullptr;
}

/// Takes the oldest of `from` and up to half of the rest, so that two workers share a burst in a few steps; the rest goes to `to`.
work_item* pool_core::rob(work_deque& from, work_deque& to) noexcept {
    for (int tries = 0; tries < 4; ++tries) {
        bool lost = false;
        work_item* item = from.steal(lost);
        if (item == nullptr) {
            if (lost) continue;
            break;
        }
        const std::size_t more = std::min(from.size() / 2, share_limit - 1);
        for (std::size_t taken = 0; taken < more; ++taken) {
            work_item* next = from.steal(lost);
            if (next == nullptr) break;
            to.push(*next);
        }
        return item;
    }
    return nullptr;
}

work_item* pool_core::rob(worker& self, worker& victim, bool last_round) noexcept {
    if (work_item* item = rob(victim.queue, self.queue)) return item;
    if (work_item* item = rob(victim.fair, self.fair)) return item;
    return last_round ? victim.slot.take() : nullptr;
}

bool pool_core::collect(worker& self) noexcept {
    const auto now = std::chrono::steady_clock::now();
    self.collecting = true;
    bool found = timers_.next_due() <= now && timers_.fire_due(now, self.shard);
    if (!self.injected && driver_->harvest(self.owner, true)) found = true;
    end_collecting(self);
    return found;
}

/// Passes on what the driver and the timers have posted: to the global queue, because the own one gives back the newest first,
/// and under load the oldest completions would wait for ever. A lone one is kept: this worker is about to run it.
void pool_core::end_collecting(worker& self) noexcept {
    self.collecting = false;
    work_item* first = std::exchange(self.collected_first, nullptr);
    work_item* last = std::exchange(self.collected_last, nullptr);
    const std::size_t count = std::exchange(self.collected, 0);
    if (count == 0) return;
    if (count == 1) {
        self.queue.push(*first);
        return;
    }
    injected_.push_list(*first, *last, count);
    notify();
}

void pool_core::found_work(worker& self) noexcept {
    if (idle_.end_search_and_look(self, [this] { return work_visible(); })) notify();
}

// ---- sleeping

/// @returns false when the thread should end
bool pool_core::park(worker& self) noexcept {
    const bool work_waits = idle_.lie_down_and_look(self, [this] { return work_visible(); });  // steps 1 and 2
    const bool look_again = work_waits || stopping_.load(std::memory_order_relaxed);
    const bool slept_out = !look_again && !sleep(self);  // step 3
    const bool woken = idle_.get_up(self);
    if (self.collecting) end_collecting(self);
    // There is work: search for it even if half of the workers do, or this would only lie down again.
    if (look_again && !woken) idle_.begin_search(self, ~0U);
    self.maintained_at = {};  // the time asleep is no measure of an item
    if (monitor_mode_.load(std::memory_order_seq_cst) == resting) wake_monitor_from(resting);
    return woken || !slept_out;
}

/// @returns false when an injected thread has been idle for long enough
bool pool_core::sleep(worker& self) noexcept {
    const time_point due = keep_time(self);
    bool stay = true;
    self.asleep.store(true, std::memory_order_relaxed);
    if (!self.injected) {
        self.collecting = true;  // until this worker is up again: it must not wake itself
        driver_->poll(self.owner, due);
    } else {
        const time_point limit = std::chrono::steady_clock::now() + idle_limit_;
        stay = self.bed.park(std::min(due, limit)) || due < limit;
    }
    self.asleep.store(false, std::memory_order_relaxed);
    keeper_.leave(self);
    return stay;
}

time_point pool_core::keep_time(worker& self) noexcept {
    const auto until = keeper_.keep(self, [this] { return timers_.next_due().time_since_epoch().count(); });
    return time_point(time_point::duration(until));
}

unsigned pool_core::timer_shard() noexcept {
    const worker* self = this_worker();
    if (self != nullptr) return self->shard;
    return permanent_ + this_thread_block().shard % foreign_shards(permanent_);
}

void pool_core::earlier_timer(time_point deadline) noexcept {
    const worker* self = this_worker();
    // A running worker looks at the timers itself before it sleeps, and the monitor if it takes long.
    if (self != nullptr && self->blocking_depth == 0) return;
    keeper_.earlier(
        deadline.time_since_epoch().count(), [this](worker& keeper) { rouse(keeper); },
        [this] {
            // Sleepers, but none of them minds the time: one gets up and, lying down again, does.
            if (idle_.look().sleeping == 0) return;
            if (worker* sleeper = idle_.wake_one()) rouse(*sleeper);
        });
}

bool pool_core::is_parked(unsigned index) const noexcept {
    if (index >= table_size_.load(std::memory_order_acquire)) return false;
    return table_[index].load(std::memory_order_acquire)->asleep.load(std::memory_order_relaxed);
}

bool pool_core::has_work(unsigned index) const noexcept {
    if (shared_work()) return true;
    if (index >= table_size_.load(std::memory_order_acquire)) return false;
    return table_[index].load(std::memory_order_acquire)->has_work();
}

// ---- leaving

void pool_core::empty_own_queue(worker& self) noexcept {
    bool lost = false;
    if (work_item* item = self.slot.take()) injected_.push(*item);
    for (work_deque* each : {&self.queue, &self.fair})
        while (!each->empty())
            if (work_item* item = each->steal(lost)) injected_.push(*item);
}

/// Moves an injected thread that is one too many to the reserve until it is recalled. @returns true when it should end instead
bool pool_core::retire(worker& self) noexcept {
    int running = running_.load(std::memory_order_relaxed);
    do {
        if (running <= goal_.load(std::memory_order_relaxed)) return false;
    } while (!running_.compare_exchange_weak(running, running - 1, std::memory_order_seq_cst));
    empty_own_queue(self);
    {
        const std::lock_guard guard(mutex_);
        self.recalled = false;
        self.next_spare = reserve_;
        reserve_ = &self;
    }
    // As for blocking: a post may have counted on this thread.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (work_visible()) notify();
    pass_timers_on();

    const time_point limit = std::chrono::steady_clock::now() + idle_limit_;
    for (;;) {
        const bool woken = self.bed.park(limit);
        const std::lock_guard guard(mutex_);
        if (self.recalled) return false;
        if (woken && !stopping_.load(std::memory_order_relaxed)) continue;
        worker** link = &reserve_;
        while (*link != &self) link = &(*link)->next_spare;
        *link = self.next_spare;
        return true;
    }
}

}  // namespace weft::inline WEFT_ABI::detail
