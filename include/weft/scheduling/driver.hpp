#pragma once
// <weft/scheduling/driver.hpp>: where workers sleep and how completions of the outside world come in; all that core knows of I/O.
// The io_uring, epoll and simulated drivers implement it, and so does core's own parking driver, which only sleeps.
// SPDX-License-Identifier: MIT

#include <memory>
#include <string_view>

#include "weft/base/config.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/base/time_provider.hpp"

namespace weft::inline WEFT_ABI {

struct runtime_options;

/// Names the slot of a driver that a thread owns. `thread_block::worker` points to one on every thread of a pool.
///
/// Owners are the permanent workers, 0 … owner_count() - 1, and the monitor thread, owner_count(). They live as long as the
/// runtime, so what a kernel binds to the submitting thread (a ring's requests) is safe with them. Injected, long-running and
/// foreign threads own nothing.
struct worker_identity {
    static constexpr unsigned not_an_owner = ~0U;

    dispatcher* home = nullptr;     ///< the runtime's dispatcher this thread works for
    unsigned owner = not_an_owner;  ///< the thread's driver slot

    /// The calling thread's slot in the driver of `home`; not_an_owner for any other thread.
    [[nodiscard]] static unsigned owner_of(const detail::thread_block& block, const dispatcher& home) noexcept {
        const auto* self = static_cast<const worker_identity*>(block.worker);
        return self != nullptr && self->home == &home ? self->owner : not_an_owner;
    }
};

/// What a driver may ask of the runtime it serves.
///
/// Threads   every member may be called from any thread.
/// Lifetime  from driver::start() until driver::stop() returns.
class driver_host {
public:
    driver_host(const driver_host&) = delete;
    driver_host& operator=(const driver_host&) = delete;

    /// Where completions are posted; its random() and time() are the runtime's.
    [[nodiscard]] virtual dispatcher& target() noexcept = 0;
    /// The number of permanent workers; the monitor's slot has this number.
    [[nodiscard]] virtual unsigned owner_count() const noexcept = 0;
    /// Whether owner `index` sleeps in poll() now. A snapshot: choose a target by it, never rely on it.
    [[nodiscard]] virtual bool is_parked(unsigned index) const noexcept = 0;
    /// Whether owner `index` has something to run after what it runs now: its own, or what any worker may take. A snapshot, as above.
    /// A timer that is due, and what a driver has not yet posted, are seen when the monitor has looked, after 1 to 2 ms.
    [[nodiscard]] virtual bool has_work(unsigned index) const noexcept = 0;
    /// Makes the monitor tick soon, and then each millisecond for as long as driver::has_operations().
    /// A driver calls it when its first operation starts while no other was in flight.
    virtual void need_monitor() noexcept = 0;

protected:
    driver_host() = default;
    ~driver_host() = default;
};

/// Lets workers sleep until something completes, and posts what completed.
///
/// Completions go through `host.target().post()`, never straight into a coroutine, so that a resumed task is stealable.
/// Called by the runtime only; I/O operations talk to the derived `io_driver`.
class driver {
public:
    driver(const driver&) = delete;
    driver& operator=(const driver&) = delete;
    virtual ~driver() = default;

    /// "parking", "epoll", "io_uring", "simulated".
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    /// Called once, before any thread of the runtime runs. @throws whatever made starting impossible
    virtual void start(driver_host& host) = 0;
    /// Called by owner `index` on its own thread before anything else, and as its last call.
    virtual void owner_started(unsigned index) noexcept { static_cast<void>(index); }
    virtual void owner_stopping(unsigned index) noexcept { static_cast<void>(index); }

    /// Sleeps until an operation of owner `index` completes, wake(index) is called or `deadline` has passed
    /// (time_point::max(): no deadline), and posts what completed. Submits what the owner has prepared before it sleeps.
    /// May return early for no reason. A wake() made since the last poll() returned makes this one return at once.
    ///
    /// Threads  the owner's only.
    virtual void poll(unsigned index, time_point deadline) noexcept = 0;

    /// Never sleeps: submits what owner `index` has prepared, posts its completions and, when `others`, those of owners that
    /// are busy, and submits their entries that have waited too long. @returns whether anything was posted
    ///
    /// `others` says that the worker has run out of work and calls poll() next unless this posted something: then own entries
    /// may be left for that call to submit.
    ///
    /// Threads  the owner's only. Called between work items, each 200 µs or so.
    virtual bool harvest(unsigned index, bool others) noexcept = 0;

    /// Ends the present or next poll(index). Cheap when called again before that. Async-signal-unsafe.
    virtual void wake(unsigned index) noexcept = 0;

    /// The monitor's millisecond: does for all busy owners what harvest() does. Only the monitor thread calls it.
    virtual void monitor_tick() noexcept = 0;

    /// Whether anything is in flight or prepared, so that the monitor must keep ticking and shutdown must wait.
    [[nodiscard]] virtual bool has_operations() const noexcept = 0;

    /// Asks the kernel to cancel everything in flight; the operations then complete as cancelled through poll() and harvest().
    /// New ones complete as cancelled at once. Part of shutdown, any thread.
    virtual void cancel_all() noexcept {}

    /// Called once, after the owners' threads have ended.
    virtual void stop() noexcept {}

protected:
    driver() = default;
};

/// Makes the driver of a runtime. Reads `options.driver` (empty or "auto": its own choice, after WEFT_IO).
/// @throws std::invalid_argument  naming the option or variable and its value
using driver_factory = std::unique_ptr<driver> (*)(const runtime_options& options);

/// Makes every runtime created from now on use `factory`. weft::io registers its own from a static initialiser; without one
/// a runtime gets the parking driver. @returns the factory in force before, which may be null
driver_factory set_driver_factory(driver_factory factory) noexcept;

}  // namespace weft::inline WEFT_ABI
