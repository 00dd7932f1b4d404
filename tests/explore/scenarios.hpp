#pragma once
// tests/explore/scenarios.hpp: the table of what is explored. Each row is a GoogleTest case; scripts/explore runs all with more
// schedules and prints figures.
//
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/scale.hpp"
#include "weft/testing/explore.hpp"
#include "weft/testing/linearizability.hpp"
#include "weft/testing/world.hpp"

namespace weft_test {

/// Adds a row, as the test explore_<primitive>.<name>. Called while the program starts.
bool add_exploration(std::string primitive, std::string name, weft::testing::explore_options options,
    std::function<weft::task<>(weft::testing::world&)> body);

/// The usual number of schedules of the portfolio.
inline bool explore_randomly(
    const std::string& primitive, std::string name, std::function<weft::task<>(weft::testing::world&)> body) {
    weft::testing::explore_options options;
    options.schedules = static_cast<std::size_t>(scaled(20'000));
    return add_exploration(primitive, std::move(name), options, std::move(body));
}

/// The same, and time moves only where the program says so (world::advance()), or when nothing else can happen.
inline bool explore_randomly_in_time(
    const std::string& primitive, std::string name, std::function<weft::task<>(weft::testing::world&)> body) {
    weft::testing::explore_options options;
    options.schedules = static_cast<std::size_t>(scaled(20'000));
    options.slow_by = std::chrono::nanoseconds(-1);
    return add_exploration(primitive, std::move(name), options, std::move(body));
}

/// Every schedule with at most two preemptions, or one where instructions cost more; the test fails if there are too many to see them all.
/// Where random numbers matter, each seed is another search.
inline bool explore_exhaustively(const std::string& primitive, std::string name,
    std::function<weft::task<>(weft::testing::world&)> body, std::uint64_t seed = 1) {
    weft::testing::explore_options options;
    options.seed = seed;
    options.preemption_bound = static_cast<std::size_t>(scaled(2));  // at least 1
    options.schedules = 2'000'000;
    options.exhaustive = true;
    return add_exploration(primitive, std::move(name), options, std::move(body));
}

/// The plans of calls that are explored to the end, one test each.
using plans = std::vector<std::vector<std::vector<std::string>>>;

/// Each of `exhaustive`, to the end.
template <class Object, class Model>
bool explore_plans(const std::string& primitive, weft::testing::scenario<Object, Model> (*make)(), const plans& exhaustive,
    std::uint64_t seed = 1) {
    for (const auto& calls : exhaustive) {
        std::string name = seed == 1 ? "every_schedule_of" : "seed_" + std::to_string(seed) + "_every_schedule_of";
        for (const auto& of_task : calls) {
            name += "_";
            for (const std::string& call : of_task)
                for (const char letter : "_" + call)
                    if (letter != '(' && letter != ')') name += letter;
        }
        weft::testing::scenario<Object, Model> planned = make();
        planned.calls(calls);
        explore_exhaustively(primitive, name, planned.body(), seed);
    }
    return true;
}

/// A scenario with calls drawn from the world; and each of `exhaustive`, to the end.
template <class Object, class Model>
bool explore_scenario(
    const std::string& primitive, weft::testing::scenario<Object, Model> (*make)(), const plans& exhaustive) {
    explore_randomly(primitive, "random", make().body());
    return explore_plans(primitive, make, exhaustive);
}

}  // namespace weft_test
