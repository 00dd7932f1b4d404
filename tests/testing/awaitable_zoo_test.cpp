// A Weft coroutine awaits every animal of the zoo.
// SPDX-License-Identifier: MIT
#include "support/awaitable_zoo.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "weft/testing/assertions.hpp"

namespace {

using namespace weft;
using namespace weft_test;

WEFT_TEST("awaitables: what is ready gives its value") {
    const int direct = co_await ready_awaitable(3);
    const int by_member = co_await member_operator_awaitable(4);
    const int by_function = co_await free_operator_awaitable(5);
    EXPECT_EQ(direct + by_member + by_function, 12);
}

WEFT_TEST("awaitables: what suspends for a moment continues") {
    co_await bouncing_awaitable();
    co_await self_transferring_awaitable();
    co_await posted_awaitable();
}

WEFT_TEST("awaitables: an exception from any of the three functions reaches the coroutine") {
    using place = failing_awaitable::place;
    WEFT_CHECK_THROWS_AS(co_await failing_awaitable(place::ready), std::runtime_error);
    WEFT_CHECK_THROWS_AS(co_await failing_awaitable(place::suspend), std::runtime_error);
    WEFT_CHECK_THROWS_AS(co_await failing_awaitable(place::resume), std::runtime_error);
}

task<> waits_for_nothing() { co_await never_awaitable(); }

WEFT_TEST("awaitables: what never resumes leaves its frame to the runtime") {
    auto waiting = waits_for_nothing();
    co_await posted_awaitable();
    EXPECT_FALSE(waiting.is_completed());
}

}  // namespace
