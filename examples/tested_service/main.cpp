// A test of a service of one's own, without a test framework: explore() looks for an order of events that breaks a promise, makes it
// short and says how to repeat it. This program links weft::explore. ctest runs it; docs/testing.md explains it.
// SPDX-License-Identifier: MIT

#include <weft/testing/explore.hpp>

#include <cstdio>

#include "service.hpp"

namespace {

using tested_service::service;
using weft::testing::world;

// Two requests for one slot; one of them is given up at some moment, or never.
weft::task<> a_slot_is_never_lost(world& w, weft::task<> (service::*request)(weft::cancellation_token)) {
    service under_test(1);
    weft::task<> impatient = (under_test.*request)(w.cancel_any_time());
    weft::task<> patient = (under_test.*request)({});
    co_await impatient.configure_await(weft::configure_await_options::suppress_throwing);
    co_await patient;
    w.check(under_test.free_slots() == 1, "the slot is free again");
}

}  // namespace

int main() {
    const auto careless = weft::testing::explore(
        {.name = "careless"}, [](world& w) { return a_slot_is_never_lost(w, &service::careless_request); });
    const auto careful =
        weft::testing::explore({.name = "careful"}, [](world& w) { return a_slot_is_never_lost(w, &service::request); });
    std::printf("%s\ncareful: %s\n", careless.to_string().c_str(), careful.to_string().c_str());
    return !careless.ok() && careful.ok() ? 0 : 1;
}
