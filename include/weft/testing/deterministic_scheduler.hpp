#pragma once
// <weft/testing/deterministic_scheduler.hpp>: a world of one thread and virtual time in which every choice comes from a seed.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::testing::detail {
class decider;
struct scheduler_access;
}  // namespace weft::inline WEFT_ABI::testing::detail

namespace weft::inline WEFT_ABI::testing {

/// Nothing can ever happen again, and the awaited task is not done. what() counts who waits and says how to get here again.
class deadlock : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// One answer of choose(). `options` is 0 for random bits, where any answer is legal.
struct choice {
    const char* kind;
    std::uint64_t options;
    std::uint64_t answer;
};

/// The seed of the environment: WEFT_SEED, else `fallback`. @throws std::invalid_argument  when that is no number
[[nodiscard]] std::uint64_t seed_from_environment(std::uint64_t fallback = 0);

/// A dispatcher that runs everything on the thread that asks it to, one item at a time. Each time several things could happen
/// next, choose() picks one, so a run is repeated exactly by its seed. Time is virtual: it stands still while something is
/// ready and then jumps to the next timer.
///
/// Seed 0 is the plain order: items as they were queued, timers as they fall due. Any other seed picks evenly.
///
/// Threads   belongs to the thread that makes it, whose tasks are started in it until it goes. post() and the clock may be
///           used from others, but then the run is not repeatable.
/// Lifetime  a resource; destroyed by the same thread, innermost first. It then runs what is ready and destroys the frames of
///           tasks that still wait. What has set a timer on its clock must not outlive it.
class deterministic_scheduler final : public dispatcher {
public:
    explicit deterministic_scheduler(std::uint64_t seed = seed_from_environment());
    /// Repeats a run: `answers` are those of its choices(). When they are used up, `seed` goes on.
    explicit deterministic_scheduler(std::span<const choice> answers, std::uint64_t seed = 0);
    ~deterministic_scheduler();

    /// Runs until `root` is done. @returns its result. @throws the original exception; deadlock
    template <class T>
    T run(task<T> root) {
        run_to([](void* core) { return static_cast<task<T>*>(core)->is_completed(); }, &root);
        return std::move(root).get();
    }
    /// Calls `start(args...)`, which returns a task, and runs until that is done.
    template <class F, class... Args>
        requires std::invocable<F, Args...>
    auto run(F&& start, Args&&... args) {
        return run(std::invoke(std::forward<F>(start), std::forward<Args>(args)...));
    }

    /// Runs what is ready and what becomes ready, without moving time. @returns how many steps that were
    std::size_t run_ready();
    /// As run_ready(), and jumps from timer to timer until none is left. A periodic timer keeps it going for ever.
    std::size_t run_until_idle();
    /// Moves time on by `step`, firing timers and running what they make ready on the way.
    void advance(std::chrono::nanoseconds step);

    /// The only source of what is undetermined in a run. @returns a number below `options`; 0 without asking if that is 0 or 1
    /// @param kind  what is chosen; a string literal
    std::size_t choose(const char* kind, std::size_t options);
    /// Every choice so far.
    [[nodiscard]] std::span<const choice> choices() const noexcept;
    [[nodiscard]] std::uint64_t seed() const noexcept;
    /// Tasks that wait for something, ready ones included.
    [[nodiscard]] std::size_t suspended_tasks() const noexcept;

    void post(work_item& item, post_hint hint) noexcept override;
    [[nodiscard]] time_provider& time() noexcept override;
    void blocking_began() noexcept override {}
    void blocking_ended() noexcept override {}
    [[nodiscard]] std::uint64_t random() noexcept override;
    /// How a blocking wait proceeds in this world. When nothing is left to run it says so on standard error and returns false.
    /// @throws deadlock  instead, in a simulated test that has not left the simulation
    bool run_until(bool (*done)(void*), void* argument) override;
    void leaves(const char* how) noexcept override;
    [[nodiscard]] runtime* owner() noexcept override { return nullptr; }
#if WEFT_EXPLORE
    bool at_await(weft::detail::task_core& awaiter, const std::source_location& where, bool ready) noexcept override;
#endif

private:
    friend struct detail::scheduler_access;
    deterministic_scheduler(std::unique_ptr<detail::decider> decider, std::uint64_t seed);
    enum class jump : bool { no, yes };

    void run_to(bool (*done)(void*), void* argument);
    bool step(jump may_jump);

    class state;
    std::unique_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI::testing
