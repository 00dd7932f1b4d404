// Full and conflated broadcast channels: who waits, and what is dropped.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "coordination/broadcast_fixture.hpp"

namespace {

using namespace weft;

class broadcast_capacity_test : public weft_test::broadcast_fixture {};

TEST_F(broadcast_capacity_test, S_1_17_13_a_drop_callback_may_use_the_channel) {
    const auto each = broadcast_channel<int>::bounded({.capacity = 1, .full_mode = broadcast_full_mode::drop_oldest});
    broadcast_reader<int> reader = each.subscribe();
    std::size_t seen = 9;
    broadcast_channel<int>(each).on_dropped([&](const int&) { seen = reader.count(); });
    write(each, 0, 2);
    EXPECT_EQ(seen, 1U);
}

TEST_F(broadcast_capacity_test, S_1_17_15_writes_wait_for_the_slowest_subscriber_in_order) {
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

TEST_F(broadcast_capacity_test, S_1_17_16_a_subscriber_that_lags_misses_the_oldest_and_is_told_how_many) {
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

TEST_F(broadcast_capacity_test, S_1_17_16_drop_write_drops_the_incoming_item_for_all) {
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

TEST_F(broadcast_capacity_test, S_1_17_19_room_goes_to_one_writer_or_is_told_to_all_who_watch) {
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

TEST_F(broadcast_capacity_test, conflated_readers_see_the_newest_item_only) {
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

}  // namespace
