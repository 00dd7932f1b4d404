#pragma once
// <weft/base/dispatcher.hpp>: the third door: where a runtime takes continuations, time, blocking notices and randomness.
// SPDX-License-Identifier: MIT

#include <cstdint>
#if WEFT_EXPLORE
#include <source_location>
#endif

#include "weft/base/time_provider.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI {

class runtime;
#if WEFT_EXPLORE
namespace detail {
struct task_core;
}
#endif

/// How urgently, and how near, a posted item wants to run.
enum class post_hint : std::uint8_t {
    local,  ///< on the posting worker if it is one (its own queue), else through the global queue
    next,   ///< as local, and before the other local items: for what was just woken and is still in cache
    fair,   ///< behind everything already queued, the global queue included (yield, prefer_fairness)
    high,   ///< before everything that is queued otherwise (work_priority::high)
    low     ///< when nothing else is to be done, and now and then although there is (work_priority::low)
};

/// What a runtime offers to the floors below it. Every continuation of the library goes through post(); the production
/// pool and the deterministic scheduler of weft::testing are its implementations.
///
/// Threads  every member may be called from any thread.
class dispatcher {
public:
    dispatcher(const dispatcher&) = delete;
    dispatcher& operator=(const dispatcher&) = delete;

    /// Queues `item`; it runs once, later, on a worker, with no synchronization context. Never runs it inside the call.
    virtual void post(work_item& item, post_hint hint) noexcept = 0;

    /// Runs `item` on a thread of its own, as post() does otherwise (1.12/4). @throws std::system_error  without a thread
    virtual void post_long_running(work_item& item) { post(item, post_hint::fair); }

    /// Called before work from outside is started here. @throws object_disposed  when shutdown has begun
    virtual void require_open() const {}

    /// The clock and the timers in force.
    [[nodiscard]] virtual time_provider& time() noexcept = 0;

    /// Told around a blocking wait of the calling thread, so that a pool can add a worker meanwhile. Nests.
    virtual void blocking_began() noexcept = 0;
    virtual void blocking_ended() noexcept = 0;

    /// The runtime's random bits: seeded under test.
    [[nodiscard]] virtual std::uint64_t random() noexcept = 0;

    /// Runs other work until `done()`: how a blocking wait proceeds where blocking the only thread would stop the world
    /// (the deterministic scheduler). @returns false when this dispatcher cannot, and the caller must block.
    /// @throws what ends the wait of a test, which nothing else can end; a dispatcher of production never
    virtual bool run_until(bool (*done)(void*), void* argument) = 0;

    /// Told that the calling thread, which works for this dispatcher, makes or asks for what runs elsewhere.
    /// @param how  "makes a runtime of its own"; a string literal
    virtual void leaves(const char* how) noexcept { static_cast<void>(how); }

    /// The runtime this dispatcher belongs to; null for a bare test dispatcher.
    [[nodiscard]] virtual runtime* owner() noexcept = 0;

#if WEFT_EXPLORE
    /// Told of every await, and whether what it awaits is complete. @returns whether the coroutine shall suspend all the same,
    /// as if its thread had been preempted there
    virtual bool at_await(detail::task_core&, const std::source_location&, bool) noexcept { return false; }
#endif

protected:
    dispatcher() = default;
    ~dispatcher() = default;
};

/// The process's default runtime, made on first use. Defined in scheduling, the only room that can make one.
[[nodiscard]] dispatcher& default_dispatcher();

namespace detail {

/// Where the calling thread's work belongs: the runtime it works for, else the default one.
[[nodiscard]] dispatcher& current_dispatcher();

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
