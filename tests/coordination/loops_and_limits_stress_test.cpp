// Loops, timers and limiters under real threads and the real clock.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "support/scale.hpp"
#include "weft/async_stream.hpp"
#include "weft/delay.hpp"
#include "weft/parallel.hpp"
#include "weft/partitioned_rate_limiter.hpp"
#include "weft/periodic_timer.hpp"
#include "weft/rate_limiters.hpp"
#include "weft/run.hpp"
#include "weft/timer.hpp"
#include "weft/wait_all.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft_test::eventually;
using weft_test::scaled;

/// How many are inside, and the most that ever were.
class crowd {
public:
    void enter() {
        const int now = inside_.fetch_add(1) + 1;
        int most = most_.load();
        while (now > most && !most_.compare_exchange_weak(most, now)) {}
    }
    void leave() { inside_.fetch_sub(1); }
    [[nodiscard]] int most() const { return most_.load(); }

private:
    std::atomic<int> inside_{0};
    std::atomic<int> most_{0};
};

async_stream<int> numbers(int count) {
    for (int i = 0; i < count; ++i) {
        if (i % 7 == 0) co_await yield();
        co_yield i;
    }
}

TEST(loops_and_limits_stress, every_item_of_every_source_comes_once_and_the_degree_holds) {
    const int count = scaled(20'000);
    std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
    crowd inside;
    const auto body = [&](int item) -> task<> {
        inside.enter();
        if (item % 3 == 0) co_await yield();
        seen[static_cast<std::size_t>(item)].fetch_add(1, std::memory_order_relaxed);
        inside.leave();
    };
    std::vector<int> items(static_cast<std::size_t>(count));
    std::iota(items.begin(), items.end(), 0);
    const std::list<int> chained_items(items.begin(), items.end());
    const parallel_options three{.max_degree_of_parallelism = 3};
    parallel_for(0, count, three, body).wait();
    parallel_for_each(items, three, body).wait();
    parallel_for_each(chained_items, three, body).wait();
    parallel_for_each(numbers(count), three, body).wait();
    for (const auto& each : seen) ASSERT_EQ(each.load(), 4);
    EXPECT_LE(inside.most(), 3);
}

TEST(loops_and_limits_stress, failures_and_cancellations_of_loops_leave_nothing_running) {
    for (int round = 0; round < scaled(200); ++round) {
        const bool fails = round % 2 == 0;
        std::atomic<int> running{0};
        cancellation_source source;
        task<> loop = parallel_for(
            0, 200, {.max_degree_of_parallelism = 4},
            [&, fails](int item, cancellation_token token) -> task<> {
                running.fetch_add(1);
                const outcome<> slept = co_await delay(1ms * (item % 2), token).as_task().as_outcome();
                running.fetch_sub(1);
                slept.value();
                if (fails && item == 20) throw std::runtime_error("bad");
            },
            source.token());
        if (!fails) source.cancel();
        EXPECT_THROW(loop.wait(), aggregate_exception);
        ASSERT_EQ(running.load(), 0);
        ASSERT_EQ(loop.status(), fails ? task_status::faulted : task_status::canceled);
    }
}

/// One client of a limiter: asks, sometimes gives up, and holds what it got for a moment.
task<> client(rate_limiter& limiter, unsigned seed, int rounds, std::atomic<int>& held, std::atomic<int>& most) {
    std::minstd_rand random(seed + 1);
    for (int i = 0; i < rounds; ++i) {
        const auto permits = static_cast<std::int32_t>(random() % 4);
        cancellation_source source;
        task<rate_limit_lease> asked = limiter.acquire(permits, source.token()).as_task();
        if (random() % 4 == 0) source.cancel();
        outcome<rate_limit_lease> ended = co_await std::move(asked).as_outcome();
        if (!ended.has_value()) {
            EXPECT_TRUE(ended.is_canceled());
            continue;
        }
        rate_limit_lease lease = std::move(ended).value();
        if (!lease.is_acquired()) continue;
        const int now = held.fetch_add(permits) + permits;
        int seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {}
        if (random() % 2 == 0) co_await yield();
        held.fetch_sub(permits);
    }
}

TEST(loops_and_limits_stress, permits_are_neither_lost_nor_given_twice) {
    for (const auto order : {queue_processing_order::oldest_first, queue_processing_order::newest_first}) {
        concurrency_limiter gate({.permit_limit = 5, .queue_limit = 12, .queue_order = order});
        std::atomic<int> held{0};
        std::atomic<int> most{0};
        std::vector<task<>> clients;
        for (unsigned seed = 0; seed < 8; ++seed)
            clients.push_back(run([&, seed] { return client(gate, seed, scaled(3'000), held, most); }));
        wait_all(clients);
        EXPECT_LE(most.load(), 5);
        EXPECT_EQ(gate.statistics().current_available_permits, 5);
        EXPECT_EQ(gate.statistics().current_queued_count, 0);
        EXPECT_TRUE(gate.idle_duration().has_value());
    }
}

TEST(loops_and_limits_stress, a_rate_is_kept_and_every_waiter_is_served) {
    token_bucket_rate_limiter rate(
        {.token_limit = 10, .tokens_per_period = 10, .replenishment_period = 1ms, .queue_limit = 1'000'000});
    const auto begun = std::chrono::steady_clock::now();
    const int count = scaled(2'000);
    std::atomic<int> served{0};
    std::vector<task<>> clients;
    for (int i = 0; i < count; ++i) {
        clients.push_back(run([&]() -> task<> {
            const rate_limit_lease lease = co_await rate.acquire();
            if (lease.is_acquired()) served.fetch_add(1);
        }));
    }
    wait_all(clients);
    const auto took = std::chrono::steady_clock::now() - begun;
    EXPECT_EQ(served.load(), count);
    EXPECT_GE(took + 1ms, 1ms * ((count - 10) / 10));
}

TEST(loops_and_limits_stress, a_limiter_that_goes_answers_everybody) {
    for (int round = 0; round < scaled(500); ++round) {
        auto gate = std::make_unique<fixed_window_rate_limiter>(
            fixed_window_rate_limiter_options{.permit_limit = 1, .window = 1ms, .queue_limit = 100});
        std::vector<task<rate_limit_lease>> asked;
        cancellation_source source;
        for (int i = 0; i < 5; ++i) asked.push_back(gate->acquire(1, source.token()).as_task());
        task<> going = run([&] { gate.reset(); });
        if (round % 2 == 0) source.cancel();
        going.wait();
        for (task<rate_limit_lease>& each : asked) {
            const outcome<rate_limit_lease> ended =
                [&]() -> task<outcome<rate_limit_lease>> { co_return co_await std::move(each).as_outcome(); }().get();
            ASSERT_TRUE(ended.has_value() || ended.is_canceled());
        }
    }
}

TEST(loops_and_limits_stress, keys_share_limiters_while_partitions_come_and_go) {
    std::atomic<int> made{0};
    partitioned_rate_limiter<int> limiters([&](int) {
        made.fetch_add(1);
        return std::make_shared<concurrency_limiter>(concurrency_limiter_options{.permit_limit = 2, .queue_limit = 1'000});
    });
    std::vector<crowd> inside(5);
    std::vector<task<>> clients;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(run([&, i]() -> task<> {
            for (int round = 0; round < scaled(2'000); ++round) {
                const int key = (i + round) % 5;
                rate_limit_lease lease = co_await limiters.acquire(key);
                EXPECT_TRUE(lease.is_acquired());
                inside[static_cast<std::size_t>(key)].enter();
                if (round % 3 == 0) co_await yield();
                inside[static_cast<std::size_t>(key)].leave();
            }
        }));
    }
    wait_all(clients);
    EXPECT_EQ(made.load(), 5);
    for (const crowd& each : inside) EXPECT_LE(each.most(), 2);
}

TEST(loops_and_limits_stress, timers_are_changed_and_disposed_of_while_they_fire) {
    std::atomic<int> running{0};
    std::atomic<int> calls{0};
    for (int round = 0; round < scaled(300); ++round) {
        std::vector<timer> timers;
        for (int i = 0; i < 4; ++i) {
            timers.emplace_back(
                [&] {
                    running.fetch_add(1);
                    calls.fetch_add(1);
                    running.fetch_sub(1);
                },
                std::chrono::microseconds(100 * i), 200us);
        }
        std::vector<std::thread> meddlers;
        for (unsigned seed = 0; seed < 2; ++seed) {
            meddlers.emplace_back([&timers, seed, round] {
                std::minstd_rand random(seed + static_cast<unsigned>(round) * 2 + 1);
                for (int i = 0; i < 50; ++i)
                    EXPECT_TRUE(timers[random() % 4].change(std::chrono::microseconds(random() % 300), 100us));
            });
        }
        for (std::thread& each : meddlers) each.join();
        std::vector<task<>> disposed;
        for (timer& each : timers) disposed.push_back(each.dispose_async());
        wait_all(disposed);
        ASSERT_EQ(running.load(), 0) << "no call runs when all are disposed of";
        const int before = calls.load();
        for (timer& each : timers) ASSERT_FALSE(each.change(0us, 100us));
        ASSERT_EQ(calls.load(), before);
    }
    EXPECT_GT(calls.load(), 0);
}

TEST(loops_and_limits_stress, a_ticking_loop_ends_when_its_timer_is_disposed_of_elsewhere) {
    for (int round = 0; round < scaled(100); ++round) {
        periodic_timer ticking(1ms);
        std::atomic<int> ticks{0};
        task<> loop = run([&]() -> task<> {
            for (;;) {
                cancellation_source source;
                task<bool> wait = ticking.wait_for_next_tick(source.token()).as_task();
                if (ticks % 2 == 1) source.cancel();
                const outcome<bool> ended = co_await wait.as_outcome();
                ++ticks;
                if (ended.has_value() && !ended.value()) break;
            }
        });
        EXPECT_TRUE(eventually([&] { return ticks >= round % 4; }));
        ticking.dispose();
        loop.wait();
    }
}

}  // namespace
