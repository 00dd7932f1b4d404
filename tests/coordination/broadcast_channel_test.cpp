// Broadcast channels, what they share with channels: ends, waits, cancellation, completion. One thread, which runs what was posted when the
// test says so. The rules named are those of channels, 1.17.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "coordination/broadcast_fixture.hpp"
#include "support/allocation_counter.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/select.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft_test::a_failure;
using weft_test::failure;
using weft_test::gather;
using weft_test::parcel;

class broadcast_channel_test : public weft_test::broadcast_fixture {};

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
