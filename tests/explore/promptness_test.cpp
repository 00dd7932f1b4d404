// A waiter that is asked to stop ends in one step of the world: nobody else has to run first, and cancel() runs nothing of it.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/weft.hpp"

namespace {

using weft::cancellation_token;
using weft::task;

struct subject {
    weft::async_semaphore semaphore{0};
    weft::async_mutex mutex;
    weft::async_mutex::guard held = mutex.try_lock();
    weft::async_shared_mutex shared;
    weft::async_shared_mutex::guard written = shared.try_lock();
    weft::async_manual_reset_event manual;
    weft::async_auto_reset_event automatic;
    weft::async_countdown_event countdown{1};
    weft::async_latch latch{2};
    weft::async_barrier barrier{2};
    weft::channel<int> items = weft::channel<int>::bounded(1);
    weft::channel<int> rendezvous = weft::channel<int>::bounded(0);
    weft::channel<int> full = weft::channel<int>::bounded(1);
    weft::concurrency_limiter limiter{[] {
        weft::concurrency_limiter_options options;
        options.permit_limit = 1;
        options.queue_limit = 1;
        return options;
    }()};
    weft::rate_limit_lease lease = limiter.attempt_acquire();
    weft::periodic_timer timer{std::chrono::seconds(1)};
    weft::async_lazy<int> lazy{[] { return never(); }};

    static task<int> never() {
        weft::async_manual_reset_event event;
        co_await event.wait();
        co_return 0;
    }
};

struct waiting {
    const char* primitive;
    std::function<task<>(subject&, cancellation_token)> wait;
};

const std::vector<waiting>& all_waits() {
    static const std::vector<waiting> all{
        {"async_semaphore", [](subject& on, cancellation_token token) -> task<> { co_await on.semaphore.wait(token); }},
        {"async_mutex",
            [](subject& on, cancellation_token token) -> task<> {
                weft::async_mutex::guard guard = co_await on.mutex.lock(token);
            }},
        {"async_shared_mutex, writer",
            [](subject& on, cancellation_token token) -> task<> {
                weft::async_shared_mutex::guard guard = co_await on.shared.lock(token);
            }},
        {"async_shared_mutex, reader",
            [](subject& on, cancellation_token token) -> task<> {
                weft::async_shared_mutex::shared_guard guard = co_await on.shared.lock_shared(token);
            }},
        {"async_manual_reset_event",
            [](subject& on, cancellation_token token) -> task<> { co_await on.manual.wait(token); }},
        {"async_auto_reset_event",
            [](subject& on, cancellation_token token) -> task<> { co_await on.automatic.wait(token); }},
        {"async_countdown_event",
            [](subject& on, cancellation_token token) -> task<> { co_await on.countdown.wait(token); }},
        {"async_latch", [](subject& on, cancellation_token token) -> task<> { co_await on.latch.wait(token); }},
        {"async_latch, arrived",
            [](subject& on, cancellation_token token) -> task<> { co_await on.latch.arrive_and_wait(token); }},
        {"async_barrier",
            [](subject& on, cancellation_token token) -> task<> { co_await on.barrier.signal_and_wait(token); }},
        {"channel, read",
            [](subject& on, cancellation_token token) -> task<> {
                static_cast<void>(co_await on.items.reader().read(token));
            }},
        {"channel, wait_to_read",
            [](subject& on, cancellation_token token) -> task<> {
                static_cast<void>(co_await on.items.reader().wait_to_read(token));
            }},
        {"channel, rendezvous",
            [](subject& on, cancellation_token token) -> task<> { co_await on.rendezvous.writer().write(1, token); }},
        {"channel, write",
            [](subject& on, cancellation_token token) -> task<> {
                static_cast<void>(on.full.writer().try_write(0));
                co_await on.full.writer().write(1, token);
            }},
        {"channel, wait_to_write",
            [](subject& on, cancellation_token token) -> task<> {
                static_cast<void>(on.full.writer().try_write(0));
                static_cast<void>(co_await on.full.writer().wait_to_write(token));
            }},
        {"rate_limiter",
            [](subject& on, cancellation_token token) -> task<> {
                weft::value_task<weft::rate_limit_lease> asking = on.limiter.acquire(1, token);
                weft::rate_limit_lease lease = co_await std::move(asking);
            }},
        {"periodic_timer",
            [](subject& on, cancellation_token token) -> task<> {
                weft::value_task<bool> tick = on.timer.wait_for_next_tick(token);
                static_cast<void>(co_await std::move(tick));
            }},
        {"async_lazy", [](subject& on, cancellation_token token) -> task<> { co_await on.lazy.value(token); }},
    };
    return all;
}

TEST(promptness, a_waiter_that_is_asked_to_stop_ends_in_one_step) {
    for (const waiting& each : all_waits()) {
        weft::testing::deterministic_scheduler world(0);
        const auto on = std::make_unique<subject>();
        weft::cancellation_source stop;
        const task<> wait = each.wait(*on, stop.token());
        world.run_ready();
        ASSERT_FALSE(wait.is_completed()) << each.primitive;
        stop.cancel();
        EXPECT_FALSE(wait.is_completed()) << each.primitive << ": cancel() ran the waiter";
        EXPECT_EQ(world.run_ready(), 1U) << each.primitive;
        EXPECT_TRUE(wait.is_canceled()) << each.primitive;
        EXPECT_EQ(stop.token().state()->registrations(), 0U) << each.primitive;
    }
}

}  // namespace
