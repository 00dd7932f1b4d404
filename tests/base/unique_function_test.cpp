// SPDX-License-Identifier: MIT
#include "weft/base/unique_function.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/lifetime_tracked.hpp"

namespace {

using weft::unique_function;

TEST(unique_function, is_empty_by_default_and_after_a_move) {
    unique_function<int()> function;
    EXPECT_FALSE(function);
    function = [] { return 4; };
    unique_function<int()> other = std::move(function);
    EXPECT_FALSE(function);
    EXPECT_EQ(other(), 4);
}

TEST(unique_function, holds_a_move_only_callable) {
    unique_function<int(int)> function = [held = std::make_unique<int>(5)](int more) { return *held + more; };
    EXPECT_EQ(function(2), 7);
}

TEST(unique_function, holds_a_callable_too_large_for_its_room) {
    const std::string text(40, 'x');
    unique_function<std::size_t(std::string)> function = [text, more = text, last = text](std::string given) {
        return text.size() + more.size() + last.size() + given.size();
    };
    auto moved = std::move(function);
    EXPECT_EQ(moved("12"), 122u);
}

TEST(unique_function, destroys_the_callable_once) {
    weft_test::lifetime_counts counts;
    {
        unique_function<void()> function = [held = weft_test::lifetime_tracked<int>(counts)] { static_cast<void>(held); };
        unique_function<void()> other = std::move(function);
        other();
        other = nullptr;
        EXPECT_EQ(counts.alive(), 0);
    }
    EXPECT_EQ(counts.alive(), 0);
}

}  // namespace
