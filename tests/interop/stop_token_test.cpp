// SPDX-License-Identifier: MIT
#include "weft/stop_token.hpp"

#include <gtest/gtest.h>

#include <stop_token>

namespace {

using namespace weft;

TEST(stop_token, a_cancellation_token_follows_a_stop_token_while_the_link_lives) {
    std::stop_source stop;
    int calls = 0;
    cancellation_token token;
    cancellation_registration registration;
    {
        const auto link = as_cancellation_token(stop.get_token());
        token = link.token();
        EXPECT_TRUE(token.can_be_canceled());
        registration = token.register_callback([&] { ++calls; });
        stop.request_stop();
        EXPECT_EQ(calls, 1) << "inside request_stop()";
    }
    EXPECT_TRUE(token.is_cancellation_requested());
    EXPECT_TRUE(as_cancellation_token(stop.get_token()).token().is_cancellation_requested());
}

TEST(stop_token, a_link_that_is_gone_is_not_followed_any_more) {
    std::stop_source stop;
    cancellation_source source;
    const cancellation_token cancellation = as_cancellation_token(stop.get_token()).token();
    const std::stop_token stopping = as_stop_token(source.token()).token();
    stop.request_stop();
    source.cancel();
    EXPECT_FALSE(cancellation.is_cancellation_requested());
    EXPECT_FALSE(stopping.stop_requested());
}

TEST(stop_token, a_stop_token_follows_a_cancellation_token) {
    cancellation_source source;
    const auto link = as_stop_token(source.token());
    int calls = 0;
    const std::stop_callback callback(link.token(), [&] { ++calls; });
    EXPECT_TRUE(link.token().stop_possible());
    EXPECT_FALSE(link.token().stop_requested());
    source.cancel();
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(as_stop_token(source.token()).token().stop_requested());
}

TEST(stop_token, what_never_stops_never_cancels) {
    EXPECT_FALSE(as_cancellation_token(std::stop_token()).token().can_be_canceled());
    EXPECT_FALSE(as_stop_token(cancellation_token()).token().stop_possible());
}

}  // namespace
