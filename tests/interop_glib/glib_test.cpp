// A main loop of GLib: what it awaits does not hold it up, and it is back on its thread each time.
// SPDX-License-Identifier: MIT

#include "weft/interop/glib.hpp"

#include <gio/gio.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/ui_scenario.hpp"
#include "weft/task_completion_source.hpp"

namespace {

using namespace weft;

class glib_test : public ::testing::Test {
protected:
    glib_test() : loop(g_main_loop_new(nullptr, FALSE)) {}
    ~glib_test() override { g_main_loop_unref(loop); }

    GMainLoop* loop;
    glib::context context;

    double longest_gap(const weft_test::ui_surroundings& around) {
        weft_test::heartbeat heart;
        const guint beat = g_timeout_add(
            2,
            [](gpointer data) -> gboolean {
                static_cast<weft_test::heartbeat*>(data)->beat();
                return G_SOURCE_CONTINUE;
            },
            &heart);

        GSimpleAction* action = g_simple_action_new("load", nullptr);
        bool ended = false;
        glib::connect<GVariant*>(
            action, "activate", [&ended, loop = loop, url = around.url(), path = around.path()](GVariant*) -> task<> {
                co_await weft_test::handle_everything(url, path);
                ended = true;
                g_main_loop_quit(loop);
            });
        context.post([&] { g_action_activate(G_ACTION(action), nullptr); });
        g_main_loop_run(loop);
        g_source_remove(beat);
        g_object_unref(action);
        EXPECT_TRUE(ended);
        EXPECT_GT(heart.beats(), 20);
        return heart.longest_ms();
    }
};

TEST_F(glib_test, a_loop_stays_responsive_while_a_signal_handler_awaits_http_a_file_and_the_cpu) {
    const weft_test::ui_surroundings around;
    const double gap = weft_test::smallest_gap([&] { return longest_gap(around); });
    const bool is_timed = !WEFT_ASAN && !WEFT_TSAN;
    EXPECT_LT(gap, is_timed ? 20.0 : 2000.0);
}

TEST_F(glib_test, a_connection_owns_the_closure_and_a_running_call_outlives_it) {
    task_completion_source<> gate;
    task<> open = gate.task();
    auto token = std::make_shared<int>(7);
    const std::weak_ptr<int> watch = token;
    int seen = 0;
    GSimpleAction* action = g_simple_action_new("load", nullptr);
    glib::connect<GVariant*>(action, "activate", [&seen, loop = loop, open, held = std::move(token)]() -> task<> {
        co_await open;
        seen = *held;
        g_main_loop_quit(loop);
    });
    g_action_activate(G_ACTION(action), nullptr);
    g_object_unref(action);
    EXPECT_FALSE(watch.expired());
    context.post([&] { gate.set_result(); });
    g_main_loop_run(loop);
    EXPECT_EQ(seen, 7);
    EXPECT_TRUE(watch.expired());
}

TEST_F(glib_test, a_signal_that_the_object_has_not_is_an_argument_error) {
    GSimpleAction* action = g_simple_action_new("load", nullptr);
    EXPECT_THROW(glib::connect(action, "no-such-signal", [] {}), std::invalid_argument);
    g_object_unref(action);
}

TEST_F(glib_test, callbacks_posted_from_any_thread_run_in_order_on_the_loops_thread) {
    std::vector<int> order;
    const std::thread::id loop_thread = std::this_thread::get_id();
    std::atomic<bool> sent{false};
    std::thread poster([&] {
        EXPECT_FALSE(context.is_current_thread());
        for (int index = 0; index < 100; ++index)
            context.post([&, index] {
                EXPECT_EQ(std::this_thread::get_id(), loop_thread);
                EXPECT_EQ(synchronization_context::current(), &context);
                order.push_back(index);
            });
        context.send([&] { sent = order.size() == 100; });
        context.post([&] { g_main_loop_quit(loop); });
    });
    g_main_loop_run(loop);
    poster.join();
    EXPECT_TRUE(sent);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(glib_test, a_context_of_a_loop_on_another_thread_brings_the_await_back_there) {
    GMainContext* own = g_main_context_new();
    GMainLoop* own_loop = g_main_loop_new(own, FALSE);
    std::thread loop_thread([&] {
        g_main_context_push_thread_default(own);
        {
            glib::context here(own);
            here.post([&] {
                [](GMainLoop* until) -> task<> {
                    const std::thread::id before = std::this_thread::get_id();
                    co_await delay(std::chrono::milliseconds(1));
                    EXPECT_EQ(std::this_thread::get_id(), before);
                    g_main_loop_quit(until);
                }(own_loop)
                                            .forget();
            });
            g_main_loop_run(own_loop);
        }
        g_main_context_pop_thread_default(own);
    });
    loop_thread.join();
    g_main_loop_unref(own_loop);
    g_main_context_unref(own);
}

}  // namespace
