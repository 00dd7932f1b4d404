// The items of a broadcast channel: how often they are copied, and what a copy that throws, a refusal and a capacity of 0 do.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>

#include "coordination/broadcast_fixture.hpp"

namespace {

using namespace weft;
using weft_test::failure;
using weft_test::parcel;

class broadcast_items_test : public weft_test::broadcast_fixture {};

TEST_F(broadcast_items_test, an_item_is_copied_once_less_than_it_is_read) {
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

TEST_F(broadcast_items_test, what_copying_throws_meets_the_reader_and_nobody_else) {
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

TEST_F(broadcast_items_test, a_capacity_of_zero_is_refused_and_a_refused_item_comes_back) {
    EXPECT_THROW(static_cast<void>(broadcast_channel<int>::bounded(0)), std::invalid_argument);
    const auto each = broadcast_channel<std::shared_ptr<int>>::bounded(1);
    broadcast_reader<std::shared_ptr<int>> reader = each.subscribe();
    EXPECT_TRUE(each.writer().try_write(std::make_shared<int>(1)));
    auto kept = std::make_shared<int>(2);
    EXPECT_FALSE(each.writer().try_write(std::move(kept)));
    EXPECT_NE(kept, nullptr);
    EXPECT_EQ(**reader.try_read(), 1);
}

}  // namespace
