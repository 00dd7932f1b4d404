// SPDX-License-Identifier: MIT
#include "weft/testing/assertions.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "weft/scheduling/delay.hpp"
#include "weft/scheduling/yield.hpp"
#include "weft/task/task_completion_source.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/testing/explore.hpp"
#include "weft/testing/simulation.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
namespace testing_detail = weft::testing::detail;

// For the tests of the frame itself, which expect one plain run.
class without_simulation {
public:
    without_simulation() {
        if (!weft::testing::simulation_requested()) return;
        sim_ = take("WEFT_SIM");
        schedules_ = take("WEFT_SCHEDULES");
    }
    ~without_simulation() {
        if (!sim_.empty()) setenv("WEFT_SIM", sim_.c_str(), 1);
        if (!schedules_.empty()) setenv("WEFT_SCHEDULES", schedules_.c_str(), 1);
    }
    without_simulation(const without_simulation&) = delete;
    without_simulation& operator=(const without_simulation&) = delete;

private:
    static std::string take(const char* name) {
        const char* text = std::getenv(name);
        const std::string kept = text == nullptr ? "" : text;
        unsetenv(name);
        return kept;
    }
    std::string sim_;
    std::string schedules_;
};

task<> fails_late() {
    co_await delay(1s);
    throw std::runtime_error("the disk is full");
}

WEFT_TEST("weft_test: a body is a coroutine in virtual time") {
    const auto before = std::chrono::steady_clock::now();
    co_await delay(1h);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 60s);
}

WEFT_TEST("weft_test: a required condition may await") {
    const auto is_true = []() -> task<bool> {
        co_await delay(1s);
        co_return true;
    };
    WEFT_REQUIRE(co_await is_true());
}

WEFT_TEST("weft_test: an expected exception may come from an await") {
    WEFT_CHECK_THROWS_AS(co_await fails_late(), std::runtime_error);
}

TEST(weft_test, suites_and_names_come_from_the_promise) {
    EXPECT_EQ(testing_detail::suite_of("async_mutex: grants in order", "x.cpp"), "async_mutex");
    EXPECT_EQ(testing_detail::name_of("async_mutex: grants in order!"), "grants_in_order");
    EXPECT_EQ(testing_detail::suite_of("plain words", "/a/b/file_test.cpp"), "file_test");
    EXPECT_EQ(testing_detail::name_of("plain words"), "plain_words");
}

bool nothing_recorded() { return false; }

TEST(weft_test, an_exception_that_leaves_the_body_is_reported_with_the_seed) {
    const without_simulation plain;
    EXPECT_EQ(testing_detail::run_test(&fails_late, &nothing_recorded),
        "the disk is full; repeat with WEFT_SEED=" +
            std::string(std::getenv("WEFT_SEED") ? std::getenv("WEFT_SEED") : "0"));
}

task<> waits_for_ever() {
    task_completion_source<int> never;
    co_await never.task();
}

TEST(weft_test, a_body_that_would_wait_for_ever_fails_at_once) {
    const without_simulation plain;
    const std::string failure = testing_detail::run_test(&waits_for_ever, &nothing_recorded);
    EXPECT_EQ(failure.find("deadlock: "), 0u) << failure;
}

task<> requires_the_impossible() {
    co_await delay(1s);
    WEFT_REQUIRE(1 == 2);
    ADD_FAILURE() << "went on";
}

TEST(weft_test, a_failed_requirement_ends_the_body) {
    const without_simulation plain;
    std::string report;
    EXPECT_NONFATAL_FAILURE(
        report = testing_detail::run_test(&requires_the_impossible, &nothing_recorded), "required: 1 == 2");
    EXPECT_EQ(report, "");
}

task<> expects_the_wrong_exception() { WEFT_CHECK_THROWS_AS(co_await fails_late(), std::logic_error); }
task<> expects_an_exception_in_vain() { WEFT_CHECK_THROWS_AS(co_await delay(1s), std::logic_error); }

TEST(weft_test, another_exception_or_none_is_a_failure) {
    const without_simulation plain;
    EXPECT_NONFATAL_FAILURE(
        static_cast<void>(testing_detail::run_test(&expects_the_wrong_exception, &nothing_recorded)), "the disk is full");
    EXPECT_NONFATAL_FAILURE(
        static_cast<void>(testing_detail::run_test(&expects_an_exception_in_vain, &nothing_recorded)), "threw nothing");
}

std::string orders;
task<> append(char letter) {
    co_await yield();
    orders += letter;
}

WEFT_EXPLORE_TEST("weft_test: an explored promise is tried in several orders", 40) {
    auto a = append('a');
    auto b = append('b');
    co_await a;
    co_await b;
}

TEST(weft_test, an_explored_promise_has_met_both_orders) {
    if (std::getenv("WEFT_SEED") != nullptr || weft::testing::simulation_requested() || orders.empty())
        GTEST_SKIP() << "needs the test before it, under its own seeds";
    EXPECT_EQ(orders.substr(0, 2), "ab") << "the plain order comes first";
    bool reversed = false;
    for (std::size_t at = 0; at < orders.size(); at += 2) reversed = reversed || orders[at] == 'b';
    EXPECT_TRUE(reversed);
}

int runs = 0;
task<> counts_runs() {
    ++runs;
    co_return;
}

TEST(weft_test, schedules_runs_the_body_under_that_many_seeds) {
    const without_simulation plain;
    ASSERT_EQ(setenv("WEFT_SCHEDULES", "20", 1), 0);
    EXPECT_EQ(testing_detail::run_test(&counts_runs, &nothing_recorded), "");
    unsetenv("WEFT_SCHEDULES");
    EXPECT_EQ(runs, 20);
    runs = 0;
}

TEST(weft_test, a_number_in_the_environment_that_is_none_is_refused_by_its_name) {
    const without_simulation plain;
    const char* const before = std::getenv("WEFT_SEED");
    const std::string seed = before == nullptr ? "" : before;
    for (const char* text : {"many", "12 ", "-1", "0x10", "99999999999999999999"}) {
        ASSERT_EQ(setenv("WEFT_SEED", text, 1), 0);
        try {
            static_cast<void>(weft::testing::seed_from_environment());
            ADD_FAILURE() << "taken for a number: " << text;
        } catch (const std::invalid_argument& error) {
            EXPECT_EQ(std::string(error.what()).find("WEFT_SEED: '" + std::string(text) + "' is not"), 0U) << error.what();
        }
    }
    ASSERT_EQ(setenv("WEFT_SEED", "18446744073709551615", 1), 0);
    EXPECT_EQ(weft::testing::seed_from_environment(), ~std::uint64_t{0});
    ASSERT_EQ(setenv("WEFT_SEED", "", 1), 0);
    EXPECT_EQ(weft::testing::seed_from_environment(3), 3U);
    if (seed.empty()) unsetenv("WEFT_SEED");
    else setenv("WEFT_SEED", seed.c_str(), 1);

    ASSERT_EQ(setenv("WEFT_SCHEDULES", "some", 1), 0);
    EXPECT_THROW(static_cast<void>(testing_detail::run_test(&counts_runs, &nothing_recorded)), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(weft::testing::explore({}, [](weft::testing::world& w) { return w.point(); })),
        std::invalid_argument);
    unsetenv("WEFT_SCHEDULES");
    EXPECT_EQ(runs, 0);
}

}  // namespace
