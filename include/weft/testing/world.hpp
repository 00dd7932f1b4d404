#pragma once
// <weft/testing/world.hpp>: what a test under exploration can ask for: choices, faults, cancellation, quiet, liveness.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/scheduling/run.hpp"
#include "weft/task/task.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace weft::inline WEFT_ABI::testing {

/// A statement of the test did not hold.
class check_failed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The world of one schedule: one thread, virtual time, and a single source of everything that is undetermined.
///
/// Threads   belongs to the thread that explores; its members are called from tasks of the schedule.
/// Lifetime  made by explore() for each schedule; what a test keeps of it must not outlive the test's task.
class world {
public:
    world(const world&) = delete;
    world& operator=(const world&) = delete;

    /// A choice of the test's own. @returns a number below `options`; 0 is the plain case
    /// @param label  what is chosen; a string literal
    std::size_t choose(const char* label, std::size_t options);
    /// @returns true in about one of `one_in` times, and in the plain order never
    bool chance(const char* label, std::size_t one_in = 2);
    /// For a fault that a program plants in itself: false in half of the schedules; in the others true now and then.
    bool buggify(const char* label);

    /// A token that is cancelled at a moment of the schedule's choice, or never. When all tasks wait, it is.
    [[nodiscard]] cancellation_token cancel_any_time();

    /// Starts `f()` beside the caller, as run() does: it begins at a moment of the schedule's choice.
    template <std::invocable F>
    auto spawn(F f) {
        return run(std::move(f));
    }
    /// A place where another task may come in between, as at every await of a build for exploration.
    [[nodiscard]] task<> point();
    /// Completes when nothing can run without time moving or an event from outside.
    [[nodiscard]] task<> settle();
    /// Liveness: completes when `holds()` is true with nothing left to run; looked at whenever the world has settled, while time
    /// goes on. @throws check_failed  when it is not within `limit` of virtual time
    [[nodiscard]] task<> eventually(std::function<bool()> holds, std::chrono::nanoseconds limit,
        std::source_location where = std::source_location::current());

    /// Records that a state of interest was reached. explore() counts in how many schedules each probe was hit.
    void probe(const char* label);
    /// The schedule fails unless `holds`. @throws check_failed
    void check(bool holds, std::string_view what, std::source_location where = std::source_location::current());

    [[nodiscard]] deterministic_scheduler& scheduler() noexcept;
    [[nodiscard]] time_provider& clock() noexcept;
    /// Moves the clock on by `step`, although there is work, as on a slow machine: each timer that falls due is one more thing that can
    /// happen next. Without it time moves only when nothing else can happen, and in settle() not at all.
    /// @throws std::invalid_argument  for a negative step
    void advance(std::chrono::nanoseconds step);
    /// Sets the wall clock (`clock().utc_now()`) on or back by `step`, as an administrator or a time service does. Delays and limits,
    /// which go by the monotonic clock, do not change.
    void step_wall(std::chrono::nanoseconds step) noexcept;
    /// Of this schedule.
    [[nodiscard]] std::uint64_t seed() const noexcept;
    /// The world that this thread explores. @throws invalid_operation  outside an exploration
    [[nodiscard]] static world& current();
    [[nodiscard]] static world* current_or_null() noexcept;

private:
    friend class schedule_run;
    explicit world(deterministic_scheduler& scheduler);
    ~world();

    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI::testing

/// Fails the schedule unless `condition`, which may not await, holds. From any function called by a test under exploration.
#define WEFT_CHECK(condition) ::weft::testing::world::current().check(static_cast<bool>(condition), #condition)
