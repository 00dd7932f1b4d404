// The search: schedule after schedule, until one fails; then its short form and the report.
// SPDX-License-Identifier: MIT

#include "weft/testing/explore.hpp"

#include <algorithm>
#include <cstdlib>
#include <unordered_set>
#include <utility>

#include "testing/environment.hpp"
#include "testing/replay.hpp"
#include "testing/schedule_run.hpp"
#include "testing/shrink.hpp"
#include "testing/simulation_state.hpp"
#include "testing/strategies.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

// How many runs shortening a failure may take.
constexpr std::size_t shrink_runs = 2'000;

explore_options with_environment(explore_options options) {
    const std::size_t asked = std::max<std::size_t>(1, detail::environment_number("WEFT_SCHEDULES", options.schedules));
    // A search for everything is not cut short by who wants fewer random schedules.
    options.schedules = options.exhaustive ? std::max(options.schedules, asked) : asked;
    options.seed = detail::environment_number("WEFT_SEED", options.seed);
    if (const std::string text = detail::environment("WEFT_STRATEGY"); !text.empty())
        options.how = detail::strategy_named(text);
    if (const char* text = std::getenv("WEFT_REPLAY"); text != nullptr && *text != '\0') options.replay = text;
    return options;
}

/// What two failures have in common that are the same: the text up to what differs from run to run.
std::string key_of(const std::string& message) {
    std::string key;
    for (const char letter : message.substr(0, message.find('\n')))
        if (letter < '0' || letter > '9') key += letter;
    return key;
}

class explorer {
public:
    explorer(const explore_options& options, const std::function<task<>(world&)>& body,
        const std::function<std::string()>& framework_failure)
        : options_(with_environment(options)),
          run_(options_, body, framework_failure),
          odometer_(options_.preemption_bound) {}

    exploration search() {
        if (!options_.replay.empty()) {
            repeat();
            return std::move(done_);
        }
        const auto begin = std::chrono::steady_clock::now();
        for (std::size_t i = 0; i < options_.schedules && done_.ok(); ++i) {
            one(i);
            if (options_.exhaustive && done_.ok() && !odometer_.advance()) {
                done_.exhausted = true;
                break;
            }
            if (std::chrono::steady_clock::now() - begin >= options_.budget) break;
        }
        done_.distinct = seen_.size();
        return std::move(done_);
    }

private:
    void one(std::size_t index) {
        const strategy which = detail::strategy_of_schedule(options_.how, index);
        // The branches of an exhaustive search must differ in nothing but the choices: all have the same random numbers.
        const std::uint64_t seed = detail::split_mix(options_.seed + (options_.exhaustive ? 0 : index))();
        const schedule_result result =
            run_.run(options_.exhaustive ? odometer_.make_decider()
                                         : detail::make_decider(which, seed, profile_, options_.unfair_steps),
                seed);
        count(result);
        const char* found_by = options_.exhaustive ? "exhaustive search" : name_of(which);
        if (!result.failure.empty()) fail(result, seed, index, found_by);
        else if (options_.guard_every != 0 && index % options_.guard_every == 0) guard(result, seed, index, found_by);
    }

    void count(const schedule_result& result) {
        ++done_.schedules;
        done_.steps += result.steps;
        seen_.insert(result.hash());
        for (const auto& [label, hits] : result.probes) ++done_.probes[label];
        profile_.learn(result.choices.size(), result.steps_of_chain);
    }

    /// The same choices must lead to the same run.
    void guard(const schedule_result& first, std::uint64_t seed, std::size_t index, const char* found_by) {
        const schedule_result second = run_.run(detail::make_replay(first.answers()), seed);
        if (second.hash() == first.hash() && second.ended == first.ended && second.failure.empty()) return;
        std::size_t same = 0;
        while (same < first.choices.size() && same < second.choices.size() &&
            first.choices[same].options == second.choices[same].options)
            ++same;
        const auto kind = [same](const schedule_result& of) {
            return same < of.choices.size()
                ? "'" + std::string(of.choices[same].kind) + "' of " + std::to_string(of.choices[same].options)
                : std::string("the end");
        };
        exploration_failure failure;
        failure.message = "not deterministic: the same choices led to two runs; choice " + std::to_string(same) + " was " +
            kind(first) + ", then " + kind(second);
        failure.schedule = index;
        failure.found_by = found_by;
        failure.replay = detail::to_replay(seed, first.answers());
        failure.report = failure.message +
            "\nSomething that does not come from the world decides here: a clock, a random number, an address, another "
            "thread, "
            "or state that one run leaves to the next.\n";
        done_.failure = std::move(failure);
    }

    void fail(const schedule_result& found, std::uint64_t seed, std::size_t index, const char* found_by) {
        detail::answer_list answers = found.answers();
        const std::string key = key_of(found.failure);
        if (options_.shrink)
            answers = detail::shrink(
                std::move(answers),
                [&](const detail::answer_list& candidate) {
                    return key_of(run_.run(detail::make_replay(candidate), seed).failure) == key;
                },
                shrink_runs);
        exploration_failure failure;
        failure.schedule = index;
        failure.found_by = found_by;
        failure.choices_before = detail::departures(found.answers());
        failure.choices = detail::departures(answers);
        failure.replay = detail::to_replay(seed, answers);
        describe(failure, answers, seed);
        if (failure.message.empty()) {
            failure.message = found.failure;
            failure.report += "A second run of the same choices did not fail: the test is not deterministic.\n";
        }
        done_.failure = std::move(failure);
    }

    /// Runs the short schedule once more, and writes down what happens.
    void describe(exploration_failure& failure, const detail::answer_list& answers, std::uint64_t seed) {
        detail::trace notes;
        const schedule_result last = run_.run(detail::make_replay(answers), seed, &notes);
        failure.message = last.failure;
        std::string& text = failure.report;
        text = (options_.name.empty() ? std::string("exploration") : std::string(options_.name)) +
            " failed: " + last.failure + "\n";
        text += "found by " + failure.found_by + " in schedule " + std::to_string(failure.schedule) + "; " +
            std::to_string(failure.choices) + " choices differ from the plain order (" +
            std::to_string(failure.choices_before) + " as found)\n\n" + notes.to_string();
        if (!last.waiting.empty()) text += "\nstill waiting, and for whom (inner <- outer):\n" + last.waiting;
        text += "\nto repeat it: WEFT_REPLAY=" + failure.replay +
            (options_.command.empty() ? std::string(" and the same test") : " " + std::string(options_.command)) + "\n";
    }

    void repeat() {
        const detail::replayed told = detail::from_replay(std::string(options_.replay));
        const schedule_result result = run_.run(detail::make_replay(told.answers), told.seed);
        count(result);
        done_.distinct = seen_.size();
        if (result.failure.empty()) return;
        exploration_failure failure;
        failure.found_by = "replay";
        failure.choices = failure.choices_before = detail::departures(told.answers);
        failure.replay = options_.replay;
        describe(failure, told.answers, told.seed);
        done_.failure = std::move(failure);
    }

    const explore_options options_;
    schedule_run run_;
    detail::odometer odometer_;
    detail::profile profile_;
    std::unordered_set<std::uint64_t> seen_;
    exploration done_;
};

}  // namespace

std::string exploration::to_string() const {
    if (failure) return failure->report;
    return std::to_string(schedules) + " schedules, " + std::to_string(distinct) + " distinct, " + std::to_string(steps) +
        " steps" + (exhausted ? ", exhausted" : "");
}

exploration explore(const explore_options& options, const std::function<task<>(world&)>& body,
    const std::function<std::string()>& framework_failure) {
    const detail::busy_elsewhere busy;
    return explorer(options, body, framework_failure).search();
}

}  // namespace weft::inline WEFT_ABI::testing
