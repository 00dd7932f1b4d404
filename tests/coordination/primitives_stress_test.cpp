// The primitives under real threads: takers, releasers, tokens, timers and ends race; run under ThreadSanitizer in CI.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "support/scale.hpp"
#include "weft/weft.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

constexpr int parties = 8;

runtime_options four_workers() {
    runtime_options options;
    options.min_threads = 4;
    options.max_threads = 4;
    return options;
}

/// Runs `party(number)` as so many tasks on four workers, and waits for all.
template <class Party>
void run_parties(Party party, int many = parties) {
    runtime home(four_workers());
    block_on(home, [&party, many]() -> task<> {
        std::vector<task<>> tasks;
        for (int i = 0; i < many; ++i) tasks.push_back(run([&party, i] { return party(i); }));
        co_await when_all(std::move(tasks));
    });
}

/// Awaits `wait` and says whether it was granted; false when it was canceled.
template <class T>
task<bool> granted(task<T> wait) {
    const task<T> waiting = std::move(wait);
    const auto end = co_await waiting.as_outcome();
    if (end.is_canceled()) co_return false;
    if constexpr (std::is_same_v<T, bool>) co_return end.value();
    else co_return end.has_value();
}

/// Cancels `stop` from another task, soon.
task<> cancel_soon(cancellation_source stop) {
    co_await yield();
    stop.cancel();
}

TEST(primitives_stress, async_semaphore_keeps_its_permits) {
    const int rounds = weft_test::scaled(20'000);
    async_semaphore gate(3, 3);
    std::atomic<int> held{0};
    auto party = [&](int number) -> task<> {
        std::minstd_rand random(static_cast<unsigned>(number));
        for (int i = 0; i < rounds; ++i) {
            cancellation_source stop;
            const auto kind = random() % 4;
            task<> canceling = kind == 1 || kind == 3 ? run([stop] { return cancel_soon(stop); }) : completed_task();
            bool got = true;
            if (kind == 0) {
                co_await gate.wait();
            } else if (kind == 1) {
                task<bool> wait = granted(task<>(gate.wait(stop.token())));
                got = co_await std::move(wait);
            } else {
                const auto limit = std::chrono::microseconds(random() % 50);
                task<bool> wait = granted(task<bool>(gate.wait(limit, stop.token())));
                got = co_await std::move(wait);
            }
            if (got) {
                EXPECT_LE(held.fetch_add(1) + 1, 3);
                if (random() % 4 == 0) co_await yield();
                held.fetch_sub(1);
                gate.release();
            }
            co_await std::move(canceling);
        }
    };
    run_parties(party);
    EXPECT_EQ(gate.current_count(), 3);
}

TEST(primitives_stress, async_mutex_guards_what_is_not_atomic) {
    const int rounds = weft_test::scaled(100'000);
    async_mutex mutex;
    long guarded = 0;
    std::atomic<long> entered{0};
    auto party = [&](int number) -> task<> {
        std::minstd_rand random(static_cast<unsigned>(number));
        for (int i = 0; i < rounds; ++i) {
            async_mutex::guard lock;
            const auto kind = random() % 4;
            if (kind == 0) lock = mutex.try_lock();
            else if (kind == 1) lock = co_await mutex.lock(std::chrono::microseconds(random() % 30));
            else lock = co_await mutex.lock();
            if (!lock) continue;
            ++guarded;
            entered.fetch_add(1, std::memory_order_relaxed);
            if (random() % 8 == 0) co_await yield();
        }
    };
    run_parties(party);
    EXPECT_EQ(guarded, entered.load());
    EXPECT_FALSE(mutex.is_locked());
}

TEST(primitives_stress, async_mutex_is_never_lost_to_a_cancelled_waiter) {
    const int rounds = weft_test::scaled(4000);
    async_mutex mutex;
    long guarded = 0;
    auto enter = [&](cancellation_token token) -> task<> {
        const auto lock = co_await mutex.lock(token);
        ++guarded;
        co_await yield();
    };
    auto party = [&](int) -> task<> {
        for (int i = 0; i < rounds; ++i) {
            cancellation_source stop;
            task<bool> entering = granted(enter(stop.token()));
            task<> canceling = run([stop] { return cancel_soon(stop); });
            co_await std::move(entering);
            co_await std::move(canceling);
        }
    };
    run_parties(party);
    EXPECT_FALSE(mutex.is_locked());
}

TEST(primitives_stress, async_shared_mutex_has_readers_or_a_writer) {
    const int rounds = weft_test::scaled(60'000);
    async_shared_mutex mutex;
    long guarded = 0;
    auto party = [&](int number) -> task<> {
        std::minstd_rand random(static_cast<unsigned>(number));
        long sum = 0;
        for (int i = 0; i < rounds; ++i) {
            const auto kind = random() % 6;
            if (kind == 0) {
                const auto lock = co_await mutex.lock();
                ++guarded;
            } else if (kind == 1) {
                const auto lock = co_await mutex.lock(std::chrono::microseconds(random() % 30));
                if (lock) ++guarded;
            } else {
                const auto lock = co_await mutex.lock_shared();
                sum += guarded;
                if (random() % 8 == 0) co_await yield();
            }
        }
        EXPECT_GE(sum, 0);
    };
    run_parties(party);
    EXPECT_EQ(mutex.readers(), 0U);
    EXPECT_TRUE(mutex.try_lock());
}

TEST(primitives_stress, async_condition_variable_feeds_every_consumer) {
    const int items = weft_test::scaled(30'000);
    async_mutex mutex;
    async_condition_variable changed;
    int stock = 0;
    auto party = [&](int number) -> task<> {
        if (number % 2 == 0) {
            for (int i = 0; i < items; ++i) {
                {
                    const auto lock = co_await mutex.lock();
                    ++stock;
                }
                changed.notify_one();
                if (i % 4 == 0) co_await yield();
            }
        } else {
            for (int i = 0; i < items; ++i) {
                async_mutex::guard lock = co_await mutex.lock();
                auto any = [&stock] { return stock > 0; };
                if (i % 2 == 0) {
                    co_await changed.wait(lock, any);
                } else {
                    while (stock == 0) {
                        const bool notified = co_await changed.wait(lock, 20us);
                        static_cast<void>(notified);
                    }
                }
                --stock;
            }
        }
    };
    run_parties(party);
    EXPECT_EQ(stock, 0);
}

TEST(primitives_stress, events_lose_no_wake_up) {
    const int rounds = weft_test::scaled(200'000);
    async_auto_reset_event ping;
    async_auto_reset_event pong;
    auto party = [&](int number) -> task<> {
        for (int i = 0; i < rounds; ++i) {
            if (number == 0) {
                ping.set();
                co_await pong.wait();
            } else {
                co_await ping.wait();
                pong.set();
            }
        }
    };
    run_parties(party, 2);
    EXPECT_FALSE(ping.is_set());
    EXPECT_FALSE(pong.is_set());
}

// Whoever comes through destroys it: no later touch by set(), count_down(), a token or a timer.
TEST(primitives_stress, a_waiter_that_comes_through_may_destroy_the_event_and_the_latch) {
    const int rounds = weft_test::scaled(20'000);
    runtime home(four_workers());
    auto once = [](int i) -> task<> {
        async_latch latch(2);
        auto door = std::make_unique<async_manual_reset_event>();
        cancellation_source stop;
        task<> first = run([&latch] { latch.count_down(); });
        task<> second = run([&latch, open = door.get()] {
            open->set();
            latch.count_down();
        });
        task<> canceling = i % 4 == 0 ? run([stop] { return cancel_soon(stop); }) : completed_task();
        task<bool> at_door = granted(task<bool>(door->wait(std::chrono::microseconds(i % 40), stop.token())));
        const auto end = co_await at_door.as_outcome();
        EXPECT_TRUE(at_door.is_completed());
        static_cast<void>(end);
        co_await latch.wait();
        door.reset();
        co_await std::move(first);
        co_await std::move(second);
        co_await std::move(canceling);
    };
    block_on(home, [&]() -> task<> {
        for (int i = 0; i < rounds; ++i) {
            task<> one = once(i);
            co_await std::move(one);
        }
    });
}

TEST(primitives_stress, async_countdown_event_counts_every_signal) {
    const int rounds = weft_test::scaled(1000);
    for (int round = 0; round < rounds; ++round) {
        async_countdown_event count(1);
        std::atomic<int> worked{0};
        std::vector<std::jthread> threads;
        for (int i = 0; i < 3; ++i) {
            count.add_count(10);
            threads.emplace_back([&] {
                for (int n = 0; n < 10; ++n) {
                    worked.fetch_add(1, std::memory_order_relaxed);
                    count.signal();
                }
            });
        }
        count.signal();
        block_on(count.wait());
        EXPECT_EQ(worked.load(std::memory_order_relaxed), 30);
    }
}

TEST(primitives_stress, async_barrier_brings_all_through_every_phase) {
    const int phases = weft_test::scaled(20'000);
    long sum = 0;
    std::vector<long> parts(parties);
    async_barrier meeting(parties, [&](async_barrier&) {
        for (const long each : parts) sum += each;
    });
    auto party = [&](int number) -> task<> {
        std::minstd_rand random(static_cast<unsigned>(number));
        for (int phase = 0; phase < phases;) {
            parts[static_cast<std::size_t>(number)] = 1;
            if (random() % 2 == 0) {
                const bool through = co_await meeting.signal_and_wait(std::chrono::microseconds(random() % 100));
                if (through) ++phase;
            } else {
                co_await meeting.signal_and_wait();
                ++phase;
            }
        }
    };
    run_parties(party);
    EXPECT_EQ(sum, static_cast<long>(phases) * parties);
    EXPECT_EQ(meeting.current_phase_number(), phases);
}

TEST(primitives_stress, async_lazy_calls_its_factory_once) {
    const int rounds = weft_test::scaled(3000);
    for (int round = 0; round < rounds; ++round) {
        std::atomic<int> calls{0};
        async_lazy<std::vector<int>> lazy([&calls]() -> task<std::vector<int>> {
            calls.fetch_add(1);
            co_await yield();
            co_return std::vector<int>(10, 1);
        });
        std::vector<task<std::size_t>> asking;
        for (int i = 0; i < 4; ++i)
            asking.push_back(run([&lazy]() -> task<std::size_t> {
                const std::vector<int>& value = co_await lazy.value();
                co_return value.size();
            }));
        for (const auto& each : asking) EXPECT_EQ(each.get(), 10U);
        EXPECT_EQ(calls.load(), 1);
    }
}

}  // namespace
