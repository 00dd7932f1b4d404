// Loops whose iterations run at the same time (semantics 1.18).
// SPDX-License-Identifier: MIT

#include "weft/parallel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/manual_scheduler.hpp"
#include "weft/async_local.hpp"
#include "weft/delay.hpp"
#include "weft/limited_concurrency_scheduler.hpp"
#include "weft/testing/assertions.hpp"
#include "weft/testing/deterministic_scheduler.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

/// How many are inside, and the most that ever were.
struct crowd {
    int inside = 0;
    int most = 0;
    void enter() { most = std::max(most, ++inside); }
    void leave() { --inside; }
};

auto staying_in(crowd& seen) {
    return [&seen](int) -> task<> {
        seen.enter();
        co_await delay(10ms);
        seen.leave();
    };
}

template <class T>
const std::vector<std::exception_ptr> errors_of(const task<T>& failed) {
    const aggregate_exception* all = failed.exception();
    if (all == nullptr) return {};
    return {all->inner_exceptions().begin(), all->inner_exceptions().end()};
}

async_stream<int> numbers(int count) {
    for (int i = 0; i < count; ++i) {
        co_await yield();
        co_yield i;
    }
}

TEST(parallel, S_1_18_1_the_default_degree_is_the_number_of_processors) {
    deterministic_scheduler world;
    crowd seen;
    world.run(parallel_for(0, 100, staying_in(seen)));
    EXPECT_EQ(seen.most, static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
    EXPECT_EQ(seen.inside, 0);
}

TEST(parallel, S_1_18_1_the_degree_is_neither_exceeded_nor_left_unused) {
    deterministic_scheduler world;
    for (const int degree : {1, 3, 7}) {
        crowd seen;
        world.run(parallel_for(0, 50, {.max_degree_of_parallelism = degree}, staying_in(seen)));
        EXPECT_EQ(seen.most, degree);
    }
}

TEST(parallel, S_1_18_1_the_degree_is_not_above_the_limit_of_the_scheduler) {
    limited_concurrency_scheduler two(2);
    deterministic_scheduler world;
    EXPECT_EQ(detail::parallel_degree(8, 4, &two), 2U);
    EXPECT_EQ(detail::parallel_degree(1, 4, &two), 1U);
    EXPECT_EQ(detail::parallel_degree(-1, 4, &two), 2U);
    EXPECT_EQ(detail::parallel_degree(8, 4, nullptr), 8U);
    EXPECT_EQ(detail::parallel_degree(-1, 4, nullptr), 4U);
}

TEST(parallel, S_1_18_1_a_degree_of_zero_is_refused) {
    const auto nothing = [](int) {};
    const std::vector<int> items{1};
    EXPECT_THROW(parallel_for(0, 1, {.max_degree_of_parallelism = 0}, nothing).forget(), std::invalid_argument);
    EXPECT_THROW(parallel_for_each(items, {.max_degree_of_parallelism = 0}, nothing).forget(), std::invalid_argument);
    EXPECT_THROW(parallel_for_each(numbers(1), {.max_degree_of_parallelism = -2}, nothing).forget(), std::invalid_argument);
    EXPECT_THROW(
        parallel_invoke({.max_degree_of_parallelism = 0}, cancellation_token(), [] {}).forget(), std::invalid_argument);
}

TEST(parallel, S_1_18_2_it_returns_before_the_loop_ends_although_all_is_synchronous) {
    deterministic_scheduler world;
    int ran = 0;
    const std::vector<int> items(5);
    task<> loop = parallel_for_each(items, [&](int) { ++ran; });
    EXPECT_FALSE(loop.is_completed());
    EXPECT_EQ(ran, 0);
    world.run(loop);
    EXPECT_EQ(ran, 5);
}

TEST(parallel, S_1_18_2_an_empty_range_of_numbers_gives_a_completed_task) {
    EXPECT_TRUE(parallel_for(3, 3, [](int) { FAIL(); }).is_completed_successfully());
    EXPECT_TRUE(parallel_for(4, 3, [](int) { FAIL(); }).is_completed_successfully());
    deterministic_scheduler world;
    const std::vector<int> none;
    task<> loop = parallel_for_each(none, [](int) { FAIL(); });
    EXPECT_FALSE(loop.is_completed());
    world.run(loop);
}

TEST(parallel, S_1_18_3_a_token_that_is_cancelled_beforehand_does_not_touch_the_source) {
    cancellation_source source;
    source.cancel();
    bool touched = false;
    const std::vector<int> items{1, 2};
    auto view = items | std::views::transform([&](int each) {
        touched = true;
        return each;
    });
    const auto body = [&](int) { touched = true; };
    task<> loop = parallel_for_each(view, body, source.token());
    EXPECT_TRUE(loop.is_canceled());
    EXPECT_TRUE(parallel_for(0, 0, body, source.token()).is_canceled());
    EXPECT_TRUE(parallel_for_each(numbers(3), body, source.token()).is_canceled());
    EXPECT_FALSE(touched);
    try {
        loop.get();
    } catch (const operation_canceled& error) {
        EXPECT_EQ(error.token(), source.token());
    }
}

TEST(parallel, S_1_18_4_each_item_comes_once) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        deterministic_scheduler world(seed);
        std::vector<int> counts(30);
        const auto body = [&](int item) -> task<> {
            co_await yield();
            ++counts[static_cast<std::size_t>(item)];
        };
        std::vector<int> items(30);
        std::iota(items.begin(), items.end(), 0);
        const std::list<int> chained(items.begin(), items.end());
        const parallel_options four{.max_degree_of_parallelism = 4};
        world.run(parallel_for_each(items, four, body));
        world.run(parallel_for_each(chained, four, body));
        world.run(parallel_for_each(std::views::iota(0, 30), four, body));
        world.run(parallel_for(0, 30, four, body));
        world.run(parallel_for_each(numbers(30), four, body));
        EXPECT_EQ(std::ranges::count(counts, 5), 30) << "seed " << seed;
    }
}

TEST(parallel, S_1_18_4_one_worker_at_a_time_takes_from_the_source) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        deterministic_scheduler world(seed);
        crowd taking;
        const auto slow_source = [&]() -> async_stream<int> {
            for (int i = 0; i < 10; ++i) {
                taking.enter();
                co_await delay(3ms);
                taking.leave();
                co_yield i;
            }
        };
        int sum = 0;
        world.run(parallel_for_each(slow_source(), {.max_degree_of_parallelism = 5}, [&](int item) -> task<> {
            co_await delay(10ms);
            sum += item;
        }));
        EXPECT_EQ(taking.most, 1);
        EXPECT_EQ(sum, 45);
    }
}

struct says_when_it_goes {
    explicit says_when_it_goes(std::string& into) : trace(into) {}
    ~says_when_it_goes() { trace += "gone "; }
    std::string& trace;
};
async_stream<int> endless(std::string& trace) {
    const says_when_it_goes guard(trace);
    for (int i = 0;; ++i) co_yield i;
}

TEST(parallel, S_1_18_4_the_source_is_disposed_of_before_the_task_is_done) {
    deterministic_scheduler world;
    std::string trace;
    task<> loop = parallel_for_each(endless(trace), {.max_degree_of_parallelism = 2}, [](int item) {
        if (item == 5) throw std::runtime_error("enough");
    });
    const auto watch = [&]() -> task<> {
        const outcome<> ended = co_await loop.as_outcome();
        trace += ended.has_value() ? "done" : "failed";
    };
    world.run(watch());
    EXPECT_EQ(trace, "gone failed");
    // The same for what a range and a closure hold.
    auto held = std::make_shared<int>(1);
    std::vector<std::shared_ptr<int>> items{held, held};
    task<> owning = parallel_for_each(std::move(items), [held](const std::shared_ptr<int>&) {});
    world.run(owning);
    EXPECT_EQ(held.use_count(), 1);
}

async_stream<int> fails_at_its_end() {
    try {
        for (int i = 0;; ++i) co_yield i;
    } catch (...) {
        throw std::logic_error("the disposal failed");
    }
}

TEST(parallel, S_1_18_4_a_failing_disposal_joins_the_errors) {
    deterministic_scheduler world;
    task<> loop = parallel_for_each(fails_at_its_end(), [](int item) {
        if (item == 2) throw std::runtime_error("the body failed");
    });
    world.run_until_idle();
    ASSERT_TRUE(loop.is_faulted());
    ASSERT_EQ(errors_of(loop).size(), 2U);
    EXPECT_EQ(message_of(errors_of(loop)[0]), "the body failed");
    EXPECT_EQ(message_of(errors_of(loop)[1]), "the disposal failed");
}

TEST(parallel, S_1_18_5_the_first_failure_cancels_the_others_which_are_awaited_and_nothing_new_begins) {
    deterministic_scheduler world;
    std::string trace;
    int begun = 0;
    const auto body = [&](int item, cancellation_token token) -> task<> {
        ++begun;
        if (item == 1) {
            co_await delay(5ms);
            throw std::runtime_error("first");
        }
        const outcome<> slept = co_await delay(1h, token).as_task().as_outcome();
        co_await delay(20ms);
        trace += "cleaned ";
        if (item == 0) throw std::logic_error("second");
        slept.value();
    };
    task<> loop = parallel_for(0, 100, {.max_degree_of_parallelism = 3}, body);
    const auto watch = [&]() -> task<> {
        WEFT_CHECK_THROWS_AS(co_await loop, std::runtime_error);
        trace += "ended";
    };
    world.run(watch());
    EXPECT_EQ(begun, 3);
    EXPECT_EQ(trace, "cleaned cleaned ended");
    ASSERT_TRUE(loop.is_faulted());
    ASSERT_EQ(errors_of(loop).size(), 3U);
    EXPECT_EQ(message_of(errors_of(loop)[0]), "first");
}

TEST(parallel, S_1_18_6_the_users_cancellation_wins_over_failures) {
    deterministic_scheduler world;
    cancellation_source source;
    const auto body = [&](int item, cancellation_token token) -> task<> {
        if (item == 0) {
            co_await delay(1ms);
            source.cancel();
            throw std::runtime_error("bad");
        }
        co_await delay(1h, token);
    };
    task<> loop = parallel_for(0, 10, {.max_degree_of_parallelism = 4}, body, source.token());
    world.run_until_idle();
    ASSERT_TRUE(loop.is_canceled());
    try {
        loop.get();
        ADD_FAILURE();
    } catch (const operation_canceled& error) {
        EXPECT_EQ(error.token(), source.token()) << "the user's, not the loop's";
    }
}

TEST(parallel, S_1_18_6_a_cancelled_loop_waits_for_bodies_that_do_not_listen) {
    deterministic_scheduler world;
    cancellation_source source;
    int ended = 0;
    task<> loop = parallel_for(
        0, 100, {.max_degree_of_parallelism = 2},
        [&](int) -> task<> {
            co_await delay(10ms);
            ++ended;
        },
        source.token());
    world.advance(5ms);
    source.cancel();
    EXPECT_FALSE(loop.is_completed());
    world.advance(5ms);
    EXPECT_TRUE(loop.is_canceled());
    EXPECT_EQ(ended, 2);
}

TEST(parallel, S_1_18_7_a_cancellation_of_a_bodys_own_is_a_failure) {
    deterministic_scheduler world;
    cancellation_source user;
    cancellation_source other;
    other.cancel();
    task<> loop = parallel_for(0, 1, [&](int) { other.token().throw_if_cancellation_requested(); }, user.token());
    world.run_until_idle();
    ASSERT_TRUE(loop.is_faulted());
    ASSERT_EQ(errors_of(loop).size(), 1U);
    EXPECT_THROW(std::rethrow_exception(errors_of(loop)[0]), operation_canceled);
}

/// A range of one pass whose chosen part throws.
struct failing_range {
    explicit failing_range(int bad_at) : bad(bad_at) {}
    struct iterator {
        using value_type = int;
        using difference_type = std::ptrdiff_t;
        failing_range* owner = nullptr;
        int operator*() const { return owner->at; }
        iterator& operator++() {
            if (++owner->at == owner->bad) throw std::runtime_error("the iterator failed");
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const { return owner->at >= 10; }
    };
    iterator begin() {
        if (bad < 0) throw std::runtime_error("begin failed");
        iterator first;
        first.owner = this;
        return first;
    }
    static std::default_sentinel_t end() { return {}; }
    int bad;
    int at = 0;
};
static_assert(std::ranges::input_range<failing_range>);

async_stream<int> failing_stream() {
    co_yield 1;
    throw std::runtime_error("the stream failed");
}

TEST(parallel, S_1_18_8_failures_of_the_source_are_those_of_the_task) {
    deterministic_scheduler world;
    int seen = 0;
    const auto count = [&](int) { ++seen; };
    task<> at_begin = parallel_for_each(failing_range(-1), count);
    world.run_until_idle();
    ASSERT_EQ(errors_of(at_begin).size(), 1U);
    EXPECT_EQ(message_of(errors_of(at_begin)[0]), "begin failed");
    EXPECT_EQ(seen, 0);
    task<> at_step = parallel_for_each(failing_range(4), count);
    world.run_until_idle();
    ASSERT_EQ(errors_of(at_step).size(), 1U);
    EXPECT_EQ(message_of(errors_of(at_step)[0]), "the iterator failed");
    EXPECT_EQ(seen, 4);
    task<> streamed = parallel_for_each(failing_stream(), count);
    world.run_until_idle();
    ASSERT_EQ(errors_of(streamed).size(), 1U);
    EXPECT_EQ(message_of(errors_of(streamed)[0]), "the stream failed");
}

TEST(parallel, S_1_18_9_the_callers_async_locals_flow_to_every_worker) {
    deterministic_scheduler world;
    static async_local<int> culture;
    culture.set(7);
    int right = 0;
    task<> loop = parallel_for(0, 20, {.max_degree_of_parallelism = 5}, [&](int) -> task<> {
        if (culture.value_or(0) == 7) ++right;
        culture.set(9);
        co_await delay(1ms);
    });
    culture.set(8);
    world.run(loop);
    EXPECT_EQ(right, 20);
    culture.clear();
}

TEST(parallel, S_1_18_9_a_worker_that_a_changed_flow_starts_has_the_callers_values) {
    deterministic_scheduler world;
    static async_local<int> culture;
    culture.set(1);
    // Taking an item changes the values of the worker, which then starts the next one.
    std::vector<int> found;
    const auto items = std::views::iota(0, 3) | std::views::transform([&](int item) {
        found.push_back(culture.value_or(0));
        culture.set(2);
        return item;
    });
    world.run(parallel_for_each(items, {.max_degree_of_parallelism = 3}, [](int) { return delay(1ms); }));
    EXPECT_EQ(found, (std::vector{1, 1, 1}));
    culture.clear();
}

TEST(parallel, S_1_18_9_bodies_run_on_the_given_scheduler_and_come_back_to_it) {
    deterministic_scheduler world;
    weft_test::manual_scheduler scheduler;
    int there = 0;
    task<> loop = parallel_for(0, 4, {.max_degree_of_parallelism = 2, .scheduler = &scheduler}, [&](int) -> task<> {
        if (&task_scheduler::current() == &scheduler) ++there;
        co_await yield();
        if (&task_scheduler::current() == &scheduler) ++there;
    });
    while (!loop.is_completed()) {
        ASSERT_TRUE(scheduler.run_all() + world.run_ready() > 0U);
    }
    loop.get();
    EXPECT_EQ(there, 8);
}

TEST(parallel, S_1_18_9_a_scheduler_that_refuses_fails_the_task) {
    struct refusing final : task_scheduler {
        void queue(work_item&) override { throw std::runtime_error("full"); }
    } scheduler;
    deterministic_scheduler world;
    task<> loop = parallel_for(0, 4, {.scheduler = &scheduler}, [&](int) { FAIL(); });
    world.run_until_idle();
    ASSERT_TRUE(loop.is_faulted());
    EXPECT_THROW(loop.get(), task_scheduler_exception);
}

TEST(parallel, S_1_18_10_the_users_token_holds_nothing_of_the_loop_afterwards) {
    deterministic_scheduler world;
    cancellation_source source;
    auto held = std::make_shared<int>(0);
    cancellation_token inner;
    world.run(parallel_for(0, 3, [held, &inner](int, cancellation_token token) { inner = token; }, source.token()));
    EXPECT_EQ(held.use_count(), 1);
    source.cancel();
    EXPECT_FALSE(inner.is_cancellation_requested()) << "the loop's source has left the user's token";
}

TEST(parallel, a_closure_with_captures_lives_until_the_loop_is_over) {
    deterministic_scheduler world;
    std::vector<std::string> seen;
    task<> loop;
    {
        std::string text = "a text that is too long to lie inside of the string itself";
        auto body = [text, &seen](int item) -> task<> {
            co_await delay(1ms);
            seen.push_back(text + std::to_string(item));
        };
        loop = parallel_for(0, 3, {.max_degree_of_parallelism = 3}, std::move(body));
    }
    world.run(loop);
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_TRUE(seen[0].starts_with("a text"));
}

TEST(parallel, items_of_an_owned_container_are_moved_out_and_of_a_kept_one_are_references) {
    deterministic_scheduler world;
    std::vector<std::unique_ptr<int>> owned;
    for (int i = 0; i < 4; ++i) owned.push_back(std::make_unique<int>(i));
    int sum = 0;
    world.run(parallel_for_each(std::move(owned), [&](std::unique_ptr<int> item) -> task<> {
        co_await yield();
        sum += *item;
    }));
    EXPECT_EQ(sum, 6);
    std::vector<int> kept{1, 2, 3};
    world.run(parallel_for_each(kept, [](int& item) { item *= 10; }));
    EXPECT_EQ(kept, (std::vector{10, 20, 30}));
    std::list<std::string> chained{"a", "b"};
    std::string all;
    world.run(
        parallel_for_each(std::move(chained), {.max_degree_of_parallelism = 1}, [&](std::string& item) { all += item; }));
    EXPECT_EQ(all, "ab");
}

TEST(parallel, the_numbers_may_be_of_any_width_and_negative) {
    deterministic_scheduler world;
    std::vector<std::int8_t> seen;
    world.run(parallel_for(std::int8_t{-128}, std::int8_t{127}, {.max_degree_of_parallelism = 1},
        [&](std::int8_t item) { seen.push_back(item); }));
    ASSERT_EQ(seen.size(), 255U);
    EXPECT_EQ(seen.front(), -128);
    EXPECT_EQ(seen.back(), 126);
    std::uint64_t sum = 0;
    constexpr std::uint64_t top = ~std::uint64_t{0};
    world.run(parallel_for(top - 3, top, [&](std::uint64_t item) { sum += top - item; }));
    EXPECT_EQ(sum, 6U);
}

TEST(parallel, invoke_runs_all_at_the_same_time_and_keeps_all_errors) {
    deterministic_scheduler world;
    crowd seen;
    const auto each = [&]() -> task<> {
        seen.enter();
        co_await delay(10ms);
        seen.leave();
    };
    bool with_token = false;
    world.run(parallel_invoke(each, each, each, [&](cancellation_token token) { with_token = token.can_be_canceled(); }));
    EXPECT_EQ(seen.most, 3);
    EXPECT_TRUE(with_token);
    const auto fails = [](const char* what) {
        return [what]() -> task<> {
            co_await yield();
            throw std::runtime_error(what);
        };
    };
    task<> loop = parallel_invoke(fails("one"), fails("two"));
    world.run_until_idle();
    ASSERT_EQ(errors_of(loop).size(), 2U);
    int calls = 0;
    world.run(parallel_invoke({.max_degree_of_parallelism = 1}, cancellation_token(), [&] { ++calls; }, [&] { ++calls; }));
    EXPECT_EQ(calls, 2);
}

TEST(parallel, an_await_in_a_body_of_a_value_task_or_an_operation_is_waited_for) {
    deterministic_scheduler world;
    const auto started = world.time().now();
    world.run(parallel_for(0, 2, {.max_degree_of_parallelism = 1}, [](int) { return delay(1s); }));
    EXPECT_EQ(world.time().now() - started, 2s);
    int sum = 0;
    world.run(parallel_for(0, 3, [&](int item) -> value_task<> {
        co_await yield();
        sum += item;
    }));
    EXPECT_EQ(sum, 3);
}

}  // namespace
