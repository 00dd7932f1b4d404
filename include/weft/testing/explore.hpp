#pragma once
// <weft/testing/explore.hpp>: runs a test under many schedules, finds one that fails, makes it short and says how to repeat it.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "weft/base/config.hpp"
#include "weft/task/task.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/testing/world.hpp"

namespace weft::inline WEFT_ABI::testing {

/// How the choices of a schedule are made.
enum class strategy : std::uint8_t {
    random,    ///< evenly among what can happen
    pct2,      ///< probabilistic concurrency testing: random priorities, one change on the way; finds bugs of depth 2
    pct3,      ///< as pct2, with two changes
    walk,      ///< a uniform walk: tasks that have more steps before them run more often, so that orders are equally likely
    delay2,    ///< the plain order with two delays
    portfolio  ///< each of them in turn
};

[[nodiscard]] const char* name_of(strategy which) noexcept;

/// What explore() is to do. The environment goes before it: WEFT_SCHEDULES, WEFT_SEED, WEFT_STRATEGY (a name) and WEFT_REPLAY.
struct explore_options {
    std::size_t schedules = 1000;                                       ///< at most; exhaustive: the limit
    std::chrono::nanoseconds budget = std::chrono::nanoseconds::max();  ///< of real time
    std::uint64_t seed = 1;              ///< each schedule has a seed of its own, made from it; exhaustive: all the same
    strategy how = strategy::portfolio;  ///< how the choices are made
    bool exhaustive = false;             ///< every schedule there is, up to the bound below, whatever `how` says
    std::size_t preemption_bound = 2;    ///< exhaustive: how often a schedule may stop a task that could go on
    std::size_t max_steps = 20'000;      ///< of one schedule; more is a livelock
    std::size_t unfair_steps = 2'000;    ///< after so many decisions a strategy turns fair
    /// How slow the machine may be: a timer that is due so soon may fire although there is work to do. Below 0, and
    /// exhaustive: not at all, but where world::advance() lets time pass.
    std::chrono::nanoseconds slow_by = std::chrono::milliseconds(10);
    bool tasks_may_remain = false;  ///< whether tasks may still wait when the test is done and nothing can happen
    bool first_segments = true;     ///< whether a task may be stopped in the stretch that its caller runs
    bool shrink = true;             ///< make a failing schedule short
    std::size_t guard_every = 50;   ///< one schedule in so many runs twice and must not differ; 0: none
    std::string_view replay{};      ///< repeat this schedule, as printed, and nothing else
    std::string_view name{};        ///< of the test, for the report
    std::string_view command{};     ///< how to run the test again, for the report
};
static_assert(std::is_trivially_destructible_v<explore_options>);

/// A schedule that failed.
struct exploration_failure {
    std::string message;             ///< what went wrong
    std::size_t schedule = 0;        ///< which one it was, from 0
    std::string found_by;            ///< the strategy
    std::string replay;              ///< give it to explore_options::replay or WEFT_REPLAY
    std::size_t choices = 0;         ///< of the short schedule that differ from the plain order
    std::size_t choices_before = 0;  ///< before it was made short
    std::string report;              ///< a column a task, who waits for what at the end, and the command that repeats it
};

/// What explore() did.
struct exploration {
    std::size_t schedules = 0;
    std::size_t distinct = 0;                   ///< of them, with different choices
    std::uint64_t steps = 0;                    ///< taken in all
    bool exhausted = false;                     ///< every schedule within the bound was run
    std::map<std::string, std::size_t> probes;  ///< in how many schedules each was hit
    std::optional<exploration_failure> failure;

    [[nodiscard]] bool ok() const noexcept { return !failure.has_value(); }
    /// The report of the failure, or a line of figures.
    [[nodiscard]] std::string to_string() const;
};

/// Runs `body` again and again, each time in a new world under another schedule, until one fails or enough have been run.
///
/// A schedule fails when the task of `body` fails, a check does, nothing can happen although the task is not done, it takes too
/// many steps, a task is left waiting, an exception goes unobserved, or a second run of the same choices differs.
/// `body` must be deterministic but for what comes from the world: no other threads, clocks or random numbers.
///
/// In a program that links weft::explore every await is a choice; with weft::testing only what suspends is.
/// Threads  runs everything on the calling thread.
/// @param framework_failure  what a test framework has recorded since the last call, empty for nothing; or none
[[nodiscard]] exploration explore(const explore_options& options, const std::function<task<>(world&)>& body,
    const std::function<std::string()>& framework_failure = {});

}  // namespace weft::inline WEFT_ABI::testing
