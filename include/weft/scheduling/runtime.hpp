#pragma once
// <weft/scheduling/runtime.hpp>: the owner of pool, driver, timers, blocking threads and random bits.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/scheduling/driver.hpp"
#include "weft/scheduling/thread_pool.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {
class runtime_state;
struct runtime_exit;
}  // namespace detail

/// How a pool replaces threads that announce that they block.
enum class blocking_compensation : std::uint8_t {
    at_once,  ///< as soon as work waits for one, up to max_threads
    paced  ///< as .NET: as many as there are processors at once, then one each 25 ms, and slower with their number (1.12/7)
};

/// How a runtime is made. Zero, null and empty mean: the environment's value if there is one, else the default.
struct runtime_options {
    /// Workers, made at once and kept: WEFT_MIN_THREADS, else the processors this process may use.
    std::size_t min_threads = 0;
    /// Most threads of the pool while some block: WEFT_MAX_THREADS, else 1024 (or min_threads if that is more).
    std::size_t max_threads = 0;
    /// Most threads of run_blocking(): 512.
    std::size_t max_blocking_threads = 0;
    /// How long a thread that the pool has added stays without work before it ends: 20 s (1.12/11).
    std::chrono::nanoseconds idle_thread_limit{0};
    /// What happens when threads announce that they block.
    blocking_compensation compensation = blocking_compensation::at_once;
    /// The I/O driver: WEFT_IO, else "auto". "parking" is the one without I/O.
    std::string_view driver = {};
    /// The clock and the timers; null: the system's. Must outlive the runtime.
    time_provider* clock = nullptr;
    /// First state of random(); 0: from the system.
    std::uint64_t seed = 0;
};
static_assert(std::is_trivially_destructible_v<runtime_options>);

/// What shutdown() found.
struct shutdown_report {
    bool drained = false;             ///< nothing was left when the deadline came
    std::size_t suspended_tasks = 0;  ///< frames destroyed unfinished
    std::size_t pending_items = 0;    ///< items still queued
    bool operations_left = false;     ///< the kernel still had operations in flight
    std::size_t running_threads = 0;  ///< threads that did not come back from a callback in time; they are left alone
    std::vector<std::string> left;    ///< one line for each of what is left, naming it and where it waits

    /// The report as text, one line each.
    [[nodiscard]] std::string to_string() const;
};

/// Everything that tasks run on. A lazily made default serves programs that never name one; several in a process work.
///
/// A task belongs to the runtime of the thread on which it was started, and resumes there.
///
/// Threads   every member may be called from any thread.
/// Lifetime  a resource. The destructor shuts down with a deadline of zero if shutdown() was not called.
class runtime {
public:
    /// @throws std::invalid_argument  naming an option or environment variable and its value
    /// @throws std::system_error      when the system refuses the threads
    explicit runtime(const runtime_options& options = {});
    ~runtime();
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;

    /// The runtime the calling thread works for; the default one outside any. Made on first use.
    [[nodiscard]] static runtime& current();
    /// The process's default runtime, made on first use. Ends the process with a sentence and status 2 when the environment is
    /// wrong. It stops in run_main's epilogue or at exit; it is never destroyed.
    [[nodiscard]] static runtime& default_runtime();

    [[nodiscard]] thread_pool& pool() noexcept;
    [[nodiscard]] driver& io_driver() noexcept;
    [[nodiscard]] time_provider& time() noexcept;
    /// The runtime's random bits.
    [[nodiscard]] std::uint64_t random() noexcept;
    /// A number no other call on this runtime has returned; 1, 2, 3, ….
    [[nodiscard]] std::uint64_t next_id() noexcept;

    /// Signalled when shutdown begins.
    [[nodiscard]] cancellation_token shutdown_token() const noexcept;

    /// Stops: refuses new work from outside, signals shutdown_token(), lets running work finish until `deadline`, cancels what the
    /// kernel still holds, reports what is left and destroys suspended tasks, newest first. Later calls return an empty report.
    ///
    /// @throws invalid_operation  from one of this runtime's own threads, which would wait for itself
    shutdown_report shutdown(std::chrono::nanoseconds deadline = std::chrono::seconds(5));

    /// Runs `function` on a blocking thread, made when none is free. The typed way in is run_blocking().
    /// @throws std::system_error  when there is no thread and the system refuses one
    void post_blocking(unique_function<void()> function);

    /// Threads of each kind now, for reports.
    struct thread_counts {
        std::size_t workers = 0, injected = 0, monitor = 0, long_running = 0, blocking = 0, dedicated = 0;
        [[nodiscard]] std::size_t total() const noexcept {
            return workers + injected + monitor + long_running + blocking + dedicated;
        }
    };
    [[nodiscard]] thread_counts threads() const noexcept;

private:
    friend class dedicated_thread;
    friend class thread_pool;
    friend struct detail::runtime_exit;
    std::unique_ptr<detail::runtime_state> state_;
};

}  // namespace weft::inline WEFT_ABI
