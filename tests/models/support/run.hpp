#pragma once
// tests/models/support/run.hpp: what the main() of a model calls: the structure holds, and each planted defect is found.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <iostream>
#include <sstream>

#include "models/support/checked_atomics.hpp"
#include "support/scale.hpp"

namespace weft_model {

struct bounds {
    int random_runs = 300'000;   ///< divided by WEFT_TEST_SCALE
    int context_bound = 2;       ///< forced switches in the search of all schedules; 0: no search
    int planted_runs = 500'000;  ///< in which a planted defect must show
};

/// One program's verdict; prints a line for each thing that was tried.
class verdict {
public:
    /// The structure of `Suite` holds, and every defect is found.
    template <class Suite>
    void check(const char* name, const bounds& within, std::initializer_list<defect> defects) {
        planted = nullptr;
        const int runs = weft_test::scaled(within.random_runs);
        report(name, "random", run<Suite>(rl::sched_random, runs, 0), false);
        if (within.context_bound > 0)
            report(name, "all schedules", run<Suite>(rl::sched_bound, 0, within.context_bound), false);
        for (const defect& each : defects) {
            planted = &each;
            planted_was_met = false;
            report(name, each.name, run<Suite>(rl::sched_random, within.planted_runs, 0), true);
            if (!planted_was_met) {
                std::printf("FAILED  %s: no access of the structure is the one of '%s'\n", name, each.name);
                ++failed_;
            }
            planted = nullptr;
        }
    }
    /// As check(), for a defect that is no order: `Broken` is the suite with another step left out or moved.
    template <class Broken>
    void finds(const char* name, const char* defect_name, const bounds& within) {
        report(name, defect_name, run<Broken>(rl::sched_random, within.planted_runs, 0), true);
    }
    [[nodiscard]] int result() const noexcept { return failed_ == 0 ? 0 : 1; }

private:
    struct outcome {
        rl::test_result_e result;
        std::uint64_t runs;
        std::string text;
    };

    template <class Suite>
    static outcome run(rl::scheduler_type_e scheduler, int runs, int context_bound) {
        std::ostringstream text;
        rl::test_params parameters;
        parameters.search_type = scheduler;
        parameters.iteration_count = static_cast<rl::iteration_t>(runs > 0 ? runs : 1);
        parameters.context_bound = static_cast<unsigned>(context_bound);
        parameters.output_stream = &text;
        parameters.progress_stream = &text;
        parameters.execution_depth_limit = 4000;
        // Relacy writes the history of a failing run, which it repeats, to the standard output.
        std::streambuf* const screen = std::cout.rdbuf(text.rdbuf());
        static_cast<void>(rl::simulate<Suite>(parameters));
        std::cout.rdbuf(screen);
        return {parameters.test_result, parameters.stop_iteration, text.str()};
    }

    void report(const char* name, const char* what, const outcome& seen, bool must_fail) {
        const bool failed = seen.result != rl::test_result_success;
        const bool good = failed == must_fail;
        if (must_fail) {
            std::printf("%s  %s: '%s' %s%s after %llu runs\n", good ? "ok    " : "FAILED", name, what,
                failed ? "found as " : "not found", failed ? rl::test_result_str(seen.result) : "",
                static_cast<unsigned long long>(seen.runs));
        } else {
            std::printf("%s  %s: %s, %llu runs: %s\n", good ? "ok    " : "FAILED", name, what,
                static_cast<unsigned long long>(seen.runs), rl::test_result_str(seen.result));
            if (!good) std::printf("%.8000s\n", seen.text.c_str());
        }
        std::fflush(stdout);
        if (!good) ++failed_;
    }

    int failed_ = 0;
};

}  // namespace weft_model
