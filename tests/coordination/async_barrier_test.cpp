// SPDX-License-Identifier: MIT
#include "weft/sync/async_barrier.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <vector>

#include "weft/base/error.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

TEST(async_barrier, nobody_passes_a_phase_before_all_have_come) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        deterministic_scheduler world(seed);
        int actions = 0;
        async_barrier meeting(4, [&](async_barrier& self) {
            EXPECT_EQ(self.current_phase_number(), actions);
            EXPECT_EQ(self.participants_remaining(), 0);
            ++actions;
        });
        auto part = [](async_barrier& of, int& count, deterministic_scheduler& from) -> task<> {
            for (int phase = 0; phase < 5; ++phase) {
                for (std::size_t i = from.choose("work", 3); i > 0; --i) co_await yield();
                EXPECT_EQ(of.current_phase_number(), phase);
                co_await of.signal_and_wait();
                EXPECT_EQ(count, phase + 1);
            }
        };
        std::vector<task<>> parts;
        for (int i = 0; i < 4; ++i) parts.push_back(part(meeting, actions, world));
        world.run_until_idle();
        for (const task<>& each : parts) each.get();
        EXPECT_EQ(actions, 5);
        EXPECT_EQ(meeting.current_phase_number(), 5);
    }
}

TEST(async_barrier, refuses_what_makes_no_sense) {
    EXPECT_THROW(async_barrier(-1), std::invalid_argument);
    EXPECT_THROW(async_barrier(32768), std::invalid_argument);
    deterministic_scheduler world(0);
    async_barrier meeting(0);
    const task<> alone = meeting.signal_and_wait();
    try {
        alone.get();
        ADD_FAILURE() << "met nobody";
    } catch (const invalid_operation& error) {
        EXPECT_STREQ(error.what(), "async_barrier::signal_and_wait: the barrier has no participants");
    }
    EXPECT_THROW(meeting.add_participants(0), std::invalid_argument);
    EXPECT_THROW(meeting.add_participants(32768), invalid_operation);
    EXPECT_THROW(meeting.remove_participants(), std::invalid_argument);
    EXPECT_EQ(meeting.add_participants(), 0);
    const task<> one = meeting.signal_and_wait();
    EXPECT_TRUE(one.is_completed_successfully());
    EXPECT_EQ(meeting.add_participants(), 1);
    const task<> waits = meeting.signal_and_wait();
    EXPECT_THROW(meeting.remove_participants(2), invalid_operation);
    meeting.remove_participants();
    world.run_ready();
    EXPECT_TRUE(waits.is_completed_successfully()) << "only those who had arrived were left";
}

TEST(async_barrier, more_arrivals_than_participants_are_refused) {
    deterministic_scheduler world(0);
    std::vector<task<>> extra;
    async_barrier meeting(2, [&](async_barrier& self) { extra.push_back(self.signal_and_wait()); });
    const task<> first = meeting.signal_and_wait();
    const task<> second = meeting.signal_and_wait();
    world.run_ready();
    EXPECT_TRUE(first.is_completed_successfully());
    EXPECT_TRUE(second.is_completed_successfully());
    EXPECT_THROW(extra.at(0).get(), invalid_operation);
}

TEST(async_barrier, a_cancelled_or_timed_out_arrival_is_taken_back) {
    deterministic_scheduler world(0);
    async_barrier meeting(2);
    cancellation_source stop;
    const task<> canceled = meeting.signal_and_wait(stop.token());
    EXPECT_EQ(meeting.participants_remaining(), 1);
    stop.cancel();
    EXPECT_EQ(meeting.participants_remaining(), 2);
    const task<bool> limited = meeting.signal_and_wait(1s);
    world.run_until_idle();
    EXPECT_TRUE(canceled.is_canceled());
    EXPECT_FALSE(limited.get());
    EXPECT_EQ(meeting.participants_remaining(), 2);
    EXPECT_EQ(meeting.current_phase_number(), 0);
    const task<> first = meeting.signal_and_wait();
    const task<bool> second = meeting.signal_and_wait(0ms);
    world.run_ready();
    EXPECT_TRUE(first.is_completed_successfully());
    EXPECT_TRUE(second.get());
    EXPECT_EQ(meeting.current_phase_number(), 1);
}

TEST(async_barrier, what_the_action_throws_reaches_every_participant_and_ends_the_phase) {
    deterministic_scheduler world(0);
    async_barrier meeting(3, [](async_barrier&) { throw std::runtime_error("no room"); });
    const task<> first = meeting.signal_and_wait();
    const task<bool> second = meeting.signal_and_wait(1h);
    const task<> third = meeting.signal_and_wait();
    world.run_ready();
    for (const task<>& each : {first, third}) {
        try {
            each.get();
            ADD_FAILURE() << "the action did not throw";
        } catch (const barrier_post_phase_exception& error) {
            EXPECT_STREQ(error.what(), "async_barrier: the action at the end of the phase failed: no room");
            EXPECT_THROW(std::rethrow_exception(error.inner()), std::runtime_error);
        }
    }
    EXPECT_THROW(static_cast<void>(second.get()), barrier_post_phase_exception);
    EXPECT_EQ(meeting.current_phase_number(), 1);
    EXPECT_EQ(meeting.participants_remaining(), 3);
}

TEST(async_barrier, participants_who_join_in_the_action_take_part_in_the_next_phase) {
    deterministic_scheduler world(0);
    std::int64_t first_phase = -1;
    async_barrier meeting(1, [&](async_barrier& self) { first_phase = self.add_participants(); });
    const task<> alone = meeting.signal_and_wait();
    EXPECT_TRUE(alone.is_completed_successfully());
    EXPECT_EQ(first_phase, 1);
    EXPECT_EQ(meeting.participants_remaining(), 2);
}

}  // namespace
