#pragma once
// <weft/testing/gtest.hpp>: a GoogleTest program with WEFT_OBEY_SIMULATION() in one of its files obeys WEFT_SIM=1: each of its tests
// runs in a world of its own, WEFT_SCHEDULES times. With CMake, linking weft::testing or weft::explore beside GoogleTest is enough.
//
// The macro uses GoogleTest; include <gtest/gtest.h> beside this header.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdio>
#include <optional>
#include <set>
#include <string>

#include "weft/base/config.hpp"
#include "weft/testing/simulation.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

/// Puts a world around each test. GoogleTest calls it before it makes the test's fixture and after that is gone.
/// @tparam Listener, Program, Test  GoogleTest's EmptyTestEventListener, UnitTest and TestInfo
template <class Listener, class Program, class Test>
class simulation_listener final : public Listener {
public:
    using repeat_function = void (*)(int times);

    /// Makes GoogleTest call one, if the environment asks for it and none has been made. @returns whether it does
    static bool install(repeat_function repeat) {
        static const bool asked = [repeat] {
            if (!simulation_requested()) return false;
            Program::GetInstance()->listeners().Append(new simulation_listener(repeat));
            return true;
        }();
        return asked;
    }

private:
    explicit simulation_listener(repeat_function repeat) : repeat_(repeat) {}

    void OnTestProgramStart(const Program&) override { repeat_(static_cast<int>(simulated_schedules())); }
    void OnTestIterationStart(const Program&, int iteration) override { iteration_ = static_cast<std::size_t>(iteration); }
    void OnTestStart(const Test& test) override { world_.emplace(name_of_test(test), iteration_); }
    void OnTestEnd(const Test& test) override {
        const std::string name = name_of_test(test);
        // The first schedule that fails says how to repeat it.
        if (test.result()->Failed() && failed_.insert(name).second) {
            std::printf("%s\n", world_->report("--gtest_filter='" + name + "'", sign_of(*test.result())).c_str());
            std::fflush(stdout);
        }
        world_.reset();
    }

    /// What GoogleTest prints of the first failure and of no other: its place, or, without one, what the exception says up to the first
    /// number, which may differ from run to run.
    template <class Result>
    static std::string sign_of(const Result& result) {
        for (int i = 0; i < result.total_part_count(); ++i) {
            const auto& part = result.GetTestPartResult(i);
            if (!part.failed()) continue;
            if (part.file_name() != nullptr)
                return std::string(part.file_name()) + ":" + std::to_string(part.line_number()) + ": Failure";
            const std::string summary = part.summary();
            return summary.substr(0, summary.find_first_of("\n0123456789"));
        }
        return {};
    }
    static std::string name_of_test(const Test& test) { return std::string(test.test_suite_name()) + "." + test.name(); }

    const repeat_function repeat_;
    std::optional<simulated_test> world_;
    std::size_t iteration_ = 0;
    std::set<std::string> failed_;
};

}  // namespace weft::inline WEFT_ABI::testing::detail

/// Makes this GoogleTest program obey WEFT_SIM=1. At namespace scope, once in a program; more do no harm.
#define WEFT_OBEY_SIMULATION()                                                                               \
    [[maybe_unused]] static const bool weft_obeys_simulation =                                               \
        ::weft::testing::detail::simulation_listener<::testing::EmptyTestEventListener, ::testing::UnitTest, \
            ::testing::TestInfo>::install([](int times) {                                                    \
            if (GTEST_FLAG_GET(repeat) == 1) GTEST_FLAG_SET(repeat, times);                                  \
        })
