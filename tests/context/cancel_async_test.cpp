// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "support/eventually.hpp"
#include "weft/aggregate_exception.hpp"
#include "weft/base/error.hpp"
#include "weft/cancellation.hpp"
#include "weft/task.hpp"
#include "weft/testing/assertions.hpp"

namespace {

using namespace weft;

WEFT_TEST("cancel_async: S_1_13_14 flips the state now and runs the callbacks on the pool") {
    cancellation_source source;
    bool ran = false;
    auto registration = source.token().register_callback([&] { ran = true; });
    auto canceling = source.cancel_async();
    EXPECT_TRUE(source.is_cancellation_requested());
    EXPECT_FALSE(ran);
    EXPECT_FALSE(canceling.is_completed());
    co_await canceling;
    EXPECT_TRUE(ran);
    EXPECT_TRUE(source.cancel_async().is_completed()) << "a second one has nothing to do";
}

WEFT_TEST("cancel_async: S_1_13_14 faults with the aggregate of what the callbacks threw") {
    cancellation_source source;
    auto first = source.token().register_callback([] { throw std::runtime_error("first"); });
    auto second = source.token().register_callback([] { throw std::runtime_error("second"); });
    try {
        co_await source.cancel_async();
        ADD_FAILURE() << "nothing was thrown";
    } catch (const aggregate_exception& error) {
        EXPECT_STREQ(error.what(), "one or more errors occurred (second) (first)");
    }
}

WEFT_TEST("cancel_async: a callback not yet reached can still be removed") {
    cancellation_source source;
    bool ran = false;
    auto registration = source.token().register_callback([&] { ran = true; });
    auto canceling = source.cancel_async();
    EXPECT_TRUE(registration.unregister());
    co_await canceling;
    EXPECT_FALSE(ran);
}

WEFT_TEST("cancel_async: a disposed source refuses it") {
    cancellation_source source;
    source.dispose();
    WEFT_CHECK_THROWS_AS(co_await source.cancel_async(), object_disposed);
}

WEFT_TEST("dispose_async: is done at once when the callback is not running") {
    cancellation_source source;
    auto registration = source.token().register_callback([] { ADD_FAILURE() << "it was removed"; });
    EXPECT_TRUE(registration.dispose_async().is_completed());
    source.cancel();
    co_return;
}

TEST(dispose_async, S_1_13_5_waits_for_a_callback_on_another_thread_without_blocking) {
    cancellation_source source;
    std::atomic<bool> entered{false};
    std::atomic<bool> release{false};
    std::atomic<bool> finished{false};
    auto registration = source.token().register_callback([&] {
        entered = true;
        EXPECT_TRUE(weft_test::eventually([&] { return release.load(); }));
        finished = true;
    });
    std::thread canceller([&] { source.cancel(); });
    ASSERT_TRUE(weft_test::eventually([&] { return entered.load(); }));
    auto disposing = registration.dispose_async();
    EXPECT_FALSE(disposing.is_completed());
    release = true;
    disposing.get();
    EXPECT_TRUE(finished);
    canceller.join();
}

}  // namespace
