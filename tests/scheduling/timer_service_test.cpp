// Timers of a real runtime, in real but short times.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "weft/blocking_region.hpp"
#include "weft/runtime.hpp"
#include "weft/testing/fake_time_provider.hpp"

namespace {

using namespace std::chrono_literals;
using weft::runtime;
using weft::time_point;
using weft_test::eventually;

weft::runtime_options workers(std::size_t count) {
    weft::runtime_options options;
    options.min_threads = count;
    options.driver = "parking";
    return options;
}

struct noting_timer : weft::timer_node {
    noting_timer() {
        fire = [](weft::timer_node& node) noexcept {
            auto& self = static_cast<noting_timer&>(node);
            self.fired_at = std::chrono::steady_clock::now();
            self.fired = self.fired + 1;
        };
    }
    time_point fired_at{};
    std::atomic<int> fired{0};
};

TEST(timers, a_timer_armed_by_a_foreign_thread_wakes_a_sleeping_pool) {
    noting_timer timer;
    runtime where(workers(2));
    timer.deadline = where.time().now() + 2ms;
    where.time().arm(timer);
    EXPECT_TRUE(eventually([&] { return timer.fired == 1; }));
    EXPECT_GE(timer.fired_at, timer.deadline);
}

TEST(timers, an_earlier_timer_than_the_one_slept_for_fires_first) {
    noting_timer late;
    noting_timer early;
    runtime where(workers(1));
    late.deadline = where.time().now() + 1h;
    where.time().arm(late);
    ASSERT_TRUE(eventually([&] { return where.io_driver().name() == "parking"; }));
    early.deadline = where.time().now() + 1ms;
    where.time().arm(early);
    EXPECT_TRUE(eventually([&] { return early.fired == 1; }));
    EXPECT_EQ(late.fired, 0);
    EXPECT_TRUE(where.time().disarm(late));
}

TEST(timers, a_deadline_in_the_past_fires_soon_but_not_inside_arm) {
    noting_timer timer;
    runtime where(workers(1));
    timer.deadline = where.time().now() - 1h;
    where.time().arm(timer);
    EXPECT_TRUE(eventually([&] { return timer.fired == 1; }));
    EXPECT_FALSE(where.time().disarm(timer));
}

TEST(timers, disarm_says_whether_the_timer_will_ever_fire) {
    noting_timer never_armed;
    noting_timer timer;
    runtime where(workers(1));
    EXPECT_FALSE(where.time().disarm(never_armed));
    timer.deadline = where.time().now() + 1h;
    where.time().arm(timer);
    EXPECT_TRUE(where.time().disarm(timer));
    EXPECT_FALSE(where.time().disarm(timer));
    EXPECT_EQ(timer.fired, 0);
}

TEST(timers, a_busy_single_worker_fires_them_between_items) {
    noting_timer timer;
    std::atomic<bool> stop{false};
    struct endless_item : weft::work_item {
        weft::dispatcher* home = nullptr;
        std::atomic<bool>* stop = nullptr;
    } item;
    runtime where(workers(1));
    item.home = &where.pool();
    item.stop = &stop;
    item.run = [](weft::work_item& self) noexcept {
        auto& mine = static_cast<endless_item&>(self);
        if (!*mine.stop) mine.home->post(mine, weft::post_hint::next);
    };
    where.pool().post(item, weft::post_hint::local);
    timer.deadline = where.time().now() + 1ms;
    where.time().arm(timer);
    EXPECT_TRUE(eventually([&] { return timer.fired == 1; }));
    stop = true;
    EXPECT_TRUE(eventually([&] { return where.pool().pending_work_items() == 0; }));
}

TEST(timers, the_monitor_fires_them_while_every_worker_is_inside_a_long_item) {
    noting_timer timer;
    std::atomic<bool> fired{false};
    runtime where(workers(1));
    where.pool().post([&] {
        timer.deadline = where.time().now() + 1ms;
        where.time().arm(timer);
        fired = eventually([&] { return timer.fired == 1; });
    });
    EXPECT_TRUE(eventually([&] { return fired.load(); }));
}

TEST(timers, a_worker_that_blocks_leaves_its_timers_to_another) {
    noting_timer timer;
    std::atomic<bool> fired{false};
    runtime where(workers(2));
    where.pool().post([&] {
        timer.deadline = where.time().now() + 1ms;
        where.time().arm(timer);
        const weft::blocking_region region;
        fired = eventually([&] { return timer.fired == 1; });
    });
    EXPECT_TRUE(eventually([&] { return fired.load(); }));
}

TEST(timers, equal_deadlines_of_one_thread_fire_in_the_order_of_arming) {
    static std::vector<int> order;
    static std::atomic<int> count;
    order.clear();
    count = 0;
    struct ordered_timer : weft::timer_node {
        int name = 0;
    };
    std::vector<ordered_timer> timers(200);
    runtime where(workers(2));
    const auto deadline = where.time().now() + 3ms;
    for (int index = 0; index < 200; ++index) {
        auto& timer = timers[static_cast<std::size_t>(index)];
        timer.name = index;
        timer.deadline = deadline;
        timer.fire = [](weft::timer_node& node) noexcept {
            static std::mutex mutex;
            const std::lock_guard lock(mutex);
            order.push_back(static_cast<ordered_timer&>(node).name);
            ++count;
        };
        where.time().arm(timer);
    }
    ASSERT_TRUE(eventually([] { return count == 200; }));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(timers, a_runtime_uses_the_clock_it_is_given) {
    weft::testing::fake_time_provider clock;
    auto options = workers(1);
    options.clock = &clock;
    noting_timer timer;
    runtime where(options);
    EXPECT_EQ(&where.time(), &clock);
    timer.deadline = where.time().now() + 1h;
    where.time().arm(timer);
    clock.advance(59min);
    EXPECT_EQ(timer.fired, 0);
    clock.advance(1min);
    EXPECT_EQ(timer.fired, 1);
}

}  // namespace
