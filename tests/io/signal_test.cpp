// tests/io/signal_test.cpp: awaited signals, on whichever driver WEFT_IO names. They are sent to the process, as others send them.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <csignal>
#include <stdexcept>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/scheduling/run.hpp"
#include "weft/signals.hpp"

namespace {

using namespace weft;
using namespace weft_test;

class awaited_signals : public io_test {
protected:
    // Who starts us may have them ignored (nohup).
    void SetUp() override {
        for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) ::signal(signal, SIG_DFL);
        io_test::SetUp();
    }
};

bool is_default(int signal) {
    struct sigaction now{};
    return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_DFL;
}

void send(int signal) { ASSERT_EQ(::kill(::getpid(), signal), 0); }

task<> several() {
    task<int> one = signals::wait({SIGTERM, SIGINT});
    task<int> two = signals::wait({SIGINT, SIGHUP});
    task<int> other = signals::wait(SIGHUP);
    send(SIGINT);
    const int first = co_await std::move(one);
    const int second = co_await std::move(two);
    EXPECT_EQ(first, SIGINT);
    EXPECT_EQ(second, SIGINT);
    EXPECT_FALSE(other.is_completed());
    EXPECT_TRUE(is_default(SIGINT));
    EXPECT_TRUE(is_default(SIGTERM));
    EXPECT_FALSE(is_default(SIGHUP));
    send(SIGHUP);
    const int last = co_await std::move(other);
    EXPECT_EQ(last, SIGHUP);
    EXPECT_TRUE(is_default(SIGHUP));
}
TEST_F(awaited_signals, come_to_all_that_wait_and_leave_the_usual_effect_behind) {
    block_on(several());
    EXPECT_TRUE(eventually([] { return is_default(SIGHUP); }));
}

task<> cancel() {
    cancellation_source source;
    task<int> waiting = signals::wait({SIGTERM, SIGINT}, source.token());
    EXPECT_FALSE(is_default(SIGTERM));
    source.cancel();
    EXPECT_NE(co_await failure_of(std::move(waiting)), "");
    EXPECT_TRUE(is_default(SIGTERM));
    EXPECT_NE(co_await failure_of(signals::wait(SIGTERM, source.token())), "");
    EXPECT_TRUE(is_default(SIGTERM));
}
TEST_F(awaited_signals, are_given_up_by_a_token) { block_on(cancel()); }

task<> by_stream() {
    {
        async_stream<int> stream = signals::stream({SIGUSR1, SIGUSR2});
        // Before the first next(), and between two.
        send(SIGUSR2);
        send(SIGUSR1);
        const std::optional<int> first = co_await stream.next();
        send(SIGUSR1);
        const std::optional<int> second = co_await stream.next();
        const std::optional<int> third = co_await stream.next();
        EXPECT_EQ(first, SIGUSR1);
        EXPECT_EQ(second, SIGUSR1);
        EXPECT_EQ(third, SIGUSR2);
        co_await stream.dispose();
    }
    EXPECT_TRUE(is_default(SIGUSR1));
    EXPECT_TRUE(is_default(SIGUSR2));
    {
        const async_stream<int> never_begun = signals::stream(SIGUSR1);
        EXPECT_FALSE(is_default(SIGUSR1));
    }
    EXPECT_TRUE(is_default(SIGUSR1));
}
TEST_F(awaited_signals, of_a_stream_are_kept_between_two_next) { block_on(by_stream()); }

std::atomic<int> former_calls{0};

task<> beside_a_handler() {
    task<int> waiting = signals::wait(SIGUSR1);
    send(SIGUSR1);
    const int got = co_await std::move(waiting);
    EXPECT_EQ(got, SIGUSR1);
}
TEST_F(awaited_signals, are_still_given_to_a_handler_that_was_there) {
    former_calls = 0;
    struct sigaction former{};
    former.sa_handler = [](int) { ++former_calls; };
    struct sigaction before{};
    ASSERT_EQ(::sigaction(SIGUSR1, &former, &before), 0);
    block_on(beside_a_handler());
    EXPECT_EQ(former_calls.load(), 1);
    send(SIGUSR1);
    EXPECT_TRUE(eventually([] { return former_calls.load() == 2; }));
    ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

task<> forked() {
    task<int> waiting = signals::wait(SIGTERM);
    const pid_t child = ::fork();
    if (child == 0) {
        ::raise(SIGTERM);
        ::sigset_t none;
        ::sigemptyset(&none);
        ::pthread_sigmask(SIG_SETMASK, &none, nullptr);  // a pool's thread blocks it
        ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM) << status;
    EXPECT_FALSE(waiting.is_completed());
    send(SIGTERM);
    static_cast<void>(co_await std::move(waiting));
}
TEST_F(awaited_signals, have_their_former_effect_in_a_forked_child) {
    if (WEFT_TSAN) GTEST_SKIP() << "the thread sanitizer keeps signals back, also in a forked child";
    block_on(forked());
}

TEST_F(awaited_signals, must_be_signals_that_can_be_awaited) {
    for (const int wrong : {0, -1, 65, SIGKILL, SIGSTOP, SIGSEGV, SIGABRT})
        EXPECT_THROW(static_cast<void>(signals::signal_set(wrong)), std::invalid_argument) << wrong;
}

task<> wait_for_ever(std::atomic<int>& waiting) {
    task<int> never = signals::wait(SIGUSR2);
    ++waiting;
    static_cast<void>(co_await std::move(never));
}
task<> leave_waiting(std::atomic<int>& waiting) {
    for (int i = 0; i < 10; ++i) wait_for_ever(waiting).forget();
    co_return;
}
TEST_F(awaited_signals, end_with_their_runtime) {
    {
        runtime where;
        std::atomic<int> waiting{0};
        block_on(where, &leave_waiting, std::ref(waiting));
        EXPECT_EQ(waiting.load(), 10);
        EXPECT_FALSE(is_default(SIGUSR2));
        const shutdown_report report = where.shutdown(std::chrono::milliseconds(50));
        EXPECT_FALSE(report.operations_left) << report.to_string();
    }
    EXPECT_TRUE(eventually([] { return is_default(SIGUSR2); }));
}

task<> take(std::atomic<int>& taken, int rounds) {
    for (int i = 0; i < rounds; ++i) {
        task<int> waiting = signals::wait(SIGUSR1);
        ::kill(::getpid(), SIGUSR1);
        static_cast<void>(co_await std::move(waiting));
        ++taken;
    }
}
task<> come_and_go(std::atomic<int>& taken, int rounds) {
    // One stays, so that the signal never ends the process while others come and go.
    async_stream<int> guard = signals::stream(SIGUSR1);
    std::vector<task<>> all;
    for (int i = 0; i < 8; ++i) all.push_back(run([&taken, rounds] { return take(taken, rounds); }));
    for (task<>& each : all) co_await std::move(each);
    co_await guard.dispose();
}
TEST_F(awaited_signals, find_everybody_while_others_come_and_go) {
    std::atomic<int> taken{0};
    const int rounds = scaled(200);
    block_on(come_and_go(taken, rounds));
    EXPECT_EQ(taken.load(), 8 * rounds);
}

}  // namespace
