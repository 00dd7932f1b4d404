// Limits of what happens at the same time, and of what happens in a span of time (semantics 1.22/1-11, 1.22/15).
// SPDX-License-Identifier: MIT

#include "weft/rate_limiters.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "weft/async_local.hpp"
#include "weft/delay.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/testing/fake_time_provider.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;
using weft::testing::fake_time_provider;
using weft_test::manual_dispatcher;

constexpr auto oldest = queue_processing_order::oldest_first;
constexpr auto newest = queue_processing_order::newest_first;
constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();

/// One limiter of each kind, with permits of its own and a queue, on a clock that the test moves.
struct each_kind {
    each_kind(std::int32_t permits, std::int32_t queue, queue_processing_order order) {
        all.push_back(std::make_unique<concurrency_limiter>(
            concurrency_limiter_options{.permit_limit = permits, .queue_limit = queue, .queue_order = order}, &clock));
        all.push_back(std::make_unique<fixed_window_rate_limiter>(
            fixed_window_rate_limiter_options{
                .permit_limit = permits, .window = 1s, .queue_limit = queue, .queue_order = order},
            &clock));
        all.push_back(
            std::make_unique<sliding_window_rate_limiter>(sliding_window_rate_limiter_options{.permit_limit = permits,
                                                              .window = 1s,
                                                              .segments_per_window = 4,
                                                              .queue_limit = queue,
                                                              .queue_order = order},
                &clock));
        all.push_back(std::make_unique<token_bucket_rate_limiter>(token_bucket_rate_limiter_options{.token_limit = permits,
                                                                      .tokens_per_period = permits,
                                                                      .replenishment_period = 1s,
                                                                      .queue_limit = queue,
                                                                      .queue_order = order},
            &clock));
    }
    /// What was taken from `limiter` by `lease` comes back.
    void bring_back(rate_limit_lease& lease) {
        lease.dispose();
        clock.advance(1s);
        home.run_all();
    }
    manual_dispatcher home;
    fake_time_provider clock;
    std::vector<std::unique_ptr<rate_limiter>> all;
};

task<rate_limit_lease> asking(rate_limiter& limiter, std::int32_t permits = 1, cancellation_token token = {}) {
    return limiter.acquire(permits, std::move(token)).as_task();
}
/// Whether it is decided, and how.
std::optional<bool> answer(const task<rate_limit_lease>& asked) {
    if (!asked.is_completed()) return std::nullopt;
    return asked.get().is_acquired();
}

TEST(rate_limiters, S_1_22_1_attempting_never_waits_acquiring_waits_in_the_queue_and_a_refusal_is_a_lease) {
    each_kind kinds(1, 1, oldest);
    for (const auto& limiter : kinds.all) {
        rate_limit_lease first = limiter->attempt_acquire();
        EXPECT_TRUE(first.is_acquired());
        EXPECT_FALSE(limiter->attempt_acquire().is_acquired());
        task<rate_limit_lease> waiting = asking(*limiter);
        EXPECT_EQ(answer(waiting), std::nullopt);
        EXPECT_EQ(answer(asking(*limiter)), false) << "the queue is full";
        kinds.bring_back(first);
        EXPECT_EQ(answer(waiting), true);
    }
}

TEST(rate_limiters, S_1_22_1_an_acquire_that_finds_permits_is_complete) {
    each_kind kinds(2, 0, oldest);
    for (const auto& limiter : kinds.all) {
        value_task<rate_limit_lease> asked = limiter->acquire(2);
        EXPECT_TRUE(asked.is_completed());
        rate_limit_lease lease = std::move(asked).get();
        EXPECT_TRUE(lease.is_acquired());
    }
}

TEST(rate_limiters, S_1_22_2_more_than_the_limit_and_less_than_nothing_are_refused_as_arguments) {
    each_kind kinds(3, 3, oldest);
    for (const auto& limiter : kinds.all) {
        EXPECT_THROW(static_cast<void>(limiter->attempt_acquire(4)), std::invalid_argument);
        EXPECT_THROW(static_cast<void>(limiter->attempt_acquire(-1)), std::invalid_argument);
        EXPECT_THROW(static_cast<void>(limiter->acquire(4)), std::invalid_argument);
        EXPECT_THROW(static_cast<void>(limiter->acquire(-1)), std::invalid_argument);
        EXPECT_EQ(limiter->statistics().current_available_permits, 3);
    }
    fake_time_provider clock;
    EXPECT_THROW(concurrency_limiter({.permit_limit = 0}, &clock), std::invalid_argument);
    EXPECT_THROW(concurrency_limiter({.permit_limit = 1, .queue_limit = -1}, &clock), std::invalid_argument);
    EXPECT_THROW(fixed_window_rate_limiter({.permit_limit = 1}, &clock), std::invalid_argument);
    EXPECT_THROW(fixed_window_rate_limiter({.permit_limit = 1, .window = std::chrono::hours(24 * 60)}, &clock),
        std::invalid_argument);
    EXPECT_THROW(sliding_window_rate_limiter({.permit_limit = 1, .window = 1s, .segments_per_window = 0}, &clock),
        std::invalid_argument);
    EXPECT_THROW(token_bucket_rate_limiter({.token_limit = 1, .replenishment_period = 1s}, &clock), std::invalid_argument);
}

TEST(rate_limiters, S_1_22_3_asking_for_none_asks_whether_any_is_free) {
    each_kind kinds(1, 0, oldest);
    for (const auto& limiter : kinds.all) {
        EXPECT_TRUE(limiter->attempt_acquire(0).is_acquired());
        EXPECT_EQ(answer(asking(*limiter, 0)), true);
        EXPECT_EQ(limiter->statistics().current_available_permits, 1);
        rate_limit_lease one = limiter->attempt_acquire(1);
        EXPECT_FALSE(limiter->attempt_acquire(0).is_acquired());
        task<rate_limit_lease> waiting = asking(*limiter, 0);
        EXPECT_EQ(answer(waiting), std::nullopt) << "it waits, though the queue has no room for permits";
        kinds.bring_back(one);
        EXPECT_EQ(answer(waiting), true);
        EXPECT_EQ(limiter->statistics().current_available_permits, 1);
    }
}

TEST(rate_limiters, S_1_22_3_waiting_for_none_goes_on_only_when_something_is_left) {
    each_kind kinds(1, 1, oldest);
    for (const auto& limiter : kinds.all) {
        rate_limit_lease one = limiter->attempt_acquire(1);
        task<rate_limit_lease> takes = asking(*limiter, 1);
        task<rate_limit_lease> asks = asking(*limiter, 0);
        kinds.bring_back(one);
        ASSERT_EQ(answer(takes), true);
        EXPECT_EQ(answer(asks), std::nullopt) << "the other one has taken it";
        rate_limit_lease taken = task<rate_limit_lease>(takes).get();
        takes = {};
        kinds.bring_back(taken);
        EXPECT_EQ(answer(asks), true);
    }
}

TEST(rate_limiters, S_1_22_4_the_queue_limit_counts_permits_and_oldest_first_refuses_the_newcomer) {
    each_kind kinds(5, 6, oldest);
    for (const auto& limiter : kinds.all) {
        rate_limit_lease all = limiter->attempt_acquire(5);
        task<rate_limit_lease> first = asking(*limiter, 4);
        EXPECT_EQ(answer(asking(*limiter, 3)), false);
        task<rate_limit_lease> second = asking(*limiter, 2);
        EXPECT_EQ(answer(second), std::nullopt);
        EXPECT_EQ(limiter->statistics().current_queued_count, 6);
        EXPECT_EQ(answer(first), std::nullopt);
        limiter->dispose();
        kinds.home.run_all();
    }
}

TEST(rate_limiters, S_1_22_4_newest_first_refuses_as_many_of_the_oldest_as_it_takes) {
    each_kind kinds(5, 4, newest);
    for (const auto& limiter : kinds.all) {
        rate_limit_lease all = limiter->attempt_acquire(5);
        task<rate_limit_lease> a = asking(*limiter, 1);
        task<rate_limit_lease> b = asking(*limiter, 2);
        task<rate_limit_lease> c = asking(*limiter, 1);
        EXPECT_EQ(answer(asking(*limiter, 5)), false) << "more than the whole queue: nobody is refused for it";
        EXPECT_EQ(answer(a), std::nullopt);
        task<rate_limit_lease> d = asking(*limiter, 2);
        kinds.home.run_all();
        EXPECT_EQ(answer(a), false);
        EXPECT_EQ(answer(b), false);
        EXPECT_EQ(answer(c), std::nullopt);
        EXPECT_EQ(answer(d), std::nullopt);
        EXPECT_EQ(limiter->statistics().current_queued_count, 3);
        kinds.bring_back(all);
        EXPECT_EQ(answer(c), true);
        EXPECT_EQ(answer(d), true);
    }
}

TEST(rate_limiters, S_1_22_5_oldest_first_lets_nobody_overtake) {
    each_kind kinds(3, 10, oldest);
    for (const auto& limiter : kinds.all) {
        rate_limit_lease two = limiter->attempt_acquire(2);
        task<rate_limit_lease> big = asking(*limiter, 3);
        EXPECT_FALSE(limiter->attempt_acquire(1).is_acquired()) << "one is free, but somebody waits";
        task<rate_limit_lease> small = asking(*limiter, 1);
        EXPECT_EQ(answer(small), std::nullopt);
        kinds.bring_back(two);
        EXPECT_EQ(answer(big), true);
        EXPECT_EQ(answer(small), std::nullopt);
        limiter->dispose();
        kinds.home.run_all();
    }
}

TEST(rate_limiters, S_1_22_5_newest_first_gives_what_is_free_to_newcomers_and_serves_the_last_one_first) {
    each_kind kinds(3, 10, newest);
    for (const auto& limiter : kinds.all) {
        rate_limit_lease two = limiter->attempt_acquire(2);
        task<rate_limit_lease> big = asking(*limiter, 3);
        rate_limit_lease small = limiter->attempt_acquire(1);
        EXPECT_TRUE(small.is_acquired());
        task<rate_limit_lease> last = asking(*limiter, 2);
        kinds.bring_back(two);
        EXPECT_EQ(answer(last), true);
        EXPECT_EQ(answer(big), std::nullopt);
        limiter->dispose();
        kinds.home.run_all();
    }
}

TEST(rate_limiters, S_1_22_6_the_sums_of_the_queue_do_not_overflow) {
    for (const auto order : {oldest, newest}) {
        each_kind kinds(most, most, order);
        for (const auto& limiter : kinds.all) {
            rate_limit_lease all = limiter->attempt_acquire(most);
            EXPECT_TRUE(all.is_acquired());
            task<rate_limit_lease> first = asking(*limiter, most);
            EXPECT_EQ(answer(first), std::nullopt);
            task<rate_limit_lease> second = asking(*limiter, most);
            kinds.home.run_all();
            EXPECT_EQ(answer(order == oldest ? second : first), false);
            const rate_limit_lease refused = limiter->attempt_acquire(most);
            EXPECT_FALSE(refused.is_acquired());
            EXPECT_GE(refused.retry_after().value_or(0s), 0s);
            kinds.clock.advance(24h);
            kinds.bring_back(all);
            EXPECT_EQ(answer(order == oldest ? first : second), true);
        }
    }
}

TEST(rate_limiters, S_1_22_7_a_cancelled_acquire_gives_its_place_back_and_may_unblock_others) {
    each_kind kinds(3, 4, oldest);
    for (const auto& limiter : kinds.all) {
        cancellation_source source;
        rate_limit_lease two = limiter->attempt_acquire(2);
        task<rate_limit_lease> big = asking(*limiter, 3, source.token());
        task<rate_limit_lease> small = asking(*limiter, 1);
        EXPECT_EQ(limiter->statistics().current_queued_count, 4);
        source.cancel();
        kinds.home.run_all();
        ASSERT_TRUE(big.is_canceled());
        try {
            static_cast<void>(big.get());
        } catch (const operation_canceled& error) {
            EXPECT_EQ(error.token(), source.token());
        }
        EXPECT_EQ(answer(small), true) << "one was free all the time";
        EXPECT_EQ(limiter->statistics().current_queued_count, 0);
        EXPECT_TRUE(asking(*limiter, 1, source.token()).is_canceled()) << "cancelled beforehand";
    }
}

TEST(rate_limiters, S_1_22_7_permits_that_were_granted_first_belong_to_the_caller) {
    each_kind kinds(1, 1, oldest);
    for (const auto& limiter : kinds.all) {
        cancellation_source source;
        rate_limit_lease one = limiter->attempt_acquire();
        task<rate_limit_lease> waiting = asking(*limiter, 1, source.token());
        one.dispose();
        kinds.clock.advance(1s);
        source.cancel();  // granted, but not gone on yet
        kinds.home.run_all();
        EXPECT_EQ(answer(waiting), true);
    }
}

TEST(rate_limiters, S_1_22_8_dispose_refuses_those_who_wait_and_later_calls_throw) {
    each_kind kinds(1, 3, oldest);
    for (const auto& limiter : kinds.all) {
        rate_limit_lease one = limiter->attempt_acquire();
        task<rate_limit_lease> a = asking(*limiter);
        task<rate_limit_lease> b = asking(*limiter);
        limiter->dispose();
        EXPECT_FALSE(a.is_completed() && b.is_completed() && kinds.home.queued() > 2);
        kinds.home.run_all();
        EXPECT_EQ(answer(a), false);
        EXPECT_EQ(answer(b), false);
        EXPECT_THROW(static_cast<void>(limiter->attempt_acquire()), object_disposed);
        EXPECT_THROW(static_cast<void>(limiter->acquire()), object_disposed);
        limiter->dispose();
        one.dispose();
    }
    EXPECT_EQ(kinds.clock.pending_timers(), 0U);
    EXPECT_EQ(kinds.home.run_all(), 0U);
}

TEST(rate_limiters, S_1_22_8_a_limiter_that_goes_is_disposed_of_and_its_leases_outlive_it) {
    each_kind kinds(1, 3, oldest);
    for (auto& limiter : kinds.all) {
        rate_limit_lease one = limiter->attempt_acquire();
        task<rate_limit_lease> a = asking(*limiter);
        limiter.reset();
        kinds.home.run_all();
        EXPECT_EQ(answer(a), false);
        EXPECT_TRUE(one.is_acquired());
    }
}

TEST(rate_limiters, S_1_22_9_a_concurrency_lease_gives_back_once_and_the_others_nothing) {
    each_kind kinds(2, 0, oldest);
    for (const auto& limiter : kinds.all) {
        rate_limit_lease lease = limiter->attempt_acquire(2);
        rate_limit_lease moved = std::move(lease);
        lease.dispose();
        EXPECT_EQ(limiter->statistics().current_available_permits, 0);
        moved.dispose();
        moved.dispose();
        const bool comes_back = limiter == kinds.all.front();
        EXPECT_EQ(limiter->statistics().current_available_permits, comes_back ? 2 : 0);
        EXPECT_TRUE(moved.is_acquired());
    }
    manual_dispatcher home;
    concurrency_limiter one({.permit_limit = 1});
    { const rate_limit_lease lease = one.attempt_acquire(); }
    EXPECT_TRUE(one.attempt_acquire().is_acquired()) << "given back when it went, and at once when it is dropped";
    EXPECT_EQ(one.statistics().current_available_permits, 1);
}

TEST(rate_limiters, S_1_22_10_refusals_say_why_or_when_to_ask_again) {
    each_kind kinds(2, 2, oldest);
    for (const auto& limiter : kinds.all) {
        const rate_limit_lease all = limiter->attempt_acquire(2);
        kinds.clock.advance(200ms);
        const rate_limit_lease refused = limiter->attempt_acquire(1);
        if (limiter == kinds.all.front()) {
            EXPECT_FALSE(refused.reason_phrase().empty());
            EXPECT_EQ(refused.retry_after(), std::nullopt);
        } else {
            ASSERT_TRUE(refused.retry_after().has_value());
            EXPECT_GT(*refused.retry_after(), 0s);
            kinds.clock.advance(*refused.retry_after() - 1ns);
            EXPECT_FALSE(limiter->attempt_acquire(1).is_acquired());
            kinds.clock.advance(1ns);
            EXPECT_TRUE(limiter->attempt_acquire(1).is_acquired());
        }
    }
}

TEST(rate_limiters, S_1_22_10_the_time_to_wait_counts_those_who_wait_already) {
    manual_dispatcher home;
    fake_time_provider clock;
    token_bucket_rate_limiter bucket(
        {.token_limit = 10, .tokens_per_period = 2, .replenishment_period = 1s, .queue_limit = 4}, &clock);
    const rate_limit_lease all = bucket.attempt_acquire(10);
    const task<rate_limit_lease> waiting = asking(bucket, 4);
    EXPECT_EQ(bucket.attempt_acquire(3).retry_after(), 4s);
    bucket.dispose();
    token_bucket_rate_limiter slow({.token_limit = most,
                                       .tokens_per_period = 1,
                                       .replenishment_period = std::chrono::hours(24 * 40),
                                       .queue_limit = most},
        &clock);
    const rate_limit_lease whole = slow.attempt_acquire(most);
    EXPECT_GT(slow.attempt_acquire(most).retry_after(), std::chrono::hours(24 * 40)) << "no overflow";
    fixed_window_rate_limiter window({.permit_limit = 3, .window = 1s, .queue_limit = 3}, &clock);
    const rate_limit_lease three = window.attempt_acquire(3);
    const task<rate_limit_lease> next = asking(window, 3);
    EXPECT_EQ(window.attempt_acquire(1).retry_after(), 2s);
    home.run_all();
}

TEST(rate_limiters, S_1_22_11_replenishing_by_hand_works_only_without_automatic_replenishment) {
    manual_dispatcher home;
    fake_time_provider clock;
    fixed_window_rate_limiter automatic({.permit_limit = 1, .window = 1s}, &clock);
    EXPECT_TRUE(automatic.is_auto_replenishing());
    EXPECT_FALSE(automatic.try_replenish());
    fixed_window_rate_limiter manual(
        {.permit_limit = 2, .window = 1s, .queue_limit = 2, .auto_replenishment = false}, &clock);
    EXPECT_EQ(manual.replenishment_period(), 1s);
    const rate_limit_lease all = manual.attempt_acquire(2);
    const task<rate_limit_lease> waiting = asking(manual);
    clock.advance(999ms);
    EXPECT_TRUE(manual.try_replenish());
    EXPECT_FALSE(manual.attempt_acquire().is_acquired()) << "the period is not over";
    clock.advance(1ms);
    home.run_all();
    EXPECT_EQ(answer(waiting), std::nullopt) << "not by itself";
    EXPECT_TRUE(manual.try_replenish());
    home.run_all();
    EXPECT_EQ(answer(waiting), true);
    EXPECT_EQ(manual.statistics().current_available_permits, 1);
}

TEST(rate_limiters, S_1_22_11_a_fixed_window_brings_all_back_at_once) {
    manual_dispatcher home;
    fake_time_provider clock;
    fixed_window_rate_limiter limiter({.permit_limit = 3, .window = 1s}, &clock);
    clock.advance(900ms);
    const rate_limit_lease all = limiter.attempt_acquire(3);
    clock.advance(99ms);
    EXPECT_EQ(limiter.statistics().current_available_permits, 0);
    clock.advance(1ms);
    EXPECT_EQ(limiter.statistics().current_available_permits, 3);
    clock.advance(1h);
    EXPECT_EQ(limiter.statistics().current_available_permits, 3);
}

TEST(rate_limiters, S_1_22_11_a_sliding_window_brings_back_the_segment_that_leaves) {
    manual_dispatcher home;
    fake_time_provider clock;
    sliding_window_rate_limiter limiter({.permit_limit = 10, .window = 3s, .segments_per_window = 3}, &clock);
    EXPECT_EQ(limiter.replenishment_period(), 1s);
    const auto take = [&](std::int32_t count) { return limiter.attempt_acquire(count).is_acquired(); };
    const auto available = [&] { return limiter.statistics().current_available_permits; };
    EXPECT_TRUE(take(2));
    clock.advance(1s);
    EXPECT_TRUE(take(3));
    clock.advance(1s);
    EXPECT_TRUE(take(4));
    EXPECT_EQ(available(), 1);
    EXPECT_EQ(limiter.attempt_acquire(5).retry_after(), 2s) << "2 after one segment, 3 more after two";
    clock.advance(1s);
    EXPECT_EQ(available(), 3);
    clock.advance(1s);
    EXPECT_EQ(available(), 6);
    clock.advance(1s);
    EXPECT_EQ(available(), 10);
    EXPECT_TRUE(take(10));
    clock.advance(1h);
    EXPECT_EQ(available(), 10);
}

TEST(rate_limiters, S_1_22_11_a_bucket_gets_tokens_each_period_until_it_is_full) {
    manual_dispatcher home;
    fake_time_provider clock;
    token_bucket_rate_limiter limiter({.token_limit = 5, .tokens_per_period = 2, .replenishment_period = 1s}, &clock);
    const auto available = [&] { return limiter.statistics().current_available_permits; };
    EXPECT_TRUE(limiter.attempt_acquire(5).is_acquired());
    clock.advance(1s);
    EXPECT_EQ(available(), 2);
    clock.advance(1s);
    EXPECT_EQ(available(), 4);
    clock.advance(1s);
    EXPECT_EQ(available(), 5);
    EXPECT_TRUE(limiter.attempt_acquire(4).is_acquired());
    clock.advance(std::chrono::hours(24 * 365 * 100));
    EXPECT_EQ(available(), 5);
}

TEST(rate_limiters, S_1_22_11_waiters_of_a_long_step_get_what_each_period_brought) {
    manual_dispatcher home;
    fake_time_provider clock;
    token_bucket_rate_limiter limiter(
        {.token_limit = 2, .tokens_per_period = 1, .replenishment_period = 1s, .queue_limit = 100}, &clock);
    const rate_limit_lease all = limiter.attempt_acquire(2);
    std::vector<task<rate_limit_lease>> waiting;
    for (int i = 0; i < 6; ++i) waiting.push_back(asking(limiter));
    clock.advance(5s);
    home.run_all();
    for (int i = 0; i < 6; ++i)
        EXPECT_EQ(answer(waiting[static_cast<std::size_t>(i)]), i < 5 ? std::optional(true) : std::nullopt) << i;
    clock.advance(1s);
    home.run_all();
    EXPECT_EQ(answer(waiting[5]), true);
    EXPECT_EQ(clock.pending_timers(), 0U) << "nothing ticks while nobody waits";
}

TEST(rate_limiters, S_1_22_12_idle_is_none_while_permits_are_out_or_waited_for_and_else_grows) {
    each_kind kinds(2, 2, oldest);
    kinds.clock.advance(3s);
    for (const auto& limiter : kinds.all) {
        EXPECT_GE(limiter->idle_duration(), 3s);
        rate_limit_lease all = limiter->attempt_acquire(2);
        EXPECT_EQ(limiter->idle_duration(), std::nullopt);
        task<rate_limit_lease> waiting = asking(*limiter, 2);
        kinds.bring_back(all);
        EXPECT_EQ(answer(waiting), true);
        EXPECT_EQ(limiter->idle_duration(), std::nullopt);
        waiting = {};
        kinds.clock.advance(5s);
        const auto idle = limiter->idle_duration();
        ASSERT_TRUE(idle.has_value());
        EXPECT_GE(*idle, 4s);
        EXPECT_LE(*idle, 5s);
        kinds.clock.advance(1s);
        EXPECT_EQ(limiter->idle_duration(), *idle + 1s);
    }
}

TEST(rate_limiters, S_1_22_15_statistics_count_permits_and_leases) {
    each_kind kinds(3, 3, oldest);
    for (const auto& limiter : kinds.all) {
        rate_limit_lease two = limiter->attempt_acquire(2);
        static_cast<void>(limiter->attempt_acquire(2));
        task<rate_limit_lease> waiting = asking(*limiter, 3);
        static_cast<void>(answer(asking(*limiter, 1)));
        rate_limiter_statistics now = limiter->statistics();
        EXPECT_EQ(now.current_available_permits, 1);
        EXPECT_EQ(now.current_queued_count, 3);
        EXPECT_EQ(now.total_successful_leases, 1);
        EXPECT_EQ(now.total_failed_leases, 2);
        kinds.bring_back(two);
        now = limiter->statistics();
        EXPECT_EQ(now.current_available_permits, 0);
        EXPECT_EQ(now.current_queued_count, 0);
        EXPECT_EQ(now.total_successful_leases, 2);
        static_cast<void>(answer(waiting));
    }
}

TEST(rate_limiters, they_hold_in_every_order_of_a_seeded_world) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
        deterministic_scheduler world(seed);
        concurrency_limiter gate({.permit_limit = 3, .queue_limit = 1000});
        token_bucket_rate_limiter rate(
            {.token_limit = 2, .tokens_per_period = 2, .replenishment_period = 10ms, .queue_limit = 1000});
        int inside = 0;
        int highest = 0;
        int done = 0;
        const auto worker = [&]() -> task<> {
            rate_limit_lease token = co_await rate.acquire();
            rate_limit_lease lease = co_await gate.acquire();
            EXPECT_TRUE(token.is_acquired() && lease.is_acquired());
            highest = std::max(highest, ++inside);
            co_await delay(25ms);
            --inside;
            ++done;
        };
        const auto started = world.time().now();
        std::vector<task<>> workers;
        for (int i = 0; i < 12; ++i) workers.push_back(worker());
        world.run_until_idle();
        EXPECT_EQ(done, 12);
        EXPECT_EQ(highest, 3);
        EXPECT_GE(world.time().now() - started, 50ms + 25ms);
        EXPECT_EQ(gate.statistics().current_available_permits, 3);
    }
}

TEST(rate_limiters, an_automatic_clock_does_not_lead_into_its_own_lock) {
    manual_dispatcher home;
    fake_time_provider clock;
    clock.set_auto_advance(300ms);
    fixed_window_rate_limiter limiter({.permit_limit = 1, .window = 1s, .queue_limit = 5}, &clock);
    std::vector<task<rate_limit_lease>> waiting;
    for (int i = 0; i < 5; ++i) waiting.push_back(asking(limiter));
    for (int i = 0; i < 30; ++i) static_cast<void>(limiter.statistics());
    home.run_all();
    for (const auto& each : waiting) EXPECT_EQ(answer(each), true);
}

}  // namespace
