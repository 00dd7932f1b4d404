// What the explorer says of a schedule that failed: which kind of failure, who waits for what, and how to repeat it.
// SPDX-License-Identifier: MIT

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "explore/explored.hpp"

namespace {

using namespace explored;
using testing::HasSubstr;
using testing::Not;

exploration failing(task<> (*body)(world&), explore_options options = {}) {
    options.name = "the test";
    options.command = "./tests --only=this";
    return explore(options, body);
}

task<> patient_reader(task<> never) { co_await never; }

TEST(explore_report, a_deadlock_names_who_waits) {
    const exploration done = failing([](world& w) -> task<> {
        task_completion_source<> never;
        task<> reading = w.spawn([&] { return patient_reader(never.task()); });
        co_await reading;
    });
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.failure->message, HasSubstr("deadlock: nothing can happen, and the test is not done; "));
    EXPECT_THAT(done.failure->message, HasSubstr(" tasks wait"));
    EXPECT_THAT(done.failure->report, HasSubstr("still waiting"));
    EXPECT_THAT(done.failure->report, HasSubstr("patient_reader"));
    EXPECT_EQ(done.failure->choices, 0U);
}

TEST(explore_report, shows_the_tasks_of_the_test_and_not_the_explorers) {
    const exploration done = failing([](world& w) -> task<> {
        static_cast<void>(w.choose("how", 2));
        task_completion_source<> never;
        task<> reading = w.spawn([&] { return patient_reader(never.task()); });
        co_await reading;
    });
    ASSERT_FALSE(done.ok());
    const std::string& report = done.failure->report;
    EXPECT_THAT(report, Not(HasSubstr("begin")));
    EXPECT_THAT(report, Not(HasSubstr("schedule_run.cpp")));
    EXPECT_THAT(report, HasSubstr("  #1 "));
    EXPECT_THAT(report, HasSubstr("\n     0  "));
    // Who waits: the reader, the task that spawn() made, and the test's own, which is the outermost.
    EXPECT_THAT(done.failure->message, HasSubstr("; 3 tasks wait"));
    const std::size_t chains = report.find("still waiting");
    ASSERT_NE(chains, std::string::npos);
    EXPECT_THAT(report.substr(chains), HasSubstr("patient_reader"));
    EXPECT_THAT(report.substr(chains), Not(HasSubstr("<- \n")));
}

TEST(explore_report, a_choice_before_the_tests_first_await_stands_in_its_column) {
    const exploration done = failing([](world& w) -> task<> {
        const bool broken = w.choose("a way", 2) == 1;
        co_await weft::yield();
        w.check(!broken, "the way");
    });
    ASSERT_FALSE(done.ok());
    const std::string& report = done.failure->report;
    const std::size_t header = report.find("#1 ");
    ASSERT_NE(header, std::string::npos);
    const std::size_t column = header - (report.rfind('\n', header) + 1);
    const std::size_t choice = report.find("a way: 1 of 2");
    ASSERT_NE(choice, std::string::npos) << report;
    EXPECT_EQ(choice - (report.rfind('\n', choice) + 1), column) << report;
    EXPECT_EQ(report.find("#2 "), std::string::npos) << report;
}

TEST(explore_report, a_livelock_is_told_from_a_deadlock) {
    explore_options options;
    options.max_steps = 500;
    const exploration done = failing(
        [](world& w) -> task<> {
            bool set = false;
            task<> spinning = w.spawn([&]() -> task<> {
                while (!set) co_await weft::yield();
            });
            co_await spinning;
        },
        options);
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.failure->message, HasSubstr("livelock: too many steps, and the test is not done; "));
}

TEST(explore_report, a_task_that_nobody_can_wake_is_lost) {
    const auto body = [](world& w) -> task<> {
        static task_completion_source<> never;
        never = task_completion_source<>();
        co_await w.point();
        patient_reader(never.task()).forget();
    };
    const exploration done = failing(body);
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.failure->message, HasSubstr("lost: the test is done, and nothing can wake who is left; 1 tasks wait"));
    EXPECT_THAT(done.failure->report, HasSubstr("patient_reader"));
    explore_options options;
    options.tasks_may_remain = true;
    options.schedules = 20;
    EXPECT_TRUE(failing(body, options).ok());
}

TEST(explore_report, a_dropped_exception_is_a_failure) {
    const exploration done = failing([](world& w) -> task<> {
        w.spawn([]() -> task<> {
             co_await weft::completed_task();
             throw std::runtime_error("nobody looks at me");
         }).forget();
        co_await w.settle();
    });
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.failure->message, HasSubstr("an exception went unobserved: nobody looks at me"));
}

TEST(explore_report, an_exception_of_the_test_is_its_message) {
    const exploration done = failing([](world& w) -> task<> {
        co_await w.point();
        throw std::runtime_error("thrown by the test");
    });
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.failure->message, "thrown by the test");
}

TEST(explore_report, a_check_counts_wherever_its_exception_ends) {
    const exploration done = failing([](world& w) -> task<> {
        try {
            co_await w.point();
            w.check(false, "swallowed");
        } catch (...) {
            // As a program that catches everything does.
        }
    });
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.failure->message, HasSubstr("check failed at reports_test.cpp:"));
    EXPECT_THAT(done.failure->message, HasSubstr(": swallowed"));
}

TEST(explore_report, a_callback_that_throws_in_a_cancellation_is_a_failure) {
    const exploration done = failing([](world& w) -> task<> {
        const cancellation_token stop = w.cancel_any_time();
        const cancellation_registration bad = stop.register_callback([] { throw std::runtime_error("in a callback"); });
        co_await w.point();
        co_await weft::delay(1ms);
    });
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.failure->message, HasSubstr("a callback of a cancellation threw"));
}

TEST(explore_report, what_a_failure_leaves_behind_may_use_the_world) {
    const exploration done = failing([](world& w) -> task<> {
        task<> waiting = w.spawn([&]() -> task<> {
            const weft::scope_exit note([&]() noexcept { w.probe("left"); });
            co_await w.settle();
            co_await w.point();
            co_await weft::delay(1h);
        });
        co_await w.point();
        w.check(false, "at once");
        co_await waiting;
    });
    ASSERT_FALSE(done.ok());
    EXPECT_THAT(done.failure->message, HasSubstr("at once"));
}

TEST(explore_report, says_how_to_repeat_it) {
    const exploration done = failing([](world& w) -> task<> {
        int total = 0;
        const auto add = [&]() -> task<> {
            const int before = total;
            co_await w.point();
            total = before + 1;
        };
        task<> first = add();
        task<> second = add();
        co_await weft::when_all(first, second);
        w.check(total == 2, "both count");
    });
    ASSERT_FALSE(done.ok());
    const std::string& report = done.failure->report;
    EXPECT_THAT(report, HasSubstr("the test failed: check failed"));
    EXPECT_THAT(report, HasSubstr("found by " + done.failure->found_by + " in schedule "));
    EXPECT_THAT(report, HasSubstr("to repeat it: WEFT_REPLAY=" + done.failure->replay + " ./tests --only=this"));
    EXPECT_THAT(report, HasSubstr("stopped"));
    EXPECT_EQ(done.to_string(), report);
}

TEST(explore_report, a_text_that_is_no_replay_is_refused) {
    for (const char* text : {"nonsense", "w1-", "w1-xyz-1", "w1-1-1.q", "w1-1-z99999999999"}) {
        explore_options options;
        options.replay = text;
        EXPECT_THROW(static_cast<void>(failing([](world& w) { return w.point(); }, options)), std::invalid_argument)
            << text;
    }
}

}  // namespace
