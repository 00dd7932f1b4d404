// SPDX-License-Identifier: MIT

#include "testing/schedule_run.hpp"

#include <exception>
#include <utility>

#include "testing/world_state.hpp"
#include "weft/base/error.hpp"
#include "weft/scheduling/yield.hpp"
#include "weft/task/unobserved_exception.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

// After the test's task is done, what it left has so many steps to end.
constexpr std::size_t last_steps = 10'000;

// The test's task begins as an item of its own, so that it has a number before those it starts.
task<> begin(const std::function<task<>(world&)>& body, world& here) {
    co_await yield();
    task<> test = body(here);
    const auto& state = detail::scheduler_access::of(here.scheduler());
    if (state.trace != nullptr && test.core_or_null() != nullptr)
        state.trace->begins(here.scheduler(), *test.core_or_null());
    co_await std::move(test);
}

}  // namespace

std::uint64_t schedule_result::hash() const noexcept {
    std::uint64_t sum = 0xcbf29ce484222325u;
    for (const choice& each : choices) {
        // Kinds are string literals, but one literal may have several addresses: the number of options tells enough.
        sum = (sum ^ (each.options << 32 ^ each.answer)) * 0x100000001b3u;
        sum ^= sum >> 29;
    }
    return sum;
}

std::vector<std::uint64_t> schedule_result::answers() const {
    std::vector<std::uint64_t> all;
    all.reserve(choices.size());
    for (const choice& each : choices) all.push_back(each.answer);
    return all;
}

/// Collects the exceptions that nobody looked at while it lives.
struct schedule_run::unobserved {
    unobserved() {
        remove = on_unobserved_task_exception([this](const unobserved_task_exception& raised) {
            if (first.empty()) first = message_of(raised.errors().front());
        });
    }
    ~unobserved() { remove(); }
    unobserved(const unobserved&) = delete;
    unobserved& operator=(const unobserved&) = delete;

    std::string first;
    unique_function<void()> remove;
};

/// @param own  how many of those who wait are the explorer's
std::string schedule_run::left_waiting(deterministic_scheduler& scheduler, const char* what, std::size_t own) const {
    return std::string(what) + "; " + std::to_string(scheduler.suspended_tasks() - own) + " tasks wait";
}

// The test's task, step by step.
std::string schedule_run::run_test(world& here, deterministic_scheduler& scheduler) {
    if (detail::trace* const notes = detail::scheduler_access::of(scheduler).trace)
        notes->own = detail::scheduler_access::of(scheduler).next_number;
    task<> root = begin(body_, here);
    while (!root.is_completed()) {
        if (!here.state_->failed.empty()) {
            root.forget();
            return here.state_->failed;
        }
        if (detail::scheduler_access::of(scheduler).steps > options_.max_steps) {
            root.forget();
            return left_waiting(scheduler, "livelock: too many steps, and the test is not done", 1);
        }
        if (!detail::scheduler_access::step(scheduler, true)) {
            root.forget();
            return left_waiting(scheduler, "deadlock: nothing can happen, and the test is not done", 1);
        }
    }
    try {
        std::move(root).get();
    } catch (...) {
        return here.state_->failed.empty() ? message_of(std::current_exception()) : here.state_->failed;
    }
    return here.state_->failed;
}

// What the test's task left behind ends, or it is lost. Events that may never come do not come any more.
std::string schedule_run::quiesce(deterministic_scheduler& scheduler) {
    detail::scheduler_access::of(scheduler).events.clear();
    for (std::size_t steps = 0; steps < last_steps && scheduler.suspended_tasks() != 0; ++steps)
        if (!detail::scheduler_access::step(scheduler, true)) break;
    if (options_.tasks_may_remain || scheduler.suspended_tasks() == 0) return {};
    return left_waiting(scheduler, "lost: the test is done, and nothing can wake who is left", 0);
}

schedule_result schedule_run::run(std::unique_ptr<detail::decider> decider, std::uint64_t seed, detail::trace* notes) {
    schedule_result result;
    unobserved errors;
    {
        std::unique_ptr<deterministic_scheduler> scheduler = detail::scheduler_access::make(std::move(decider), seed);
        detail::scheduler_access::state& state = detail::scheduler_access::of(*scheduler);
        state.first_segments = options_.first_segments;
        if (!options_.exhaustive) state.slow_by = options_.slow_by;
        state.trace = notes;
        world here(*scheduler);
        result.failure = run_test(here, *scheduler);
        if (result.failure.empty()) result.failure = quiesce(*scheduler);
        if (result.failure.empty()) result.failure = here.state_->failed;
        if (!result.failure.empty() && notes != nullptr) result.waiting = notes->chains(*scheduler);
        result.ended = scheduler->time().now();
        result.choices = std::move(state.made);
        result.steps_of_chain = std::move(state.steps_of_chain);
        result.steps = state.steps;
        result.probes = std::move(here.state_->probes);
        state.trace = nullptr;
        // What a test that threw has left must not run on: it may use what has gone with the test.
        state.abandoned = !result.failure.empty();
        // The frames that go with the scheduler may use the world.
        scheduler.reset();
    }
    if (result.failure.empty() && !errors.first.empty()) result.failure = "an exception went unobserved: " + errors.first;
    if (framework_failure_)
        if (const std::string recorded = framework_failure_(); result.failure.empty()) result.failure = recorded;
    return result;
}

}  // namespace weft::inline WEFT_ABI::testing
