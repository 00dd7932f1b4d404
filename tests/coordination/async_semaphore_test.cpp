// SPDX-License-Identifier: MIT
#include "weft/sync/async_semaphore.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/allocation_counter.hpp"
#include "weft/block_on.hpp"
#include "weft/delay.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/run.hpp"
#include "weft/runtime.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/when_all.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

task<> note(async_semaphore& gate, std::vector<int>& order, int number, cancellation_token token = {}) {
    co_await gate.wait(token);
    order.push_back(number);
}

TEST(async_semaphore, S_1_19_1_waiters_are_served_first_come_first_served) {
    deterministic_scheduler world(0);
    async_semaphore gate(0);
    std::vector<int> order;
    std::vector<task<>> waiting;
    for (int i = 0; i < 5; ++i) waiting.push_back(note(gate, order, i));
    EXPECT_EQ(gate.release(2), 0);
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 1}));
    EXPECT_EQ(gate.release(4), 0);
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
    EXPECT_EQ(gate.current_count(), 1) << "what nobody waits for stays";
}

TEST(async_semaphore, S_1_19_2_continuations_do_not_run_inside_release) {
    deterministic_scheduler world(0);
    async_semaphore gate(0);
    std::vector<int> order;
    const task<> waiting = note(gate, order, 1);
    gate.release();
    EXPECT_TRUE(order.empty());
    world.run_ready();
    EXPECT_EQ(order.size(), 1U);
}

TEST(async_semaphore, S_1_19_3_release_gives_the_previous_count_and_refuses_too_many_without_a_trace) {
    deterministic_scheduler world(0);
    async_semaphore gate(1, 3);
    EXPECT_EQ(gate.release(), 1);
    EXPECT_EQ(gate.release(1), 2);
    EXPECT_EQ(gate.current_count(), 3);
    try {
        gate.release(2);
        ADD_FAILURE() << "released too many";
    } catch (const semaphore_full& error) {
        EXPECT_STREQ(error.what(), "async_semaphore::release(2): 3 of at most 3 permits are free already");
    }
    EXPECT_THROW(gate.release(std::numeric_limits<std::int32_t>::max()), semaphore_full);
    EXPECT_EQ(gate.current_count(), 3);
    EXPECT_THROW(gate.release(0), std::invalid_argument);
    EXPECT_THROW(gate.release(-1), std::invalid_argument);
    EXPECT_THROW(async_semaphore(-1, 1), std::invalid_argument);
    EXPECT_THROW(async_semaphore(2, 1), std::invalid_argument);
    EXPECT_THROW(async_semaphore(0, 0), std::invalid_argument);
}

TEST(async_semaphore, S_1_19_4_a_limit_of_zero_answers_synchronously_and_a_limit_that_passes_gives_false) {
    deterministic_scheduler world(0);
    async_semaphore gate(1);
    const task<bool> first = gate.wait(0ms);
    const task<bool> second = gate.wait(0ms);
    ASSERT_TRUE(first.is_completed());
    ASSERT_TRUE(second.is_completed());
    EXPECT_TRUE(first.get());
    EXPECT_FALSE(second.get());

    const task<bool> third = gate.wait(5s);
    world.advance(4999ms);
    EXPECT_FALSE(third.is_completed());
    world.advance(1ms);
    ASSERT_TRUE(third.is_completed());
    EXPECT_FALSE(third.get());
    const task<bool> fourth = gate.wait(5s);
    gate.release();
    world.run_ready();
    ASSERT_TRUE(fourth.is_completed());
    EXPECT_TRUE(fourth.get());
    EXPECT_EQ(gate.current_count(), 0);
    EXPECT_THROW(static_cast<void>(gate.wait(-2ms)), std::invalid_argument);
}

TEST(async_semaphore, S_1_19_4_cancellation_gives_canceled_with_that_token) {
    deterministic_scheduler world(0);
    async_semaphore gate(0);
    cancellation_source stop;
    const task<> plain = gate.wait(stop.token());
    const task<bool> limited = gate.wait(1h, stop.token());
    stop.cancel();
    EXPECT_FALSE(plain.is_completed()) << "nothing continues inside cancel()";
    world.run_ready();
    EXPECT_TRUE(plain.is_canceled());
    EXPECT_TRUE(limited.is_canceled());
    try {
        plain.get();
        ADD_FAILURE() << "was not canceled";
    } catch (const operation_canceled& canceled) {
        EXPECT_EQ(canceled.token(), stop.token());
    }
}

TEST(async_semaphore, S_1_19_4_a_token_cancelled_beforehand_wins_over_free_permits) {
    deterministic_scheduler world(0);
    async_semaphore gate(1);
    const task<> waiting = gate.wait(cancellation_token(true));
    EXPECT_TRUE(waiting.is_canceled());
    const task<bool> at_once = gate.wait(0ms, cancellation_token(true));
    EXPECT_TRUE(at_once.is_canceled());
    EXPECT_EQ(gate.current_count(), 1);
}

TEST(async_semaphore, S_1_19_5_a_cancelled_waiter_never_consumes_a_permit) {
    deterministic_scheduler world(0);
    async_semaphore gate(0);
    cancellation_source stop;
    std::vector<int> order;
    const task<> first = note(gate, order, 1, stop.token());
    const task<> second = note(gate, order, 2);
    stop.cancel();
    gate.release();
    world.run_ready();
    EXPECT_TRUE(first.is_canceled());
    EXPECT_EQ(order, std::vector<int>{2});
    gate.release();
    EXPECT_EQ(gate.current_count(), 1);
}

TEST(async_semaphore, S_1_19_5_a_permit_that_was_granted_first_wins_over_the_cancellation) {
    deterministic_scheduler world(0);
    async_semaphore gate(0);
    cancellation_source stop;
    std::vector<int> order;
    const task<> waiting = note(gate, order, 1, stop.token());
    gate.release();
    stop.cancel();
    world.run_ready();
    EXPECT_TRUE(waiting.is_completed_successfully());
    EXPECT_EQ(gate.current_count(), 0);
}

TEST(async_semaphore, S_1_19_5_a_timed_out_waiter_never_consumes_a_permit) {
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        deterministic_scheduler world(seed);
        async_semaphore gate(0);
        const task<bool> waiting = gate.wait(1s);
        const task<> releasing = [](async_semaphore& of) -> task<> {
            co_await delay(1s);
            of.release();
        }(gate);
        world.run_until_idle();
        ASSERT_TRUE(waiting.is_completed());
        EXPECT_EQ(gate.current_count(), waiting.get() ? 0 : 1) << "seed " << seed;
    }
}

TEST(async_semaphore, S_1_19_6_a_permit_has_no_owner) {
    async_semaphore gate(1);
    EXPECT_TRUE(gate.try_wait());
    EXPECT_FALSE(gate.try_wait());
    block_on(run([&] { gate.release(); }));
    EXPECT_TRUE(gate.try_wait());
}

TEST(async_semaphore, S_1_19_7_dispose_wakes_nobody_and_later_calls_throw) {
    deterministic_scheduler world(0);
    async_semaphore gate(0);
    cancellation_source stop;
    const task<> waiting = gate.wait(stop.token());
    gate.dispose();
    world.run_ready();
    EXPECT_FALSE(waiting.is_completed());
    EXPECT_THROW(gate.release(), object_disposed);
    EXPECT_THROW(static_cast<void>(gate.try_wait()), object_disposed);
    const task<> later = gate.wait();
    EXPECT_THROW(later.get(), object_disposed);
    stop.cancel();
    world.run_ready();
    EXPECT_TRUE(waiting.is_canceled());
}

TEST(async_semaphore, a_newcomer_does_not_overtake_the_line) {
    deterministic_scheduler world(0);
    async_semaphore gate(0);
    std::vector<int> order;
    const task<> first = note(gate, order, 1);
    gate.release();  // granted, though the waiter has not run yet
    EXPECT_FALSE(gate.try_wait());
    const task<> second = note(gate, order, 2);
    EXPECT_FALSE(static_cast<bool>(gate.try_acquire()));
    gate.release();
    world.run_ready();
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST(async_semaphore, a_permit_gives_itself_back_once) {
    deterministic_scheduler world(0);
    async_semaphore gate(1, 1);
    {
        semaphore_permit permit = gate.try_acquire();
        EXPECT_TRUE(static_cast<bool>(permit));
        semaphore_permit moved = std::move(permit);
        EXPECT_EQ(gate.current_count(), 0);
        moved.release();
        moved.release();
        EXPECT_EQ(gate.current_count(), 1);
    }
    EXPECT_EQ(gate.current_count(), 1);
    const task<> holder = [](async_semaphore& of) -> task<> {
        const semaphore_permit permit = co_await of.acquire();
        const semaphore_permit none = co_await of.acquire(1s);
        EXPECT_FALSE(static_cast<bool>(none));
    }(gate);
    world.run_until_idle();
    EXPECT_TRUE(holder.is_completed_successfully());
    EXPECT_EQ(gate.current_count(), 1);
    semaphore_permit detached = gate.try_acquire();
    detached.detach();
    EXPECT_EQ(gate.current_count(), 0);
    gate.release();
}

TEST(async_semaphore, its_end_ends_the_waits) {
    deterministic_scheduler world(0);
    auto gate = std::make_unique<async_semaphore>(0);
    cancellation_source stop;
    const task<> plain = gate->wait(stop.token());
    const task<bool> limited = gate->wait(1h, stop.token());
    gate.reset();
    stop.cancel();
    world.run_until_idle();
    EXPECT_THROW(plain.get(), object_disposed);
    EXPECT_THROW(static_cast<void>(limited.get()), object_disposed);
}

TEST(async_semaphore, a_frame_destroyed_while_it_waits_leaves_the_line_and_hands_on_what_it_was_granted) {
    async_semaphore gate(0);
    cancellation_source stop;
    {
        deterministic_scheduler world(0);
        auto hold = [](async_semaphore& of, cancellation_token token) -> task<> {
            const semaphore_permit permit = co_await of.acquire(1h, token);
            co_await delay(1h);
        };
        hold(gate, stop.token()).forget();
        hold(gate, stop.token()).forget();
        hold(gate, stop.token()).forget();
        gate.release();
        world.run_ready();  // the first has the permit in its frame
    }
    EXPECT_EQ(gate.current_count(), 1);
    stop.cancel();
    EXPECT_TRUE(gate.try_wait());
    gate.release();
}

TEST(async_semaphore, a_frame_destroyed_after_it_was_granted_a_permit_gives_it_back) {
    event_loop_context never_pumped;
    async_semaphore gate(0);
    {
        deterministic_scheduler world(0);
        std::vector<int> order;
        const synchronization_context_scope scope(&never_pumped);
        note(gate, order, 1).forget();
        note(gate, order, 2).forget();
        gate.release();
        EXPECT_EQ(gate.current_count(), 0) << "granted, and in the queue of the context";
    }
    EXPECT_EQ(gate.current_count(), 1);
    never_pumped.run_pending();
}

TEST(async_semaphore, a_runtime_that_ends_gives_back_what_its_tasks_hold_and_were_granted) {
    async_semaphore gate(2);
    {
        runtime_options options;
        options.min_threads = 2;
        runtime home(options);
        for (int i = 0; i < 20; ++i) {
            block_on(home, [&] {
                return run([&] {
                    [](async_semaphore& of) -> task<> {
                        const semaphore_permit permit = co_await of.acquire();
                        co_await delay(1h);
                    }(gate)
                                                   .forget();
                });
            });
        }
        home.shutdown(0s);
    }
    EXPECT_EQ(gate.current_count(), 2);
}

TEST(async_semaphore, waiting_allocates_nothing) {
    if (!weft_test::allocation_counter::is_available) GTEST_SKIP();
    deterministic_scheduler world(0);
    async_semaphore gate(1);
    auto loop = [](async_semaphore& of, cancellation_token token, int rounds) -> task<> {
        for (int i = 0; i < rounds; ++i) {
            co_await of.wait(1h, token);
            of.release();
        }
    };
    cancellation_source stop;
    world.run(loop(gate, stop.token(), 10));
    const weft_test::allocation_counter counter;
    world.run(loop(gate, stop.token(), 1000));
    EXPECT_EQ(counter.count(), 0U);
}

TEST(async_semaphore, a_block_on_waits_in_the_same_line) {
    async_semaphore gate(0);
    task<> releasing = run([&] { gate.release(2); });
    block_on(gate.wait());
    block_on(gate.wait());
    releasing.get();
    EXPECT_EQ(gate.current_count(), 0);
}

}  // namespace
