// Asynchronous streams (semantics 1.15, 1.6/9).
// SPDX-License-Identifier: MIT

#include "weft/async_stream.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/allocation_counter.hpp"
#include "support/manual_dispatcher.hpp"
#include "weft/async_local.hpp"
#include "weft/event_loop_context.hpp"
#include "weft/task_completion_source.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using weft_test::manual_dispatcher;

/// Adds to a trace when it goes.
class note_at_end {
public:
    note_at_end(std::string& trace, const char* text) : trace_(&trace), text_(text) {}
    ~note_at_end() { *trace_ += text_; }
    note_at_end(const note_at_end&) = delete;
    note_at_end& operator=(const note_at_end&) = delete;

private:
    std::string* trace_;
    const char* text_;
};

async_stream<int> count_to(int last) {
    for (int i = 1; i <= last; ++i) co_yield i;
}

async_stream<int> count_with_pauses(int last) {
    for (int i = 1; i <= last; ++i) {
        if (i % 2 == 0) co_await yield();
        co_yield i;
    }
}

async_stream<std::string> noting(std::string& trace) {
    const note_at_end local(trace, "closed ");
    trace += "begun ";
    co_yield "first";
    trace += "between ";
    co_yield "second";
    trace += "past ";
}

task<> await_cleanup(task<> gate, std::string& trace) {
    co_await gate;
    trace += "cleaned ";
}

/// The shape of try/finally: the body is left by an exception, then the cleanup is awaited.
async_stream<int> with_cleanup(task<> gate, std::string& trace) {
    bool left = false;
    try {
        co_yield 1;
        co_yield 2;
    } catch (...) {
        left = true;
    }
    if (left) {
        co_await await_cleanup(gate, trace);
        co_yield 99;  // never seen: it is being disposed of
    }
}

task<int> sum(async_stream<int> stream) {
    int total = 0;
    while (auto item = co_await stream.next()) total += *item;
    co_return total;
}

template <class T>
T drive(manual_dispatcher& dispatcher, task<T> running) {
    dispatcher.run_all();
    return running.get();
}

TEST(async_stream, S_1_15_1_nothing_runs_before_the_first_next) {
    manual_dispatcher dispatcher;
    std::string trace;
    async_stream<std::string> stream = noting(trace);
    EXPECT_EQ(trace, "");
    task<std::optional<std::string>> first = stream.next();
    EXPECT_EQ(trace, "begun ");
    EXPECT_EQ(first.get(), "first");
}

TEST(async_stream, S_1_15_1_one_that_is_never_asked_destroys_what_it_holds) {
    auto owned = std::make_shared<int>(1);
    const std::weak_ptr<int> watched = owned;
    {
        const auto make = [](std::shared_ptr<int> kept) -> async_stream<int> { co_yield *kept; };
        const async_stream<int> stream = make(std::move(owned));
        EXPECT_FALSE(watched.expired());
    }
    EXPECT_TRUE(watched.expired());
}

TEST(async_stream, items_come_in_order_synchronously_and_asynchronously) {
    manual_dispatcher dispatcher;
    EXPECT_EQ(sum(count_to(1000)).get(), 500500);  // never suspends
    EXPECT_EQ(drive(dispatcher, sum(count_with_pauses(1000))), 500500);
    EXPECT_EQ(drive(dispatcher, count_with_pauses(5).to_vector()), (std::vector<int>{1, 2, 3, 4, 5}));
}

TEST(async_stream, an_item_costs_no_allocation) {
    manual_dispatcher dispatcher;
    const auto consume = [](int count) -> task<std::size_t> {
        async_stream<int> stream = count_to(count);
        static_cast<void>(co_await stream.next());
        const weft_test::allocation_counter counter;
        while (auto item = co_await stream.next()) static_cast<void>(*item);
        co_return counter.count();
    };
    EXPECT_EQ(consume(100).get(), 0U);
}

TEST(async_stream, S_1_15_2_the_last_token_counts_and_nothing_is_polled) {
    manual_dispatcher dispatcher;
    const auto producer = []() -> async_stream<bool> {
        const cancellation_token token = co_await this_stream::token();
        for (;;) co_yield token.is_cancellation_requested();
    };
    cancellation_source first;
    cancellation_source second;
    async_stream<bool> stream = producer().with_cancellation(first.token()).with_cancellation(second.token());
    EXPECT_EQ(stream.next().as_task().get(), false);
    first.cancel();
    EXPECT_EQ(stream.next().as_task().get(), false);
    second.cancel();
    EXPECT_EQ(stream.next().as_task().get(), true);
}

TEST(async_stream, S_1_15_4_a_token_that_is_a_parameter_stays_what_the_caller_gave) {
    const auto producer = [](cancellation_token mine) -> async_stream<bool> { co_yield mine.is_cancellation_requested(); };
    cancellation_source cancelled;
    cancelled.cancel();
    async_stream<bool> stream = producer({}).with_cancellation(cancelled.token());
    EXPECT_EQ(stream.next().as_task().get(), false);
}

TEST(async_stream, S_1_15_6_leaving_early_closes_the_producer) {
    manual_dispatcher dispatcher;
    std::string trace;
    const auto consume = [](std::string& seen) -> task<> {
        async_stream<std::string> stream = noting(seen);
        while (auto item = co_await stream.next()) {
            seen += *item + " ";
            break;
        }
        seen += "left ";
    };
    consume(trace).get();
    EXPECT_EQ(trace, "begun first left closed ");
}

TEST(async_stream, S_1_15_6_an_exception_of_the_consumer_closes_the_producer) {
    std::string trace;
    const auto consume = [](std::string& seen) -> task<> {
        async_stream<std::string> stream = noting(seen);
        static_cast<void>(co_await stream.next());
        throw std::runtime_error("consumer");
    };
    EXPECT_THROW(consume(trace).get(), std::runtime_error);
    EXPECT_EQ(trace, "begun closed ");
}

TEST(async_stream, S_1_15_7_dispose_runs_what_is_pending_and_waits_for_it) {
    manual_dispatcher dispatcher;
    task_completion_source<> gate;
    std::string trace;
    async_stream<int> stream = with_cleanup(gate.task(), trace);
    EXPECT_EQ(stream.next().as_task().get(), 1);
    task<> disposing = stream.dispose();
    EXPECT_FALSE(disposing.is_completed());
    gate.set_result();
    dispatcher.run_all();
    EXPECT_TRUE(disposing.is_completed_successfully());
    EXPECT_EQ(trace, "cleaned ");
    EXPECT_EQ(stream.next().as_task().get(), std::nullopt);
    EXPECT_NO_THROW(stream.dispose().as_task().get());
}

TEST(async_stream, S_1_15_7_disposing_while_a_next_is_pending_is_refused) {
    manual_dispatcher dispatcher;
    task_completion_source<> gate;
    const auto producer = [](task<> before) -> async_stream<int> {
        co_await before;
        co_yield 1;
    };
    async_stream<int> stream = producer(gate.task());
    task<std::optional<int>> pending = stream.next();
    EXPECT_THROW(stream.dispose().as_task().get(), invalid_operation);
    gate.set_result();
    dispatcher.run_all();
    EXPECT_EQ(pending.get(), 1);
}

TEST(async_stream, S_1_15_7_after_the_end_next_gives_nothing) {
    async_stream<int> stream = count_to(1);
    EXPECT_EQ(stream.next().as_task().get(), 1);
    EXPECT_EQ(stream.next().as_task().get(), std::nullopt);
    EXPECT_EQ(stream.next().as_task().get(), std::nullopt);
    EXPECT_EQ(async_stream<int>().next().as_task().get(), std::nullopt);
}

TEST(async_stream, S_1_15_8_two_next_at_once_are_refused) {
    manual_dispatcher dispatcher;
    task_completion_source<> gate;
    const auto producer = [](task<> before) -> async_stream<int> {
        co_await before;
        co_yield 1;
    };
    async_stream<int> stream = producer(gate.task());
    task<std::optional<int>> pending = stream.next();
    EXPECT_THROW(stream.next().as_task().get(), invalid_operation);
    gate.set_result();
    dispatcher.run_all();
    EXPECT_EQ(pending.get(), 1);
}

TEST(async_stream, S_1_15_9_configure_await_applies_to_next) {
    manual_dispatcher dispatcher;
    event_loop_context loop;
    const auto consume = [](async_stream<int> stream, synchronization_context*& after) -> task<> {
        static_cast<void>(co_await stream.next());
        static_cast<void>(co_await stream.next());  // the producer suspends here
        after = synchronization_context::current();
    };
    synchronization_context* with = nullptr;
    synchronization_context* without = &loop;
    task<> first;
    task<> second;
    {
        const synchronization_context_scope scope(&loop);
        // The producer itself would come back to the loop, too, so it must not capture: it awaits a yield on the pool.
        const auto producer = []() -> async_stream<int> {
            co_yield 1;
            co_await yield().configure_await(false);
            co_yield 2;
        };
        first = consume(producer(), with);
        second = consume(producer().configure_await(false), without);
    }
    dispatcher.run_all();
    EXPECT_TRUE(second.is_completed());
    EXPECT_FALSE(first.is_completed());
    loop.run_pending();
    EXPECT_TRUE(first.is_completed());
    EXPECT_EQ(with, &loop);
    EXPECT_EQ(without, nullptr);
}

TEST(async_stream, S_1_15_10_an_exception_is_thrown_once_and_ends_the_stream) {
    manual_dispatcher dispatcher;
    const auto producer = [](bool pause) -> async_stream<int> {
        co_yield 1;
        if (pause) co_await yield();
        throw std::runtime_error("broken");
    };
    for (const bool pause : {false, true}) {
        async_stream<int> stream = producer(pause);
        EXPECT_EQ(stream.next().as_task().get(), 1);
        task<std::optional<int>> failing = stream.next();
        dispatcher.run_all();
        EXPECT_THROW(static_cast<void>(failing.get()), std::runtime_error);
        EXPECT_EQ(stream.next().as_task().get(), std::nullopt);
    }
}

TEST(async_stream, S_1_15_11_a_blocking_range_waits_for_each_item) {
    manual_dispatcher dispatcher;
    std::vector<int> seen;
    for (const int item : count_with_pauses(4).to_blocking_range()) seen.push_back(item);
    EXPECT_EQ(seen, (std::vector<int>{1, 2, 3, 4}));
}

TEST(async_stream, S_1_6_9_a_segment_runs_under_the_consumers_values_and_its_changes_are_undone) {
    manual_dispatcher dispatcher;
    static async_local<int> value;
    const auto producer = [](bool pause) -> async_stream<int> {
        for (;;) {
            if (pause) co_await yield();
            const int seen = value.value_or(0);
            value.set(seen * 100);
            co_yield seen;
        }
    };
    for (const bool pause : {false, true}) {
        const auto consume = [&producer](bool with_pause, std::vector<int>& seen) -> task<> {
            async_stream<int> stream = producer(with_pause);
            for (int i = 1; i <= 3; ++i) {
                value.set(i);
                const std::optional<int> item = co_await stream.next();
                seen.push_back(*item);
                seen.push_back(value.value_or(0));
            }
        };
        std::vector<int> seen;
        task<> running = consume(pause, seen);
        dispatcher.run_all();
        running.get();
        EXPECT_EQ(seen, (std::vector<int>{1, 1, 2, 2, 3, 3}));
    }
    value.clear();
}

TEST(async_stream, destroying_one_that_must_clean_up_starts_that_and_does_not_wait) {
    manual_dispatcher dispatcher;
    task_completion_source<> gate;
    std::string trace;
    {
        async_stream<int> stream = with_cleanup(gate.task(), trace);
        EXPECT_EQ(stream.next().as_task().get(), 1);
    }
    EXPECT_EQ(trace, "");
    gate.set_result();
    dispatcher.run_all();
    EXPECT_EQ(trace, "cleaned ");
}

TEST(async_stream, operators_chain_and_pass_the_token_on) {
    manual_dispatcher dispatcher;
    const auto square = [](int x) { return x * x; };
    const auto halve_later = [](int x) -> task<int> {
        co_await yield();
        co_return x / 2;
    };
    auto chained = count_with_pauses(20)
                       .filter([](int x) { return x % 2 == 0; })
                       .transform(square)
                       .transform(halve_later)
                       .skip(1)
                       .take(3);
    EXPECT_EQ(drive(dispatcher, std::move(chained).to_vector()), (std::vector<int>{8, 18, 32}));
    EXPECT_EQ(drive(dispatcher, count_to(5).buffer(2).to_vector()), (std::vector<std::vector<int>>{{1, 2}, {3, 4}, {5}}));
    EXPECT_THROW(static_cast<void>(count_to(1).buffer(0)), std::invalid_argument);
    int total = 0;
    drive(dispatcher, count_to(4).for_each([&](int x) { total += x; }));
    EXPECT_EQ(total, 10);

    const auto producer = []() -> async_stream<bool> {
        const cancellation_token token = co_await this_stream::token();
        co_yield token.can_be_canceled();
    };
    cancellation_source source;
    auto passed = producer().filter([](bool) { return true; }).take(1).with_cancellation(source.token());
    EXPECT_EQ(drive(dispatcher, std::move(passed).to_vector()), (std::vector<bool>{true}));
}

TEST(async_stream, take_disposes_of_its_source) {
    std::string trace;
    EXPECT_EQ(noting(trace).take(1).to_vector().get(), (std::vector<std::string>{"first"}));
    EXPECT_EQ(trace, "begun closed ");
}

TEST(async_stream, merging_gives_every_item_and_keeps_the_order_of_each_source) {
    manual_dispatcher dispatcher;
    const auto numbered = [](int base, int count) -> async_stream<int> {
        for (int i = 0; i < count; ++i) {
            co_await yield();
            co_yield base + i;
        }
    };
    const std::vector<int> all = drive(dispatcher, merge(numbered(0, 50), numbered(100, 30), count_to(0)).to_vector());
    ASSERT_EQ(all.size(), 80U);
    int low = -1;
    int high = 99;
    for (const int item : all) {
        int& last = item < 100 ? low : high;
        EXPECT_EQ(item, last + 1);
        last = item;
    }
}

TEST(async_stream, merging_loses_nothing_when_the_first_source_ends_first) {
    manual_dispatcher dispatcher;
    const auto numbered = [](int base, int count) -> async_stream<int> {
        for (int i = 0; i < count; ++i) {
            co_await yield();
            co_yield base + i;
        }
    };
    EXPECT_EQ(drive(dispatcher, merge(numbered(0, 2), numbered(100, 30), numbered(200, 30)).to_vector()).size(), 62U);
}

}  // namespace
