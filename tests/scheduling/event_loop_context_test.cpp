// A context with its own pump.
// SPDX-License-Identifier: MIT

#include "weft/event_loop_context.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/allocation_counter.hpp"
#include "support/manual_dispatcher.hpp"
#include "weft/base/error.hpp"
#include "weft/delay.hpp"
#include "weft/run.hpp"
#include "weft/run_blocking.hpp"
#include "weft/task.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/yield.hpp"

namespace {

using namespace std::chrono_literals;
using weft::event_loop_context;

TEST(event_loop_context, runs_what_was_posted_in_order_on_the_pumping_thread) {
    event_loop_context loop;
    std::vector<int> order;
    for (int index = 0; index < 3; ++index) {
        loop.post([&, index] {
            EXPECT_TRUE(loop.is_current_thread());
            EXPECT_EQ(weft::synchronization_context::current(), &loop);
            order.push_back(index);
        });
    }
    loop.post([&] { loop.stop(); });
    loop.post([&] { order.push_back(9); });
    loop.run();
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(loop.pending(), 1U);
    EXPECT_EQ(loop.run_pending(), 1U);
    EXPECT_EQ(order.back(), 9);
    EXPECT_FALSE(loop.is_current_thread());
    EXPECT_EQ(weft::synchronization_context::current(), nullptr);
}

weft::task<int> hop(event_loop_context& loop, std::thread::id pump) {
    co_await weft::yield();
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(std::this_thread::get_id(), pump);
        EXPECT_EQ(weft::synchronization_context::current(), &loop);
        co_await weft::run([pump] { EXPECT_NE(std::this_thread::get_id(), pump); });
        EXPECT_EQ(std::this_thread::get_id(), pump);
        co_await weft::delay(1ms);
        EXPECT_EQ(std::this_thread::get_id(), pump);
    }
    co_return 17;
}

weft::task<int> start_in(event_loop_context& loop) {
    const weft::synchronization_context_scope scope(&loop);
    return hop(loop, std::this_thread::get_id());
}

TEST(event_loop_context, S_1_2_2_an_await_comes_back_to_the_loop) {
    event_loop_context loop;
    EXPECT_EQ(loop.run_until(start_in(loop)), 17);
}

weft::task<> leave(weft::task<> until, std::thread::id pump) {
    co_await until.configure_await(false);
    EXPECT_NE(std::this_thread::get_id(), pump);
    EXPECT_EQ(weft::synchronization_context::current(), nullptr);
}

TEST(event_loop_context, configure_await_false_leaves_the_loop) {
    event_loop_context loop;
    weft::task_completion_source<> source;
    auto left = [&] {
        const weft::synchronization_context_scope scope(&loop);
        return leave(source.task(), std::this_thread::get_id());
    }();
    auto completing = weft::run([&] { source.set_result(); });
    loop.run_until(std::move(left));
    completing.wait();
}

weft::task<int> fail() {
    co_await weft::yield();
    throw std::runtime_error("of the task");
}

TEST(event_loop_context, run_until_throws_the_original_exception) {
    event_loop_context loop;
    EXPECT_THROW(static_cast<void>(loop.run_until(fail())), std::runtime_error);
}

TEST(event_loop_context, an_exception_of_a_callback_leaves_run_and_the_rest_stays_queued) {
    event_loop_context loop;
    bool ran = false;
    loop.post([] { throw std::runtime_error("of the callback"); });
    loop.post([&] {
        ran = true;
        loop.stop();
    });
    EXPECT_THROW(loop.run(), std::runtime_error);
    EXPECT_FALSE(ran);
    loop.run();
    EXPECT_TRUE(ran);
}

TEST(event_loop_context, an_exception_of_a_callback_leaves_run_until_and_the_task_goes_on) {
    event_loop_context loop;
    auto task = start_in(loop);
    loop.post([] { throw std::runtime_error("of the callback"); });
    EXPECT_THROW(static_cast<void>(loop.run_until(task)), std::runtime_error);
    EXPECT_EQ(loop.run_until(task), 17);
}

TEST(event_loop_context, send_runs_inline_on_the_loop_and_waits_elsewhere) {
    event_loop_context loop;
    loop.post([&] {
        bool ran = false;
        loop.send([&] { ran = true; });
        EXPECT_TRUE(ran);
    });
    loop.run_pending();

    std::thread::id ran_on;
    bool thrown = false;
    std::thread sender([&] {
        loop.send([&] { ran_on = std::this_thread::get_id(); });
        try {
            loop.send([] { throw std::runtime_error("for the sender"); });
        } catch (const std::runtime_error&) {
            thrown = true;
        }
        loop.stop();
    });
    loop.run();
    sender.join();
    EXPECT_EQ(ran_on, std::this_thread::get_id());
    EXPECT_TRUE(thrown);
}

TEST(event_loop_context, only_one_thread_pumps_at_a_time_and_pumps_may_nest) {
    event_loop_context loop;
    loop.post([&] {
        std::thread other([&] { EXPECT_THROW(loop.run(), weft::invalid_operation); });
        other.join();
        EXPECT_EQ(loop.run_until(start_in(loop)), 17);
        loop.stop();
    });
    loop.run();
}

TEST(event_loop_context, posting_an_item_allocates_nothing) {
    if (!weft_test::allocation_counter::is_available) GTEST_SKIP() << "the sanitizer has the operators";
    event_loop_context loop;
    weft::work_item item([](weft::work_item&) noexcept {});
    const weft_test::allocation_counter counter;
    loop.post_item(item);
    loop.run_pending();
    EXPECT_EQ(counter.count(), 0U);
}

TEST(event_loop_context, drops_what_was_never_run) {
    auto owned = std::make_shared<int>(1);
    std::weak_ptr<int> watch = owned;
    {
        event_loop_context loop;
        loop.post([held = std::move(owned)] {});
    }
    EXPECT_TRUE(watch.expired());
}

TEST(event_loop_context, where_one_thread_runs_everything_it_runs_the_world_while_it_waits) {
    weft_test::manual_dispatcher manual;
    event_loop_context loop;
    EXPECT_EQ(loop.run_until(weft::run([] { return 5; })), 5);
}

}  // namespace
