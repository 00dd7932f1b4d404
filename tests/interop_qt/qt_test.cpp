// A window of Qt 6 on the offscreen platform: what it awaits does not hold it up, and it is back on its thread each time.
// SPDX-License-Identifier: MIT

#include "weft/interop/qt.hpp"

#include <gtest/gtest.h>

#include <QtCore/QTimer>
#include <QtWidgets/QApplication>
#include <QtWidgets/QPushButton>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/ui_scenario.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;

/// One application for the program, a context for each test.
class qt_test : public ::testing::Test {
protected:
    // The toolkit takes its globals down before the statics of this file: the application has to be gone by then.
    static void SetUpTestSuite() {
        ::setenv("QT_QPA_PLATFORM", "offscreen", 1);
        static int count = 1;
        static char name[] = "weft_interop_qt_tests";
        static char* arguments[] = {name, nullptr};
        application = std::make_unique<QApplication>(count, arguments);
    }
    static void TearDownTestSuite() { application.reset(); }

    static inline std::unique_ptr<QApplication> application;
    qt::context context;

    double longest_gap(const weft_test::ui_surroundings& around) {
        weft_test::heartbeat heart;
        QTimer timer;
        timer.setTimerType(Qt::PreciseTimer);
        QObject::connect(&timer, &QTimer::timeout, [&] { heart.beat(); });
        timer.start(2);

        QPushButton button("load");
        button.show();
        bool ended = false;
        qt::connect(
            &button, &QPushButton::clicked, [&ended, &button, url = around.url(), path = around.path()]() -> task<> {
                co_await weft_test::handle_everything(url, path);
                button.setText("loaded");
                ended = true;
                QCoreApplication::quit();
            });
        QTimer::singleShot(0, &button, [&] { button.click(); });
        QTimer::singleShot(20000, &button, [] { QCoreApplication::quit(); });
        QApplication::exec();
        EXPECT_TRUE(ended);
        EXPECT_EQ(button.text(), QString("loaded"));
        EXPECT_GT(heart.beats(), 20);
        return heart.longest_ms();
    }
};

TEST_F(qt_test, a_window_stays_responsive_while_a_clicked_handler_awaits_http_a_file_and_the_cpu) {
    const weft_test::ui_surroundings around;
    const double gap = weft_test::smallest_gap([&] { return longest_gap(around); });
    const bool is_timed = !WEFT_ASAN && !WEFT_TSAN;
    EXPECT_LT(gap, is_timed ? 20.0 : 2000.0);
}

TEST_F(qt_test, a_connection_owns_the_closure_and_a_running_call_outlives_it) {
    task_completion_source<> gate;
    task<> open = gate.task();
    auto token = std::make_shared<int>(7);
    const std::weak_ptr<int> watch = token;
    std::string seen;
    {
        QTimer sender;
        sender.setObjectName("before");
        // By reference: the connection's frame keeps the signal's argument, too.
        qt::connect(
            &sender, &QObject::objectNameChanged, [&seen, open, held = std::move(token)](const QString& name) -> task<> {
                co_await open;
                seen = name.toStdString() + std::to_string(*held);
                QCoreApplication::quit();
            });
        sender.setObjectName("a name that is changed");
    }
    EXPECT_FALSE(watch.expired());
    context.post([&] { gate.set_result(); });
    QApplication::exec();
    EXPECT_EQ(seen, "a name that is changed7");
    EXPECT_TRUE(watch.expired());
}

TEST_F(qt_test, callbacks_posted_from_any_thread_run_in_order_on_the_loops_thread) {
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
        EXPECT_THROW(context.send([] { throw std::runtime_error("for the sender"); }), std::runtime_error);
        context.post([] { QCoreApplication::quit(); });
    });
    QApplication::exec();
    poster.join();
    EXPECT_TRUE(sent);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
    EXPECT_TRUE(context.is_current_thread());
}

TEST_F(qt_test, an_exception_of_a_posted_callback_goes_to_the_handler_and_the_loop_goes_on) {
    std::string told;
    context.on_unhandled_exception([&](std::exception_ptr error) { told = message_of(error); });
    context.post([] { throw std::runtime_error("of the callback"); });
    context.post([] { QCoreApplication::quit(); });
    QApplication::exec();
    EXPECT_EQ(told, "of the callback");
}

task<> come_back() { co_await yield(); }

TEST_F(qt_test, a_blocking_wait_on_the_loops_thread_for_what_it_must_run_throws_instead_of_hanging) {
    bool thrown = false;
    context.post([&] {
        task<> self = come_back();
        try {
            self.wait();
        } catch (const invalid_operation&) {
            thrown = true;
        }
        QCoreApplication::quit();
    });
    QApplication::exec();
    EXPECT_TRUE(thrown);
}

}  // namespace
