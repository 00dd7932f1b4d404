// A runtime's configuration, life and end.
// SPDX-License-Identifier: MIT

#include "weft/runtime.hpp"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "support/eventually.hpp"
#include "weft/block_on.hpp"
#include "weft/delay.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/run.hpp"
#include "weft/task.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/yield.hpp"

namespace {

using namespace std::chrono_literals;
using weft::runtime;
using weft::runtime_options;
using weft_test::eventually;

/// Sets an environment variable for a scope.
class environment_scope {
public:
    environment_scope(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
    ~environment_scope() { ::unsetenv(name_); }
    environment_scope(const environment_scope&) = delete;
    environment_scope& operator=(const environment_scope&) = delete;

private:
    const char* name_;
};

runtime_options small() {
    runtime_options options;
    options.min_threads = 2;
    options.driver = "parking";
    return options;
}

std::string failure_of(const runtime_options& options) {
    try {
        runtime where(options);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

// ---- configuration

TEST(runtime, the_environment_sets_what_the_options_leave_open) {
    const environment_scope low("WEFT_MIN_THREADS", "3");
    const environment_scope high("WEFT_MAX_THREADS", "5");
    runtime_options options;
    options.driver = "parking";
    runtime where(options);
    EXPECT_EQ(where.pool().min_threads(), 3U);
    EXPECT_EQ(where.pool().max_threads(), 5U);
    EXPECT_EQ(where.pool().thread_count(), 3U);
    runtime chosen(small());
    EXPECT_EQ(chosen.pool().min_threads(), 2U);
}

TEST(runtime, a_malformed_variable_is_refused_by_name_and_value) {
    for (const char* value : {"", "two", "0", "-1", "3x", "99999999"}) {
        const environment_scope scope("WEFT_MIN_THREADS", value);
        runtime_options options;
        options.driver = "parking";
        EXPECT_EQ(failure_of(options),
            "environment variable WEFT_MIN_THREADS='" + std::string(value) + "': not a number of threads from 1 to 4096");
    }
}

TEST(runtime, a_misspelt_variable_is_refused) {
    const environment_scope scope("WEFT_MINIMUM_THREADS", "3");
    EXPECT_NE(failure_of(small()).find("'WEFT_MINIMUM_THREADS=3': unknown"), std::string::npos);
}

TEST(runtime, contradicting_limits_are_refused_and_defaults_give_way) {
    runtime_options options = small();
    options.max_threads = 1;
    EXPECT_NE(failure_of(options).find("max_threads is 1"), std::string::npos);
    options.min_threads = 0;
    runtime where(options);
    EXPECT_EQ(where.pool().min_threads(), 1U);
    options.min_threads = 5000;
    EXPECT_NE(failure_of(options).find("runtime_options::min_threads is 5000"), std::string::npos);
}

TEST(runtime, an_unknown_driver_is_refused) {
    runtime_options options = small();
    options.driver = "carrier-pigeon";
    EXPECT_NE(failure_of(options).find("'carrier-pigeon'"), std::string::npos);
}

TEST(runtime_death, a_wrong_environment_ends_the_default_runtime_with_status_2) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            ::setenv("WEFT_MAX_THREADS", "many", 1);
            static_cast<void>(runtime::default_runtime());
        },
        testing::ExitedWithCode(2), "WEFT_MAX_THREADS='many'");
}

// ---- where things run

TEST(runtime, current_is_the_one_the_thread_works_for) {
    EXPECT_EQ(&runtime::current(), &runtime::default_runtime());
    runtime where(small());
    const bool inside = weft::block_on(where, [&] { return weft::run([&] { return &runtime::current() == &where; }); });
    EXPECT_TRUE(inside);
}

weft::task<runtime*> after_a_pause() {
    co_await weft::delay(1ms);
    co_return &runtime::current();
}

TEST(runtime, a_task_resumes_on_the_runtime_it_was_started_in) {
    runtime one(small());
    runtime two(small());
    EXPECT_EQ(weft::block_on(one, after_a_pause), &one);
    EXPECT_EQ(weft::block_on(two, after_a_pause), &two);
}

TEST(runtime, random_follows_the_seed_and_ids_count) {
    runtime_options options = small();
    options.seed = 42;
    runtime one(options);
    runtime two(options);
    for (int index = 0; index < 10; ++index) EXPECT_EQ(one.random(), two.random());
    EXPECT_EQ(one.next_id(), 1U);
    EXPECT_EQ(one.next_id(), 2U);
}

TEST(runtime, counts_its_threads_by_kind) {
    runtime where(small());
    const auto counts = where.threads();
    EXPECT_EQ(counts.workers, 2U);
    EXPECT_EQ(counts.injected, 0U);
    EXPECT_EQ(counts.monitor, 1U);
    EXPECT_EQ(counts.total(), 3U);
}

// ---- the end

TEST(runtime, shutdown_lets_running_work_finish) {
    std::atomic<int> ran{0};
    runtime where(small());
    for (int index = 0; index < 1000; ++index) where.pool().post([&] { ++ran; });
    auto slow = [&] {
        const weft::detail::home_scope scope(where.pool());
        return after_a_pause();
    }();
    const auto report = where.shutdown(10s);
    EXPECT_TRUE(report.drained) << report.to_string();
    EXPECT_EQ(ran, 1000);
    EXPECT_TRUE(report.left.empty());
    EXPECT_TRUE(slow.is_completed_successfully());
}

weft::task<> wait_for(weft::cancellation_token token, std::atomic<bool>& canceled) {
    try {
        co_await weft::delay(1h, token);
    } catch (const weft::operation_canceled&) {
        canceled = true;
    }
}

TEST(runtime, shutdown_cancels_what_holds_its_token) {
    std::atomic<bool> canceled{false};
    runtime where(small());
    auto task = [&] {
        const weft::detail::home_scope scope(where.pool());
        return wait_for(where.shutdown_token(), canceled);
    }();
    const auto report = where.shutdown(10s);
    EXPECT_TRUE(report.drained);
    EXPECT_TRUE(canceled);
    EXPECT_TRUE(task.is_completed_successfully());
}

struct says_when_destroyed {
    explicit says_when_destroyed(std::atomic<int>& counter) : count(&counter) {}
    ~says_when_destroyed() { ++*count; }
    says_when_destroyed(const says_when_destroyed&) = delete;
    says_when_destroyed& operator=(const says_when_destroyed&) = delete;
    std::atomic<int>* count;
};

weft::task<> hang(weft::task<> never, std::atomic<int>& destroyed) {
    says_when_destroyed local(destroyed);
    co_await never;
}

weft::task<> sleep_long(std::atomic<int>& destroyed) {
    says_when_destroyed local(destroyed);
    co_await weft::delay(1h);
}

TEST(runtime, S_1_1_15_shutdown_destroys_what_stays_suspended_and_reports_it) {
    std::atomic<int> destroyed{0};
    weft::task_completion_source<> never;
    {
        runtime where(small());
        {
            const weft::detail::home_scope scope(where.pool());
            hang(never.task(), destroyed).forget();
            sleep_long(destroyed).forget();
        }
        const auto report = where.shutdown(1ms);
        EXPECT_FALSE(report.drained);
        EXPECT_EQ(report.suspended_tasks, 2U);
        ASSERT_EQ(report.left.size(), 3U) << report.to_string();
        EXPECT_NE(report.to_string().find("hang("), std::string::npos) << report.to_string();
        EXPECT_NE(report.to_string().find("sleep_long("), std::string::npos) << report.to_string();
        EXPECT_EQ(destroyed, 2);
    }
}

TEST(runtime, after_shutdown_new_work_from_outside_is_refused) {
    runtime where(small());
    static_cast<void>(where.shutdown(1s));
    EXPECT_THROW(where.pool().post([] {}), weft::object_disposed);
    EXPECT_THROW(where.post_blocking([] {}), weft::object_disposed);
    EXPECT_THROW(where.pool().start_long_running([] {}), weft::object_disposed);
    EXPECT_THROW(weft::block_on(where, [] { return weft::run([] {}); }), weft::object_disposed);
    EXPECT_TRUE(where.shutdown(1s).left.empty());
}

/// Notes in which order it and its like are destroyed.
class notes_its_end {
public:
    notes_its_end(std::string name, std::string& order) : name_(std::move(name)), order_(&order) {}
    ~notes_its_end() { *order_ += name_; }
    notes_its_end(const notes_its_end&) = delete;
    notes_its_end& operator=(const notes_its_end&) = delete;

private:
    std::string name_;
    std::string* order_;
};

weft::task<> inner(std::string& order, weft::task<> never) {
    const notes_its_end local("inner ", order);
    co_await never;
}

weft::task<> outer(std::string& order, weft::task<> never) {
    const notes_its_end local("outer ", order);
    co_await inner(order, never);
}

TEST(runtime, shutdown_destroys_what_a_task_awaits_before_the_task) {
    weft::task_completion_source<> never;
    std::string order;
    {
        runtime where(small());
        {
            const weft::detail::home_scope scope(where.pool());
            outer(order, never.task()).forget();
        }
        static_cast<void>(where.shutdown(1ms));
    }
    EXPECT_EQ(order, "inner outer ");
}

weft::task<> come_back(weft::task<> signal, bool& came_back) {
    co_await signal;
    came_back = true;
}

TEST(runtime, a_task_destroyed_while_it_lies_in_the_queue_of_a_loop_is_never_run) {
    weft::event_loop_context loop;
    weft::task_completion_source<> signal;
    bool came_back = false;
    {
        runtime where(small());
        {
            const weft::detail::home_scope home(where.pool());
            const weft::synchronization_context_scope context(&loop);
            come_back(signal.task(), came_back).forget();
        }
        signal.set_result();
        ASSERT_EQ(loop.pending(), 1U);
        const auto report = where.shutdown(1ms);
        EXPECT_NE(report.to_string().find("lies in the queue"), std::string::npos) << report.to_string();
    }
    EXPECT_EQ(loop.run_pending(), 1U);
    EXPECT_FALSE(came_back);
}

TEST(runtime, a_source_with_a_time_limit_may_outlive_the_runtime_that_kept_it) {
    weft::cancellation_source source;
    {
        runtime where(small());
        const weft::detail::home_scope scope(where.pool());
        source.cancel_after(1h);
    }
    EXPECT_FALSE(source.token().is_cancellation_requested());
    source.cancel_after(1ms);  // on the default runtime's clock
    EXPECT_TRUE(eventually([&] { return source.token().is_cancellation_requested(); }));
}

TEST(runtime, shutdown_from_a_thread_of_its_own_is_refused) {
    runtime where(small());
    const auto inside = [&] { EXPECT_THROW(static_cast<void>(where.shutdown(1s)), weft::invalid_operation); };
    weft::block_on(where, [&] { return weft::run(inside); });
}

TEST(runtime, a_thread_that_does_not_come_back_is_reported_and_left_alone) {
    static std::atomic<bool> release{false};
    static std::atomic<bool> returned{false};
    {
        std::atomic<bool> inside{false};
        runtime where(small());
        where.pool().post([&] {
            inside = true;
            release.wait(false);
            returned = true;
        });
        ASSERT_TRUE(eventually([&] { return inside.load(); }));
        const auto report = where.shutdown(1ms);
        EXPECT_FALSE(report.drained);
        EXPECT_EQ(report.running_threads, 1U);
    }
    release = true;
    release.notify_all();
    EXPECT_TRUE(eventually([&] { return returned.load(); }));
}

weft::task<> wait_for_ever() { co_await weft::delay(1h); }

TEST(runtime_death, the_process_exits_at_once_with_live_tasks_and_busy_workers) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            wait_for_ever().forget();
            weft::run([] {
                for (;;) ::pause();
            }).forget();
            std::exit(7);
        },
        testing::ExitedWithCode(7), "");
}

TEST(runtime_death, a_worker_may_end_the_process) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            wait_for_ever().forget();
            weft::thread_pool::shared().post([] { std::exit(8); });
            for (;;) ::pause();
        },
        testing::ExitedWithCode(8), "");
}

TEST(runtime_death, use_in_a_forked_child_is_refused_with_a_sentence) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            weft::run([] {}).wait();
            const ::pid_t child = ::fork();
            if (child == 0) {
                weft::run([] {}).forget();
                ::_exit(0);
            }
            int status = 0;
            ::waitpid(child, &status, 0);
            std::_Exit(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT ? 9 : 0);
        },
        testing::ExitedWithCode(9), "forked child");
}

TEST(runtime_death, a_forked_child_may_exit) {
    if (WEFT_ASAN) GTEST_SKIP() << "the leak checker looks for the blocks of threads that a child does not have";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            weft::run([] {}).wait();
            const ::pid_t child = ::fork();
            if (child == 0) std::exit(3);
            int status = 0;
            ::waitpid(child, &status, 0);
            std::_Exit(WIFEXITED(status) ? WEXITSTATUS(status) : 0);
        },
        testing::ExitedWithCode(3), "");
}

}  // namespace
