// Broadcast channels: one thread, which runs what was posted when the test says so. The rules named are those of channels, 1.17.
// SPDX-License-Identifier: MIT

#include "weft/broadcast_channel.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/allocation_counter.hpp"
#include "support/manual_dispatcher.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/select.hpp"
#include "weft/wait_async.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft_test::manual_dispatcher;

struct failure : std::runtime_error {
    failure() : std::runtime_error("of the producer") {}
};
std::exception_ptr a_failure() { return std::make_exception_ptr(failure()); }

/// Counts copies; too big and not plain enough to be copied under the lock.
struct parcel {
    explicit parcel(int of) : number(of), text(100, 'x') {}
    parcel(const parcel& other) : number(other.number), text(other.text) {
        if (refuses_copies) throw failure();
        ++copies;
    }
    parcel(parcel&&) noexcept = default;
    parcel& operator=(const parcel&) = default;
    parcel& operator=(parcel&&) noexcept = default;
    ~parcel() = default;
    int number;
    std::string text;
    static inline int copies = 0;
    static inline bool refuses_copies = false;
};

class broadcast_channel_test : public ::testing::Test {
protected:
    template <class T>
    bool done(const task<T>& one) {
        home.run_all();
        return one.is_completed();
    }
    template <class T>
    static std::vector<T> rest(broadcast_reader<T>& of) {
        std::vector<T> all;
        while (auto item = of.try_read()) all.push_back(std::move(*item));
        return all;
    }
    static void write(const broadcast_channel<int>& to, int from, int end) {
        for (int item = from; item < end; ++item) EXPECT_TRUE(to.writer().try_write(item));
    }
    manual_dispatcher home;
};

TEST_F(broadcast_channel_test, S_1_17_1_every_subscriber_reads_every_item_in_order_from_its_subscription_on) {
    for (const broadcast_channel<int>& each : {broadcast_channel<int>::unbounded(), broadcast_channel<int>::bounded(10)}) {
        write(each, 0, 3);
        broadcast_reader<int> early = each.subscribe();
        write(each, 3, 5);
        broadcast_reader<int> late = each.subscribe();
        write(each, 5, 7);
        EXPECT_EQ(each.writer().subscribers(), 2U);
        EXPECT_EQ(early.count(), 4U);
        each.writer().complete();
        EXPECT_EQ(rest(early), (std::vector<int>{3, 4, 5, 6}));
        EXPECT_EQ(rest(late), (std::vector<int>{5, 6}));
        EXPECT_EQ(early.take_missed(), 0U);
    }
}

TEST_F(broadcast_channel_test, a_copy_is_a_subscription_of_its_own_that_stands_where_the_original_stands) {
    const auto each = broadcast_channel<int>::bounded(4);
    broadcast_reader<int> one = each.subscribe();
    write(each, 0, 4);
    EXPECT_EQ(one.try_read(), 0);
    broadcast_reader<int> two = one;
    EXPECT_EQ(each.writer().subscribers(), 2U);
    EXPECT_EQ(rest(one), (std::vector<int>{1, 2, 3}));
    EXPECT_TRUE(each.writer().try_write(4));
    EXPECT_FALSE(each.writer().try_write(5));  // the copy has not read 1
    EXPECT_EQ(rest(two), (std::vector<int>{1, 2, 3, 4}));
    EXPECT_EQ(rest(one), (std::vector<int>{4}));

    broadcast_reader<int> moved = std::move(one);
    EXPECT_EQ(each.writer().subscribers(), 2U);
    two = moved;
    EXPECT_EQ(each.writer().subscribers(), 2U);
    two = std::move(moved);
    EXPECT_EQ(each.writer().subscribers(), 1U);
}

TEST_F(broadcast_channel_test, S_1_17_2_completion_ends_as_the_channel_was_completed) {
    const auto good = broadcast_channel<int>::unbounded();
    broadcast_reader<int> of_good = good.subscribe();
    EXPECT_TRUE(good.writer().try_write(1));
    good.writer().complete();
    EXPECT_TRUE(of_good.completion().is_completed_successfully());
    EXPECT_EQ(of_good.try_read(), 1);

    const auto bad = broadcast_channel<int>::unbounded();
    bad.writer().complete(a_failure());
    EXPECT_TRUE(bad.subscribe().completion().is_faulted());
}

TEST_F(broadcast_channel_test, S_1_17_3_a_second_end_is_refused) {
    const auto each = broadcast_channel<int>::conflated();
    EXPECT_TRUE(each.writer().try_complete());
    EXPECT_FALSE(each.writer().try_complete());
    EXPECT_THROW(each.writer().complete(), invalid_operation);
}

TEST_F(broadcast_channel_test, S_1_17_4_after_the_end_nothing_is_written) {
    const auto each = broadcast_channel<int>::bounded(1);
    broadcast_reader<int> reader = each.subscribe();
    EXPECT_TRUE(each.writer().try_write(1));
    task<> waiting = each.writer().write(2);
    task<bool> watching = each.writer().wait_to_write();
    each.writer().complete(a_failure());
    EXPECT_TRUE(done(waiting) && done(watching));
    EXPECT_THROW(waiting.get(), channel_closed);
    EXPECT_THROW(watching.get(), failure);
    EXPECT_FALSE(each.writer().try_write(3));
    task<> late = each.writer().write(3);
    EXPECT_THROW(late.get(), channel_closed);
    EXPECT_EQ(rest(reader), (std::vector<int>{1}));
}

TEST_F(broadcast_channel_test, S_1_17_5_after_the_end_and_the_last_item_reads_say_so) {
    const auto each = broadcast_channel<int>::unbounded();
    broadcast_reader<int> behind = each.subscribe();
    EXPECT_TRUE(each.writer().try_write(1));
    broadcast_reader<int> waiting = each.subscribe();
    task<int> read = waiting.read();
    task<bool> watch = waiting.wait_to_read();
    each.writer().complete(a_failure());
    EXPECT_TRUE(done(read) && done(watch));
    EXPECT_THROW(read.get(), channel_closed);
    EXPECT_THROW(watch.get(), failure);
    task<int> item = behind.read();
    EXPECT_EQ(item.get(), 1);
    task<int> end = behind.read();
    EXPECT_THROW(end.get(), channel_closed);

    const auto canceled = broadcast_channel<int>::unbounded();
    broadcast_reader<int> of_canceled = canceled.subscribe();
    canceled.writer().complete(std::make_exception_ptr(task_canceled()));
    task<int> last = of_canceled.read();
    EXPECT_TRUE(last.is_canceled());
}

TEST_F(broadcast_channel_test, S_1_17_6_a_cancelled_token_wins_over_items_and_room) {
    cancellation_source source;
    source.cancel();
    const auto each = broadcast_channel<int>::bounded(2);
    broadcast_reader<int> reader = each.subscribe();
    EXPECT_TRUE(each.writer().try_write(1));
    task<int> read = reader.read(source.token());
    task<bool> watch_read = reader.wait_to_read(source.token());
    task<> write_two = each.writer().write(2, source.token());
    task<bool> watch_write = each.writer().wait_to_write(source.token());
    home.run_all();
    EXPECT_TRUE(read.is_canceled() && watch_read.is_canceled() && write_two.is_canceled() && watch_write.is_canceled());
    EXPECT_EQ(reader.count(), 1U);
}

TEST_F(broadcast_channel_test, S_1_17_7_a_cancelled_wait_leaves_the_line_and_nothing_is_lost) {
    const auto each = broadcast_channel<int>::bounded(1);
    broadcast_reader<int> reader = each.subscribe();
    cancellation_source source;
    task<int> gone = reader.read(source.token());
    task<int> next = reader.read();
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
    EXPECT_EQ(reader.try_read(), 1);
    EXPECT_EQ(reader.try_read(), 3);
    EXPECT_TRUE(done(kept));
}

TEST_F(broadcast_channel_test, S_1_17_7_an_item_that_was_handed_over_wins_over_a_later_cancel) {
    const auto each = broadcast_channel<int>::unbounded();
    broadcast_reader<int> reader = each.subscribe();
    cancellation_source source;
    task<int> read = reader.read(source.token());
    EXPECT_TRUE(each.writer().try_write(7));
    source.cancel();
    EXPECT_TRUE(done(read));
    EXPECT_EQ(read.get(), 7);
}

TEST_F(broadcast_channel_test, S_1_17_8_of_several_waits_of_one_subscription_the_first_gets_the_item) {
    const auto each = broadcast_channel<int>::unbounded();
    broadcast_reader<int> shared = each.subscribe();
    broadcast_reader<int> alone = each.subscribe();
    task<int> first = shared.read();
    task<int> second = shared.read();
    task<bool> watch = alone.wait_to_read();
    EXPECT_TRUE(each.writer().try_write(1));
    EXPECT_TRUE(done(first) && done(watch));
    EXPECT_FALSE(done(second));
    EXPECT_EQ(alone.try_read(), 1);
    EXPECT_TRUE(each.writer().try_write(2));
    EXPECT_TRUE(done(second));
    EXPECT_EQ(first.get(), 1);
    EXPECT_EQ(second.get(), 2);
}

task<> note_completion(broadcast_reader<int>& reader, bool& completed_first) {
    try {
        co_await reader.read();
    } catch (const channel_closed&) {
        completed_first = reader.completion().is_completed();
    }
}

TEST_F(broadcast_channel_test, S_1_17_9_a_woken_reader_sees_the_channel_completed) {
    const auto each = broadcast_channel<int>::unbounded();
    broadcast_reader<int> reader = each.subscribe();
    bool completed_first = false;
    task<> reading = note_completion(reader, completed_first);
    each.writer().complete();
    EXPECT_TRUE(done(reading));
    EXPECT_TRUE(completed_first);
}

task<> note_item(broadcast_reader<int>& reader, std::vector<int>& log) {
    const int item = co_await reader.read();
    log.push_back(item);
}

TEST_F(broadcast_channel_test, S_1_17_10_nobody_goes_on_inside_a_call_of_another) {
    const auto each = broadcast_channel<int>::bounded(1);
    broadcast_reader<int> reader = each.subscribe();
    std::vector<int> log;
    task<> later = note_item(reader, log);
    EXPECT_TRUE(each.writer().try_write(1));
    EXPECT_TRUE(log.empty());
    EXPECT_TRUE(done(later));
    EXPECT_TRUE(each.writer().try_write(2));
    task<> waits = each.writer().write(3);
    EXPECT_EQ(reader.try_read(), 2);
    EXPECT_FALSE(waits.is_completed());
    EXPECT_TRUE(done(waits));
}

task<std::vector<int>> gather(broadcast_reader<int>& reader, cancellation_token first, cancellation_token second) {
    std::vector<int> items;
    async_stream<int> stream = reader.read_all(first).with_cancellation(second);
    while (auto item = co_await stream.next()) items.push_back(*item);
    co_return items;
}

TEST_F(broadcast_channel_test, S_1_17_12_read_all_ends_with_the_channel_and_obeys_both_tokens) {
    const auto each = broadcast_channel<int>::unbounded();
    broadcast_reader<int> one = each.subscribe();
    broadcast_reader<int> two = each.subscribe();
    task<std::vector<int>> of_one = gather(one, {}, {});
    task<std::vector<int>> of_two = gather(two, {}, {});
    std::vector<int> expected(10);
    std::iota(expected.begin(), expected.end(), 0);
    for (const int item : expected) {
        EXPECT_TRUE(each.writer().try_write(item));
        if (item % 3 == 0) home.run_all();
    }
    each.writer().complete();
    EXPECT_TRUE(done(of_one) && done(of_two));
    EXPECT_EQ(of_one.get(), expected);
    EXPECT_EQ(of_two.get(), expected);

    for (const int which : {0, 1}) {
        const auto other = broadcast_channel<int>::unbounded();
        broadcast_reader<int> reader = other.subscribe();
        cancellation_source first;
        cancellation_source second;
        task<std::vector<int>> canceled = gather(reader, first.token(), second.token());
        (which == 0 ? first : second).cancel();
        EXPECT_TRUE(done(canceled));
        EXPECT_TRUE(canceled.is_canceled());
    }
}

TEST_F(broadcast_channel_test, S_1_17_13_a_drop_callback_may_use_the_channel) {
    const auto each = broadcast_channel<int>::bounded({.capacity = 1, .full_mode = broadcast_full_mode::drop_oldest});
    broadcast_reader<int> reader = each.subscribe();
    std::size_t seen = 9;
    broadcast_channel<int>(each).on_dropped([&](const int&) { seen = reader.count(); });
    write(each, 0, 2);
    EXPECT_EQ(seen, 1U);
}

TEST_F(broadcast_channel_test, S_1_17_15_writes_wait_for_the_slowest_subscriber_in_order) {
    const auto each = broadcast_channel<int>::bounded(2);
    broadcast_reader<int> quick = each.subscribe();
    broadcast_reader<int> slow = each.subscribe();
    write(each, 0, 2);
    EXPECT_FALSE(each.writer().try_write(9));
    task<> two = each.writer().write(2);
    task<> three = each.writer().write(3);
    EXPECT_EQ(rest(quick), (std::vector<int>{0, 1}));
    EXPECT_FALSE(done(two));
    EXPECT_EQ(slow.try_read(), 0);
    EXPECT_TRUE(done(two));
    EXPECT_FALSE(done(three));
    EXPECT_EQ(rest(slow), (std::vector<int>{1, 2, 3}));
    EXPECT_TRUE(done(three));
    EXPECT_FALSE(each.writer().try_write(9));  // now the other is the slowest
    EXPECT_EQ(rest(quick), (std::vector<int>{2, 3}));
}

TEST_F(broadcast_channel_test, S_1_17_16_a_subscriber_that_lags_misses_the_oldest_and_is_told_how_many) {
    std::vector<int> dropped;
    const auto each = broadcast_channel<int>::bounded({.capacity = 2, .full_mode = broadcast_full_mode::drop_oldest})
                          .on_dropped([&](const int& item) { dropped.push_back(item); });
    broadcast_reader<int> quick = each.subscribe();
    broadcast_reader<int> slow = each.subscribe();
    for (int item = 0; item < 5; ++item) {
        EXPECT_TRUE(each.writer().try_write(item));
        EXPECT_EQ(quick.try_read(), item);
    }
    task<bool> room = each.writer().wait_to_write();
    EXPECT_TRUE(room.is_completed_successfully());
    EXPECT_EQ(slow.count(), 2U);
    EXPECT_EQ(slow.take_missed(), 0U);  // its reads have not come to the gap
    EXPECT_EQ(slow.try_read(), 3);
    EXPECT_EQ(slow.take_missed(), 3U);
    EXPECT_EQ(slow.try_read(), 4);
    EXPECT_EQ(slow.take_missed(), 0U);
    EXPECT_EQ(quick.take_missed(), 0U);
    EXPECT_EQ(dropped, (std::vector<int>{0, 1, 2}));
}

TEST_F(broadcast_channel_test, S_1_17_16_drop_write_drops_the_incoming_item_for_all) {
    std::vector<int> dropped;
    const auto each = broadcast_channel<int>::bounded({.capacity = 2, .full_mode = broadcast_full_mode::drop_write})
                          .on_dropped([&](const int& item) { dropped.push_back(item); });
    broadcast_reader<int> quick = each.subscribe();
    broadcast_reader<int> slow = each.subscribe();
    write(each, 0, 2);
    EXPECT_EQ(rest(quick), (std::vector<int>{0, 1}));
    task<> refused = each.writer().write(2);
    EXPECT_TRUE(refused.is_completed_successfully());
    EXPECT_EQ(quick.try_read(), std::nullopt);
    EXPECT_EQ(rest(slow), (std::vector<int>{0, 1}));
    EXPECT_EQ(slow.take_missed(), 0U);
    EXPECT_EQ(dropped, (std::vector<int>{2}));
}

TEST_F(broadcast_channel_test, S_1_17_19_room_goes_to_one_writer_or_is_told_to_all_who_watch) {
    const auto each = broadcast_channel<int>::bounded(1);
    broadcast_reader<int> reader = each.subscribe();
    EXPECT_TRUE(each.writer().try_write(1));
    task<> writing = each.writer().write(2);
    task<bool> one = each.writer().wait_to_write();
    task<bool> two = each.writer().wait_to_write();
    EXPECT_EQ(reader.try_read(), 1);
    EXPECT_TRUE(done(writing));
    EXPECT_FALSE(done(one));
    EXPECT_EQ(reader.try_read(), 2);
    EXPECT_TRUE(done(one) && done(two));
    EXPECT_TRUE(one.get() && two.get());
}

TEST_F(broadcast_channel_test, without_subscribers_nothing_is_kept_and_nothing_waits) {
    const auto each = broadcast_channel<int>::bounded(1);
    write(each, 0, 10);
    EXPECT_EQ(each.latest(), std::nullopt);
    broadcast_reader<int> reader = each.subscribe();
    EXPECT_EQ(reader.count(), 0U);
    write(each, 10, 11);
    EXPECT_EQ(each.latest(), 10);
    EXPECT_EQ(reader.try_read(), 10);
}

TEST_F(broadcast_channel_test, the_end_of_the_slowest_subscription_lets_writers_go_on) {
    const auto each = broadcast_channel<int>::bounded(3);
    broadcast_reader<int> quick = each.subscribe();
    auto slow = std::make_unique<broadcast_reader<int>>(each.subscribe());
    write(each, 0, 3);
    EXPECT_EQ(rest(quick).size(), 3U);
    task<> three = each.writer().write(3);
    task<int> next = quick.read();
    EXPECT_FALSE(done(three));
    slow.reset();
    EXPECT_TRUE(done(three) && done(next));
    EXPECT_EQ(next.get(), 3);
    EXPECT_EQ(each.writer().subscribers(), 1U);

    const auto large = broadcast_channel<parcel>::unbounded();
    broadcast_reader<parcel> ahead = large.subscribe();
    broadcast_reader<parcel> leaves = large.subscribe();
    for (int item = 0; item < 1000; ++item) EXPECT_TRUE(large.writer().try_write(parcel(item)));
    EXPECT_EQ(ahead.try_read()->number, 0);
    leaves.unsubscribe();
    leaves.unsubscribe();
    EXPECT_EQ(ahead.count(), 999U);
    for (int item = 1; item < 1000; ++item) EXPECT_EQ(ahead.try_read()->number, item);
}

TEST_F(broadcast_channel_test, for_who_has_unsubscribed_the_channel_is_complete_whatever_waits) {
    const auto each = broadcast_channel<int>::unbounded();
    broadcast_reader<int> leaver = each.subscribe();
    broadcast_reader<int> other = each.subscribe();
    task<int> read = leaver.read();
    task<int> second_read = leaver.read();
    task<bool> watch = leaver.wait_to_read();
    task<std::vector<int>> all = gather(leaver, {}, {});
    task<int> stays = other.read();
    leaver.unsubscribe();
    EXPECT_TRUE(done(read) && done(second_read) && done(watch) && done(all));
    EXPECT_THROW(read.get(), channel_closed);
    EXPECT_THROW(second_read.get(), channel_closed);
    EXPECT_FALSE(watch.get());
    EXPECT_TRUE(all.get().empty());
    EXPECT_FALSE(stays.is_completed());
    EXPECT_TRUE(each.writer().try_write(1));
    EXPECT_TRUE(done(stays));
    EXPECT_EQ(leaver.try_read(), std::nullopt);
    task<int> late = leaver.read();
    EXPECT_THROW(late.get(), channel_closed);
    broadcast_reader<int> copy = leaver;
    EXPECT_EQ(copy.try_read(), std::nullopt);
    EXPECT_EQ(each.writer().subscribers(), 1U);
}

TEST_F(broadcast_channel_test, a_wait_keeps_its_subscription_and_the_channel_when_all_handles_are_gone) {
    task<int> read;
    broadcast_writer<int> writer = [&] {
        const auto each = broadcast_channel<int>::unbounded();
        read = each.subscribe().read();
        return each.writer();
    }();
    EXPECT_EQ(writer.subscribers(), 1U);
    EXPECT_TRUE(writer.try_write(5));
    EXPECT_TRUE(done(read));
    EXPECT_EQ(read.get(), 5);
    EXPECT_EQ(writer.subscribers(), 0U);
}

TEST_F(broadcast_channel_test, a_limit_ends_a_wait_and_takes_nothing) {
    const auto each = broadcast_channel<int>::bounded(1);
    broadcast_reader<int> reader = each.subscribe();
    cancellation_source limit;
    limit.cancel_after(5ms);
    task<int> read = reader.read(limit.token());
    home.time().advance(5ms);
    EXPECT_TRUE(done(read));
    EXPECT_TRUE(read.is_canceled());
    EXPECT_TRUE(each.writer().try_write(1));
    cancellation_source other;
    other.cancel_after(5ms);
    task<> writing = each.writer().write(2, other.token());
    home.time().advance(5ms);
    EXPECT_TRUE(done(writing));
    EXPECT_TRUE(writing.is_canceled());
    EXPECT_EQ(rest(reader), (std::vector<int>{1}));
}

TEST_F(broadcast_channel_test, conflated_readers_see_the_newest_item_only) {
    const auto each = broadcast_channel<int>::conflated();
    broadcast_reader<int> early = each.subscribe();
    EXPECT_EQ(early.latest(), std::nullopt);
    task<int> read = early.read();
    write(each, 0, 4);
    EXPECT_TRUE(done(read));
    EXPECT_EQ(read.get(), 0);
    EXPECT_EQ(early.try_read(), 3);
    EXPECT_EQ(early.take_missed(), 2U);
    EXPECT_EQ(early.try_read(), std::nullopt);
    EXPECT_EQ(early.latest(), 3);  // read, and still there

    broadcast_reader<int> late = each.subscribe();
    EXPECT_EQ(late.count(), 1U);
    EXPECT_EQ(late.try_read(), 3);
    task<bool> changed = late.wait_to_read();
    EXPECT_FALSE(done(changed));
    write(each, 4, 5);
    EXPECT_TRUE(done(changed));
    EXPECT_TRUE(changed.get());
    each.writer().complete();
    EXPECT_EQ(late.try_read(), 4);
    task<int> end = late.read();
    EXPECT_THROW(end.get(), channel_closed);
    broadcast_reader<int> after = each.subscribe();
    EXPECT_EQ(after.try_read(), 4);

    const auto with_value = broadcast_channel<std::string>::conflated("first");
    EXPECT_EQ(with_value.latest(), "first");
    EXPECT_EQ(with_value.subscribe().try_read(), "first");
    EXPECT_EQ(with_value.latest(), "first");
}

TEST_F(broadcast_channel_test, an_item_is_copied_once_less_than_it_is_read) {
    const auto each = broadcast_channel<parcel>::unbounded();
    broadcast_reader<parcel> one = each.subscribe();
    parcel::copies = 0;
    EXPECT_TRUE(each.writer().try_write(parcel(1)));
    EXPECT_EQ(one.try_read()->number, 1);
    task<parcel> waiting = one.read();
    EXPECT_TRUE(each.writer().try_write(parcel(2)));
    EXPECT_TRUE(done(waiting));
    EXPECT_EQ(parcel::copies, 0);
    broadcast_reader<parcel> two = each.subscribe();
    broadcast_reader<parcel> three = each.subscribe();
    EXPECT_TRUE(each.writer().try_write(parcel(3)));
    for (broadcast_reader<parcel>* reader : {&one, &two, &three}) EXPECT_EQ(reader->try_read()->number, 3);
    EXPECT_EQ(parcel::copies, 2);
}

TEST_F(broadcast_channel_test, what_copying_throws_meets_the_reader_and_nobody_else) {
    const auto each = broadcast_channel<parcel>::unbounded();
    broadcast_reader<parcel> one = each.subscribe();
    broadcast_reader<parcel> two = each.subscribe();
    task<parcel> waiting = one.read();
    EXPECT_TRUE(each.writer().try_write(parcel(1)));
    parcel::refuses_copies = true;
    EXPECT_TRUE(done(waiting));
    parcel::refuses_copies = false;
    EXPECT_THROW(static_cast<void>(waiting.get()), failure);
    EXPECT_EQ(two.try_read()->number, 1);
    EXPECT_EQ(one.try_read(), std::nullopt);
}

TEST_F(broadcast_channel_test, a_capacity_of_zero_is_refused_and_a_refused_item_comes_back) {
    EXPECT_THROW(static_cast<void>(broadcast_channel<int>::bounded(0)), std::invalid_argument);
    const auto each = broadcast_channel<std::shared_ptr<int>>::bounded(1);
    broadcast_reader<std::shared_ptr<int>> reader = each.subscribe();
    EXPECT_TRUE(each.writer().try_write(std::make_shared<int>(1)));
    auto kept = std::make_shared<int>(2);
    EXPECT_FALSE(each.writer().try_write(std::move(kept)));
    EXPECT_NE(kept, nullptr);
    EXPECT_EQ(**reader.try_read(), 1);
}

TEST_F(broadcast_channel_test, select_takes_from_a_subscription_only_what_it_was_chosen_for) {
    const auto each = broadcast_channel<parcel>::unbounded();
    broadcast_reader<parcel> one = each.subscribe();
    broadcast_reader<parcel> two = each.subscribe();
    const auto other = broadcast_channel<int>::unbounded();
    broadcast_reader<int> numbers = other.subscribe();
    auto waiting = select(case_read(one), case_read(numbers));
    EXPECT_FALSE(done(waiting));
    EXPECT_TRUE(other.writer().try_write(5));
    EXPECT_TRUE(each.writer().try_write(parcel(1)));
    EXPECT_TRUE(done(waiting));
    const auto chosen = waiting.get();
    ASSERT_EQ(chosen.index(), 1U);
    EXPECT_EQ(std::get<1>(chosen), 5);
    EXPECT_EQ(one.try_read()->number, 1);
    EXPECT_EQ(two.try_read()->number, 1);

    EXPECT_TRUE(each.writer().try_write(parcel(2)));
    auto at_once = select(case_read(one), case_read(numbers));
    EXPECT_TRUE(at_once.is_completed());
    EXPECT_EQ(std::get<0>(at_once.get())->number, 2);

    auto ended = select(case_read(one), case_read(numbers));
    one.unsubscribe();
    EXPECT_TRUE(done(ended));
    EXPECT_EQ(std::get<0>(ended.get()).has_value(), false);
}

TEST_F(broadcast_channel_test, S_1_17_14_waiting_cancelling_and_passing_plain_items_allocates_nothing) {
    if (!weft_test::allocation_counter::is_available) GTEST_SKIP() << "the sanitizer owns operator new";
    const auto each = broadcast_channel<int>::bounded(1);
    const auto pump = [](broadcast_reader<int>& from, int count) -> task<int> {
        int sum = 0;
        for (int item = 0; item < count; ++item) sum += co_await from.read();
        co_return sum;
    };
    const auto feed = [](broadcast_writer<int> to, int count) -> task<> {
        for (int item = 0; item < count; ++item) co_await to.write(1);
    };
    event_loop_context loop;
    broadcast_reader<int> first = each.subscribe();
    broadcast_reader<int> second = each.subscribe();
    task<int> one;
    task<int> two;
    task<> fed;
    {
        const synchronization_context_scope scope(&loop);
        one = pump(first, 1000);
        two = pump(second, 1000);
        fed = feed(each.writer(), 1000);
    }
    for (int warm_up = 0; warm_up < 10; ++warm_up) loop.run_pending();
    const weft_test::allocation_counter counter;
    while (!one.is_completed() || !two.is_completed()) loop.run_pending();
    EXPECT_EQ(counter.count(), 0U);
    EXPECT_EQ(one.get() + two.get(), 2000);
    EXPECT_TRUE(fed.is_completed());
}

}  // namespace
