#pragma once
// <weft/testing/sim_test.hpp>: GoogleTest cases that run under many schedules. Include <gtest/gtest.h> and <gtest/gtest-spi.h>
// beside this header.
//
// SPDX-License-Identifier: MIT

#include <string>

#include "weft/testing/assertions.hpp"
#include "weft/testing/explore.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

/// Explores `body`, with the framework's own failures counted as failures of the schedule.
/// @tparam Failures, Reporter  GoogleTest's TestPartResultArray and ScopedFakeTestPartResultReporter
/// @returns the report, empty when all is well
template <class Failures, class Reporter>
std::string explore_for_gtest(explore_options options, const char* promise, const char* file, task<> (*body)(world&)) {
    const std::string command = "<this program> --gtest_filter='" + suite_of(promise, file) + "." + name_of(promise) + "'";
    if (explored_before()) return {};
    options.name = promise;
    options.command = command;
    // Failures in schedules that only make the found one shorter are nobody's business.
    Failures recorded;
    const Reporter reporter(Reporter::INTERCEPT_ONLY_CURRENT_THREAD, &recorded);
    int seen = 0;
    const exploration done = explore(options, body, [&] {
        std::string first;
        for (; seen < recorded.size(); ++seen)
            if (recorded.GetTestPartResult(seen).failed() && first.empty())
                first = recorded.GetTestPartResult(seen).message();
        return first;
    });
    return done.ok() ? std::string() : done.to_string();
}

}  // namespace weft::inline WEFT_ABI::testing::detail

/// A test case that explores: `WEFT_SIM_TEST("queue: loses nothing", {.schedules = 2000}) { co_await …; }`. The body is a
/// coroutine without result that has the world as `w`. Fail it with WEFT_CHECK, EXPECT_*, or an exception.
#define WEFT_SIM_TEST(promise, ...)                                                                                      \
    static ::weft::task<> WEFT_DETAIL_JOIN(weft_sim_body_, __LINE__)(::weft::testing::world&);                           \
    namespace {                                                                                                          \
    class WEFT_DETAIL_JOIN(weft_sim_case_, __LINE__) final : public ::testing::Test {                                    \
        void TestBody() override {                                                                                       \
            const ::std::string report = ::weft::testing::detail::explore_for_gtest<::testing::TestPartResultArray,      \
                ::testing::ScopedFakeTestPartResultReporter>(::weft::testing::explore_options __VA_ARGS__, promise,      \
                __FILE__, &WEFT_DETAIL_JOIN(weft_sim_body_, __LINE__));                                                  \
            if (!report.empty()) ADD_FAILURE() << report;                                                                \
        }                                                                                                                \
    };                                                                                                                   \
    [[maybe_unused]] const auto* const WEFT_DETAIL_JOIN(weft_sim_info_, __LINE__) = ::testing::RegisterTest(             \
        ::weft::testing::detail::suite_of(promise, __FILE__).c_str(), ::weft::testing::detail::name_of(promise).c_str(), \
        nullptr, nullptr, __FILE__, __LINE__,                                                                            \
        []() -> ::testing::Test* { return new WEFT_DETAIL_JOIN(weft_sim_case_, __LINE__); });                            \
    }                                                                                                                    \
    static ::weft::task<> WEFT_DETAIL_JOIN(weft_sim_body_, __LINE__)([[maybe_unused]] ::weft::testing::world & w)
