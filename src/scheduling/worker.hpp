#pragma once
// One thread of the pool: its queue, the slot of its next item, its bed and its counters.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "scheduling/next_slot.hpp"
#include "scheduling/parker.hpp"
#include "scheduling/work_deque.hpp"
#include "weft/base/config.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/scheduling/driver.hpp"

namespace weft::inline WEFT_ABI::detail {

struct alignas(64) worker : worker_identity {
    // Fixed while the thread runs.
    thread_block* block = nullptr;
    bool takes_work = true;  ///< false for the monitor, which posts like a foreign thread
    bool injected = false;   ///< added for blocked ones; sleeps in its parker, retires when not needed
    unsigned index = 0;      ///< in the pool's table
    unsigned shard = 0;      ///< its timers

    // The owner's only.
    bool searching = false;      ///< counted as a searcher; set by who wakes it, before it wakes
    unsigned lifo_streak = 0;    ///< items taken from `slot` in a row
    unsigned urgent_streak = 0;  ///< items of high priority in a row
    unsigned maintenances = 0;
    bool fair_turn = false;          ///< the own fair queue comes before the global one: that was the last to be taken from
    unsigned budget = 0;             ///< items until the next maintenance
    unsigned interval = 61;          ///< what budget starts from; tuned so that maintenance comes each 200 µs
    double nanoseconds_each = 1000;  ///< moving average over items
    unsigned blocking_depth = 0;
    std::uint64_t random = 0;
    time_point maintained_at{};

    // While the thread is in the driver or fires timers, what it posts is gathered here, in order (end_collecting()).
    bool collecting = false;
    work_item* collected_first = nullptr;
    work_item* collected_last = nullptr;
    std::size_t collected = 0;

    // Read by others.
    alignas(64) work_deque queue;
    /// What the worker posted behind everything else: taken in the order of the posts, by the owner too, when the queue above and
    /// the global queue have nothing, or have had their turn. Of its own, because a global one is a lock that yielding tasks fight for.
    work_deque fair;
    /// The item that runs next. Thieves empty it in their last round.
    next_slot slot;
    std::atomic<std::uint64_t> started{0};
    std::atomic<std::uint64_t> finished{0};

    // Sleeping. `previous_sleeper`, `next_sleeper` and `listed` belong to the idle set's lock.
    alignas(64) worker* previous_sleeper = nullptr;
    worker* next_sleeper = nullptr;
    bool listed = false;
    std::atomic<bool> asleep{false};
    parker bed;  ///< of threads that own no driver slot

    // The monitor's view.
    std::uint64_t started_at_last_tick = 0;
    std::atomic<int> thread_id{0};     ///< of the kernel; a slot is used by several threads in turn
    std::atomic<bool> running{false};  ///< the thread lives and its thread_id is valid

    // Under the pool's thread mutex.
    std::thread thread;
    worker* next_spare = nullptr;  ///< in the reserve, or among those whose thread has ended
    bool recalled = false;         ///< taken out of the reserve

    [[nodiscard]] bool queues_empty() const noexcept { return queue.empty() && fair.empty(); }
    [[nodiscard]] bool has_work() const noexcept { return !queues_empty() || slot.filled(); }
};

}  // namespace weft::inline WEFT_ABI::detail
