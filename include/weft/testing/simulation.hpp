#pragma once
// <weft/testing/simulation.hpp>: runs a test that knows nothing of the explorer in a world: what WEFT_SIM=1 does.
// For those who bring it to a test framework; for GoogleTest that is <weft/testing/gtest.hpp>.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>
#include <string>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::testing {

/// Whether the environment asks for simulation: WEFT_SIM is set, and not to 0.
[[nodiscard]] bool simulation_requested() noexcept;

/// Under how many schedules each test shall run: WEFT_SCHEDULES; else 1 when WEFT_SEED or WEFT_REPLAY is given, else 20.
[[nodiscard]] std::size_t simulated_schedules();

/// One run of an ordinary test under one schedule: from construction on, the calling thread belongs to a world of virtual time.
/// Tasks it starts run there, and its blocking waits run that world, one choice of the explorer's after the other. Stretches that a
/// caller runs itself are not interrupted, since code may rely on hot tasks.
///
/// A wait that nothing can end throws testing::deadlock. What needs other threads (a runtime of the test's own, std::thread, a
/// loop that spins) leaves the simulation: that is said once on standard error, the clock is then no faster than real time, what is
/// ready is run beside the test, and the run cannot be repeated. When nothing at all has happened for WEFT_SIM_LIMIT seconds (60),
/// the program ends with a sentence and status 1.
///
/// Threads   made and destroyed by the thread that runs the test.
/// Lifetime  a resource around one run of one test, innermost first. Its destructor runs what is ready, and destroys tasks that wait.
class simulated_test {
public:
    /// @param name      of the test, for what is said about it
    /// @param schedule  which run of this test it is, from 0; it decides on the seed and the strategy
    /// @throws std::invalid_argument  for a WEFT_STRATEGY or WEFT_REPLAY that is none
    simulated_test(std::string name, std::size_t schedule);
    ~simulated_test();
    simulated_test(const simulated_test&) = delete;
    simulated_test& operator=(const simulated_test&) = delete;

    /// To be printed when the test has failed: which schedule it was and how to repeat it; under WEFT_REPLAY also what happened.
    /// @param arguments  by which the program runs this test alone
    /// @param sign       what the program writes to its standard output when the test fails as it did; given that, the schedule is made
    ///                   short, by running the program, under WEFT_REPLAY, for at most 10 s. Empty: it stays as it was found
    [[nodiscard]] std::string report(const std::string& arguments, const std::string& sign = {}) const;
    /// Which run of its test the innermost one of this process is; 0 when there is none.
    [[nodiscard]] static std::size_t schedule_in_force() noexcept;
    /// What the test did that is outside the simulation; empty when nothing.
    [[nodiscard]] std::string left_by() const;

private:
    class state;
    std::unique_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI::testing
