// The pool's promises: semantics 1.12, and what its contract adds.
// SPDX-License-Identifier: MIT

#include "weft/thread_pool.hpp"

#include <gtest/gtest.h>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "weft/async_local.hpp"
#include "weft/blocking_region.hpp"
#include "weft/run.hpp"
#include "weft/runtime.hpp"
#include "weft/start_new.hpp"
#include "weft/synchronization_context.hpp"
#include "weft/task.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/task_scheduler.hpp"
#include "weft/yield.hpp"

namespace {

using namespace std::chrono_literals;
using weft::runtime;
using weft::runtime_options;
using weft::thread_pool;
using weft_test::eventually;

/// A gate that callbacks can wait at, without telling the pool.
class gate {
public:
    void open() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool open_ = false;
};

runtime_options workers(std::size_t count) {
    runtime_options options;
    options.min_threads = count;
    options.driver = "parking";
    return options;
}

/// Runs `body` on a worker of `where` and waits until it has run.
template <class F>
void on_worker(runtime& where, F body) {
    std::atomic<bool> done{false};
    where.pool().post([&] {
        body();
        done = true;
    });
    ASSERT_TRUE(eventually([&] { return done.load(); }));
}

struct noting_item : weft::work_item {
    noting_item()
        : work_item([](work_item& item) noexcept {
              auto& self = static_cast<noting_item&>(item);
              self.order->push_back(self.name);
          }) {}
    std::vector<int>* order = nullptr;
    int name = 0;
};

TEST(thread_pool, S_1_12_1_posts_from_other_threads_run_first_in_first_out) {
    std::vector<int> order;
    gate start;
    runtime where(workers(1));
    where.pool().post([&] { start.pass(); });
    for (int name = 0; name < 5; ++name) where.pool().post([&order, name] { order.push_back(name); });
    start.open();
    on_worker(where, [] {});
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(thread_pool, S_1_12_2_a_worker_takes_its_newest_item_first) {
    std::vector<int> order;
    noting_item items[3];
    runtime where(workers(1));
    on_worker(where, [&] {
        for (int index = 0; index < 3; ++index) {
            items[index].order = &order;
            items[index].name = index;
            where.pool().post(items[index], weft::post_hint::local);
        }
    });
    on_worker(where, [] {});
    EXPECT_EQ(order, (std::vector<int>{2, 1, 0}));
}

TEST(thread_pool, what_was_posted_next_runs_before_the_local_queue) {
    std::vector<int> order;
    noting_item items[3];
    runtime where(workers(1));
    on_worker(where, [&] {
        for (int index = 0; index < 3; ++index) {
            items[index].order = &order;
            items[index].name = index;
        }
        where.pool().post(items[0], weft::post_hint::next);
        where.pool().post(items[1], weft::post_hint::local);
        where.pool().post(items[2], weft::post_hint::fair);
    });
    on_worker(where, [] {});
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST(thread_pool, S_1_12_3_a_fair_post_runs_behind_the_global_queue) {
    std::vector<int> order;
    noting_item fair;
    fair.order = &order;
    fair.name = 9;
    gate started;
    gate start;
    runtime where(workers(1));
    where.pool().post([&] {
        started.open();
        start.pass();
        where.pool().post(fair, weft::post_hint::fair);
    });
    started.pass();
    for (int name = 0; name < 3; ++name) where.pool().post([&order, name] { order.push_back(name); });
    start.open();
    ASSERT_TRUE(eventually([&] { return where.pool().pending_work_items() == 0; }));
    on_worker(where, [] {});
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 9}));
}

TEST(thread_pool, work_of_high_priority_comes_first_and_work_of_low_priority_last) {
    using enum weft::work_priority;
    std::vector<int> order;
    gate started;
    gate start;
    runtime where(workers(1));
    where.pool().post([&] {
        started.open();
        start.pass();
    });
    started.pass();
    const auto note = [&](int name) { return [&order, name] { order.push_back(name); }; };
    where.pool().post(note(7), low);
    where.pool().post(note(4));
    where.pool().post(note(1), high);
    where.pool().post(note(5), normal);
    where.pool().post(note(2), high);
    where.pool().post(note(8), low);
    where.pool().post(note(6));
    EXPECT_EQ(where.pool().pending_work_items(), 7U);
    start.open();
    EXPECT_TRUE(eventually([&] { return where.pool().pending_work_items() == 0; }));
    on_worker(where, [] {});
    EXPECT_EQ(order, (std::vector<int>{1, 2, 4, 5, 6, 7, 8}));
}

TEST(thread_pool, a_flood_of_high_priority_does_not_stop_other_work) {
    std::atomic<bool> ran{false};
    std::atomic<bool> low_ran{false};
    runtime where(workers(1));
    const std::function<void()> again = [&] {
        if (!ran || !low_ran) where.pool().post([&] { again(); }, weft::work_priority::high);
    };
    where.pool().post([&] { again(); }, weft::work_priority::high);
    where.pool().post([&] { ran = true; });
    where.pool().post([&] { low_ran = true; }, weft::work_priority::low);
    EXPECT_TRUE(eventually([&] { return ran && low_ran; }));
    ran = low_ran = true;
    where.shutdown();
}

TEST(thread_pool, awaits_of_a_coroutine_return_to_the_scheduler_of_its_priority) {
    runtime where(workers(1));
    weft::task_scheduler& urgent = where.pool().scheduler(weft::work_priority::high);
    EXPECT_NE(&urgent, &where.pool().scheduler(weft::work_priority::low));
    const auto body = [&urgent]() -> weft::task<bool> {
        const bool before = &weft::task_scheduler::current() == &urgent;
        weft::task<> nested = weft::run([] {});
        co_await nested;
        co_return before && &weft::task_scheduler::current() == &urgent;
    };
    EXPECT_TRUE(weft::start_new(body, weft::creation_options::none, &urgent).get().get());
}

TEST(thread_pool, S_1_12_4_long_running_work_gets_a_thread_of_its_own) {
    gate end;
    std::atomic<bool> is_worker{true};
    std::atomic<bool> started{false};
    runtime where(workers(1));
    where.pool().start_long_running([&] {
        is_worker = weft::detail::this_thread_block().worker != nullptr;
        EXPECT_EQ(&runtime::current(), &where);
        started = true;
        end.pass();
    });
    ASSERT_TRUE(eventually([&] { return started.load(); }));
    EXPECT_FALSE(is_worker);
    EXPECT_EQ(where.threads().long_running, 1U);
    EXPECT_EQ(where.pool().thread_count(), 1U);
    on_worker(where, [] {});  // the one worker is free
    end.open();
    EXPECT_TRUE(eventually([&] { return where.threads().long_running == 0; }));
}

TEST(thread_pool, S_1_12_5_the_minimum_of_threads_runs_at_once) {
    std::atomic<int> inside{0};
    gate end;
    runtime where(workers(3));
    for (int index = 0; index < 3; ++index) {
        where.pool().post([&] {
            ++inside;
            end.pass();
        });
    }
    EXPECT_TRUE(eventually([&] { return inside == 3; }));
    // On a loaded machine the three may be so slow to begin that the pool takes them for stuck.
    EXPECT_EQ(where.pool().thread_count(), 3U + where.pool().injections(weft::injection_reason::starvation));
    end.open();
}

TEST(thread_pool, S_1_12_6_starvation_adds_a_thread_when_queued_work_is_not_taken) {
    gate end;
    std::atomic<bool> ran{false};
    runtime where(workers(1));
    where.pool().post([&] { end.pass(); });
    where.pool().post([&] { ran = true; });
    EXPECT_TRUE(eventually([&] { return ran.load(); }));
    EXPECT_TRUE(eventually([&] { return where.pool().injections(weft::injection_reason::starvation) == 1; }));
    const auto events = where.pool().recent_injections();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].reason, weft::injection_reason::starvation);
    EXPECT_EQ(events[0].threads, 2U);
    end.open();
}

TEST(thread_pool, S_1_12_6_threads_that_compute_get_no_help_for_half_a_second) {
    std::atomic<bool> ran{false};
    runtime where(workers(1));
    where.pool().post([] {
        const auto until = std::chrono::steady_clock::now() + 120ms;
        while (std::chrono::steady_clock::now() < until) {}
    });
    where.pool().post([&] { ran = true; });
    EXPECT_TRUE(eventually([&] { return ran.load(); }));
    EXPECT_EQ(where.pool().thread_count(), 1U);
}

TEST(thread_pool, S_1_12_7_an_announced_block_is_compensated_at_once) {
    gate end;
    std::atomic<bool> blocked{false};
    std::atomic<bool> ran{false};
    runtime where(workers(1));
    where.pool().post([&] {
        const weft::blocking_region region;
        blocked = true;
        end.pass();
    });
    ASSERT_TRUE(eventually([&] { return blocked.load(); }));
    where.pool().post([&] { ran = true; });
    EXPECT_TRUE(eventually([&] { return ran.load(); }));
    EXPECT_EQ(where.pool().injections(weft::injection_reason::blocking), 1U);
    end.open();
}

TEST(thread_pool, S_1_12_7_paced_steps_follow_the_first_threads) {
    // 25 ms at least lie between the threads beyond one a processor, however many items wait.
    const auto processors = static_cast<std::size_t>(std::max(std::thread::hardware_concurrency(), 1U));
    const std::size_t items = processors * 2 + 3;
    runtime_options options = workers(1);
    options.compensation = weft::blocking_compensation::paced;
    gate end;
    std::atomic<std::size_t> inside{0};
    runtime where(options);
    for (std::size_t index = 0; index < items; ++index) {
        where.pool().post([&] {
            const weft::blocking_region region;
            ++inside;
            end.pass();
        });
    }
    EXPECT_TRUE(eventually([&] { return inside == items; }));
    EXPECT_TRUE(eventually([&] { return where.pool().injections(weft::injection_reason::blocking) == items - 1; }));
    end.open();
    const auto events = where.pool().recent_injections();
    ASSERT_EQ(events.size(), items - 1);
    for (std::size_t index = processors + 1; index < events.size(); ++index) {
        EXPECT_EQ(events[index].reason, weft::injection_reason::blocking);
        EXPECT_GE(events[index].when - events[index - 1].when, 20ms) << "thread " << index;
    }
}

TEST(thread_pool, a_thread_that_posts_while_it_ends_is_replaced) {
    struct posts_at_the_end {
        ~posts_at_the_end() {
            try {
                if (where != nullptr) where->pool().post([count = ran] { ++*count; });
            } catch (const weft::object_disposed&) {
                // The thread that stays to the end has nobody left to post to.
            }
        }
        runtime* where = nullptr;
        std::atomic<int>* ran = nullptr;
    };
    runtime_options options = workers(1);
    options.idle_thread_limit = std::chrono::milliseconds(1);
    std::atomic<int> ran{0};
    std::array<gate, 5> gates;  // a thread may still be on its way out of one when the next round begins
    runtime where(options);
    for (gate& end : gates) {
        std::atomic<int> blocked{0};
        const auto block = [&] {
            static thread_local posts_at_the_end last_words;
            if (where.pool().thread_count() > 1) last_words = {&where, &ran};
            const weft::blocking_region region;
            ++blocked;
            end.pass();
        };
        where.pool().post(block);
        where.pool().post(block);
        EXPECT_TRUE(eventually([&] { return blocked == 2; }));
        end.open();
        EXPECT_TRUE(eventually([&] { return where.pool().thread_count() == 1; }));
    }
    EXPECT_TRUE(eventually([&] { return ran > 0; }));
    where.shutdown();
}

TEST(thread_pool, S_1_12_11_a_thread_that_was_added_ends_when_it_has_been_idle_for_long) {
    gate end;
    std::atomic<bool> blocked{false};
    std::atomic<bool> ran{false};
    runtime_options options = workers(1);
    options.idle_thread_limit = std::chrono::milliseconds(30);
    runtime where(options);
    where.pool().post([&] {
        const weft::blocking_region region;
        blocked = true;
        end.pass();
    });
    ASSERT_TRUE(eventually([&] { return blocked.load(); }));
    where.pool().post([&] { ran = true; });
    ASSERT_TRUE(eventually([&] { return ran.load(); }));
    EXPECT_EQ(where.pool().thread_count(), 2U);
    end.open();
    EXPECT_TRUE(eventually([&] { return where.pool().thread_count() == 1; }));
    // It was one too many, not the last: work still runs.
    ran = false;
    where.pool().post([&] { ran = true; });
    EXPECT_TRUE(eventually([&] { return ran.load(); }));
}

TEST(thread_pool, S_1_8_9_a_wait_on_a_pool_thread_lets_another_thread_do_what_it_waits_for) {
    runtime where(workers(1));
    std::atomic<bool> done{false};
    where.pool().post([&] {
        weft::run([] {}).wait();  // needs the pool, whose one worker is this thread
        done = true;
    });
    EXPECT_TRUE(eventually([&] { return done.load(); }));
}

TEST(thread_pool, S_1_12_8_a_blocking_wait_on_a_task_announces_itself) {
    weft::task_completion_source<> source;
    std::atomic<bool> waited{false};
    runtime where(workers(1));
    where.pool().post([&] {
        source.task().wait();
        waited = true;
    });
    where.pool().post([&] { source.set_result(); });
    EXPECT_TRUE(eventually([&] { return waited.load(); }));
    EXPECT_EQ(where.pool().thread_count(), 2U);
}

TEST(thread_pool, S_1_12_10_impossible_limits_are_refused_and_change_nothing) {
    runtime_options options = workers(2);
    options.max_threads = 8;
    runtime where(options);
    thread_pool& pool = where.pool();
    EXPECT_FALSE(pool.set_min_threads(0));
    EXPECT_FALSE(pool.set_min_threads(9));
    EXPECT_FALSE(pool.set_max_threads(1));
    EXPECT_FALSE(pool.set_max_threads(1'000'000));
    EXPECT_EQ(pool.min_threads(), 2U);
    EXPECT_EQ(pool.max_threads(), 8U);
    EXPECT_TRUE(pool.set_min_threads(4));
    EXPECT_FALSE(pool.set_max_threads(3));
    EXPECT_TRUE(pool.set_max_threads(4));
    EXPECT_EQ(pool.min_threads(), 4U);
    EXPECT_EQ(pool.max_threads(), 4U);
}

TEST(thread_pool, a_raised_minimum_is_reached_without_delay) {
    std::atomic<int> inside{0};
    gate end;
    runtime where(workers(1));
    ASSERT_TRUE(where.pool().set_min_threads(4));
    for (int index = 0; index < 4; ++index) {
        where.pool().post([&] {
            ++inside;
            end.pass();
        });
    }
    EXPECT_TRUE(eventually([&] { return inside == 4; }));
    EXPECT_EQ(where.pool().thread_count(), 4U);
    end.open();
}

TEST(thread_pool, S_1_12_12_each_item_starts_without_contexts) {
    static weft::async_local<int> value;
    weft::synchronization_context context;
    runtime where(workers(1));
    on_worker(where, [&] {
        weft::synchronization_context::set_current(&context);
        value.set(5);
    });
    on_worker(where, [&] {
        EXPECT_EQ(weft::synchronization_context::current(), nullptr);
        EXPECT_EQ(value.value(), nullptr);
    });
}

TEST(thread_pool, a_posted_callback_sees_the_async_locals_of_who_posted_it) {
    static weft::async_local<int> value;
    value.set(7);
    runtime where(workers(1));
    on_worker(where, [&] { EXPECT_EQ(value.value_or(0), 7); });
    value.set(0);
}

TEST(thread_pool_death, S_1_12_13_an_exception_that_leaves_a_raw_callback_ends_the_process) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            runtime where(workers(1));
            where.pool().post([] { throw std::runtime_error("spilled"); });
            static_cast<void>(eventually([] { return false; }));
        },
        "an exception left a callback posted to the thread pool: spilled");
}

TEST(thread_pool, S_1_12_14_more_blocked_items_than_threads_finish) {
    constexpr int count = 20;
    std::atomic<int> finished{0};
    runtime where(workers(2));
    for (int index = 0; index < count; ++index) {
        where.pool().post([&] {
            weft::run([] {}).wait();
            ++finished;
        });
    }
    EXPECT_TRUE(eventually([&] { return finished == count; }));
}

TEST(thread_pool, S_1_12_14_items_that_block_without_saying_so_finish_too) {
    constexpr int count = 4;
    std::atomic<int> finished{0};
    runtime where(workers(2));
    for (int index = 0; index < count; ++index) {
        where.pool().post([&] {
            gate inner;
            where.pool().post([&] { inner.open(); });
            inner.pass();
            ++finished;
        });
    }
    EXPECT_TRUE(eventually([&] { return finished == count; }));
}

TEST(thread_pool, never_has_more_threads_than_the_maximum) {
    runtime_options options = workers(1);
    options.max_threads = 3;
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    gate end;
    runtime where(options);
    for (int index = 0; index < 6; ++index) {
        where.pool().post([&] {
            const weft::blocking_region region;
            ++inside;
            if (inside > most) most = inside.load();
            end.pass();
            --inside;
        });
    }
    EXPECT_TRUE(eventually([&] { return inside == 3; }));
    EXPECT_EQ(where.pool().thread_count(), 3U);
    end.open();
    EXPECT_TRUE(eventually([&] { return where.pool().completed_work_items() == 6; }));
    EXPECT_EQ(most, 3);
}

TEST(thread_pool, what_a_blocked_worker_was_to_run_next_runs_elsewhere) {
    gate end;
    std::atomic<bool> ran{false};
    struct flag_item : weft::work_item {
        std::atomic<bool>* flag = nullptr;
    } item;
    item.flag = &ran;
    item.run = [](weft::work_item& self) noexcept { *static_cast<flag_item&>(self).flag = true; };
    runtime where(workers(2));
    where.pool().post([&] {
        where.pool().post(item, weft::post_hint::next);
        const weft::blocking_region region;
        end.pass();
    });
    EXPECT_TRUE(eventually([&] { return ran.load(); }));
    end.open();
}

TEST(thread_pool, what_a_busy_worker_was_to_run_next_is_stolen_after_a_while) {
    gate end;
    std::atomic<bool> ran{false};
    struct flag_item : weft::work_item {
        std::atomic<bool>* flag = nullptr;
    } item;
    item.flag = &ran;
    item.run = [](weft::work_item& self) noexcept { *static_cast<flag_item&>(self).flag = true; };
    runtime where(workers(2));
    where.pool().post([&] {
        where.pool().post(item, weft::post_hint::next);
        end.pass();
    });
    EXPECT_TRUE(eventually([&] { return ran.load(); }));
    EXPECT_EQ(where.pool().thread_count(), 2U);
    end.open();
}

weft::task<> yield_often(std::atomic<bool>& stop) {
    while (!stop) co_await weft::yield();
}

TEST(thread_pool, a_task_that_only_yields_lets_everything_else_run) {
    std::atomic<bool> stop{false};
    weft::task<> yielding;
    runtime where(workers(1));
    on_worker(where, [&] { yielding = yield_often(stop); });
    for (int round = 0; round < 100; ++round) on_worker(where, [] {});
    stop = true;
    yielding.wait();
}

TEST(thread_pool, counts_what_it_ran_and_what_waits) {
    gate started;
    gate end;
    runtime where(workers(1));
    where.pool().post([&] {
        started.open();
        end.pass();
    });
    started.pass();
    where.pool().post([] {});
    where.pool().post([] {});
    EXPECT_EQ(where.pool().pending_work_items(), 2U);
    EXPECT_EQ(where.pool().completed_work_items(), 0U);
    end.open();
    EXPECT_TRUE(eventually([&] { return where.pool().completed_work_items() == 3; }));
    EXPECT_EQ(where.pool().pending_work_items(), 0U);
}

TEST(thread_pool, its_threads_have_names_and_take_no_signals) {
    runtime where(workers(1));
    on_worker(where, [] {
        char name[16] = {};
        ::pthread_getname_np(::pthread_self(), name, sizeof name);
        EXPECT_EQ(std::string(name), "weft-worker-0");
        sigset_t blocked;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
        EXPECT_EQ(sigismember(&blocked, SIGTERM), 1);
        EXPECT_EQ(sigismember(&blocked, SIGINT), 1);
    });
}

}  // namespace
