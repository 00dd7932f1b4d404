// Scopes, races, deadlines, streams, contexts and schedulers keep their promises in every schedule tried.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <vector>

#include "explore/explored.hpp"

namespace {

using namespace explored;

task<> scope_waits_for_children(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    registrations before(stop);
    int begun = 0;
    int ended = 0;
    const auto child = [&](int steps) -> task<> {
        ++begun;
        weft::scope_exit count([&]() noexcept { ++ended; });
        co_await dally(w, steps);
        co_await weft::delay(1ms, weft::this_task::token());
    };
    {
        weft::task_scope scope(stop);
        scope.spawn(child, 1).forget();
        scope
            .spawn([&]() -> task<> {
                scope.spawn(child, 0).forget();
                co_await w.point();
            })
            .forget();
        task<> all = scope.join();
        const outcome<> end = co_await all.as_outcome();
        w.check(begun == ended, "none outlives the scope");
        w.check(end.has_value() || stop.is_cancellation_requested(), "canceled by its parent only");
        w.check(!end.is_faulted(), "nobody failed");
    }
    // Who woke the join may still be on its way out.
    co_await w.settle();
    w.check(before.are_gone(), "no registration is left with the parent");
}
TEST(explored_scope, no_child_outlives_its_scope) {
    holds(scope_waits_for_children);
    exhausts(scope_waits_for_children);
}

task<> scope_failure_cancels(world& w) {
    int left = 0;
    weft::task_scope scope{cancellation_token()};
    const auto patient = [&]() -> task<> {
        weft::scope_exit count([&]() noexcept { ++left; });
        co_await weft::delay(1h, weft::this_task::token());
    };
    const auto failing = [&]() -> task<> {
        co_await w.point();
        throw std::runtime_error("mine");
    };
    const weft::time_point begin = w.clock().now();
    scope.spawn(patient).forget();
    scope.spawn(failing).forget();
    scope.spawn(patient).forget();
    task<> all = scope.join();
    const outcome<> end = co_await all.as_outcome();
    // A child that the failure finds not yet begun never counts.
    w.check(end.is_faulted() && left <= 2, "the failure is what it ends with");
    w.check(w.clock().now() == begin, "the others are cancelled at once");
}
TEST(explored_scope, a_failure_cancels_the_others_at_once) {
    holds(beside_itself<scope_failure_cancels>);
    exhausts(scope_failure_cancels);
}

task<> race_joins_losers(world& w) {
    int running = 0;
    const auto runner = [&](int steps, int name) {
        return [&w, &running, steps, name](cancellation_token token) -> task<int> {
            ++running;
            weft::scope_exit count([&running]() noexcept { --running; });
            co_await dally(w, steps);
            co_await weft::delay(1ms, token);
            co_return name;
        };
    };
    task<int> racing = weft::race(runner(0, 1), runner(2, 2), runner(1, 3));
    const int won = co_await racing;
    w.check(won >= 1 && won <= 3, "one of them");
    w.check(running == 0, "the losers have ended");
}
TEST(explored_scope, a_race_ends_with_its_losers_joined) {
    holds(race_joins_losers);
    exhausts(race_joins_losers);
}

task<> deadline_ends_the_function(world& w) {
    bool running = false;
    task<int> limited = weft::with_deadline(5ms, [&]() -> task<int> {
        running = true;
        weft::scope_exit stop([&]() noexcept { running = false; });
        co_await weft::delay(2ms, weft::this_task::token());
        co_await w.point();
        co_await weft::delay(3ms, weft::this_task::token());
        co_return 1;
    });
    const outcome<int> end = co_await limited.as_outcome();
    w.check(!running, "the function has ended");
    w.check(end.has_value() || end.is_faulted(), "its result, or a timeout; not a cancellation");
}
TEST(explored_scope, a_deadline_has_one_outcome_and_leaves_nothing_running) {
    explore_options options;
    holds(beside_itself<deadline_ends_the_function>, options);
    options.slow_by = 0ns;
    holds(beside_itself<deadline_ends_the_function>, options);
}

weft::async_stream<int> numbers(world& w, int count, int& cleaned) {
    weft::scope_exit clean([&]() noexcept { ++cleaned; });
    for (int i = 0; i < count; ++i) {
        co_await w.point();
        co_yield i;
        if (i % 2 == 0) co_await weft::yield();
    }
}

task<> stream_in_order(world& w) {
    int cleaned = 0;
    std::vector<int> seen;
    {
        weft::async_stream<int> stream = numbers(w, 4, cleaned);
        for (;;) {
            const std::optional<int> item = co_await stream.next();
            if (!item) break;
            seen.push_back(*item);
            co_await w.point();
        }
    }
    w.check(seen == std::vector<int>{0, 1, 2, 3} && cleaned == 1, "every item, in order");
}
TEST(explored_stream, gives_every_item_in_order) {
    holds(beside_itself<stream_in_order>);
    exhausts(stream_in_order);
}

task<> stream_left_early(world& w, bool disposes) {
    int cleaned = 0;
    {
        weft::async_stream<int> stream = numbers(w, 4, cleaned);
        const std::optional<int> first = co_await stream.next();
        w.check(first == 0, "the first");
        co_await w.point();
        if (disposes) {
            co_await stream.dispose();
            w.check(cleaned == 1, "dispose() ends after the cleanup");
        }
    }
    co_await w.settle();
    w.check(cleaned == 1, "cleaned up once");
}
TEST(explored_stream, cleans_up_once_when_left_early) {
    holds([](world& w) -> task<> {
        task<> first = stream_left_early(w, true);
        task<> second = w.spawn([&] { return stream_left_early(w, false); });
        co_await weft::when_all(first, second);
    });
}

task<> stream_with_cancellation(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    registrations before(stop);
    {
        weft::async_stream<int> ticks = [](world& in) -> weft::async_stream<int> {
            const cancellation_token token = co_await weft::this_stream::token();
            for (int i = 0; i < 3; ++i) {
                co_await weft::delay(1ms, token);
                co_await in.point();
                co_yield i;
            }
        }(w);
        ticks.with_cancellation(stop);
        int next = 0;
        try {
            for (;;) {
                const std::optional<int> item = co_await ticks.next();
                if (!item) break;
                w.check(*item == next++, "in order");
            }
        } catch (const operation_canceled&) {
            w.check(stop.is_cancellation_requested(), "by its token");
        }
    }
    w.check(before.are_gone(), "no registration is left");
}
TEST(explored_stream, ends_by_its_token) {
    holds(beside_itself<stream_with_cancellation>);
    exhausts(stream_with_cancellation);
}

task<> locals_flow(world& w) {
    weft::async_local<int> user;
    const auto request = [&](int name) -> task<> {
        user.set(name);
        co_await w.point();
        task<> child = w.spawn([&, name]() -> task<> {
            w.check(user.value_or(0) == name, "a child starts with its parent's value");
            user.set(-name);
            co_await w.point();
            w.check(user.value_or(0) == -name, "and has its own");
        });
        co_await w.point();
        w.check(user.value_or(0) == name, "a parent does not see its child's");
        co_await child;
        w.check(user.value_or(0) == name, "nor after it");
    };
    task<> first = request(1);
    task<> second = w.spawn([&] { return request(2); });
    co_await weft::when_all(first, second);
    w.check(user.value() == nullptr, "nor does the caller");
}
TEST(explored_flow, a_local_value_belongs_to_its_flow) {
    holds(locals_flow);
    exhausts(locals_flow);
}

task<> pair_excludes(world& w) {
    weft::concurrent_exclusive_scheduler_pair pair(2);
    int ran = 0;
    int value = 0;
    const auto queue = [&](weft::task_scheduler& where) {
        return weft::start_new(
            [&] {
                w.check(&weft::task_scheduler::current() == &where, "on its scheduler");
                ++ran;
                value += 1;
            },
            weft::creation_options::none, &where);
    };
    std::vector<task<>> all;
    const auto submit = [&](bool exclusive) -> task<> {
        co_await w.point();
        all.push_back(queue(exclusive ? pair.exclusive() : pair.concurrent()));
        all.push_back(queue(exclusive ? pair.exclusive() : pair.concurrent()));
    };
    task<> first = w.spawn([&] { return submit(true); });
    task<> second = w.spawn([&] { return submit(false); });
    co_await weft::when_all(first, second);
    task<> completing = w.spawn([&] { pair.complete(); });
    co_await weft::when_all(all);
    co_await completing;
    co_await pair.completion();
    w.check(ran == 4 && value == 4, "each runs once");
}
TEST(explored_scheduler, a_pair_runs_each_once_and_completes) {
    holds(pair_excludes);
    exhausts(pair_excludes);
}

task<> limited_runs_all(world& w) {
    weft::limited_concurrency_scheduler lanes(2);
    std::vector<int> order;
    std::vector<task<>> all;
    const auto submit = [&](int name) -> task<> {
        co_await w.point();
        all.push_back(weft::start_new([&, name] { order.push_back(name); }, weft::creation_options::none, &lanes));
    };
    task<> submitters[] = {w.spawn([&] { return submit(1); }), w.spawn([&] { return submit(2); }),
        w.spawn([&] { return submit(3); }), w.spawn([&] { return submit(4); })};
    co_await weft::when_all(submitters);
    co_await weft::when_all(all);
    w.check(order.size() == 4, "each runs once");
}
TEST(explored_scheduler, a_limited_one_runs_each_once) { holds(limited_runs_all); }

task<> serial_in_order(world& w) {
    weft::serial_context desk;
    std::vector<int> order;
    bool inside = false;
    const auto work = [&](int name) {
        w.check(!inside, "one at a time");
        inside = true;
        order.push_back(name);
        inside = false;
    };
    const auto submit = [&](int base) -> task<> {
        for (int i = 0; i < 2; ++i) {
            desk.post([&, base, i] { work(base + i); });
            co_await w.point();
        }
    };
    task<> first = w.spawn([&] { return submit(10); });
    task<> second = w.spawn([&] { return submit(20); });
    co_await weft::when_all(first, second);
    co_await desk.idle();
    w.check(order.size() == 4, "each runs once");
    const auto at = [&](int name) { return std::find(order.begin(), order.end(), name) - order.begin(); };
    w.check(at(10) < at(11) && at(20) < at(21), "in the order of each poster");
}
TEST(explored_scheduler, a_serial_context_runs_one_at_a_time_in_order) {
    holds(serial_in_order);
    exhausts(serial_in_order);
}

task<> serial_bodies(world& w) {
    weft::serial_context desk;
    int shared = 0;
    const auto body = [&]() -> task<> {
        for (int i = 0; i < 2; ++i) {
            const int before = shared;
            // Complete, or of no interest to the others: nobody else of this context comes in between.
            co_await weft::completed_task();
            shared = before + 1;
            co_await weft::delay(1ms);
            w.check(weft::synchronization_context::current() == &desk, "back in its context");
        }
    };
    task<> first = w.spawn([&] { return desk.run(body); });
    task<> second = w.spawn([&] { return desk.run(body); });
    co_await weft::when_all(first, second);
    w.check(shared == 4, "no update is lost in a context");
}
TEST(explored_scheduler, bodies_in_a_serial_context_come_back_to_it) { holds(serial_bodies); }

task<> yields_fairly(world& w) {
    bool set = false;
    task<> setter = w.spawn([&] { set = true; });
    int rounds = 0;
    while (!set) {
        ++rounds;
        co_await weft::yield();
    }
    co_await setter;
    w.probe(rounds == 0 ? "set before" : "waited");
}
TEST(explored_scheduler, a_loop_that_yields_lets_others_run) { holds(yields_fairly); }

}  // namespace
