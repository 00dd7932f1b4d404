// Posts that meet workers falling asleep: a lost wake-up would leave an item waiting for ever.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "support/scale.hpp"
#include "weft/blocking_region.hpp"
#include "weft/run.hpp"
#include "weft/runtime.hpp"
#include "weft/start_new.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;

weft::runtime_options workers(std::size_t count) {
    weft::runtime_options options;
    options.min_threads = count;
    options.driver = "parking";
    return options;
}

struct counting_item : weft::work_item {
    std::atomic<int>* ran = nullptr;
    weft::dispatcher* home = nullptr;
    counting_item* then = nullptr;
    counting_item() {
        run = [](work_item& item) noexcept {
            auto& self = static_cast<counting_item&>(item);
            if (self.then != nullptr) self.home->post(*self.then, weft::post_hint::local);
            self.ran->fetch_add(1);
        };
    }
};

void ping(std::size_t worker_count, int rounds) {
    std::atomic<int> ran{0};
    counting_item first;
    counting_item second;
    first.ran = &ran;
    second.ran = &ran;
    weft::runtime where(workers(worker_count));
    first.home = &where.pool();
    first.then = &second;
    std::mt19937 random(1);
    for (int round = 1; round <= rounds; ++round) {
        where.pool().post(first, weft::post_hint::local);
        ASSERT_TRUE(eventually([&] { return ran == 2 * round; })) << "round " << round;
        // Pauses around the time in which a worker falls asleep.
        const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(random() % 20'000);
        while (std::chrono::steady_clock::now() < until) {}
    }
}

TEST(parking_stress, one_worker_hears_every_post) { ping(1, 5'000); }
TEST(parking_stress, two_workers_hear_every_post) { ping(2, 5'000); }
TEST(parking_stress, many_workers_hear_every_post) { ping(6, 2'000); }

TEST(parking_stress, several_posters_and_workers_lose_nothing) {
    constexpr int posters = 3;
    constexpr int each = 5'000;
    std::atomic<int> ran{0};
    std::vector<std::thread> threads;
    weft::runtime where(workers(3));
    for (int poster = 0; poster < posters; ++poster) {
        threads.emplace_back([&, poster] {
            std::mt19937 random(static_cast<unsigned>(poster));
            for (int index = 0; index < each; ++index) {
                where.pool().post([&] {
                    weft::thread_pool& pool = where.pool();
                    pool.post([&] { ran.fetch_add(1); });
                    ran.fetch_add(1);
                });
                if (random() % 64 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 200));
            }
        });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(eventually([&] { return ran == 2 * posters * each; }));
    EXPECT_EQ(where.pool().injections(weft::injection_reason::blocking), 0U);
}

TEST(parking_stress, blocking_and_unblocking_threads_lose_nothing) {
    constexpr int count = 400;
    std::atomic<int> ran{0};
    weft::runtime where(workers(2));
    for (int index = 0; index < count; ++index) {
        where.pool().post([&] {
            std::atomic<bool> inner{false};
            where.pool().post([&] {
                inner = true;
                inner.notify_one();
            });
            {
                const weft::blocking_region region;
                inner.wait(false);
            }
            ran.fetch_add(1);
        });
    }
    EXPECT_TRUE(eventually([&] { return ran == count; }, 60s));
}

// All threads are blocked, nothing is queued, the monitor rests; then one item comes, too early for the next thread.
TEST(parking_stress, a_post_that_is_too_early_for_a_paced_thread_is_not_forgotten) {
    const std::size_t blocked = std::max(std::thread::hardware_concurrency(), 1U) + 1;
    weft::runtime_options options = workers(1);
    options.compensation = weft::blocking_compensation::paced;
    std::atomic<bool> open{false};
    std::atomic<std::size_t> inside{0};
    std::atomic<bool> ran{false};
    weft::runtime where(options);
    for (std::size_t index = 0; index < blocked; ++index) {
        where.pool().post([&] {
            const weft::blocking_region region;
            ++inside;
            open.wait(false);
        });
    }
    EXPECT_TRUE(eventually([&] { return inside == blocked; }));
    std::this_thread::sleep_for(200ms);  // longer than the monitor stays up
    where.pool().post([&] { ran = true; });
    EXPECT_TRUE(eventually([&] { return ran.load(); }, 5s));
    open = true;
    open.notify_all();
    EXPECT_TRUE(eventually([&] { return inside == blocked && ran; }));
}

// start_new() keeps a coroutine's function until the coroutine has ended, in a task that may still be queued when the runtime goes.
TEST(parking_stress, a_runtime_goes_while_tasks_are_about_to_go_on) {
    const int rounds = weft_test::scaled(300);
    const auto body = []() -> weft::task<bool> {
        weft::task<> nested = weft::run([] {});
        co_await nested;
        co_return true;
    };
    for (int round = 0; round < rounds; ++round) {
        weft::runtime where(workers(1));
        weft::task_scheduler& urgent = where.pool().scheduler(weft::work_priority::high);
        EXPECT_TRUE(weft::start_new(body, weft::creation_options::none, &urgent).get().get());
    }
}

}  // namespace
