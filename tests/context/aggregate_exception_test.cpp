// SPDX-License-Identifier: MIT
#include "weft/aggregate_exception.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <type_traits>

#include "weft/base/error.hpp"

namespace {

using namespace weft;

std::exception_ptr error(const char* text) { return std::make_exception_ptr(std::runtime_error(text)); }

std::vector<std::string> messages(const aggregate_exception& aggregate) {
    std::vector<std::string> texts;
    for (const std::exception_ptr& inner : aggregate.inner_exceptions()) texts.push_back(message_of(inner));
    return texts;
}

TEST(aggregate_exception, S_1_14_1_holds_its_errors_in_order) {
    const aggregate_exception aggregate({error("a"), error("b")});
    EXPECT_EQ(messages(aggregate), (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(message_of(aggregate.inner_exception()), "a");
}

TEST(aggregate_exception, S_1_14_1_may_be_empty_but_holds_no_null) {
    EXPECT_TRUE(aggregate_exception().inner_exceptions().empty());
    EXPECT_EQ(aggregate_exception().inner_exception(), nullptr);
    EXPECT_THROW(aggregate_exception({error("a"), nullptr}), std::invalid_argument);
}

TEST(aggregate_exception, S_1_14_2_flatten_opens_nested_ones_level_by_level) {
    const auto deep = std::make_exception_ptr(aggregate_exception({error("d"), error("e")}));
    const auto middle = std::make_exception_ptr(aggregate_exception({error("b"), deep, error("c")}));
    const aggregate_exception outer({middle, error("a"), error("a")});
    EXPECT_EQ(messages(outer.flatten()), (std::vector<std::string>{"a", "a", "b", "c", "d", "e"}));
}

TEST(aggregate_exception, S_1_14_3_handle_throws_what_the_predicate_refused) {
    const aggregate_exception aggregate({error("a"), error("b"), error("c")});
    int calls = 0;
    try {
        aggregate.handle([&](const std::exception_ptr& inner) {
            ++calls;
            return message_of(inner) == "b";
        });
        FAIL();
    } catch (const aggregate_exception& rest) {
        EXPECT_EQ(messages(rest), (std::vector<std::string>{"a", "c"}));
    }
    EXPECT_EQ(calls, 3);
    aggregate.handle([](const std::exception_ptr&) { return true; });
    EXPECT_THROW(
        aggregate.handle([](const std::exception_ptr&) -> bool { throw std::logic_error("own"); }), std::logic_error);
}

TEST(aggregate_exception, S_1_14_4_base_exception_follows_single_errors_only) {
    const auto leaf = error("leaf");
    const auto single = std::make_exception_ptr(aggregate_exception({leaf}));
    EXPECT_EQ(aggregate_exception({single}).base_exception(), leaf);
    const auto pair = std::make_exception_ptr(aggregate_exception({leaf, leaf}));
    EXPECT_EQ(aggregate_exception({pair}).base_exception(), pair);
    EXPECT_EQ(message_of(aggregate_exception().base_exception()), "one or more errors occurred");
}

TEST(aggregate_exception, S_1_14_5_the_message_lists_the_inner_ones) {
    EXPECT_STREQ(aggregate_exception({error("a"), error("b")}).what(), "one or more errors occurred (a) (b)");
    EXPECT_STREQ(aggregate_exception({error("a")}, "both failed").what(), "both failed (a)");
    EXPECT_TRUE(std::is_nothrow_copy_constructible_v<aggregate_exception>);
}

}  // namespace
