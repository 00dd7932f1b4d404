// Structured concurrency: nothing outlives its scope, and a failure is the scope's.
// SPDX-License-Identifier: MIT

#include "weft/task_scope.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "weft/delay.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

task<int> after(std::chrono::milliseconds pause, int value) {
    co_await delay(pause, this_task::token());
    co_return value;
}
task<int> fail_after(std::chrono::milliseconds pause, const char* what) {
    co_await delay(pause);
    throw std::runtime_error(what);
}
/// Ends canceled, but only after some cleaning up.
task<int> stubborn(std::string& trace, cancellation_token token) {
    outcome<> slept = co_await delay(1h, token).as_task().as_outcome();
    co_await delay(5s);
    trace += "cleaned ";
    slept.value();
    co_return 0;
}

TEST(task_scope, join_waits_for_every_child) {
    deterministic_scheduler world;
    const auto body = []() -> task<int> {
        task_scope scope;
        task<int> a = scope.spawn(after, 10ms, 1);
        task<int> b = scope.spawn(after, 20ms, 2);
        co_await scope.join();
        co_return a.get() + b.get();
    };
    EXPECT_EQ(world.run(body()), 3);
}

TEST(task_scope, the_first_failure_cancels_the_others_and_all_are_joined) {
    deterministic_scheduler world;
    std::string trace;
    const auto body = [](std::string& seen) -> task<> {
        task_scope scope;
        scope.spawn(stubborn, std::ref(seen)).forget();
        scope.spawn(fail_after, 1ms, "the cause").forget();
        outcome<> joined = co_await scope.join().as_outcome();
        seen += "joined";
        joined.value();
    };
    try {
        world.run(body(trace));
        FAIL() << "the failure was lost";
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "the cause");
    }
    EXPECT_EQ(trace, "cleaned joined");
}

TEST(task_scope, several_failures_become_one_aggregate) {
    deterministic_scheduler world;
    const auto body = []() -> task<> {
        task_scope scope;
        scope.spawn(fail_after, 1ms, "one").forget();
        scope.spawn(fail_after, 2ms, "two").forget();
        co_await scope.join();
    };
    EXPECT_THROW(world.run(body()), aggregate_exception);
}

TEST(task_scope, a_child_that_is_canceled_by_itself_cancels_the_scope) {
    deterministic_scheduler world;
    const auto body = []() -> task<> {
        task_scope scope;
        scope
            .spawn([]() -> task<> {
                co_await delay(1ms);
                throw task_canceled();
            })
            .forget();
        scope.spawn(after, 1h, 1).forget();
        co_await scope.join();
    };
    const time_point start = world.time().now();
    EXPECT_THROW(world.run(body()), task_canceled);
    EXPECT_EQ(world.time().now() - start, 1ms);
}

TEST(task_scope, with_scope_joins_also_when_its_body_throws) {
    deterministic_scheduler world;
    std::string trace;
    const auto body = [&trace](task_scope& scope) -> task<> {
        scope.spawn(stubborn, std::ref(trace)).forget();
        co_await delay(1ms);
        throw std::runtime_error("body");
    };
    EXPECT_THROW(world.run(with_scope(body)), std::runtime_error);
    EXPECT_EQ(trace, "cleaned ");
}

TEST(task_scope, with_scope_gives_the_value_of_its_body_and_the_failure_of_a_child) {
    deterministic_scheduler world;
    const auto good = [](task_scope& scope) -> task<int> {
        task<int> child = scope.spawn(after, 5ms, 4);
        co_return co_await child + 1;
    };
    EXPECT_EQ(world.run(with_scope(good)), 5);
    const auto bad = [](task_scope& scope) -> task<int> {
        scope.spawn(fail_after, 1ms, "child").forget();
        co_return co_await after(1h, 1);  // canceled with the scope
    };
    EXPECT_THROW(world.run(with_scope(bad)), std::runtime_error);
}

TEST(task_scope, a_cancelled_parent_cancels_a_nested_scope) {
    deterministic_scheduler world;
    cancellation_source source(3ms);
    const auto inner = [](task_scope& scope) -> task<> {
        scope.spawn(after, 1h, 1).forget();
        co_return;
    };
    const auto outer = [&inner](task_scope&) -> task<> { co_await with_scope(inner); };
    const time_point start = world.time().now();
    EXPECT_THROW(world.run(with_scope(outer, source.token())), task_canceled);
    EXPECT_EQ(world.time().now() - start, 3ms);
}

TEST(task_scope, the_ambient_token_is_the_scopes_inside_and_nobodys_outside) {
    deterministic_scheduler world;
    EXPECT_FALSE(this_task::token().can_be_canceled());
    const auto body = [](task_scope& scope) -> task<bool> { co_return this_task::token() == scope.token(); };
    EXPECT_TRUE(world.run(with_scope(body)));
    EXPECT_FALSE(this_task::token().can_be_canceled());
}

TEST(task_scope, children_may_spawn_siblings_while_the_scope_is_joined) {
    deterministic_scheduler world;
    int ran = 0;
    const auto body = [&ran](task_scope& scope) -> task<> {
        scope
            .spawn([&scope, &ran]() -> task<> {
                co_await delay(1ms);
                scope
                    .spawn([&ran]() -> task<> {
                        co_await delay(1ms);
                        ++ran;
                    })
                    .forget();
                ++ran;
            })
            .forget();
        co_return;
    };
    world.run(with_scope(body));
    EXPECT_EQ(ran, 2);
}

TEST(task_scope_death, one_that_goes_while_children_run_ends_the_process) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            deterministic_scheduler world;
            task_scope scope;
            scope.spawn(after, 1h, 1).forget();
        },
        "children run");
}

TEST(with_deadline, a_limit_cancels_what_runs_under_it_and_says_timeout) {
    deterministic_scheduler world;
    const time_point start = world.time().now();
    EXPECT_THROW(world.run(with_deadline(10ms, [] { return after(1h, 1); })), timeout_exception);
    EXPECT_EQ(world.time().now() - start, 10ms);
    EXPECT_EQ(world.run(with_deadline(10ms, [] { return after(5ms, 7); })), 7);
}

TEST(with_deadline, it_flows_and_can_only_become_shorter) {
    deterministic_scheduler world;
    const time_point start = world.time().now();
    const auto inner = [] { return with_deadline(1h, [] { return after(2h, 1); }); };
    EXPECT_THROW(world.run(with_deadline(10ms, inner)), timeout_exception);
    EXPECT_EQ(world.time().now() - start, 10ms);
    const auto ask = []() -> task<time_point> { co_return this_task::deadline().value(); };
    const time_point before = world.time().now();
    EXPECT_EQ(world.run(with_deadline(1s, [&] { return with_deadline(1h, ask); })), before + 1s);
    EXPECT_FALSE(this_task::deadline().has_value());
}

TEST(with_deadline, a_cancellation_of_ones_own_stays_a_cancellation) {
    deterministic_scheduler world;
    EXPECT_THROW(world.run(with_deadline(1h, []() -> task<> { throw task_canceled(); })), task_canceled);
    EXPECT_THROW(static_cast<void>(with_deadline(-5s, [] { return after(1ms, 1); })), std::invalid_argument);
}

TEST(race, the_first_to_end_wins_and_the_others_are_cancelled_and_joined) {
    deterministic_scheduler world;
    std::string trace;
    const int won = world.run(
        race([] { return after(5ms, 1); }, [&trace](cancellation_token token) { return stubborn(trace, token); }));
    EXPECT_EQ(won, 1);
    EXPECT_EQ(trace, "cleaned ");
}

TEST(race, a_winner_that_failed_is_a_failure) {
    deterministic_scheduler world;
    EXPECT_THROW(world.run(race([] { return after(1h, 1); }, [] { return fail_after(1ms, "first"); })), std::runtime_error);
}

TEST(task_scope, with_scope_joins_also_when_a_callback_of_its_token_throws) {
    deterministic_scheduler world;
    std::string trace;
    const auto registers = [](cancellation_token token) -> task<> {
        const cancellation_registration kept = token.unsafe_register([] { throw std::logic_error("of the callback"); });
        co_await delay(2ms);
    };
    const auto body = [&trace, &registers](task_scope& scope) -> task<> {
        scope.spawn(stubborn, std::ref(trace)).forget();
        scope.spawn(registers).forget();
        co_await delay(1ms);
        throw std::runtime_error("body");
    };
    EXPECT_THROW(world.run(with_scope(body)), std::runtime_error);
    EXPECT_EQ(trace, "cleaned ");
}

TEST(task_scope, a_child_whose_argument_throws_on_its_way_is_no_child) {
    struct throws_when_moved {
        throws_when_moved() = default;
        throws_when_moved(const throws_when_moved& other) : left(other.left - 1) {
            if (left == 0) throw std::runtime_error("of the argument");
        }
        throws_when_moved& operator=(const throws_when_moved&) = delete;
        int left = 2;
    };
    deterministic_scheduler world;
    const auto body = []() -> task<> {
        task_scope scope;
        const auto child = [](const throws_when_moved&) -> task<> { co_return; };
        const throws_when_moved argument;
        EXPECT_THROW(scope.spawn(child, argument).forget(), std::runtime_error);
        co_await scope.join();
    };
    world.run(body());
}

TEST(race, joins_the_losers_also_when_a_callback_of_their_token_throws) {
    deterministic_scheduler world;
    bool ended = false;
    const auto loser = [&ended](cancellation_token token) -> task<int> {
        const cancellation_registration thrower = token.unsafe_register([] { throw std::logic_error("of the callback"); });
        co_await delay(5ms);
        ended = true;
        co_return 1;
    };
    const auto winner = []() -> task<int> {
        co_await delay(1ms);
        co_return 2;
    };
    EXPECT_EQ(world.run(race(loser, winner)), 2);
    EXPECT_TRUE(ended);
}

}  // namespace
