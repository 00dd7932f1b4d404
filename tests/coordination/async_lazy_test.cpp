// SPDX-License-Identifier: MIT
#include "weft/sync/async_lazy.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "weft/delay.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

template <class T>
task<const T*> address_of(async_lazy<T>& lazy, cancellation_token token = {}) {
    const T& value = co_await lazy.value(token);
    co_return &value;
}

TEST(async_lazy, is_not_created_before_the_first_await) {
    deterministic_scheduler world(0);
    int calls = 0;
    async_lazy<std::string> lazy([&calls]() -> task<std::string> {
        ++calls;
        co_await delay(1s);
        co_return "made";
    });
    EXPECT_FALSE(lazy.is_started());
    EXPECT_FALSE(lazy.is_value_created());
    const task<const std::string*> first = address_of(lazy);
    const task<const std::string*> second = address_of(lazy);
    EXPECT_TRUE(lazy.is_started());
    EXPECT_FALSE(lazy.is_value_created());
    world.run_until_idle();
    EXPECT_EQ(*first.get(), "made");
    EXPECT_EQ(first.get(), second.get()) << "everybody gets the same object";
    EXPECT_TRUE(lazy.is_value_created());
    const task<const std::string*> third = address_of(lazy);
    EXPECT_TRUE(third.is_completed());
    EXPECT_EQ(calls, 1);
}

TEST(async_lazy, may_hold_what_cannot_be_copied_and_nothing_at_all) {
    deterministic_scheduler world(0);
    async_lazy<std::unique_ptr<int>> lazy([]() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); });
    const task<const std::unique_ptr<int>*> got = address_of(lazy);
    EXPECT_EQ(**got.get(), 7);
    int calls = 0;
    async_lazy<void> nothing([&calls]() -> task<> {
        ++calls;
        co_await delay(1s);
    });
    const task<> first = nothing.value();
    const task<> second = nothing.value();
    world.run_until_idle();
    EXPECT_TRUE(first.is_completed_successfully());
    EXPECT_TRUE(second.is_completed_successfully());
    EXPECT_EQ(calls, 1);
}

TEST(async_lazy, a_failure_is_everybodys_and_is_kept) {
    deterministic_scheduler world(0);
    int calls = 0;
    async_lazy<int> lazy([&calls]() -> task<int> {
        ++calls;
        co_await delay(1s);
        throw std::runtime_error("no such file");
    });
    const task<const int*> first = address_of(lazy);
    const task<const int*> second = address_of(lazy);
    world.run_until_idle();
    const task<const int*> third = address_of(lazy);
    for (const task<const int*>& each : {first, second, third})
        EXPECT_THROW(static_cast<void>(each.get()), std::runtime_error);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(lazy.is_started());
    EXPECT_FALSE(lazy.is_value_created());
    async_lazy<int> throws_at_once([]() -> task<int> { throw std::logic_error("wrong"); });
    const task<const int*> fourth = address_of(throws_at_once);
    EXPECT_THROW(static_cast<void>(fourth.get()), std::logic_error);
}

TEST(async_lazy, cancelling_a_wait_leaves_the_factory_running) {
    deterministic_scheduler world(0);
    async_lazy<int> lazy([]() -> task<int> {
        co_await delay(1s);
        co_return 5;
    });
    cancellation_source stop;
    const task<const int*> first = address_of(lazy, stop.token());
    const task<const int*> second = address_of(lazy);
    stop.cancel();
    world.run_until_idle();
    EXPECT_TRUE(first.is_canceled());
    EXPECT_EQ(*second.get(), 5);
    const task<const int*> beforehand = address_of(lazy, stop.token());
    EXPECT_TRUE(beforehand.is_canceled());
}

TEST(async_lazy, start_does_not_wait_and_its_end_leaves_the_factory_alone) {
    deterministic_scheduler world(0);
    int ended = 0;
    auto lazy = std::make_unique<async_lazy<int>>([&ended]() -> task<int> {
        co_await delay(1s);
        co_return ++ended;
    });
    lazy->start();
    lazy->start();
    const task<const int*> waiting = address_of(*lazy);
    lazy.reset();
    world.run_until_idle();
    EXPECT_EQ(ended, 1);
    EXPECT_THROW(static_cast<void>(waiting.get()), object_disposed);
}

}  // namespace
