// The explorer finds every planted bug, repeats it, makes it short, and says nothing about the right twin.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <iterator>
#include <string>

#include "explore/planted/cancellation.hpp"
#include "explore/planted/channels.hpp"
#include "explore/planted/deep.hpp"
#include "explore/planted/permits.hpp"
#include "explore/planted/services.hpp"
#include "explore/planted/waiters.hpp"
#include "support/scale.hpp"

namespace {

using weft::task;
using weft::testing::exploration;
using weft::testing::explore;
using weft::testing::explore_options;
using weft::testing::strategy;
using weft::testing::world;

struct plant {
    const char* name;
    task<> (*faulty)(world&);
    task<> (*right)(world&);
};

#define PLANT(function) \
    plant { #function, &planted::function<false>, &planted::function<true> }
constexpr plant plants[] = {
    // waiting and waking
    PLANT(lost_unpark), PLANT(notify_before_wait), PLANT(signal_to_a_waiter_that_timed_out),
    PLANT(broadcast_misses_a_late_waiter), PLANT(aba_of_a_reused_waiter), PLANT(double_resume),
    PLANT(timeout_and_result_both_delivered), PLANT(inline_continuation_under_a_lock),
    // permits, locks, counts
    PLANT(permit_lost_when_cancelled_after_the_grant), PLANT(permit_granted_to_a_cancelled_waiter),
    PLANT(order_broken_by_a_cancellation), PLANT(newcomer_overtakes_the_woken), PLANT(cancelled_head_blocks_those_behind),
    PLANT(readers_starve_a_writer), PLANT(rate_limiter_spends_twice), PLANT(deadlock_by_lock_order),
    PLANT(countdown_goes_below_zero), PLANT(permit_released_twice), PLANT(barrier_miscounts_a_cancelled_participant),
    // channels
    PLANT(close_races_a_blocked_writer), PLANT(item_taken_twice), PLANT(item_of_a_cancelled_reader_lost),
    PLANT(item_lost_on_the_losing_branch), PLANT(newest_value_missed), PLANT(drained_while_a_writer_fills_its_place),
    // cancellation, disposal, flow
    PLANT(dispose_against_cancel), PLANT(registration_leaked_on_the_quick_way),
    PLANT(callback_registered_during_the_cancellation), PLANT(disposed_twice), PLANT(ambient_value_of_another_request),
    PLANT(lazy_value_caches_a_cancellation), PLANT(request_begins_after_the_stop), PLANT(timer_fires_after_the_close),
    // services
    PLANT(connection_given_to_a_cancelled_request), PLANT(connection_opened_beyond_the_limit),
    PLANT(request_waits_beside_an_idle_connection), PLANT(value_created_twice), PLANT(retry_after_success),
    PLANT(batch_flushed_by_size_and_by_clock), PLANT(used_before_it_is_initialised), PLANT(entry_found_while_it_closes),
    PLANT(older_answer_overwrites_the_newer), PLANT(audit_between_two_halves),
    // deep, or in a crowd
    PLANT(aba_of_a_stack), PLANT(notification_wakes_the_wrong_kind), PLANT(job_beside_sleeping_workers),
    PLANT(update_lost_in_a_crowd), PLANT(two_inside_petersons_lock), PLANT(three_messages_in_reverse)};
#undef PLANT

constexpr std::size_t most_schedules = 10'000;
// A shrunk failure has no more answers that differ from the plain order than this.
constexpr std::size_t most_departures = 15;

class planted_bugs : public testing::TestWithParam<plant> {};

explore_options with(strategy which) {
    explore_options options;
    options.schedules = most_schedules;
    options.how = which;
    return options;
}

TEST_P(planted_bugs, are_found_made_short_and_repeated) {
    const exploration found = explore(with(strategy::portfolio), GetParam().faulty);
    ASSERT_FALSE(found.ok()) << found.to_string();
    EXPECT_LE(found.failure->choices, most_departures) << found.to_string();
    explore_options again;
    again.replay = found.failure->replay;
    for (int i = 0; i < 10; ++i) {
        const exploration repeated = explore(again, GetParam().faulty);
        ASSERT_FALSE(repeated.ok()) << found.to_string();
        ASSERT_EQ(repeated.failure->message, found.failure->message);
    }
}

TEST_P(planted_bugs, are_not_seen_in_the_right_twin) {
    explore_options options = with(strategy::portfolio);
    options.schedules = static_cast<std::size_t>(weft_test::scaled(most_schedules));
    const exploration done = explore(options, GetParam().right);
    EXPECT_TRUE(done.ok()) << done.to_string();
    EXPECT_GT(done.distinct, 1U);
}

INSTANTIATE_TEST_SUITE_P(explore, planted_bugs, testing::ValuesIn(plants),
    [](const testing::TestParamInfo<plant>& tested) { return std::string(tested.param.name); });

TEST(planted_bugs_replay, repeats_a_failure_a_thousand_times) {
    for (const plant& each :
        {plants[0], plants[8], plants[13], plants[std::size(plants) - 4], plants[std::size(plants) - 6]}) {
        const exploration found = explore(with(strategy::portfolio), each.faulty);
        ASSERT_FALSE(found.ok()) << each.name;
        explore_options again;
        again.replay = found.failure->replay;
        const std::string first = explore(again, each.faulty).failure->report;
        for (int i = 0; i < weft_test::scaled(1'000); ++i) {
            const exploration repeated = explore(again, each.faulty);
            ASSERT_FALSE(repeated.ok()) << each.name;
            ASSERT_EQ(repeated.failure->report, first) << each.name;
        }
    }
}

// In how many schedules each strategy finds each bug, for the log: how good they are is seen here.
TEST(planted_bugs_table, every_strategy_by_itself) {
    constexpr std::array strategies{
        strategy::portfolio, strategy::random, strategy::pct2, strategy::pct3, strategy::walk, strategy::delay2};
    std::array<std::size_t, strategies.size()> missed{};
    std::printf("  %-46s", "planted bug: found in schedule");
    for (const strategy which : strategies) std::printf(" %9s", weft::testing::name_of(which));
    std::printf("  departures\n");
    std::size_t within_100 = 0;
    for (const plant& each : plants) {
        std::printf("  %-46s", each.name);
        std::size_t departures = 0;
        for (std::size_t i = 0; i < strategies.size(); ++i) {
            explore_options options = with(strategies[i]);
            options.shrink = i == 0;
            const exploration found = explore(options, each.faulty);
            if (found.ok()) {
                ++missed[i];
                std::printf(" %9s", "-");
                continue;
            }
            if (i == 0) departures = found.failure->choices;
            if (i == 0 && found.failure->schedule < 100) ++within_100;
            std::printf(" %9zu", found.failure->schedule + 1);
        }
        std::printf(" %11zu\n", departures);
    }
    std::printf("  %-46s", "missed in 10000");
    for (const std::size_t count : missed) std::printf(" %9zu", count);
    std::printf("\n  %zu of %zu found by the portfolio within 100 schedules\n", within_100, std::size(plants));
    EXPECT_EQ(missed[0], 0U);
    EXPECT_GE(within_100, std::size(plants) * 3 / 4);
    // One strategy alone cannot reach everything, two delays least of all.
    for (std::size_t i = 1; i < strategies.size(); ++i) EXPECT_LE(missed[i], 5U) << weft::testing::name_of(strategies[i]);
}

}  // namespace
