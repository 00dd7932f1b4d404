#pragma once
// The inside of thread_pool: table of workers, idle set, thread management, timekeeping. Its code is in three files, each
// opening with its protocol: pool_core.cpp (posting, threads), worker.cpp (running, searching, parking), monitor.cpp.
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "scheduling/idle_set.hpp"
#include "scheduling/injection_queue.hpp"
#include "scheduling/timekeeper.hpp"
#include "scheduling/timer_service.hpp"
#include "scheduling/worker.hpp"
#include "weft/base/assert.hpp"
#include "weft/base/config.hpp"
#include "weft/scheduling/driver.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/scheduling/thread_pool.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Most threads a pool can ever have: the size of its table.
inline constexpr std::size_t thread_limit = 4096;

/// Timer sets for threads that are no permanent workers.
constexpr unsigned foreign_shards(unsigned workers) noexcept { return 1 + workers / 4; }

/// Counts forks: 0 in the process that loaded the library, one more in each child. Every post looks at it.
extern constinit std::atomic<std::uint64_t> process_generation;

class pool_core final : public driver_host, public timer_host {
public:
    /// @param options  with every field resolved
    pool_core(thread_pool& door, runtime& owner, const runtime_options& options, std::unique_ptr<driver> io);
    ~pool_core();
    pool_core(const pool_core&) = delete;
    pool_core& operator=(const pool_core&) = delete;

    // What the doors call.
    void post(work_item& item, post_hint hint) noexcept;
    void blocking_began() noexcept;
    void blocking_ended() noexcept;
    std::uint64_t random() noexcept;
    void start_long_running(unique_function<void()> body, std::string_view name);
    bool set_min_threads(std::size_t count) noexcept;
    bool set_max_threads(std::size_t count) noexcept;

    /// Ends the threads. @returns how many did not come back from their item by `deadline`; the core must then never be freed
    std::size_t stop(time_point deadline) noexcept;
    /// Whether every worker sleeps and nothing is queued: a snapshot.
    [[nodiscard]] bool quiet() noexcept;
    /// Whether this is the process that made the pool, not a forked child.
    [[nodiscard]] bool in_own_process() const noexcept {
        return process_generation.load(std::memory_order_relaxed) == generation_;
    }

    // driver_host and timer_host.
    dispatcher& target() noexcept override { return door_; }
    unsigned owner_count() const noexcept override { return permanent_; }
    bool is_parked(unsigned index) const noexcept override;
    bool has_work(unsigned index) const noexcept override;
    void need_monitor() noexcept override;
    unsigned timer_shard() noexcept override;
    void earlier_timer(time_point deadline) noexcept override;

    // Counters.
    [[nodiscard]] std::size_t pending() const noexcept;
    [[nodiscard]] std::uint64_t completed() const noexcept;
    [[nodiscard]] std::size_t thread_count() const noexcept { return threads_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t long_running_count() const noexcept { return long_running_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t min_threads() const noexcept { return min_threads_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t max_threads() const noexcept { return max_threads_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::size_t injections(injection_reason reason) const noexcept;
    [[nodiscard]] std::vector<injection_event> recent_injections() const;

    [[nodiscard]] time_provider& time() noexcept { return *clock_; }
    [[nodiscard]] driver& io() noexcept { return *driver_; }
    [[nodiscard]] runtime& owner() noexcept { return owner_; }
    [[nodiscard]] timer_service& timers() noexcept { return timers_; }

private:
    // pool_core.cpp
    [[nodiscard]] worker* this_worker() noexcept;
    void notify() noexcept;
    void wake_helper() noexcept;
    void replace_blocked() noexcept;
    void rouse(worker& sleeper) noexcept;
    [[nodiscard]] bool work_visible() const noexcept;
    [[nodiscard]] bool shared_work() const noexcept {
        return !injected_.empty() || !urgent_.empty() || !unhurried_.empty();
    }
    void add_thread(injection_reason reason) noexcept;
    [[nodiscard]] bool too_early() noexcept;
    void spawn(worker& self);
    class last_thread;
    worker& spare_worker(last_thread& before);
    void record(injection_reason reason) noexcept;
    void thread_ended(worker& self) noexcept;
    void free_workers() noexcept;
    void check_process() const noexcept {
        // A forked child has this memory but none of the threads: whatever it posts would wait for ever.
        WEFT_ASSERT(in_own_process(), "a runtime was used in a forked child; after fork() a child may only exec or exit");
    }

    // worker.cpp
    void run_worker(worker& self) noexcept;
    void execute(worker& self, work_item& item) noexcept;
    [[nodiscard]] work_item* next_item(worker& self) noexcept;
    [[nodiscard]] work_item* take_urgent(worker& self) noexcept;
    [[nodiscard]] work_item* maintain(worker& self) noexcept;
    [[nodiscard]] work_item* take_in_order(worker& self, std::size_t most) noexcept;
    [[nodiscard]] work_item* take_global(worker& self) noexcept;
    [[nodiscard]] static work_item* take_fair(worker& self, std::size_t most) noexcept;
    [[nodiscard]] work_item* search(worker& self) noexcept;
    [[nodiscard]] work_item* rob(worker& self, worker& victim, bool last_round) noexcept;
    [[nodiscard]] static work_item* rob(work_deque& from, work_deque& to) noexcept;
    [[nodiscard]] bool collect(worker& self) noexcept;
    void end_collecting(worker& self) noexcept;
    void found_work(worker& self) noexcept;
    [[nodiscard]] bool park(worker& self) noexcept;
    [[nodiscard]] bool sleep(worker& self) noexcept;
    [[nodiscard]] time_point keep_time(worker& self) noexcept;
    void pass_timers_on() noexcept;
    [[nodiscard]] bool retire(worker& self) noexcept;
    void empty_own_queue(worker& self) noexcept;

    // monitor.cpp
    enum monitor_mode : int { ticking, slow, resting };
    void run_monitor() noexcept;
    void tick(time_point now) noexcept;
    void watch_progress(time_point now) noexcept;
    void pace(bool work_waits) noexcept;
    [[nodiscard]] bool active() noexcept;
    [[nodiscard]] bool must_tick() noexcept;
    void wake_monitor_from(monitor_mode mode) noexcept;
    [[nodiscard]] unsigned runnable_threads() const noexcept;

    thread_pool& door_;
    runtime& owner_;
    std::unique_ptr<driver> driver_;
    const unsigned permanent_;
    const std::chrono::nanoseconds idle_limit_;  ///< of an injected thread without work
    const blocking_compensation compensation_;
    const std::size_t processors_;
    timer_service timers_;
    time_provider* clock_;
    const std::uint64_t generation_;  ///< of the process: changes in a forked child

    injection_queue injected_;
    injection_queue urgent_;     ///< of high priority: looked at before each item
    injection_queue unhurried_;  ///< of low priority: taken when there is nothing else
    idle_set idle_;

    // The table only grows; a worker is never freed while the pool lives, so thieves need no protection.
    std::unique_ptr<std::atomic<worker*>[]> table_;
    alignas(64) std::atomic<unsigned> table_size_{0};

    /// Threads that may run work now: not blocked and not in the reserve. Kept at `goal_` or above while work is queued.
    alignas(64) std::atomic<int> running_{0};
    std::atomic<int> goal_{0};  ///< min_threads_ and what the monitor has added against starvation
    std::atomic<int> blocked_{0};
    std::atomic<bool> stopping_{false};

    // The sleeping worker that minds the timers (worker.cpp).
    alignas(64) basic_timekeeper<worker, std_atomics> keeper_;

    std::atomic<int> monitor_mode_{ticking};
    std::atomic<bool> monitor_asked_{false};
    worker monitor_;

    std::atomic<std::uint64_t> random_;
    std::atomic<std::size_t> min_threads_;
    std::atomic<std::size_t> max_threads_;
    std::atomic<std::size_t> threads_{0};
    std::atomic<std::size_t> long_running_{0};

    mutable std::mutex mutex_;  ///< creating, retiring and ending of threads
    std::condition_variable ended_;
    worker* reserve_ = nullptr;  ///< injected threads that sleep until needed again
    worker* dead_ = nullptr;     ///< workers of the table whose thread has ended
    time_point wanted_since_{};  ///< the paced thread that comes next; the epoch when none is wanted

    mutable std::mutex events_mutex_;
    std::array<injection_event, 64> events_{};
    std::array<std::size_t, 2> event_counts_{};

    // The monitor's own.
    std::uint64_t progress_seen_ = 0;
    time_point stalled_since_{};
    std::chrono::nanoseconds patience_{};
    time_point calm_since_{};
};

/// Starts a thread that blocks all signals, so that handlers run on the program's own threads.
[[nodiscard]] std::thread start_thread(unique_function<void()> body);
/// Names the calling thread, cut to what the system takes.
void name_this_thread(std::string_view name) noexcept;
/// Runs a raw callback; an exception that leaves it ends the process with a sentence (1.12/13).
void run_raw_callback(unique_function<void()>& body, const char* where) noexcept;

}  // namespace weft::inline WEFT_ABI::detail
