// From plain functions into tasks: block_on, run_main, run_blocking, dedicated threads.
// SPDX-License-Identifier: MIT

#include "weft/block_on.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "support/manual_dispatcher.hpp"
#include "weft/async_local.hpp"
#include "weft/cancellation.hpp"
#include "weft/dedicated_thread.hpp"
#include "weft/delay.hpp"
#include "weft/run.hpp"
#include "weft/run_blocking.hpp"
#include "weft/yield.hpp"

namespace {

using namespace std::chrono_literals;
using weft_test::eventually;

weft::task<int> later(int value) {
    co_await weft::yield();
    co_return value;
}
weft::task<int> fail_later() {
    co_await weft::yield();
    throw std::runtime_error("broken");
}
weft::task<std::unique_ptr<int>> move_only() {
    co_await weft::yield();
    co_return std::make_unique<int>(3);
}

TEST(block_on, gives_the_result_and_the_original_exception) {
    EXPECT_EQ(weft::block_on(later(3)), 3);
    EXPECT_EQ(*weft::block_on(move_only()), 3);
    EXPECT_THROW(static_cast<void>(weft::block_on(fail_later())), std::runtime_error);
}

// ---- run_main; each in a process of its own, since it ends the default runtime

weft::task<int> status_main(int argc, char** argv) {
    co_await weft::delay(1ms);
    co_return argc == 2 ? std::stoi(argv[1]) : -1;
}
weft::task<> void_main() { co_await weft::yield(); }
weft::task<> failing_main() {
    co_await weft::yield();
    throw std::runtime_error("the disk is on fire");
}
weft::task<> endless() { co_await weft::delay(1h); }
weft::task<int> main_with_live_tasks() {
    endless().forget();
    co_await weft::yield();
    co_return 6;
}

TEST(run_main_death, exits_with_the_value_of_the_main_task) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    char program[] = "program";
    char value[] = "5";
    char* arguments[] = {program, value, nullptr};
    EXPECT_EXIT(std::exit(weft::run_main(status_main, 2, arguments)), testing::ExitedWithCode(5), "");
    EXPECT_EXIT(std::exit(weft::run_main(void_main)), testing::ExitedWithCode(0), "");
    EXPECT_EXIT(std::exit(weft::run_main(main_with_live_tasks)), testing::ExitedWithCode(6), "");
}

TEST(run_main_death, an_exception_ends_it_with_a_sentence_and_status_1) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(std::exit(weft::run_main(failing_main)), testing::ExitedWithCode(1),
        "unhandled exception in main: the disk is on fire");
}

// ---- run_blocking

TEST(run_blocking, runs_on_no_worker_and_continues_on_the_pool) {
    const auto body = []() -> weft::task<bool> {
        const bool on_worker =
            co_await weft::run_blocking([] { return weft::detail::this_thread_block().worker != nullptr; });
        EXPECT_NE(weft::detail::this_thread_block().worker, nullptr);
        co_return on_worker;
    };
    EXPECT_FALSE(weft::block_on(weft::run(body)));
}

TEST(run_blocking, passes_arguments_results_and_exceptions) {
    auto sum = weft::run_blocking([](int a, const std::string& b) { return std::to_string(a) + b; }, 4, std::string("2"));
    EXPECT_EQ(weft::block_on(std::move(sum)), "42");
    EXPECT_THROW(weft::block_on(weft::run_blocking([] { throw std::runtime_error("broken"); })), std::runtime_error);
}

TEST(run_blocking, a_canceled_token_keeps_it_from_running) {
    weft::cancellation_source source;
    source.cancel();
    bool ran = false;
    auto task = weft::run_blocking(source.token(), [&] { ran = true; });
    EXPECT_TRUE(task.is_canceled());
    EXPECT_FALSE(ran);
}

TEST(run_blocking, many_calls_block_at_the_same_time) {
    std::atomic<int> inside{0};
    std::vector<weft::task<>> tasks;
    for (int index = 0; index < 20; ++index) {
        tasks.push_back(weft::run_blocking([&] {
            ++inside;
            EXPECT_TRUE(eventually([&] { return inside == 20; }));
        }));
    }
    for (auto& task : tasks) task.wait();
    EXPECT_GE(weft::runtime::default_runtime().threads().blocking, 20U);
}

TEST(run_blocking, takes_the_async_locals_along) {
    static weft::async_local<int> value;
    value.set(11);
    EXPECT_EQ(weft::block_on(weft::run_blocking([] { return value.value_or(0); })), 11);
    value.set(0);
}

TEST(run_blocking, is_one_step_of_a_dispatcher_without_threads) {
    weft_test::manual_dispatcher manual;
    bool ran = false;
    auto task = weft::run_blocking([&] { ran = true; });
    EXPECT_FALSE(ran);
    manual.run_all();
    EXPECT_TRUE(ran);
    EXPECT_TRUE(task.is_completed_successfully());
}

// ---- dedicated_thread

TEST(dedicated_thread, runs_everything_in_order_on_one_thread_before_it_goes) {
    std::vector<int> order;
    std::vector<std::thread::id> threads;
    {
        weft::dedicated_thread thread("weft-test");
        EXPECT_EQ(weft::runtime::default_runtime().threads().dedicated, 1U);
        for (int index = 0; index < 50; ++index) {
            thread.post([&, index] {
                EXPECT_TRUE(thread.is_current());
                order.push_back(index);
                threads.push_back(std::this_thread::get_id());
            });
        }
        EXPECT_FALSE(thread.is_current());
    }
    ASSERT_EQ(order.size(), 50U);
    for (int index = 0; index < 50; ++index) {
        EXPECT_EQ(order[static_cast<std::size_t>(index)], index);
        EXPECT_EQ(threads[static_cast<std::size_t>(index)], threads[0]);
    }
    EXPECT_EQ(weft::runtime::default_runtime().threads().dedicated, 0U);
}

TEST(dedicated_thread, may_be_destroyed_on_itself) {
    std::atomic<bool> ended{false};
    auto thread = std::make_unique<weft::dedicated_thread>("weft-test");
    auto* raw = thread.get();
    raw->post([owned = std::move(thread), &ended]() mutable {
        owned.reset();
        ended = true;
    });
    EXPECT_TRUE(eventually([&] { return ended && weft::runtime::default_runtime().threads().dedicated == 0; }));
}

TEST(dedicated_thread, is_a_series_of_steps_of_a_dispatcher_without_threads) {
    weft_test::manual_dispatcher manual;
    std::vector<int> order;
    weft::dedicated_thread thread("weft-test");
    thread.post([&] { order.push_back(1); });
    thread.post([&] { order.push_back(2); });
    EXPECT_TRUE(order.empty());
    manual.run_all();
    EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

}  // namespace
