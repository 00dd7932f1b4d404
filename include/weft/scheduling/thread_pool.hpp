#pragma once
// <weft/scheduling/thread_pool.hpp>: the work-stealing pool of a runtime, which runs every continuation that belongs nowhere else.
// Follows System.Threading.ThreadPool (semantics 1.12).
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI {

class driver;
class runtime;
class task_scheduler;
struct runtime_options;

namespace detail {
class pool_core;
class priority_scheduler;
class runtime_state;
}  // namespace detail

/// Why the pool added a thread to those it had.
enum class injection_reason : std::uint8_t {
    blocking,   ///< a thread announced that it blocks (a blocking wait, a blocking_region)
    starvation  ///< work was queued, and for a while nobody took any
};

/// Which queued work a pool runs first.
enum class work_priority : std::uint8_t {
    low,  ///< when nothing else waits; of a pool that is never idle each worker still runs one such item every few milliseconds
    normal,  ///< in its turn
    high     ///< before all other work; of a flood of it, each seventeenth item a worker takes is another
};

/// One added thread.
struct injection_event {
    time_point when{};
    injection_reason reason = injection_reason::blocking;
    std::size_t threads = 0;  ///< of the pool afterwards
};

/// Runs posted work on a few threads, and on more while some of them block.
///
/// Belongs to a runtime, which makes it; shared() is the default runtime's. Each worker has a queue, from which it takes the
/// newest and others steal the oldest; posts from other threads and fair ones go through one global queue.
///
/// Threads   every member may be called from any thread.
/// Lifetime  a resource: ends with its runtime.
class thread_pool final : public dispatcher {
public:
    using callback = unique_function<void()>;

    ~thread_pool();

    /// The default runtime's pool.
    [[nodiscard]] static thread_pool& shared();

    /// Runs `function` on a worker, later, with the caller's async-local values and without a synchronization context. An exception
    /// that leaves it ends the process: put what may fail into a task. Follows ThreadPool.QueueUserWorkItem (1.12/13).
    /// @throws object_disposed  from outside the runtime, once its shutdown has begun
    void post(callback function);
    /// The same, before or after other work. Items of one priority run in the order of their posts.
    void post(callback function, work_priority priority);

    /// Runs `function` on a thread of its own, which ends with it; it takes no place of the pool. Exceptions as in post().
    /// @throws std::system_error  when the system refuses a thread
    void start_long_running(callback function, std::string_view name = "weft-long");

    /// Runs tasks on this pool with a priority: given to start_new(), to continue_with(), or as the scheduler a coroutine begins on,
    /// to which its awaits return, so that all of it keeps the priority.
    /// @returns one of the pool's own, which lives as long as the pool
    [[nodiscard]] task_scheduler& scheduler(work_priority priority) noexcept;

    /// How many threads the pool keeps running without delay: blocked ones are replaced up to this number.
    [[nodiscard]] std::size_t min_threads() const noexcept;
    /// How many threads the pool may ever have.
    [[nodiscard]] std::size_t max_threads() const noexcept;
    /// @returns false, changing nothing, unless 1 <= count <= max_threads()
    bool set_min_threads(std::size_t count) noexcept;
    /// @returns false, changing nothing, if count < min_threads(), is less than the workers the runtime was made with, or is
    /// more than the pool can ever have
    bool set_max_threads(std::size_t count) noexcept;

    /// Threads of the pool now, idle and blocked ones included.
    [[nodiscard]] std::size_t thread_count() const noexcept;
    /// Items queued and not yet begun. A snapshot.
    [[nodiscard]] std::size_t pending_work_items() const noexcept;
    /// Items run since the pool was made. A snapshot; never falls.
    [[nodiscard]] std::uint64_t completed_work_items() const noexcept;
    /// Threads that were added, by reason, since the pool was made.
    [[nodiscard]] std::size_t injections(injection_reason reason) const noexcept;
    /// The last 64 of them, oldest first.
    [[nodiscard]] std::vector<injection_event> recent_injections() const;

    void post(work_item& item, post_hint hint) noexcept override;
    void require_open() const override;
    void post_long_running(work_item& item) override;
    [[nodiscard]] time_provider& time() noexcept override;
    void blocking_began() noexcept override;
    void blocking_ended() noexcept override;
    [[nodiscard]] std::uint64_t random() noexcept override;
    bool run_until(bool (*done)(void*), void* argument) noexcept override;
    [[nodiscard]] runtime* owner() noexcept override;

private:
    friend class detail::runtime_state;
    thread_pool(runtime& owner, const runtime_options& options, std::unique_ptr<driver> io);

    std::unique_ptr<detail::pool_core> core_;
    std::unique_ptr<detail::priority_scheduler[]> schedulers_;  ///< by priority
};

}  // namespace weft::inline WEFT_ABI
