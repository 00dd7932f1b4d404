// SPDX-License-Identifier: MIT

#include "weft/testing/assertions.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "testing/environment.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/testing/explore.hpp"
#include "weft/testing/simulation.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

namespace {

/// Words to an identifier, as filters and reports expect.
std::string identifier(std::string_view words) {
    std::string name;
    for (const char letter : words) {
        const bool plain =
            (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9');
        if (plain) name += letter;
        else if (!name.empty() && name.back() != '_') name += '_';
    }
    if (!name.empty() && name.back() == '_') name.pop_back();
    return name.empty() ? "unnamed" : name;
}

/// A seed given alone asks for that one run.
std::uint64_t schedules_from_environment(std::uint64_t fallback) {
    const std::uint64_t unless_told = environment("WEFT_SEED").empty() ? fallback : 1;
    return std::max<std::uint64_t>(1, environment_number("WEFT_SCHEDULES", unless_told));
}

/// One run. @returns what went wrong beyond recorded failures
std::string run_once(task<> (*body)(), std::uint64_t seed) {
    try {
        deterministic_scheduler world(seed);
        world.run(body);
    } catch (const requirement_failed&) {
        return {};  // recorded where it failed
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return message_of(std::current_exception());
    }
    return {};
}

}  // namespace

std::string suite_of(const char* promise, const char* file) {
    const std::string_view text(promise);
    const std::size_t colon = text.find(": ");
    if (colon != std::string_view::npos) return identifier(text.substr(0, colon));
    std::string_view path(file);
    path = path.substr(path.find_last_of('/') + 1);
    return identifier(path.substr(0, path.find_first_of('.')));
}

std::string name_of(const char* promise) {
    const std::string_view text(promise);
    const std::size_t colon = text.find(": ");
    return identifier(colon == std::string_view::npos ? text : text.substr(colon + 2));
}

bool explored_before() { return simulated_test::schedule_in_force() > 0; }

namespace {

/// Under WEFT_SIM=1: explored, as an ordinary test is.
std::string run_simulated(task<> (*body)(), bool (*has_failed)(), std::uint64_t schedules) {
    explore_options options;
    options.schedules = std::max<std::uint64_t>(schedules, simulated_schedules());
    options.first_segments = false;
    options.tasks_may_remain = true;
    options.shrink = false;  // what the framework has recorded cannot be taken back
    options.guard_every = 0;
    if (explored_before()) return {};
    const exploration done = explore(
        options, [body](world&) { return body(); },
        [has_failed] { return has_failed() ? std::string("the test recorded a failure") : std::string(); });
    return done.ok() ? std::string() : done.to_string();
}

}  // namespace

std::string run_test(task<> (*body)(), bool (*has_failed)(), std::uint64_t schedules) {
    if (simulation_requested()) return run_simulated(body, has_failed, schedules);
    const std::uint64_t first = seed_from_environment();
    const std::uint64_t count = schedules_from_environment(schedules);
    for (std::uint64_t seed = first; seed - first < count; ++seed) {
        const std::string failure = run_once(body, seed);
        if (failure.empty() && !has_failed()) continue;
        std::string report = failure;
        if (!report.empty()) report += "; ";
        report += "repeat with WEFT_SEED=";
        report += std::to_string(seed);
        return report;
    }
    return {};
}

}  // namespace weft::inline WEFT_ABI::testing::detail
