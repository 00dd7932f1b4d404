// Many timers, armed and disarmed by many threads, and a million due at once.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "weft/runtime.hpp"

namespace {

using namespace std::chrono_literals;
using weft::runtime;
using weft_test::eventually;

weft::runtime_options two_workers() {
    weft::runtime_options options;
    options.min_threads = 2;
    options.driver = "parking";
    return options;
}

struct counted_timer : weft::timer_node {
    std::atomic<int>* total = nullptr;
    std::atomic<int> fired{0};
    counted_timer() {
        fire = [](weft::timer_node& node) noexcept {
            auto& self = static_cast<counted_timer&>(node);
            auto* count = self.total;
            self.fired.fetch_add(1);
            count->fetch_add(1);
        };
    }
};

TEST(timers_stress, each_timer_fires_once_or_is_disarmed_and_never_both) {
    constexpr int threads = 3;
    constexpr int each = 3'000;
    std::atomic<int> fired{0};
    std::atomic<int> disarmed{0};
    std::vector<std::vector<counted_timer>> timers(threads);
    std::vector<std::thread> armers;
    runtime where(two_workers());
    for (int index = 0; index < threads; ++index) {
        timers[static_cast<std::size_t>(index)] = std::vector<counted_timer>(each);
        armers.emplace_back([&, index] {
            std::mt19937 random(static_cast<unsigned>(index));
            auto& mine = timers[static_cast<std::size_t>(index)];
            for (auto& timer : mine) {
                timer.total = &fired;
                timer.deadline = where.time().now() + std::chrono::microseconds(random() % 3000);
                where.time().arm(timer);
                if (random() % 3 == 0) {
                    auto& victim = mine[random() % static_cast<unsigned>(&timer - mine.data() + 1)];
                    if (where.time().disarm(victim)) ++disarmed;
                }
            }
        });
    }
    for (auto& armer : armers) armer.join();
    EXPECT_TRUE(eventually([&] { return fired + disarmed == threads * each; }));
    for (auto& mine : timers)
        for (auto& timer : mine) EXPECT_LE(timer.fired.load(), 1);
}

TEST(timers_stress, a_million_due_at_once_fire_and_let_other_work_run) {
    constexpr int count = 1'000'000;
    std::atomic<int> fired{0};
    std::vector<counted_timer> timers(count);
    runtime where(two_workers());
    const auto deadline = where.time().now() + 500ms;
    // What a timer's continuation posts is not left behind the rest of the million.
    struct noting_item : weft::work_item {
        std::atomic<int>* fired = nullptr;
        std::atomic<int> fired_before{-1};
    } item;
    item.fired = &fired;
    item.run = [](weft::work_item& self) noexcept {
        auto& mine = static_cast<noting_item&>(self);
        mine.fired_before = mine.fired->load();
    };
    static weft::dispatcher* home;
    static weft::work_item* posted;
    home = &where.pool();
    posted = &item;
    timers[count / 2].fire = [](weft::timer_node& node) noexcept {
        home->post(*posted, weft::post_hint::local);
        static_cast<counted_timer&>(node).total->fetch_add(1);
    };
    for (auto& timer : timers) {
        timer.total = &fired;
        timer.deadline = deadline;
        where.time().arm(timer);
    }
    EXPECT_TRUE(eventually([&] { return fired == count; }, 60s));
    EXPECT_TRUE(eventually([&] { return item.fired_before >= 0; }));
    EXPECT_LT(item.fired_before, count * 3 / 4);
    EXPECT_EQ(fired, count);
}

}  // namespace
