// Subscriptions to a broadcast channel: what each reads, how one begins and ends, and who keeps whom alive.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "coordination/broadcast_fixture.hpp"

namespace {

using namespace weft;
using weft_test::gather;
using weft_test::parcel;

class broadcast_subscriptions_test : public weft_test::broadcast_fixture {};

TEST_F(broadcast_subscriptions_test, S_1_17_1_every_subscriber_reads_every_item_in_order_from_its_subscription_on) {
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

TEST_F(broadcast_subscriptions_test, a_copy_is_a_subscription_of_its_own_that_stands_where_the_original_stands) {
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

TEST_F(broadcast_subscriptions_test, without_subscribers_nothing_is_kept_and_nothing_waits) {
    const auto each = broadcast_channel<int>::bounded(1);
    write(each, 0, 10);
    EXPECT_EQ(each.latest(), std::nullopt);
    broadcast_reader<int> reader = each.subscribe();
    EXPECT_EQ(reader.count(), 0U);
    write(each, 10, 11);
    EXPECT_EQ(each.latest(), 10);
    EXPECT_EQ(reader.try_read(), 10);
}

TEST_F(broadcast_subscriptions_test, the_end_of_the_slowest_subscription_lets_writers_go_on) {
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

TEST_F(broadcast_subscriptions_test, for_who_has_unsubscribed_the_channel_is_complete_whatever_waits) {
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

TEST_F(broadcast_subscriptions_test, a_wait_keeps_its_subscription_and_the_channel_when_all_handles_are_gone) {
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

}  // namespace
