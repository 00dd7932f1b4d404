// select(): several channels, tasks and times, and exactly one of them happens.
// SPDX-License-Identifier: MIT

#include "weft/select.hpp"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "weft/task_completion_source.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

class select_test : public ::testing::Test {
protected:
    template <class T>
    bool done(const task<T>& one) {
        home.run_all();
        return one.is_completed();
    }
    weft_test::manual_dispatcher home;
    channel<int> numbers = channel<int>::unbounded();
    channel<std::string> words = channel<std::string>::bounded(1);
};

TEST_F(select_test, takes_what_is_ready_at_once_and_leaves_the_rest) {
    EXPECT_TRUE(words.writer().try_write("a"));
    auto chosen = select(case_read(numbers.reader()), case_read(words.reader()));
    ASSERT_TRUE(chosen.is_completed());
    EXPECT_EQ(std::get<1>(chosen.get()), "a");
    EXPECT_EQ(words.reader().count(), 0U);
}

TEST_F(select_test, waits_for_the_first_and_stands_in_no_other_line_afterwards) {
    auto chosen = select(case_read(numbers.reader()), case_read(words.reader()));
    EXPECT_FALSE(done(chosen));
    EXPECT_TRUE(numbers.writer().try_write(1));
    EXPECT_TRUE(words.writer().try_write("kept"));
    EXPECT_TRUE(done(chosen));
    EXPECT_EQ(std::get<0>(chosen.get()), 1);
    EXPECT_EQ(words.reader().try_read(), "kept");
}

TEST_F(select_test, writes_when_there_is_room) {
    EXPECT_TRUE(words.writer().try_write("first"));
    auto chosen = select(case_write(words.writer(), "second"), case_read(numbers.reader()));
    EXPECT_FALSE(done(chosen));
    EXPECT_EQ(words.reader().try_read(), "first");
    EXPECT_TRUE(done(chosen));
    EXPECT_TRUE(std::get<0>(chosen.get()));
    EXPECT_EQ(words.reader().try_read(), "second");
}

TEST_F(select_test, a_write_that_lost_is_not_delivered) {
    EXPECT_TRUE(words.writer().try_write("first"));
    auto chosen = select(case_write(words.writer(), "second"), case_read(numbers.reader()));
    EXPECT_TRUE(numbers.writer().try_write(5));
    EXPECT_TRUE(done(chosen));
    EXPECT_EQ(chosen.get().index(), 1U);
    EXPECT_EQ(words.reader().try_read(), "first");
    EXPECT_EQ(words.reader().try_read(), std::nullopt);
}

TEST_F(select_test, two_selects_meet_in_a_rendezvous) {
    channel<int> meeting = channel<int>::bounded(0);
    auto taking = select(case_read(meeting.reader()), case_read(numbers.reader()));
    EXPECT_FALSE(done(taking));
    auto giving = select(case_write(meeting.writer(), 4), case_read(words.reader()));
    EXPECT_TRUE(done(giving) && done(taking));
    EXPECT_EQ(giving.get().index(), 0U);
    EXPECT_EQ(std::get<0>(taking.get()), 4);
}

TEST_F(select_test, the_same_channel_may_be_in_two_cases) {
    channel<int> meeting = channel<int>::bounded(0);
    auto both = select(case_read(meeting.reader()), case_write(meeting.writer(), 1));
    EXPECT_FALSE(done(both));  // not with itself
    EXPECT_TRUE(meeting.writer().try_write(2));
    EXPECT_TRUE(done(both));
    EXPECT_EQ(std::get<0>(both.get()), 2);
}

TEST_F(select_test, a_time_gives_up_on_the_channels) {
    auto chosen = select(case_read(numbers.reader()), case_after(1s));
    EXPECT_FALSE(done(chosen));
    home.time().advance(999ms);
    EXPECT_FALSE(done(chosen));
    home.time().advance(1ms);
    EXPECT_TRUE(done(chosen));
    EXPECT_EQ(chosen.get().index(), 1U);
    EXPECT_TRUE(numbers.writer().try_write(1));
    EXPECT_EQ(numbers.reader().count(), 1U);
}

TEST_F(select_test, a_channel_in_time_stops_the_clock) {
    auto chosen = select(case_read(numbers.reader()), case_after(1s));
    EXPECT_TRUE(numbers.writer().try_write(1));
    EXPECT_TRUE(done(chosen));
    EXPECT_EQ(std::get<0>(chosen.get()), 1);
    EXPECT_EQ(home.time().pending_timers(), 0U);
}

TEST_F(select_test, a_task_that_ends_is_a_case) {
    task_completion_source<int> source;
    auto chosen = select(case_read(numbers.reader()), case_task(source.task()), case_after(1h));
    EXPECT_FALSE(done(chosen));
    source.set_exception(std::runtime_error("of the task"));
    EXPECT_TRUE(done(chosen));
    EXPECT_THROW(static_cast<void>(std::get<1>(chosen.get()).get()), std::runtime_error);
    auto at_once = select(case_task(from_result(3)));
    EXPECT_EQ(std::get<0>(at_once.get()).get(), 3);
    EXPECT_THROW(static_cast<void>(case_task(task<int>())), std::invalid_argument);
}

TEST_F(select_test, the_end_of_a_channel_is_a_result_and_its_error_is_thrown) {
    auto ended = select(case_read(numbers.reader()), case_read(words.reader()));
    numbers.writer().complete();
    EXPECT_TRUE(done(ended));
    EXPECT_EQ(std::get<0>(ended.get()), std::nullopt);
    auto writing = select(case_write(words.writer(), "a"), case_after(1s));
    EXPECT_TRUE(done(writing));
    auto failed = select(case_write(words.writer(), "b"), case_after(1s));
    words.writer().complete(std::make_exception_ptr(std::runtime_error("of the channel")));
    EXPECT_TRUE(done(failed));
    EXPECT_THROW(static_cast<void>(failed.get()), std::runtime_error);
}

task<> wait_for_one(channel_reader<int> from, bool timed, cancellation_token token) {
    if (timed) {
        auto waiting = select(token, case_read(from), case_after(1h));
        static_cast<void>(co_await waiting);
    } else {
        auto waiting = select(token, case_read(from));
        static_cast<void>(co_await waiting);
    }
}

TEST_F(select_test, a_token_ends_the_wait_and_no_case_happens) {
    for (const bool timed : {false, true}) {
        cancellation_source source;
        task<> ended = wait_for_one(numbers.reader(), timed, source.token());
        EXPECT_FALSE(done(ended));
        source.cancel();
        EXPECT_TRUE(done(ended));
        EXPECT_TRUE(ended.is_canceled());
        auto before = select(source.token(), case_read(numbers.reader()));
        EXPECT_TRUE(before.is_canceled());
    }
    EXPECT_TRUE(numbers.writer().try_write(1));
    EXPECT_EQ(numbers.reader().count(), 1U);
    EXPECT_EQ(home.time().pending_timers(), 0U);
}

TEST_F(select_test, of_several_ready_ones_each_has_its_turn) {
    std::set<std::size_t> seen;
    for (int round = 0; round < 50; ++round) {
        EXPECT_TRUE(numbers.writer().try_write(1));
        static_cast<void>(words.writer().try_write("a"));
        auto chosen = select(case_read(numbers.reader()), case_read(words.reader()));
        seen.insert(chosen.get().index());
    }
    EXPECT_EQ(seen.size(), 2U);
}

TEST_F(select_test, a_token_ends_the_wait_for_tasks_alone) {
    cancellation_source source;
    task_completion_source<int> never;
    auto waiting = select(source.token(), case_task(never.task()));
    EXPECT_FALSE(done(waiting));
    source.cancel();
    EXPECT_TRUE(done(waiting));
    EXPECT_TRUE(waiting.is_canceled());
    never.set_result(1);
}

TEST_F(select_test, a_displaced_read_leaves_nothing_behind_in_tasks_and_timers) {
    auto single = channel<int>::unbounded({.single_reader = true});
    std::optional<task_completion_source<int>> later(std::in_place);
    auto first = select(case_read(single.reader()), case_task(later->task()), case_after(1h));
    EXPECT_FALSE(done(first));
    task<int> second = single.reader().read();
    EXPECT_TRUE(done(first));
    EXPECT_TRUE(first.is_canceled());
    EXPECT_EQ(home.time().pending_timers(), 0U);
    first = {};
    later->set_result(1);
    later.reset();
    EXPECT_TRUE(single.writer().try_write(1));
    EXPECT_TRUE(done(second));
    EXPECT_EQ(second.get(), 1);
}

}  // namespace
