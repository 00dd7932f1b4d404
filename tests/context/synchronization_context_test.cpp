// SPDX-License-Identifier: MIT
#include "weft/synchronization_context.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "support/manual_dispatcher.hpp"

namespace {

using namespace weft;

class recording_context final : public synchronization_context {
public:
    void post(callback function) override { last = std::move(function); }
    callback last;
};

TEST(synchronization_context, S_1_5_1_current_belongs_to_the_thread_and_starts_empty) {
    synchronization_context context;
    const synchronization_context_scope scope(&context);
    EXPECT_EQ(synchronization_context::current(), &context);
    std::thread([] { EXPECT_EQ(synchronization_context::current(), nullptr); }).join();
}

TEST(synchronization_context, a_scope_puts_the_previous_context_back) {
    synchronization_context outer;
    synchronization_context inner;
    const synchronization_context_scope first(&outer);
    {
        const synchronization_context_scope second(&inner);
        EXPECT_EQ(synchronization_context::current(), &inner);
    }
    EXPECT_EQ(synchronization_context::current(), &outer);
}

TEST(synchronization_context, S_1_5_2_the_base_class_posts_to_the_pool_and_sends_inline) {
    weft_test::manual_dispatcher home;
    synchronization_context context;
    bool posted = false;
    bool sent = false;
    context.post([&] { posted = true; });
    context.send([&] { sent = true; });
    EXPECT_FALSE(posted);
    EXPECT_TRUE(sent);
    EXPECT_EQ(home.last_hint(), post_hint::fair);
    home.run_all();
    EXPECT_TRUE(posted);
}

TEST(synchronization_context, S_1_5_3_an_instance_of_exactly_the_base_class_counts_as_none) {
    synchronization_context base;
    recording_context derived;
    EXPECT_EQ(detail::capturable(nullptr), nullptr);
    EXPECT_EQ(detail::capturable(&base), nullptr);
    EXPECT_EQ(detail::capturable(&derived), &derived);
}

TEST(synchronization_context, an_item_goes_through_post_unless_the_context_knows_better) {
    struct flag_item : work_item {
        flag_item() : work_item([](work_item& item) noexcept { static_cast<flag_item&>(item).ran = true; }) {}
        bool ran = false;
    } item;
    recording_context context;
    context.post_item(item);
    EXPECT_FALSE(item.ran);
    context.last();
    EXPECT_TRUE(item.ran);
}

}  // namespace
