// The test of docs/testing.md, and its failing twin.
// SPDX-License-Identifier: MIT

#include "../../examples/tested_service/service.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <string>

#include "weft/testing/sim_test.hpp"

namespace {

using tested_service::service;

WEFT_SIM_TEST("service: a request that is given up frees its slot", {.schedules = 1000}) {
    service under_test(1);
    weft::task<> impatient = under_test.request(w.cancel_any_time());
    weft::task<> patient = under_test.request({});
    co_await impatient.configure_await(weft::configure_await_options::suppress_throwing);
    co_await patient;
    WEFT_CHECK(under_test.free_slots() == 1);
}

weft::task<> careless(weft::testing::world& w) {
    service under_test(1);
    weft::task<> impatient = under_test.careless_request(w.cancel_any_time());
    weft::task<> patient = under_test.careless_request({});
    co_await impatient.configure_await(weft::configure_await_options::suppress_throwing);
    co_await patient;
}

TEST(service, the_report_of_a_lost_slot_is_as_the_documentation_shows_it) {
    const weft::testing::exploration done = weft::testing::explore({.name = "careless"}, careless);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.failure->choices, 1U) << done.failure->report;
    for (const char* part : {"careless failed: deadlock", "differ from the plain order", "#2 careless_request",
             "a cancellation", "goes on from service.hpp", "still waiting", "#2 careless_request at service.hpp",
             "to repeat it: WEFT_REPLAY=w1-"})
        EXPECT_NE(done.failure->report.find(part), std::string::npos) << part << " in\n" << done.failure->report;
}

// A wall clock that is set back must not make anybody wait longer.
WEFT_SIM_TEST("world: the wall clock steps and timers do not know", {.schedules = 20}) {
    const auto begun = w.clock().now();
    const auto wall = w.clock().utc_now();
    const weft::task<> waiting = weft::delay(std::chrono::minutes(1));
    w.step_wall(-std::chrono::hours(1));
    co_await waiting;
    WEFT_CHECK(w.clock().now() - begun == std::chrono::minutes(1));
    WEFT_CHECK(w.clock().utc_now() - wall == std::chrono::minutes(-59));
}

}  // namespace
