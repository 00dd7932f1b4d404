// SPDX-License-Identifier: MIT
#include "weft/base/assert.hpp"

#include <gtest/gtest.h>

namespace {

TEST(assert_death, a_broken_invariant_ends_the_process_with_its_sentence_and_place) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        WEFT_ASSERT(1 + 1 == 3, "two is more than it was"), "weft: two is more than it was .*assert_test.cpp:1[0-9]");
}

TEST(assert, a_kept_invariant_does_nothing) { WEFT_ASSERT(1 + 1 == 2, "arithmetic holds"); }

}  // namespace
