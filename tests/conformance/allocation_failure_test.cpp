// tests/conformance/allocation_failure_test.cpp: each allocation of what needs no kernel fails, one at a time, in virtual time. The operation ends
// well or with std::bad_alloc at its awaiter, nobody is left waiting, and the next one works.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"

#if !WEFT_TSAN  // which keeps operator new to itself

#include "weft/testing/allocation_failure.hpp"

#include <chrono>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/weft.hpp"

WEFT_ALLOCATIONS_MAY_FAIL();

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::allocation_failure;
using weft::testing::allocation_sweep;
using weft::testing::allocations_of;
using weft::testing::allocations_succeed;
using weft::testing::deterministic_scheduler;
using weft::testing::fail_each_allocation;

/// A block that is not optimized away.
void allocate() { ::operator delete(::operator new(16)); }

// ---- the facility itself

TEST(allocation_failure, the_nth_fails_and_the_others_do_not) {
    const allocation_failure failing(2);
    EXPECT_NO_THROW(allocate());
    EXPECT_NO_THROW(allocate());
    EXPECT_FALSE(failing.struck());
    EXPECT_THROW(allocate(), std::bad_alloc);
    EXPECT_TRUE(failing.struck());
    EXPECT_NO_THROW(allocate());
}

TEST(allocation_failure, who_asks_without_exceptions_gets_null) {
    const allocation_failure failing(0);
    void* const block = ::operator new(16, std::nothrow);
    EXPECT_EQ(block, nullptr);
    ::operator delete(block);
}

TEST(allocation_failure, what_is_spared_neither_counts_nor_fails) {
    const allocation_failure failing(1);
    allocate();
    {
        const allocations_succeed own;
        allocate();
    }
    EXPECT_FALSE(failing.struck());
    EXPECT_THROW(allocate(), std::bad_alloc);
}

TEST(allocation_failure, one_at_a_time) {
    const allocation_failure failing(100);
    EXPECT_THROW(allocation_failure(0), invalid_operation);
    const allocation_failure anywhere(100, allocations_of::every_thread);
    EXPECT_THROW(allocation_failure(0, allocations_of::every_thread), invalid_operation);
}

TEST(allocation_failure, a_sweep_ends_with_the_run_that_needs_no_more) {
    const allocation_sweep done = fail_each_allocation([] {
        allocate();
        try {
            allocate();
        } catch (const std::bad_alloc&) {
            // Goes without.
        }
        allocate();
    });
    EXPECT_EQ(done.allocations, 3U);
    EXPECT_EQ(done.thrown, 2U);
    EXPECT_EQ(done.survived, 1U);
    EXPECT_THROW(fail_each_allocation([] { throw std::runtime_error("wrong"); }), std::runtime_error);
    EXPECT_THROW(fail_each_allocation(&allocate, allocations_of::this_thread, 1), invalid_operation);
}

// ---- what is tried

/// Each allocation of `scenario` in a world of its own.
allocation_sweep sweep(task<> (*scenario)()) {
    return fail_each_allocation([scenario] {
        std::optional<deterministic_scheduler> world;
        {
            const allocations_succeed own;
            world.emplace(std::uint64_t{0});
        }
        world->run(scenario);
    });
}

/// A result that is wrong is a failure of its own, which ends the sweep.
void require(bool holds, const char* what) {
    if (!holds) throw std::logic_error(what);
}

task<int> sum_to(int n) {
    if (n == 0) co_return 0;
    co_await yield();
    const int below = co_await sum_to(n - 1);
    co_return below + n;
}

task<std::string> text_later(int size) {
    co_await delay(1ms);
    co_return std::string(static_cast<std::size_t>(size), 'x');
}

task<> fails_later() {
    co_await yield();
    throw std::runtime_error("the failure of a task that has a text too long to stand in the string itself");
}

task<> tasks_and_results() {
    const int sum = co_await sum_to(4);
    require(sum == 10, "the sum");
    task<std::string> one = text_later(100);
    task<std::string> other = text_later(200);
    const std::string first = co_await one;
    const std::string second = co_await other;
    require(first.size() == 100 && second.size() == 200, "the texts");
}

task<> tasks_that_fail() {
    bool caught = false;
    try {
        co_await fails_later();
    } catch (const std::runtime_error&) {
        caught = true;
    }
    require(caught, "the error");
}

task<> all_of_several() {
    std::vector<task<std::string>> some;
    for (int i = 1; i <= 3; ++i) some.push_back(text_later(i));
    const std::vector<std::string> texts = co_await when_all(std::move(some));
    require(texts.size() == 3 && texts[2].size() == 3, "the texts");
    bool caught = false;
    try {
        co_await when_all(fails_later(), fails_later());
    } catch (const std::runtime_error&) {
        caught = true;
    }
    require(caught, "the error");
}

task<> first_of_several() {
    std::vector<task<std::string>> some;
    for (int i = 1; i <= 3; ++i) some.push_back(text_later(i));
    co_await when_any(some);
    std::size_t seen = 0;
    async_stream<task<std::string>> each = when_each(some);
    while (std::optional<task<std::string>> ended = co_await each.next()) ++seen;
    require(seen == 3, "each of them");
}

task<> produce(channel_writer<std::string> into, int count) {
    try {
        for (int i = 0; i < count; ++i) {
            std::string item(static_cast<std::size_t>(40 + i), 'c');
            co_await into.write(std::move(item));
        }
    } catch (...) {
        into.complete(std::current_exception());
        throw;
    }
    into.complete();
}

task<> consume_all(channel<std::string> of) {
    task<> producing = produce(of.writer(), 5);
    std::size_t seen = 0;
    async_stream<std::string> all = of.reader().read_all();
    while (std::optional<std::string> item = co_await all.next()) {
        require(item->size() == 40 + seen, "an item");
        ++seen;
    }
    co_await producing;
    require(seen == 5, "every item");
}

task<> bounded_channels() {
    co_await consume_all(channel<std::string>::bounded(2));
    co_await consume_all(channel<std::string>::bounded(0));
}
task<> unbounded_channels() { co_await consume_all(channel<std::string>::unbounded()); }

task<> broadcast_channels() {
    const broadcast_channel<std::string> news = broadcast_channel<std::string>::bounded(4);
    broadcast_reader<std::string> one = news.subscribe(), other = news.subscribe();
    for (int i = 0; i < 3; ++i) {
        std::string item(40, 'b');
        co_await news.writer().write(std::move(item));
    }
    for (int i = 0; i < 3; ++i) {
        const std::string left = co_await one.read();
        const std::string right = co_await other.read();
        require(left.size() == 40 && right.size() == 40, "what was written");
    }
}

task<> delays_and_limits() {
    co_await delay(1ms);
    task<> tasks[] = {delay(2ms), delay(3ms)};
    for (task<>& each : tasks) co_await each;
    bool late = false;
    try {
        task<> long_one = delay(1h);
        co_await long_one.wait_async(1ms);
    } catch (const timeout_exception&) {
        late = true;
    }
    require(late, "the limit");
    periodic_timer beat(5ms);
    for (int i = 0; i < 2; ++i) {
        const bool goes_on = co_await beat.wait_for_next_tick();
        require(goes_on, "a tick");
    }
}

task<> timers_that_call() {
    int calls = 0;
    timer calling([&calls] { ++calls; }, 1ms, 1ms);
    co_await delay(5ms);
    co_await calling.dispose_async();
    require(calls >= 1, "the calls");
}

task<> cancellations() {
    cancellation_source source;
    cancellation_source other = cancellation_source::linked(source.token());
    int called = 0;
    {
        const cancellation_registration first = source.token().register_callback([&called] { ++called; });
        const cancellation_registration second = other.token().register_callback([&called] { ++called; });
        task<> waiting = delay(1h, other.token());
        source.cancel();
        bool canceled = false;
        try {
            co_await waiting;
        } catch (const operation_canceled&) {
            canceled = true;
        }
        require(canceled, "the wait");
    }
    require(called == 2, "the callbacks");
    cancellation_source late;
    late.cancel_after(2ms);
    co_await delay(5ms);
    require(late.is_cancellation_requested(), "the time");
}

task<> hold(async_semaphore& gate) {
    const auto permit = co_await gate.acquire();
    co_await delay(1ms);
}

task<> semaphores() {
    async_semaphore gate(1);
    std::exception_ptr failed;
    std::vector<task<>> holders;
    try {
        holders.reserve(3);
        for (int i = 0; i < 3; ++i) holders.push_back(hold(gate));
    } catch (...) {
        failed = std::current_exception();
    }
    for (task<>& each : holders) {
        try {
            co_await each;
        } catch (...) {
            failed = std::current_exception();
        }
    }
    require(gate.current_count() == 1, "the permit is back");
    const bool granted = co_await gate.wait(1ms);
    require(granted, "a free permit");
    gate.release();
    const auto held = co_await gate.acquire();
    const bool refused = co_await gate.wait(1ms);
    require(!refused, "a limit");
    if (failed != nullptr) std::rethrow_exception(failed);
}

task<> under_lock(async_mutex& mutex, int& inside) {
    const auto lock = co_await mutex.lock();
    require(inside++ == 0, "one at a time");
    co_await yield();
    --inside;
}

task<> locks_and_events() {
    async_mutex mutex;
    int inside = 0;
    task<> both_inside = with_scope([&mutex, &inside](task_scope& scope) -> task<> {
        scope.spawn([&mutex, &inside] { return under_lock(mutex, inside); }).forget();
        const task<> other = scope.spawn([&mutex, &inside] { return under_lock(mutex, inside); });
        co_await other;
    });
    co_await both_inside;
    async_manual_reset_event opened;
    task<> waiting = opened.wait();
    opened.set();
    co_await waiting;
    async_countdown_event two(2);
    task<> both = two.wait();
    two.signal();
    two.signal();
    co_await both;
    async_shared_mutex shared;
    const auto reading = co_await shared.lock_shared();
}

task<> sources_and_continuations() {
    // First, for a source that is left alone keeps its continuations for ever.
    std::string given(60, 's');
    task_completion_source<std::string> source;
    task<std::string> promised = source.task();
    task<std::size_t> size = promised.continue_with([](task<std::string> before) { return before.get().size(); });
    source.set_result(std::move(given));
    const std::size_t told = co_await size;
    require(told == 60, "the size");
    task_completion_source<> failing;
    failing.set_exception(std::make_exception_ptr(std::runtime_error("no")));
    bool caught = false;
    try {
        co_await failing.task();
    } catch (const std::runtime_error&) {
        caught = true;
    }
    require(caught, "the error");
}

async_stream<std::string> texts(int count) {
    for (int i = 0; i < count; ++i) {
        co_await yield();
        co_yield std::string(static_cast<std::size_t>(30 + i), 't');
    }
}

task<> streams() {
    async_stream<std::string> some = texts(3);
    std::size_t seen = 0;
    while (std::optional<std::string> text = co_await some.next()) seen += text->size();
    require(seen == 93, "the texts");
}

task<> loops() {
    std::vector<int> items(6);
    std::iota(items.begin(), items.end(), 1);
    int sum = 0;
    task<> loop = parallel_for_each(items, {.max_degree_of_parallelism = 2}, [&sum](int item) -> task<> {
        co_await yield();
        sum += item;
    });
    co_await loop;
    require(sum == 21, "the sum");
}

task<> child(cancellation_token stop) { co_await delay(1ms, stop); }

task<> two_children(task_scope& scope) {
    scope.spawn([](cancellation_token stop) { return child(std::move(stop)); }).forget();
    const task<> other = scope.spawn([](cancellation_token stop) { return child(std::move(stop)); });
    co_await other;
}

task<> scopes() {
    task<> all = with_scope(&two_children);
    co_await all;
    task<> first = race([] { return child({}); }, [](cancellation_token stop) { return child(std::move(stop)); });
    co_await first;
    task<> limited = with_deadline(1s, [](cancellation_token stop) { return child(std::move(stop)); });
    co_await limited;
}

task<> limiters() {
    token_bucket_rate_limiter rate(
        {.token_limit = 1, .tokens_per_period = 1, .replenishment_period = 1ms, .queue_limit = 4});
    for (int i = 0; i < 3; ++i) {
        const rate_limit_lease lease = co_await rate.acquire(1);
        require(lease.is_acquired(), "a permit");
    }
}

task<> selections() {
    const channel<std::string> one = channel<std::string>::bounded(1), other = channel<std::string>::bounded(1);
    std::string item(50, 'i');
    co_await one.writer().write(std::move(item));
    auto ready = select(case_read(one.reader()), case_read(other.reader()), case_after(1s));
    const auto chosen = co_await ready;
    require(chosen.index() == 0, "what was there");
    auto waiting = select(case_read(one.reader()), case_read(other.reader()), case_after(1ms));
    const auto late = co_await waiting;
    require(late.index() == 2, "the time");
}

async_local<std::string> name_of_flow;

task<> flows() {
    name_of_flow.set(std::string(50, 'f'));
    co_await yield();
    require(name_of_flow.value_or(std::string()).size() == 50, "the value");
    task<int> running = run([] { return sum_to(2); });
    const int sum = co_await running;
    require(sum == 3, "the sum");
}

struct family {
    const char* name;
    task<> (*scenario)();
};

class each_allocation : public ::testing::TestWithParam<family> {};

TEST_P(each_allocation, may_fail) {
    const allocation_sweep done = sweep(GetParam().scenario);
    EXPECT_GT(done.allocations, 0U);
    RecordProperty("allocations", static_cast<int>(done.allocations));
    RecordProperty("thrown", static_cast<int>(done.thrown));
}

INSTANTIATE_TEST_SUITE_P(of, each_allocation,
    ::testing::Values(family{"tasks", &tasks_and_results}, family{"failing_tasks", &tasks_that_fail},
        family{"when_all", &all_of_several}, family{"when_any", &first_of_several},
        family{"bounded_channel", &bounded_channels}, family{"unbounded_channel", &unbounded_channels},
        family{"broadcast_channel", &broadcast_channels}, family{"delay", &delays_and_limits},
        family{"timer", &timers_that_call}, family{"cancellation", &cancellations}, family{"semaphore", &semaphores},
        family{"locks", &locks_and_events}, family{"sources", &sources_and_continuations}, family{"streams", &streams},
        family{"parallel", &loops}, family{"task_scope", &scopes}, family{"rate_limiter", &limiters},
        family{"select", &selections}, family{"flows", &flows}),
    [](const ::testing::TestParamInfo<family>& each) { return std::string(each.param.name); });

}  // namespace

#endif
