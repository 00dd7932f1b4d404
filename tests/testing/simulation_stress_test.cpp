// What the guard of a simulated test does after a second of real time.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <future>

#include "weft/testing/simulation.hpp"
#include "weft/weft.hpp"

namespace {

using weft::task;
using weft::testing::simulated_test;

TEST(simulation, who_blocks_the_thread_is_helped) {
    const simulated_test world("latch", 0);
    std::promise<int> answer;
    const task<> work = weft::run([&answer] { answer.set_value(3); });
    EXPECT_EQ(answer.get_future().get(), 3) << "run beside the test, which blocks in a way of its own";
    EXPECT_EQ(world.left_by(), "waits in a way of its own");
    work.get();
}

}  // namespace
