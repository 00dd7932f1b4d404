// Sharded timers. `next` of a shard is written under its lock and read without: it is a hint that may be early but never late,
// because it is lowered before the lock of the insertion is released. How a sleeping worker learns of an earlier timer is the
// protocol of worker.cpp, "timekeeper".
// SPDX-License-Identifier: MIT

#include "scheduling/timer_service.hpp"

#include <algorithm>

namespace weft::inline WEFT_ABI::detail {

namespace {
// A worker that has other work fires this many timers of a shard before it looks at that work again.
constexpr std::size_t batch = 32;
constexpr int batches = 8;
// How late a shard may be before a second thread takes part. One that fires a user's cancellation callback may block in it.
constexpr auto help_after = std::chrono::milliseconds(2);
}  // namespace

timer_service::timer_service(timer_host& host, unsigned shards)
    : host_(host), count_(shards), shards_(std::make_unique<shard[]>(shards)) {}

timer_service::~timer_service() {
    for (unsigned index = 0; index < count_; ++index) {
        timer_node* left[batch];
        while (shards_[index].buckets.size() > 0) {
            const std::size_t count = shards_[index].buckets.take_due(time_point::max(), left, batch);
            for (std::size_t each = 0; each < count; ++each) {
                left[each]->slot = timer_node::orphaned;
                left[each]->fire(*left[each]);
            }
        }
    }
}

void timer_service::arm(timer_node& timer) noexcept {
    const unsigned index = host_.timer_shard();
    shard& set = shards_[index];
    timer.shard = static_cast<std::uint16_t>(index);
    const time_point due = timer_buckets::due_time(timer.deadline);  // after the unlock the timer may be gone
    bool earlier;
    {
        const std::lock_guard guard(set.lock);
        set.buckets.insert(timer);
        set.armed.store(set.buckets.size(), std::memory_order_relaxed);
        earlier = due.time_since_epoch().count() < set.next.load(std::memory_order_relaxed);
        if (earlier) set.next.store(due.time_since_epoch().count(), std::memory_order_relaxed);
    }
    if (earlier) host_.earlier_timer(due);
}

bool timer_service::disarm(timer_node& timer) noexcept {
    shard& set = shards_[timer.shard];
    const std::lock_guard guard(set.lock);
    if (timer.slot == timer_node::unarmed) return false;
    set.buckets.remove(timer);
    set.armed.store(set.buckets.size(), std::memory_order_relaxed);
    // `next` stays: at worst somebody looks once for nothing. Finding the new earliest here would make cancelling expensive.
    return true;
}

bool timer_service::fire_due(time_point now, unsigned first) noexcept {
    const auto limit = now.time_since_epoch().count();
    bool fired = false;
    for (unsigned step = 0; step < count_; ++step) {
        shard& set = shards_[(first + step) % count_];
        if (set.next.load(std::memory_order_relaxed) <= limit) fired = fire_shard(set, now) || fired;
    }
    return fired;
}

bool timer_service::fire_shard(shard& set, time_point now) noexcept {
    // Two threads at one shard would fire equal deadlines out of order. Acquire and release: the batches follow each other.
    const bool first = !set.firing.exchange(true, std::memory_order_acquire);
    if (!first) {
        const time_point due{time_point::duration(set.next.load(std::memory_order_relaxed))};
        if (due > now - help_after) return false;
    }
    const bool fired = fire_batches(set, now);
    if (first) set.firing.store(false, std::memory_order_release);
    return fired;
}

bool timer_service::fire_batches(shard& set, time_point now) noexcept {
    bool fired = false;
    for (int round = 0; round < batches; ++round) {
        timer_node* due[batch];
        std::size_t count;
        bool more;
        {
            // Somebody who holds the lock is arming, or firing this very shard.
            if (!set.lock.try_lock()) return fired;
            const std::lock_guard guard(set.lock, std::adopt_lock);
            count = set.buckets.take_due(now, due, batch);
            const auto next = set.buckets.next_due();
            set.next.store(next.time_since_epoch().count(), std::memory_order_relaxed);
            set.armed.store(set.buckets.size(), std::memory_order_relaxed);
            more = next <= now;
        }
        for (std::size_t index = 0; index < count; ++index) {
            timer_node& node = *due[index];
            node.fire(node);  // the last use of the node: its owner may free it
        }
        fired = fired || count > 0;
        if (!more) break;
    }
    return fired;
}

time_point timer_service::next_due() const noexcept {
    auto earliest = time_point::max().time_since_epoch().count();
    for (unsigned index = 0; index < count_; ++index)
        earliest = std::min(earliest, shards_[index].next.load(std::memory_order_relaxed));
    return time_point(time_point::duration(earliest));
}

std::size_t timer_service::armed() const noexcept {
    std::size_t sum = 0;
    for (unsigned index = 0; index < count_; ++index) sum += shards_[index].armed.load(std::memory_order_relaxed);
    return sum;
}

}  // namespace weft::inline WEFT_ABI::detail
