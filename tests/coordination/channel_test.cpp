// Channels: semantics 1.17. One thread, which runs what was posted when the test says so.
// SPDX-License-Identifier: MIT

#include "weft/channel.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/allocation_counter.hpp"
#include "support/manual_dispatcher.hpp"
#include "weft/event_loop_context.hpp"

namespace {

using namespace weft;
using weft_test::manual_dispatcher;

struct failure : std::runtime_error {
    failure() : std::runtime_error("of the producer") {}
};
std::exception_ptr a_failure() { return std::make_exception_ptr(failure()); }

class channel_test : public ::testing::Test {
protected:
    template <class T>
    bool done(const task<T>& one) {
        home.run_all();
        return one.is_completed();
    }
    manual_dispatcher home;
};

/// The same promise for every kind.
std::vector<channel<int>> every_kind() {
    return {channel<int>::unbounded(), channel<int>::bounded(10), channel<int>::prioritized(),
        channel<int>::unbounded({.single_reader = true}),
        channel<int>::bounded({.capacity = 10, .allow_synchronous_continuations = true})};
}

TEST_F(channel_test, S_1_17_1_items_come_in_order_and_stay_readable_after_the_end) {
    for (channel<int>& each : every_kind()) {
        for (int item = 0; item < 5; ++item) EXPECT_TRUE(each.writer().try_write(item));
        each.writer().complete();
        EXPECT_EQ(each.reader().count(), 5U);
        EXPECT_FALSE(done(each.reader().completion()));
        for (int item = 0; item < 5; ++item) EXPECT_EQ(each.reader().try_read(), item);
        EXPECT_TRUE(done(each.reader().completion()));
        EXPECT_EQ(each.reader().try_read(), std::nullopt);
    }
}

TEST_F(channel_test, S_1_17_2_completion_ends_as_the_channel_was_completed) {
    channel<int> good = channel<int>::unbounded();
    good.writer().complete();
    EXPECT_TRUE(good.reader().completion().is_completed_successfully());

    channel<int> bad = channel<int>::unbounded();
    const std::exception_ptr error = a_failure();
    bad.writer().complete(error);
    EXPECT_TRUE(bad.reader().completion().is_faulted());
    EXPECT_EQ(bad.reader().completion().exception()->inner_exceptions().front(), error);

    channel<int> canceled = channel<int>::unbounded();
    cancellation_source source;
    source.cancel();
    canceled.writer().complete(std::make_exception_ptr(task_canceled(source.token())));
    EXPECT_TRUE(canceled.reader().completion().is_canceled());
}

TEST_F(channel_test, S_1_17_3_a_second_end_is_refused) {
    for (channel<int>& each : every_kind()) {
        EXPECT_TRUE(each.writer().try_complete());
        EXPECT_FALSE(each.writer().try_complete());
        EXPECT_THROW(each.writer().complete(), invalid_operation);
    }
}

TEST_F(channel_test, S_1_17_4_after_the_end_nothing_is_written) {
    for (channel<int>& each : every_kind()) {
        each.writer().complete();
        EXPECT_FALSE(each.writer().try_write(1));
        task<> write = each.writer().write(1);
        EXPECT_THROW(write.get(), channel_closed);
        task<bool> watch = each.writer().wait_to_write();
        EXPECT_FALSE(watch.get());
    }
    channel<int> failed = channel<int>::bounded(1);
    failed.writer().complete(a_failure());
    task<> write = failed.writer().write(1);
    try {
        write.get();
        FAIL() << "get() must throw";
    } catch (const channel_closed& closed) {
        EXPECT_THROW(std::rethrow_exception(closed.inner_exception()), failure);
        EXPECT_STREQ(closed.what(), "the channel is closed: of the producer");
    }
    task<bool> watch = failed.writer().wait_to_write();
    EXPECT_THROW(watch.get(), failure);
}

TEST_F(channel_test, S_1_17_5_after_the_end_and_the_last_item_reads_say_so) {
    for (channel<int>& each : every_kind()) {
        each.writer().complete();
        task<int> read = each.reader().read();
        EXPECT_THROW(read.get(), channel_closed);
        task<bool> watch = each.reader().wait_to_read();
        EXPECT_FALSE(watch.get());
    }
    channel<int> failed = channel<int>::unbounded();
    task<int> waiting = failed.reader().read();
    task<bool> watching = failed.reader().wait_to_read();
    failed.writer().complete(a_failure());
    home.run_all();
    EXPECT_THROW(waiting.get(), channel_closed);
    EXPECT_THROW(watching.get(), failure);

    channel<int> canceled = channel<int>::unbounded();
    canceled.writer().complete(std::make_exception_ptr(task_canceled()));
    task<int> read = canceled.reader().read();
    EXPECT_TRUE(done(read));
    EXPECT_TRUE(read.is_canceled());
}

TEST_F(channel_test, S_1_17_6_a_cancelled_token_wins_over_items_and_room) {
    cancellation_source source;
    source.cancel();
    channel<int> each = channel<int>::bounded(2);
    EXPECT_TRUE(each.writer().try_write(1));
    task<int> read = each.reader().read(source.token());
    task<bool> watch_read = each.reader().wait_to_read(source.token());
    task<> write = each.writer().write(2, source.token());
    task<bool> watch_write = each.writer().wait_to_write(source.token());
    home.run_all();
    EXPECT_TRUE(read.is_canceled() && watch_read.is_canceled() && write.is_canceled() && watch_write.is_canceled());
    EXPECT_EQ(each.reader().count(), 1U);
}

TEST_F(channel_test, S_1_17_7_a_cancelled_wait_leaves_the_line_and_nothing_is_lost) {
    channel<int> each = channel<int>::bounded(1);
    cancellation_source source;
    task<int> gone = each.reader().read(source.token());
    task<int> next = each.reader().read();
    source.cancel();
    EXPECT_TRUE(done(gone));
    EXPECT_TRUE(gone.is_canceled());
    EXPECT_TRUE(each.writer().try_write(7));
    EXPECT_TRUE(done(next));
    EXPECT_EQ(next.get(), 7);

    EXPECT_TRUE(each.writer().try_write(1));
    cancellation_source other;
    task<> dropped = each.writer().write(2, other.token());
    task<> kept = each.writer().write(3);
    other.cancel();
    EXPECT_TRUE(done(dropped));
    EXPECT_TRUE(dropped.is_canceled());
    EXPECT_EQ(each.reader().try_read(), 1);
    EXPECT_EQ(each.reader().try_read(), 3);
    EXPECT_TRUE(done(kept));
    EXPECT_EQ(each.reader().try_read(), std::nullopt);
}

TEST_F(channel_test, S_1_17_7_an_item_that_was_handed_over_wins_over_a_later_cancel) {
    channel<int> each = channel<int>::unbounded();
    cancellation_source source;
    task<int> read = each.reader().read(source.token());
    EXPECT_TRUE(each.writer().try_write(7));
    source.cancel();
    EXPECT_TRUE(done(read));
    EXPECT_EQ(read.get(), 7);
}

TEST_F(channel_test, S_1_17_8_all_who_watch_are_told_and_one_gets_the_item) {
    channel<int> each = channel<int>::unbounded();
    task<bool> first = each.reader().wait_to_read();
    task<bool> second = each.reader().wait_to_read();
    EXPECT_FALSE(done(first));
    EXPECT_TRUE(each.writer().try_write(1));
    EXPECT_TRUE(done(first) && done(second));
    EXPECT_TRUE(first.get() && second.get());
    EXPECT_EQ(each.reader().try_read(), 1);
    EXPECT_EQ(each.reader().try_read(), std::nullopt);
}

task<> note_completion(channel_reader<int> reader, bool& completed_first) {
    try {
        co_await reader.read();
    } catch (const channel_closed&) {
        completed_first = reader.completion().is_completed();
    }
}

TEST_F(channel_test, S_1_17_9_a_woken_reader_sees_the_channel_completed) {
    for (const bool synchronous : {false, true}) {
        channel<int> each = channel<int>::bounded({.capacity = 1, .allow_synchronous_continuations = synchronous});
        bool completed_first = false;
        task<> reading = note_completion(each.reader(), completed_first);
        each.writer().complete();
        EXPECT_TRUE(done(reading));
        EXPECT_TRUE(completed_first);
    }
}

task<> note_item(channel_reader<int> reader, cancellation_token token, std::vector<int>& log) {
    const int item = co_await reader.read(token);
    log.push_back(item);
}

TEST_F(channel_test, S_1_17_10_a_reader_goes_on_inside_the_write_only_where_that_is_allowed) {
    std::vector<int> log;
    channel<int> queued = channel<int>::unbounded();
    task<> later = note_item(queued.reader(), {}, log);
    EXPECT_TRUE(queued.writer().try_write(1));
    EXPECT_TRUE(log.empty());
    EXPECT_TRUE(done(later));

    channel<int> inlined = channel<int>::unbounded({.allow_synchronous_continuations = true});
    task<> at_once = note_item(inlined.reader(), {}, log);
    EXPECT_TRUE(inlined.writer().try_write(2));
    EXPECT_EQ(log, (std::vector<int>{1, 2}));
    EXPECT_TRUE(at_once.is_completed());

    cancellation_source source;
    task<> with_token = note_item(inlined.reader(), source.token(), log);
    EXPECT_TRUE(inlined.writer().try_write(3));
    EXPECT_EQ(log.size(), 2U);
    EXPECT_TRUE(done(with_token));
}

TEST_F(channel_test, S_1_17_10_a_writer_never_goes_on_inside_a_read) {
    channel<int> each = channel<int>::bounded({.capacity = 1, .allow_synchronous_continuations = true});
    EXPECT_TRUE(each.writer().try_write(1));
    task<> write = each.writer().write(2);
    EXPECT_EQ(each.reader().try_read(), 1);
    EXPECT_FALSE(write.is_completed());
    EXPECT_TRUE(done(write));
}

task<std::vector<int>> gather(channel_reader<int> reader, cancellation_token first, cancellation_token second) {
    std::vector<int> items;
    async_stream<int> stream = reader.read_all(first).with_cancellation(second);
    while (auto item = co_await stream.next()) items.push_back(*item);
    co_return items;
}

TEST_F(channel_test, S_1_17_12_read_all_ends_with_the_channel_shares_its_items_and_obeys_both_tokens) {
    channel<int> each = channel<int>::unbounded();
    task<std::vector<int>> one = gather(each.reader(), {}, {});
    task<std::vector<int>> two = gather(each.reader(), {}, {});
    for (int item = 0; item < 10; ++item) {
        EXPECT_TRUE(each.writer().try_write(item));
        home.run_all();
    }
    each.writer().complete();
    EXPECT_TRUE(done(one) && done(two));
    EXPECT_EQ(one.get().size() + two.get().size(), 10U);

    for (const int which : {0, 1}) {
        channel<int> other = channel<int>::unbounded();
        cancellation_source first;
        cancellation_source second;
        task<std::vector<int>> canceled = gather(other.reader(), first.token(), second.token());
        (which == 0 ? first : second).cancel();
        EXPECT_TRUE(done(canceled));
        EXPECT_TRUE(canceled.is_canceled());
    }

    channel<int> failed = channel<int>::unbounded();
    EXPECT_TRUE(failed.writer().try_write(1));
    failed.writer().complete(a_failure());
    task<std::vector<int>> throws = gather(failed.reader(), {}, {});
    EXPECT_TRUE(done(throws));
    EXPECT_THROW(throws.get(), failure);
}

TEST_F(channel_test, S_1_17_13_a_drop_callback_may_use_the_channel) {
    channel<int> each = channel<int>::bounded({.capacity = 1, .full_mode = channel_full_mode::drop_oldest});
    std::size_t seen = 9;
    each.on_dropped([&](int&&) { seen = each.reader().count(); });
    EXPECT_TRUE(each.writer().try_write(1));
    EXPECT_TRUE(each.writer().try_write(2));
    EXPECT_EQ(seen, 1U);
}

TEST_F(channel_test, S_1_17_14_cancelled_waits_do_not_pile_up) {
    if (!weft_test::allocation_counter::is_available) GTEST_SKIP() << "the sanitizer owns operator new";
    channel<int> each = channel<int>::unbounded();
    const auto round = [&] {
        cancellation_source source;
        task<int> read = each.reader().read(source.token());
        source.cancel();
        EXPECT_TRUE(done(read));
    };
    for (int warm_up = 0; warm_up < 10; ++warm_up) round();
    const weft_test::allocation_counter counter;
    for (int again = 0; again < 100; ++again) round();
    EXPECT_LE(counter.count(), 600U);  // exceptions and sources; nothing of the channel's grows
    EXPECT_TRUE(each.writer().try_write(1));
    EXPECT_EQ(each.reader().try_read(), 1);
}

TEST_F(channel_test, S_1_17_15_writes_to_a_full_channel_wait_in_order) {
    channel<int> each = channel<int>::bounded(2);
    EXPECT_TRUE(each.writer().try_write(0));
    EXPECT_TRUE(each.writer().try_write(1));
    EXPECT_FALSE(each.writer().try_write(9));
    task<> two = each.writer().write(2);
    task<> three = each.writer().write(3);
    EXPECT_FALSE(done(two));
    EXPECT_EQ(each.reader().try_read(), 0);
    EXPECT_TRUE(done(two));
    EXPECT_FALSE(done(three));
    for (const int item : {1, 2, 3}) EXPECT_EQ(each.reader().try_read(), item);
    EXPECT_TRUE(done(three));
}

TEST_F(channel_test, S_1_17_16_each_mode_drops_its_item_and_reports_success) {
    struct expectation {
        channel_full_mode mode;
        std::vector<int> left;
        std::vector<int> dropped;
    };
    for (const expectation& each : {expectation{channel_full_mode::drop_oldest, {2, 3}, {0, 1}},
             expectation{channel_full_mode::drop_newest, {0, 3}, {1, 2}},
             expectation{channel_full_mode::drop_write, {0, 1}, {2, 3}}}) {
        std::vector<int> dropped;
        channel<int> full = channel<int>::bounded({.capacity = 2, .full_mode = each.mode}).on_dropped([&](int&& item) {
            dropped.push_back(item);
        });
        for (int item = 0; item < 3; ++item) EXPECT_TRUE(full.writer().try_write(item));
        task<> write = full.writer().write(3);
        EXPECT_TRUE(write.is_completed_successfully());
        task<bool> watch = full.writer().wait_to_write();
        EXPECT_TRUE(watch.is_completed_successfully());
        std::vector<int> left;
        while (const auto item = full.reader().try_read()) left.push_back(*item);
        EXPECT_EQ(left, each.left);
        EXPECT_EQ(dropped, each.dropped);
    }
}

TEST_F(channel_test, S_1_17_17_drop_newest_keeps_the_first_and_the_latest) {
    channel<int> full = channel<int>::bounded({.capacity = 3, .full_mode = channel_full_mode::drop_newest});
    for (int item = 0; item < 100; ++item) EXPECT_TRUE(full.writer().try_write(item));
    for (const int item : {0, 1, 99}) EXPECT_EQ(full.reader().try_read(), item);
}

TEST_F(channel_test, S_1_17_18_nothing_is_dropped_where_writes_wait) {
    int dropped = 0;
    channel<int> full = channel<int>::bounded(1).on_dropped([&](int&&) { ++dropped; });
    EXPECT_TRUE(full.writer().try_write(1));
    EXPECT_FALSE(full.writer().try_write(2));
    task<> write = full.writer().write(3);
    EXPECT_EQ(full.reader().try_read(), 1);
    EXPECT_TRUE(done(write));
    EXPECT_EQ(dropped, 0);
}

TEST_F(channel_test, S_1_17_19_room_goes_to_one_writer_or_is_told_to_all_who_watch) {
    channel<int> full = channel<int>::bounded(1);
    EXPECT_TRUE(full.writer().try_write(1));
    task<> write = full.writer().write(2);
    task<bool> one = full.writer().wait_to_write();
    task<bool> two = full.writer().wait_to_write();
    EXPECT_EQ(full.reader().try_read(), 1);
    EXPECT_TRUE(done(write));
    EXPECT_FALSE(done(one));
    EXPECT_EQ(full.reader().try_read(), 2);
    EXPECT_TRUE(done(one) && done(two));
    EXPECT_TRUE(one.get() && two.get());
}

TEST_F(channel_test, S_1_17_20_a_rendezvous_hands_over_and_stores_nothing) {
    channel<int> meeting = channel<int>::bounded(0);
    EXPECT_FALSE(meeting.writer().try_write(1));
    task<> write = meeting.writer().write(1);
    EXPECT_FALSE(done(write));
    EXPECT_EQ(meeting.reader().count(), 0U);
    task<bool> readable = meeting.reader().wait_to_read();
    EXPECT_TRUE(readable.get());
    EXPECT_EQ(meeting.reader().try_read(), 1);
    EXPECT_TRUE(done(write));

    task<bool> writable = meeting.writer().wait_to_write();
    EXPECT_FALSE(done(writable));
    task<int> read = meeting.reader().read();
    EXPECT_TRUE(done(writable));
    EXPECT_TRUE(writable.get());
    EXPECT_TRUE(meeting.writer().try_write(5));
    EXPECT_TRUE(done(read));
    EXPECT_EQ(read.get(), 5);

    std::vector<int> dropped;
    channel<int> dropping = channel<int>::bounded({.capacity = 0, .full_mode = channel_full_mode::drop_oldest});
    dropping.on_dropped([&](int&& item) { dropped.push_back(item); });
    EXPECT_TRUE(dropping.writer().try_write(1));
    task<int> first = dropping.reader().read();
    EXPECT_TRUE(dropping.writer().try_write(2));
    EXPECT_TRUE(done(first));
    EXPECT_EQ(first.get(), 2);
    EXPECT_EQ(dropped, (std::vector<int>{1}));
}

TEST_F(channel_test, S_1_17_21_an_unbounded_channel_takes_everything_until_its_end) {
    channel<std::unique_ptr<int>> each = channel<std::unique_ptr<int>>::unbounded();
    for (int item = 0; item < 1000; ++item) EXPECT_TRUE(each.writer().try_write(std::make_unique<int>(item)));
    for (int item = 0; item < 1000; ++item) EXPECT_EQ(**each.reader().try_read(), item);
    each.writer().complete();
    auto kept = std::make_unique<int>(1);
    EXPECT_FALSE(each.writer().try_write(std::move(kept)));
    EXPECT_NE(kept, nullptr);
}

TEST_F(channel_test, S_1_17_22_the_second_wait_of_a_single_reader_cancels_the_first) {
    channel<int> each = channel<int>::unbounded({.single_reader = true});
    task<int> first = each.reader().read();
    task<bool> second = each.reader().wait_to_read();
    EXPECT_TRUE(done(first));
    EXPECT_TRUE(first.is_canceled());
    task<int> third = each.reader().read();
    EXPECT_TRUE(done(second));
    EXPECT_TRUE(second.is_canceled());
    EXPECT_TRUE(each.writer().try_write(1));
    EXPECT_TRUE(done(third));
    EXPECT_EQ(third.get(), 1);
}

TEST_F(channel_test, S_1_17_23_a_prioritized_channel_gives_the_lowest_first) {
    channel<int> each = channel<int>::prioritized(std::greater<int>());
    for (const int item : {3, 9, 1, 7}) EXPECT_TRUE(each.writer().try_write(item));
    EXPECT_EQ(each.reader().try_peek(), 9);
    EXPECT_EQ(each.reader().count(), 4U);
    for (const int item : {9, 7, 3, 1}) EXPECT_EQ(each.reader().try_read(), item);
    EXPECT_EQ(each.reader().try_peek(), std::nullopt);
}

TEST_F(channel_test, waiting_and_passing_items_allocates_nothing) {
    if (!weft_test::allocation_counter::is_available) GTEST_SKIP() << "the sanitizer owns operator new";
    channel<int> each = channel<int>::bounded(1);
    const auto pump = [](channel_reader<int> from, int count) -> task<int> {
        int sum = 0;
        for (int item = 0; item < count; ++item) sum += co_await from.read();
        co_return sum;
    };
    const auto feed = [](channel_writer<int> to, int count) -> task<> {
        for (int item = 0; item < count; ++item) co_await to.write(1);
    };
    event_loop_context loop;
    task<int> pumped;
    task<> fed;
    {
        const synchronization_context_scope scope(&loop);
        pumped = pump(each.reader(), 1000);
        fed = feed(each.writer(), 1000);
    }
    for (int warm_up = 0; warm_up < 10; ++warm_up) loop.run_pending();
    const weft_test::allocation_counter counter;
    while (!pumped.is_completed()) loop.run_pending();
    EXPECT_EQ(counter.count(), 0U);
    EXPECT_EQ(pumped.get(), 1000);
    EXPECT_TRUE(fed.is_completed());
}

TEST_F(channel_test, a_wait_keeps_the_channel_when_all_handles_are_gone) {
    task<int> read;
    task<> completion;
    {
        channel<int> each = channel<int>::unbounded();
        read = each.reader().read();
        completion = each.reader().completion();
        each.writer().complete();
    }
    EXPECT_TRUE(done(read));
    EXPECT_THROW(read.get(), channel_closed);
}

}  // namespace
