// Tasks in the order of their end (semantics 1.9/11).
// SPDX-License-Identifier: MIT

#include "weft/when_each.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "support/scale.hpp"
#include "weft/task_completion_source.hpp"

namespace {

using namespace weft;
using weft_test::manual_dispatcher;

task<> note_each(async_stream<task<int>> stream, std::string& trace) {
    while (auto ended = co_await stream.next()) {
        EXPECT_TRUE(ended->is_completed());
        trace += ended->is_faulted() ? "x" : std::to_string(ended->get());
        static_cast<void>(ended->exception());
    }
    trace += ".";
}

TEST(when_each, S_1_9_11_ended_ones_in_argument_order_then_the_others_as_they_end) {
    manual_dispatcher dispatcher;
    task_completion_source<int> slow;
    task_completion_source<int> slower;
    std::string trace;
    const std::vector<task<int>> tasks{slower.task(), from_result(1), slow.task(), from_result(2)};
    task<> noting = note_each(when_each(tasks), trace);
    EXPECT_EQ(trace, "12");
    slow.set_result(3);
    dispatcher.run_all();
    slower.set_result(4);
    dispatcher.run_all();
    EXPECT_EQ(trace, "1234.");
    noting.get();
}

TEST(when_each, S_1_9_11_next_is_over_at_once_when_one_is_ready) {
    async_stream<task<int>> stream = when_each(from_result(5), from_result(6));
    EXPECT_EQ(stream.next().as_task().get()->get(), 5);
    EXPECT_EQ(stream.next().as_task().get()->get(), 6);
    EXPECT_FALSE(stream.next().as_task().get().has_value());
}

TEST(when_each, S_1_9_11_failures_are_yielded_not_thrown) {
    std::string trace;
    note_each(when_each(from_exception<int>(std::runtime_error("bad")), from_result(1)), trace).get();
    EXPECT_EQ(trace, "x1.");
}

TEST(when_each, S_1_9_11_empty_input_ends_at_once_and_duplicates_come_once_each) {
    std::string trace;
    note_each(when_each(std::vector<task<int>>()), trace).get();
    const task<int> twice = from_result(7);
    note_each(when_each(std::vector<task<int>>{twice, twice}), trace).get();
    EXPECT_EQ(trace, ".77.");
    EXPECT_THROW(static_cast<void>(when_each(std::vector<task<int>>{task<int>()})), std::invalid_argument);
}

TEST(when_each, leaving_early_leaves_nothing_registered) {
    task_completion_source<int> pending;
    {
        async_stream<task<int>> stream = when_each(std::vector<task<int>>{from_result(1), pending.task()});
        static_cast<void>(stream.next().as_task().get());
    }
    int registered = 0;
    pending.task().core_or_null()->visit_continuations([&](detail::continuation&) { ++registered; });
    EXPECT_EQ(registered, 0);
}

TEST(when_each, leaving_races_completing) {
    for (int round = 0; round < weft_test::scaled(2000); ++round) {
        task_completion_source<int> first;
        task_completion_source<int> second;
        std::thread completing([&] {
            first.set_result(1);
            second.set_result(2);
        });
        {
            async_stream<task<int>> stream = when_each(std::vector<task<int>>{first.task(), second.task()});
            task<std::optional<task<int>>> one = stream.next();
            ASSERT_TRUE(one.get().has_value());
        }
        completing.join();
    }
}

}  // namespace
