// The contract of the primitives under thousands of schedules: who acts next, when tokens fire and limits pass, and when the
// primitive or the world ends come from the seed. Conservation, one outcome a wait, no lost wake-up, nothing left behind.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "support/scale.hpp"
#include "weft/delay.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/weft.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

/// How often each outcome was seen, over all schedules of a test.
struct outcomes {
    int granted = 0, refused = 0, canceled = 0, disposed = 0;
};
outcomes total;

/// What the tasks of one schedule share.
struct scene {
    explicit scene(std::uint64_t seed) : world(seed) {}

    [[nodiscard]] std::size_t pick(std::size_t options) { return world.choose("scene", options); }
    /// A token that fires some time, or none.
    [[nodiscard]] cancellation_token token() {
        const std::size_t which = pick(sources.size() + 1);
        return which == sources.size() ? cancellation_token() : sources[which].token();
    }
    [[nodiscard]] std::chrono::milliseconds limit() {
        static constexpr std::array<std::chrono::milliseconds, 5> limits{0ms, 1ms, 3ms, 7ms, -1ms};
        return limits[pick(limits.size())];
    }
    /// Lets others act, and perhaps time pass.
    task<> pause() {
        const std::size_t steps = pick(4);
        for (std::size_t i = 1; i < steps; ++i) co_await yield();
        if (steps == 0) co_await delay(std::chrono::milliseconds(1 + pick(4)));
    }
    /// Cancels every token, one after the other. A callback of ours never runs a continuation.
    task<> cancel_all() {
        for (cancellation_source& each : sources) {
            co_await delay(std::chrono::milliseconds(1 + pick(6)));
            inside_cancel = true;
            each.cancel();
            inside_cancel = false;
        }
    }
    void not_inside_cancel() const { EXPECT_FALSE(inside_cancel) << "a continuation ran inside cancel()"; }

    std::array<cancellation_source, 3> sources;
    bool inside_cancel = false;
    int started = 0, granted = 0, refused = 0, canceled = 0, disposed = 0;
    deterministic_scheduler world;  // goes first, and runs what is ready then

    /// Runs to the end and looks at what has become of the tasks.
    void finish(const std::vector<task<>>& tasks) {
        world.run_until_idle();
        for (const task<>& each : tasks) {
            ASSERT_TRUE(each.is_completed()) << "a wake-up was lost";
            each.get();
        }
        EXPECT_EQ(started, granted + refused + canceled + disposed) << "a wait had no outcome, or two";
        for (auto [all, here] : {std::pair(&total.granted, granted), {&total.refused, refused}, {&total.canceled, canceled},
                 {&total.disposed, disposed}})
            *all += here;
        EXPECT_EQ(world.suspended_tasks(), 0U);
        // Whatever is still registered refers to frames that are gone.
        for (cancellation_source& each : sources) each.cancel();
    }
};

/// Awaits `wait`, which gives a bool or something that converts to it, and counts its outcome. @returns the result, or nothing
template <class T>
task<std::optional<T>> outcome_of(scene& in, task<T> wait) {
    ++in.started;
    std::optional<T> result;
    const task<T> waiting = std::move(wait);
    const auto end = co_await waiting.as_outcome();
    in.not_inside_cancel();
    if (end.is_canceled()) ++in.canceled;
    else if (end.has_value()) {
        if constexpr (std::is_same_v<T, bool>) {
            ++(end.value() ? in.granted : in.refused);
            if (end.value()) result = true;
        }
    } else ++in.disposed;
    co_return result;
}
/// Waits of every kind, all as a task of whether it was granted.
template <class Primitive>
task<bool> some_wait(scene& in, Primitive& of) {
    const std::size_t kind = in.pick(3);
    cancellation_token token = in.token();
    if (kind == 0) {
        const std::chrono::milliseconds limit = in.limit();
        const bool got = co_await of.wait(limit, token);
        co_return got;
    }
    if (kind == 1) co_await of.wait(token);
    else co_await of.wait();
    co_return true;
}

template <class Body>
void explore(Body body, int schedules = 2000) {
    total = {};
    for (int seed = 0; seed < weft_test::scaled(schedules); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        body(static_cast<std::uint64_t>(seed));
        if (::testing::Test::HasFailure()) return;
    }
}

// ---- async_semaphore

task<> use_permits(scene& in, std::unique_ptr<async_semaphore>& gate, int& held, int most) {
    for (int round = 0; round < 4; ++round) {
        task<> before = in.pause();
        co_await std::move(before);
        if (gate == nullptr) co_return;
        task<bool> wait = some_wait(in, *gate);
        const std::optional<bool> got = co_await outcome_of(in, std::move(wait));
        if (!got) continue;
        EXPECT_LE(++held, most);
        task<> inside = in.pause();
        co_await std::move(inside);
        --held;
        if (gate != nullptr) gate->release();
    }
}

TEST(primitives_explore, async_semaphore_keeps_its_permits) {
    explore([](std::uint64_t seed) {
        scene in(seed);
        const int permits = 1 + static_cast<int>(in.pick(3));
        auto gate = std::make_unique<async_semaphore>(permits, permits);
        int held = 0;
        std::vector<task<>> tasks;
        for (int i = 0; i < 6; ++i) tasks.push_back(use_permits(in, gate, held, permits));
        tasks.push_back(in.cancel_all());
        const bool ends_early = in.pick(4) == 0;
        if (ends_early) {
            in.world.advance(std::chrono::milliseconds(in.pick(8)));
            gate.reset();
        }
        // Without an end, an unlimited wait is always served.
        in.finish(tasks);
        EXPECT_EQ(held, 0);
        EXPECT_EQ(gate == nullptr ? permits : gate->current_count(), permits);
    });
    EXPECT_TRUE(total.granted > 0 && total.refused > 0 && total.canceled > 0 && total.disposed > 0)
        << "the schedules have not seen every outcome";
}

TEST(primitives_explore, async_semaphore_gets_its_permits_back_from_a_world_that_ends) {
    explore([](std::uint64_t seed) {
        async_semaphore gate(2, 2);
        {
            scene in(seed);
            auto hold = [](scene& with, async_semaphore& of) -> task<> {
                task<> before = with.pause();
                co_await std::move(before);
                cancellation_token token = with.token();
                const std::chrono::milliseconds limit = with.limit();
                const semaphore_permit permit = co_await of.acquire(limit, token);
                co_await delay(2ms);
            };
            std::vector<task<>> tasks;
            for (int i = 0; i < 6; ++i) tasks.push_back(hold(in, gate));
            tasks.push_back(in.cancel_all());
            in.world.advance(std::chrono::milliseconds(in.pick(6)));
        }
        EXPECT_EQ(gate.current_count(), 2);
    });
}

// ---- async_mutex, async_shared_mutex

TEST(primitives_explore, async_mutex_has_one_owner) {
    explore([](std::uint64_t seed) {
        auto all = std::make_unique<scene>(seed);
        scene& in = *all;
        async_mutex mutex;
        int inside = 0;
        auto enter = [](scene& with, async_mutex& of, int& count) -> task<bool> {
            const std::size_t kind = with.pick(3);
            cancellation_token token = with.token();
            async_mutex::guard lock;
            if (kind == 0) {
                const std::chrono::milliseconds limit = with.limit();
                lock = co_await of.lock(limit, token);
            } else if (kind == 1) {
                lock = co_await of.lock(token);
            } else {
                lock = of.try_lock();
            }
            if (!lock) co_return false;
            EXPECT_EQ(++count, 1);
            task<> pausing = with.pause();
            co_await std::move(pausing);
            --count;
            co_return true;
        };
        auto visit = [&enter](scene& with, async_mutex& of, int& count) -> task<> {
            for (int round = 0; round < 4; ++round) {
                task<bool> one = enter(with, of, count);
                co_await outcome_of(with, std::move(one));
            }
        };
        std::vector<task<>> tasks;
        for (int i = 0; i < 6; ++i) tasks.push_back(visit(in, mutex, inside));
        tasks.push_back(in.cancel_all());
        if (in.pick(4) == 0) in.world.advance(std::chrono::milliseconds(in.pick(5)));
        else in.finish(tasks);
        all.reset();  // and with it the frames that have not ended
        EXPECT_FALSE(mutex.is_locked());
    });
}

TEST(primitives_explore, async_shared_mutex_has_readers_or_a_writer) {
    explore([](std::uint64_t seed) {
        async_shared_mutex mutex;
        {
            auto all = std::make_unique<scene>(seed);
            scene& in = *all;
            int readers = 0;
            int writers = 0;
            auto visit = [](scene& with, async_shared_mutex& of, int& reading, int& writing) -> task<bool> {
                const std::size_t kind = with.pick(4);
                cancellation_token token = with.token();
                const std::chrono::milliseconds limit = with.limit();
                async_shared_mutex::guard alone;
                async_shared_mutex::shared_guard together;
                if (kind == 0) alone = co_await of.lock(limit, token);
                else if (kind == 1) alone = co_await of.lock(token);
                else if (kind == 2) together = co_await of.lock_shared(limit, token);
                else together = co_await of.lock_shared(token);
                if (!alone && !together) co_return false;
                (alone ? writing : reading) += 1;
                EXPECT_TRUE(writing == 0 || (writing == 1 && reading == 0));
                task<> pausing = with.pause();
                co_await std::move(pausing);
                (alone ? writing : reading) -= 1;
                co_return true;
            };
            auto rounds = [&visit](scene& with, async_shared_mutex& of, int& reading, int& writing) -> task<> {
                for (int round = 0; round < 3; ++round) {
                    task<bool> one = visit(with, of, reading, writing);
                    co_await outcome_of(with, std::move(one));
                }
            };
            std::vector<task<>> tasks;
            for (int i = 0; i < 6; ++i) tasks.push_back(rounds(in, mutex, readers, writers));
            tasks.push_back(in.cancel_all());
            if (in.pick(4) == 0) in.world.advance(std::chrono::milliseconds(in.pick(5)));
            else in.finish(tasks);
            all.reset();
        }
        EXPECT_EQ(mutex.readers(), 0U);
        EXPECT_FALSE(mutex.is_locked());
        EXPECT_TRUE(mutex.try_lock());
    });
}

// ---- events

TEST(primitives_explore, async_auto_reset_event_loses_and_doubles_no_signal) {
    explore([](std::uint64_t seed) {
        scene in(seed);
        auto signal = std::make_unique<async_auto_reset_event>();
        int given = 0;
        auto take = [](scene& with, async_auto_reset_event& of) -> task<> {
            for (int round = 0; round < 4; ++round) {
                const std::chrono::milliseconds limit = with.pick(2) == 0 ? 2ms : 5ms;
                task<bool> wait = of.wait(limit, with.token());
                co_await outcome_of(with, std::move(wait));
            }
        };
        auto give = [](scene& with, async_auto_reset_event& of, int& count) -> task<> {
            for (int round = 0; round < 6; ++round) {
                task<> pausing = with.pause();
                co_await std::move(pausing);
                if (!of.is_set()) ++count;
                of.set();
            }
        };
        std::vector<task<>> tasks;
        for (int i = 0; i < 4; ++i) tasks.push_back(take(in, *signal));
        for (int i = 0; i < 2; ++i) tasks.push_back(give(in, *signal, given));
        tasks.push_back(in.cancel_all());
        in.finish(tasks);
        EXPECT_EQ(given, in.granted + (signal->is_set() ? 1 : 0));
    });
}

TEST(primitives_explore, async_manual_reset_event_frees_everybody) {
    explore([](std::uint64_t seed) {
        scene in(seed);
        auto door = std::make_unique<async_manual_reset_event>();
        auto pass = [](scene& with, std::unique_ptr<async_manual_reset_event>& of) -> task<> {
            for (int round = 0; round < 4 && of != nullptr; ++round) {
                task<bool> wait = some_wait(with, *of);
                co_await outcome_of(with, std::move(wait));
                task<> pausing = with.pause();
                co_await std::move(pausing);
            }
        };
        auto swing = [](scene& with, std::unique_ptr<async_manual_reset_event>& of) -> task<> {
            for (int round = 0; round < 5; ++round) {
                task<> pausing = with.pause();
                co_await std::move(pausing);
                of->set();
                if (with.pick(2) == 0) of->reset();
            }
            if (with.pick(2) == 0) of->set();
            else of.reset();
        };
        std::vector<task<>> tasks;
        for (int i = 0; i < 5; ++i) tasks.push_back(pass(in, door));
        tasks.push_back(swing(in, door));
        tasks.push_back(in.cancel_all());
        in.finish(tasks);
    });
}

TEST(primitives_explore, async_countdown_event_and_async_latch_wait_for_every_signal) {
    explore([](std::uint64_t seed) {
        scene in(seed);
        async_countdown_event count(3);
        async_latch latch(3);
        int done = 0;
        auto work = [](scene& with, async_countdown_event& of, async_latch& end, int& ended) -> task<> {
            of.add_count();
            task<> pausing = with.pause();
            co_await std::move(pausing);
            of.signal();
            task<> again = with.pause();
            co_await std::move(again);
            ++ended;
            of.signal();
            end.count_down();
        };
        auto wait = [](scene& with, async_countdown_event& of, async_latch& end, int& ended) -> task<> {
            task<bool> first = some_wait(with, of);
            const std::optional<bool> set = co_await outcome_of(with, std::move(first));
            EXPECT_TRUE(!set || ended == 3);
            task<bool> second = some_wait(with, end);
            const std::optional<bool> open = co_await outcome_of(with, std::move(second));
            EXPECT_TRUE(!open || ended == 3);
        };
        std::vector<task<>> tasks;
        for (int i = 0; i < 4; ++i) tasks.push_back(wait(in, count, latch, done));
        for (int i = 0; i < 3; ++i) tasks.push_back(work(in, count, latch, done));
        tasks.push_back(in.cancel_all());
        in.finish(tasks);
        EXPECT_TRUE(count.is_set());
        EXPECT_TRUE(latch.try_wait());
    });
}

// ---- async_barrier, async_condition_variable, async_lazy

TEST(primitives_explore, async_barrier_brings_all_through_every_phase) {
    explore([](std::uint64_t seed) {
        scene in(seed);
        constexpr int phases = 3;
        int actions = 0;
        async_barrier meeting(4, [&](async_barrier&) { ++actions; });
        auto take_part = [](scene& with, async_barrier& of) -> task<> {
            int attempts = 0;
            for (int phase = 0; phase < phases;) {
                task<> pausing = with.pause();
                co_await std::move(pausing);
                EXPECT_EQ(of.current_phase_number(), phase);
                // Seed 0 chooses the same each time: in the end everybody waits for as long as it takes.
                const bool patient = ++attempts > 12;
                const std::chrono::milliseconds limit = patient ? -1ms : with.limit();
                task<bool> arrival = of.signal_and_wait(limit, patient ? cancellation_token() : with.token());
                const std::optional<bool> through = co_await outcome_of(with, std::move(arrival));
                if (through) ++phase;
                else co_await delay(1ms);
            }
        };
        std::vector<task<>> tasks;
        for (int i = 0; i < 4; ++i) tasks.push_back(take_part(in, meeting));
        tasks.push_back(in.cancel_all());
        in.finish(tasks);
        EXPECT_EQ(actions, phases);
        EXPECT_EQ(meeting.participants_remaining(), 4);
    });
}

TEST(primitives_explore, async_condition_variable_misses_no_change) {
    explore([](std::uint64_t seed) {
        async_mutex mutex;
        async_condition_variable changed;
        int stock = 0;
        {
            auto all = std::make_unique<scene>(seed);
            scene& in = *all;
            auto take = [](scene& with, async_mutex& of, async_condition_variable& on, int& amount) -> task<bool> {
                cancellation_token token = with.token();
                const std::size_t kind = with.pick(2);
                const std::chrono::milliseconds limit = with.limit();
                async_mutex::guard lock = co_await of.lock(token);
                while (amount == 0) {
                    bool notified = true;
                    if (kind == 0) notified = co_await on.wait(lock, limit, token);
                    else co_await on.wait(lock, token);
                    EXPECT_TRUE(lock.owns_lock());
                    if (!notified) co_return false;
                }
                --amount;
                co_return true;
            };
            auto consume = [&take](scene& with, async_mutex& of, async_condition_variable& on, int& amount) -> task<> {
                for (int round = 0; round < 3; ++round) {
                    task<bool> one = take(with, of, on, amount);
                    co_await outcome_of(with, std::move(one));
                }
            };
            auto produce = [](scene& with, async_mutex& of, async_condition_variable& on, int& amount) -> task<> {
                for (int round = 0; round < 15; ++round) {
                    task<> pausing = with.pause();
                    co_await std::move(pausing);
                    {
                        const auto lock = co_await of.lock();
                        ++amount;
                    }
                    on.notify_one();
                }
            };
            std::vector<task<>> tasks;
            for (int i = 0; i < 5; ++i) tasks.push_back(consume(in, mutex, changed, stock));
            tasks.push_back(produce(in, mutex, changed, stock));
            tasks.push_back(in.cancel_all());
            if (in.pick(4) == 0) {
                in.world.advance(std::chrono::milliseconds(in.pick(8)));
            } else {
                in.finish(tasks);
                EXPECT_EQ(stock, 15 - in.granted);
            }
            all.reset();
        }
        EXPECT_FALSE(mutex.is_locked());
        changed.notify_all();
    });
}

TEST(primitives_explore, async_lazy_makes_its_value_once) {
    explore([](std::uint64_t seed) {
        scene in(seed);
        int calls = 0;
        async_lazy<int> lazy([&in, &calls]() -> task<int> {
            ++calls;
            task<> pausing = in.pause();
            co_await std::move(pausing);
            co_return 42;
        });
        auto ask = [](scene& with, async_lazy<int>& of) -> task<bool> {
            task<> pausing = with.pause();
            co_await std::move(pausing);
            const int& value = co_await of.value(with.token());
            EXPECT_EQ(value, 42);
            co_return true;
        };
        auto count = [&ask](scene& with, async_lazy<int>& of) -> task<> {
            task<bool> one = ask(with, of);
            co_await outcome_of(with, std::move(one));
        };
        std::vector<task<>> tasks;
        for (int i = 0; i < 5; ++i) tasks.push_back(count(in, lazy));
        tasks.push_back(in.cancel_all());
        in.finish(tasks);
        EXPECT_LE(calls, 1);
        EXPECT_EQ(lazy.is_value_created(), calls == 1);
    });
}

}  // namespace
