// Rules 1.13/5 and 1.13/14: the asynchronous members of cancellation.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/eventually.hpp"
#include "weft/cancellation.hpp"
#include "weft/run.hpp"
#include "weft/task.hpp"

namespace {

using namespace weft;

TEST(cancel_async, S_1_13_14_flips_the_state_at_once_and_ends_after_the_last_callback) {
    cancellation_source source;
    std::thread::id where;
    cancellation_registration registration =
        source.token().unsafe_register([&where] { where = std::this_thread::get_id(); });
    task<> canceling = source.cancel_async();
    EXPECT_TRUE(source.is_cancellation_requested());
    canceling.get();
    EXPECT_NE(where, std::thread::id());
    EXPECT_NE(where, std::this_thread::get_id());
}

TEST(cancel_async, S_1_13_14_faults_with_the_aggregate_of_the_callbacks) {
    cancellation_source source;
    cancellation_registration registration = source.token().unsafe_register([] { throw std::runtime_error("callback"); });
    EXPECT_THROW(source.cancel_async().get(), aggregate_exception);
}

TEST(cancel_async, S_1_13_5_dispose_async_waits_for_a_running_callback_without_blocking) {
    cancellation_source source;
    std::atomic<bool> entered{false};
    std::atomic<bool> leave{false};
    cancellation_registration registration = source.token().unsafe_register([&entered, &leave] {
        entered = true;
        static_cast<void>(weft_test::eventually([&leave] { return leave.load(); }));
    });
    std::jthread canceler([&source] { source.cancel(); });
    ASSERT_TRUE(weft_test::eventually([&entered] { return entered.load(); }));
    task<> disposing = registration.dispose_async();
    EXPECT_FALSE(disposing.is_completed());
    leave = true;
    disposing.get();
}

}  // namespace
