// The same choices make the same run, what is not under control is noticed, virtual time is quick, and so is exploring.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "explore/explored.hpp"

namespace {

using namespace explored;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// Figures hold for the optimised build without sanitizers; the others scale their counts.
bool measures() {
#ifdef NDEBUG
    return weft_test::scaled(1'000) == 1'000;
#else
    return false;
#endif
}

// A bit of everything: tasks, timers, a channel, random numbers, a cancellation.
task<> busy_day(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    weft::channel<int> queue = weft::channel<int>::bounded(1);
    const auto writer = [&](int base) -> task<> {
        for (int i = 0; i < 2; ++i) {
            co_await weft::delay(std::chrono::milliseconds(1 + w.scheduler().random() % 3));
            co_await queue.writer().write(base + i);
        }
    };
    int sum = 0;
    task<> reader = w.spawn([&]() -> task<> {
        for (int i = 0; i < 4; ++i) sum += co_await queue.reader().read();
    });
    task<> waiting = w.spawn([&]() -> task<> {
        const outcome<> end = co_await task<>(weft::delay(3ms, stop)).as_outcome();
        if (end.is_canceled()) w.probe("cancelled");
    });
    task<> first = w.spawn([&] { return writer(10); });
    task<> second = writer(20);
    co_await weft::when_all(first, second, reader, waiting);
    w.check(sum == 62, "everything arrives");
}

task<> lost_update_on_a_busy_day(world& w) {
    int total = 0;
    const auto add = [&]() -> task<> {
        co_await busy_day(w);
        const int before = total;
        co_await w.point();
        total = before + 1;
    };
    task<> first = add();
    task<> second = w.spawn([&] { return add(); });
    co_await weft::when_all(first, second);
    w.check(total == 2, "both updates count");
}

TEST(explore_determinism, a_thousand_schedules_repeat_themselves) {
    explore_options options;
    options.schedules = static_cast<std::size_t>(weft_test::scaled(1'000));
    options.guard_every = 1;  // runs each twice, and compares
    const exploration done = explore(options, busy_day);
    EXPECT_TRUE(done.ok()) << done.to_string();
    EXPECT_GT(done.distinct, done.schedules / 2);
}

TEST(explore_determinism, a_seed_means_the_same_search) {
    explore_options options;
    options.schedules = 200;
    const exploration first = explore(options, busy_day);
    const exploration second = explore(options, busy_day);
    EXPECT_EQ(first.steps, second.steps);
    EXPECT_EQ(first.distinct, second.distinct);
    EXPECT_EQ(first.probes, second.probes);
    options.seed = 2;
    EXPECT_NE(explore(options, busy_day).steps, first.steps);
}

TEST(explore_determinism, a_long_failure_repeats_a_thousand_times) {
    explore_options options;
    options.shrink = false;
    const exploration found = explore(options, lost_update_on_a_busy_day);
    ASSERT_FALSE(found.ok());
    EXPECT_GT(found.failure->choices, 3U);
    explore_options again;
    again.replay = found.failure->replay;
    const std::string report = explore(again, lost_update_on_a_busy_day).to_string();
    EXPECT_NE(report.find("both updates count"), std::string::npos) << report;
    for (int i = 0; i < weft_test::scaled(1'000); ++i)
        ASSERT_EQ(explore(again, lost_update_on_a_busy_day).to_string(), report) << "run " << i;
}

// ---- the guard

task<> as_many_choices_as(world& w, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) static_cast<void>(w.choose("branch", 3));
    co_return;
}

exploration guarded(task<> (*body)(world&)) {
    explore_options options;
    options.schedules = 500;
    options.guard_every = 1;
    return explore(options, body);
}

void expect_caught(const exploration& done) {
    ASSERT_FALSE(done.ok());
    EXPECT_NE(done.failure->message.find("not deterministic: the same choices led to two runs"), std::string::npos)
        << done.failure->message;
    EXPECT_NE(done.failure->message.find("'branch' of 3"), std::string::npos) << done.failure->message;
    EXPECT_NE(done.failure->report.find("does not come from the world"), std::string::npos) << done.failure->report;
}

TEST(explore_guard, speaks_of_real_random_numbers) {
    expect_caught(guarded([](world& w) -> task<> {
        std::random_device entropy;
        co_await as_many_choices_as(w, entropy() % 8);
    }));
}
TEST(explore_guard, speaks_of_real_time) {
    expect_caught(guarded([](world& w) -> task<> {
        const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
        co_await as_many_choices_as(w, static_cast<std::uint64_t>(now) % 7);
    }));
}
TEST(explore_guard, speaks_of_state_that_one_run_leaves_to_the_next) {
    expect_caught(guarded([](world& w) -> task<> {
        static std::uint64_t runs = 0;
        co_await as_many_choices_as(w, runs++ % 2 + 1);
    }));
}
TEST(explore_guard, speaks_of_time_that_moves_otherwise) {
    const exploration done = guarded([](world& w) -> task<> {
        static std::int64_t runs = 0;
        co_await w.point();
        co_await weft::delay(std::chrono::milliseconds(1 + runs++ % 2));
    });
    ASSERT_FALSE(done.ok());
    EXPECT_NE(done.failure->message.find("not deterministic"), std::string::npos) << done.failure->message;
}
TEST(explore_guard, a_failure_that_does_not_repeat_says_so) {
    const exploration done = guarded([](world& w) -> task<> {
        static int runs = 0;
        co_await w.point();
        w.check(++runs != 1, "only the first run fails");
    });
    ASSERT_FALSE(done.ok());
    EXPECT_NE(done.failure->report.find("the test is not deterministic"), std::string::npos) << done.failure->report;
}

// ---- speed

TEST(explore_speed, a_day_of_timers_takes_less_than_a_second) {
    explore_options options;
    options.schedules = 1;
    options.max_steps = 10'000'000;
    options.guard_every = 0;
    const double before = cpu_seconds();
    const exploration done = explore(options, [](world& w) -> task<> {
        const weft::time_point begin = w.clock().now();
        int beats = 0;
        const auto heart = [&](std::chrono::seconds every) -> task<> {
            while (w.clock().now() - begin < 24h) {
                co_await weft::delay(every);
                ++beats;
            }
        };
        task<> hearts[] = {heart(1s), heart(2s), heart(60s), heart(3600s)};
        co_await weft::when_all(hearts);
        w.check(beats == 86'400 + 43'200 + 1'440 + 24, "every beat");
        w.check(w.clock().now() - begin == 24h, "a day to the nanosecond");
    });
    const double took = cpu_seconds() - before;
    EXPECT_TRUE(done.ok()) << done.to_string();
    std::printf("  24 h of virtual time, 131064 timers: %.3f s of CPU\n", took);
    if (measures()) {
        EXPECT_LT(took, 1.0);
    }
}

TEST(explore_speed, two_hundred_thousand_steps_a_second) {
    explore_options options;
    options.schedules = static_cast<std::size_t>(weft_test::scaled(5'000));
    const double before = cpu_seconds();
    const exploration done = explore(options, busy_day);
    const double took = cpu_seconds() - before;
    EXPECT_TRUE(done.ok()) << done.to_string();
    const double steps_per_second = static_cast<double>(done.steps) / took;
    const double schedules_per_second = static_cast<double>(done.schedules) / took;
    std::printf("  %.0f steps/s, %.0f schedules/s of %.1f steps\n", steps_per_second, schedules_per_second,
        static_cast<double>(done.steps) / static_cast<double>(done.schedules));
    if (measures()) {
        EXPECT_GT(steps_per_second, 200'000);
        EXPECT_GT(schedules_per_second, 5'000);
    }
}

// ---- a slow machine

task<> answers_in_time(world& w) {
    bool answered = false;
    task<> server = w.spawn([&]() -> task<> {
        co_await weft::yield();
        answered = true;
    });
    co_await weft::delay(10ms);
    w.check(answered, "no answer takes 10 ms");
    co_await server;
}
TEST(explore_slow_machine, a_timer_may_overtake_what_is_ready) {
    explore_options options;
    options.slow_by = 0ns;
    EXPECT_TRUE(explore(options, answers_in_time).ok());
    options.slow_by = 10ms;
    const exploration done = explore(options, answers_in_time);
    ASSERT_FALSE(done.ok());
    EXPECT_LE(done.failure->choices, 2U) << done.to_string();
}

}  // namespace
