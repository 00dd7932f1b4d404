// The primitives of the task room keep their promises in every schedule tried: one outcome, no wake-up lost, no registration left,
// and a cancellation is answered at once.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "explore/explored.hpp"

namespace {

using namespace explored;

task<> when_all_waits_for_all(world& w) {
    int ended = 0;
    const auto counted = [&](int steps, int value) -> task<int> {
        const int got = co_await value_after(w, steps, value);
        ++ended;
        co_return got;
    };
    task<int> tasks[] = {w.spawn([&] { return counted(1, 10); }), counted(2, 20), counted(0, 30)};
    task<std::vector<int>> joined = weft::when_all(tasks);
    const std::vector<int> all = co_await joined;
    w.check(ended == 3, "all have ended");
    w.check(all == std::vector<int>{10, 20, 30}, "results in the order of the tasks");
}
TEST(explored_task, when_all_waits_for_all_and_keeps_their_order) {
    holds(when_all_waits_for_all);
    exhausts(when_all_waits_for_all);
}

task<> when_all_with_failures(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    int ended = 0;
    const auto failing = [&]() -> task<> {
        co_await w.point();
        ++ended;
        throw std::runtime_error("mine");
    };
    const auto leaving = [&]() -> task<> {
        const outcome<> pause = co_await weft::task<>(weft::delay(1ms, stop)).as_outcome();
        ++ended;
        pause.value();
    };
    task<> failed = failing();
    task<> left = leaving();
    task<> both = weft::when_all(failed, left);
    const outcome<> end = co_await both.as_outcome();
    w.check(ended == 2, "both have ended");
    w.check(end.is_faulted() && both.exception()->inner_exceptions().size() == 1, "a fault goes before a cancellation");
}
TEST(explored_task, when_all_reports_faults_before_cancellations) {
    holds(beside_itself<when_all_with_failures>);
    exhausts(when_all_with_failures);
}

task<> when_any_takes_one(world& w) {
    std::vector<task<int>> racing;
    racing.push_back(w.spawn([&] { return value_after(w, 2, 0); }));
    racing.push_back(value_after(w, 1, 1));
    racing.push_back(value_after(w, 3, 2));
    task<weft::when_any_result<int>> first = weft::when_any(racing);
    const weft::when_any_result<int> won = co_await first;
    w.check(won.task.is_completed() && won.task == racing[won.index], "the winner has ended");
    w.check(won.task.get() == static_cast<int>(won.index), "its result is its own");
    for (std::size_t i = 0; i < racing.size(); ++i)
        w.check(co_await racing[i] == static_cast<int>(i), "the others go on to their own ends");
}
TEST(explored_task, when_any_ends_with_one_and_leaves_the_others) {
    holds(when_any_takes_one);
    exhausts(when_any_takes_one);
}

task<> when_each_gives_each_once(world& w) {
    std::vector<task<int>> working;
    std::vector<int> ended;
    const auto worker = [&](int steps, int name) -> task<int> {
        co_await dally(w, steps);
        ended.push_back(name);
        co_return name;
    };
    for (int name = 0; name < 3; ++name) working.push_back(w.spawn([&, name] { return worker(name, name); }));
    weft::async_stream<task<int>> finished = weft::when_each(working);
    std::vector<int> seen;
    for (;;) {
        std::optional<task<int>> next = co_await finished.next();
        if (!next) break;
        w.check(next->is_completed(), "what it gives has ended");
        seen.push_back(next->get());
    }
    w.check(seen.size() == 3 && seen[0] + seen[1] + seen[2] == 3, "each once");
}
TEST(explored_task, when_each_gives_every_task_once) {
    holds(when_each_gives_each_once);
    exhausts(when_each_gives_each_once);
}

task<> when_each_left_early(world& w) {
    std::vector<task<int>> working;
    for (int name = 0; name < 3; ++name) working.push_back(w.spawn([&w, name] { return value_after(w, 1, name); }));
    {
        weft::async_stream<task<int>> finished = weft::when_each(working);
        const std::optional<task<int>> first = co_await finished.next();
        w.check(first.has_value(), "there is one");
        co_await finished.dispose();
    }
    for (const task<int>& each : working) co_await each;
}
TEST(explored_task, when_each_may_be_left_early) { holds(when_each_left_early); }

template <weft::creation_options Options>
task<> competing_setters(world& w) {
    task_completion_source<int> source(Options);
    bool inside_setter = false;
    int won = 0;
    int told = 0;
    const auto setter = [&](auto set, int name) -> task<> {
        co_await w.point();
        inside_setter = true;
        const bool mine = set();
        inside_setter = false;
        if (!mine) co_return;
        w.check(won == 0, "one setter wins");
        won = name;
    };
    const auto reader = [&]() -> task<> {
        const task<int> awaited = source.task();
        const outcome<int> end = co_await awaited.as_outcome();
        if constexpr (Options == weft::creation_options::run_continuations_asynchronously)
            w.check(!inside_setter, "no continuation inside a setter");
        told += end.has_value() ? 1 : end.is_canceled() ? 3 : 2;
    };
    task<> readers[] = {reader(), w.spawn([&] { return reader(); })};
    task<> setters[] = {w.spawn([&] { return setter([&] { return source.try_set_result(7); }, 1); }),
        w.spawn([&] {
            return setter([&] { return source.try_set_exception(std::make_exception_ptr(std::runtime_error("x"))); }, 2);
        }),
        w.spawn([&] { return setter([&] { return source.try_set_canceled(); }, 3); })};
    co_await weft::when_all(setters);
    co_await weft::when_all(readers);
    w.check(told == 2 * won, "every reader is told what the winner set");
}
TEST(explored_task, a_completion_source_has_one_winner) {
    holds(competing_setters<weft::creation_options::none>);
    holds(competing_setters<weft::creation_options::run_continuations_asynchronously>);
}

template <weft::continuation_options Options>
task<> continues_once(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    int ran = 0;
    registrations before(stop);
    {
        task<int> antecedent = w.spawn([&] { return value_after(w, 2, 5); });
        task<int> continuation = antecedent.continue_with(
            [&](const task<int>& ended) {
                w.check(ended.is_completed(), "the antecedent has ended");
                ++ran;
                return ended.get() + 1;
            },
            Options, nullptr, stop);
        const outcome<int> end = co_await continuation.as_outcome();
        w.check(ran == (end.has_value() ? 1 : 0), "it runs once, or is canceled and does not");
        w.check(end.has_value() ? end.value() == 6 : end.is_canceled() && stop.is_cancellation_requested(), "one outcome");
        co_await antecedent;
    }
    w.check(before.are_gone(), "no registration is left");
}
TEST(explored_task, continue_with_runs_once_or_is_canceled) {
    using weft::continuation_options;
    holds(beside_itself<continues_once<continuation_options::none>>);
    holds(beside_itself<continues_once<continuation_options::execute_synchronously>>);
    holds(beside_itself<continues_once<continuation_options::lazy_cancellation>>);
}

task<> continues_on_what_it_wants(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    task<> antecedent = w.spawn([&]() -> task<> {
        co_await w.point();
        stop.throw_if_cancellation_requested();
    });
    int ran = 0;
    const auto note = [&](const task<>&) { ++ran; };
    task<> wanted[] = {antecedent.continue_with(note, weft::continuation_options::only_on_ran_to_completion),
        antecedent.continue_with(note, weft::continuation_options::only_on_canceled)};
    int canceled = 0;
    for (const task<>& each : wanted) {
        const outcome<> end = co_await each.as_outcome();
        canceled += end.is_canceled() ? 1 : 0;
    }
    w.check(ran == 1 && canceled == 1, "one of the two runs");
}
TEST(explored_task, continue_with_runs_for_the_end_it_wants) {
    holds(beside_itself<continues_on_what_it_wants>);
    exhausts(continues_on_what_it_wants);
}

task<> waits_with_limit_and_token(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    registrations before(stop);
    {
        task<int> working = w.spawn([&]() -> task<int> {
            co_await weft::delay(5ms);
            co_return 1;
        });
        task<int> limited = working.wait_async(5ms, stop);
        int outcomes = 0;
        const auto watch = [&]() -> task<> {
            try {
                w.check(co_await limited == 1, "the result is the task's");
            } catch (const weft::timeout_exception&) {
            } catch (const operation_canceled& error) {
                w.check(error.token() == stop && stop.is_cancellation_requested(), "canceled by its token");
            }
            ++outcomes;
        };
        co_await watch();
        w.check(outcomes == 1, "one outcome");
        w.check(co_await working == 1, "what was waited for goes on");
    }
    w.check(before.are_gone(), "no registration is left");
}
TEST(explored_task, wait_async_has_one_outcome) {
    holds(beside_itself<waits_with_limit_and_token>);
    exhausts(waits_with_limit_and_token);
}

task<> wait_is_given_up_at_once(world& w) {
    cancellation_source stop;
    task_completion_source<> never;
    const cancellation_token token = stop.token();
    const task<> awaited = never.task();
    task<> waiting = awaited.wait_async(token);
    task<> leaving = w.spawn([&] { stop.cancel(); });
    task<> other = awaited.wait_async(token);
    co_await w.point();
    co_await leaving;
    co_await w.settle();
    w.check(waiting.is_canceled() && other.is_canceled(), "a cancelled wait ends without time moving");
    never.set_result();
}
TEST(explored_task, wait_async_answers_a_cancellation_at_once) {
    holds(wait_is_given_up_at_once);
    exhausts(wait_is_given_up_at_once);
}

task<> linked_sources(world& w) {
    const cancellation_token left = w.cancel_any_time();
    const cancellation_token right = w.cancel_any_time();
    registrations before_left(left);
    registrations before_right(right);
    int called = 0;
    {
        cancellation_source child = cancellation_source::linked(left, right);
        const cancellation_token token = child.token();
        const cancellation_registration note = token.register_callback([&] { ++called; });
        co_await dally(w, 2);
        const bool parents = left.is_cancellation_requested() || right.is_cancellation_requested();
        w.check(token.is_cancellation_requested() == parents, "a child is cancelled when a parent is");
        w.check(called == (parents ? 1 : 0), "its callback is called once");
        child.dispose();
        co_await w.point();
        w.check(called <= 1, "and never again");
    }
    w.check(before_left.are_gone() && before_right.are_gone(), "no registration is left with a parent");
}
TEST(explored_task, a_linked_source_follows_its_parents) {
    holds(beside_itself<linked_sources>);
    exhausts(linked_sources);
}

task<> register_against_cancel(world& w) {
    cancellation_source source;
    const cancellation_token token = source.token();
    int called = 0;
    bool disposed = false;
    const auto registering = [&]() -> task<> {
        cancellation_registration mine = token.register_callback([&] {
            w.check(!disposed, "not after the disposal");
            ++called;
        });
        co_await w.point();
        const bool removed = mine.unregister();
        disposed = true;
        w.check(removed == (called == 0), "removed, or called");
    };
    task<> cancelling = w.spawn([&] { source.cancel(); });
    task<> first = w.spawn([&] { return registering(); });
    co_await cancelling;
    co_await first;
    w.check(called <= 1 && source.is_cancellation_requested(), "a callback is called once");
}
TEST(explored_task, a_callback_is_called_or_removed) {
    holds(beside_itself<register_against_cancel>);
    exhausts(register_against_cancel);
}

task<> cancels_asynchronously(world& w) {
    cancellation_source source;
    const cancellation_token token = source.token();
    int called = 0;
    cancellation_registration notes[] = {
        token.register_callback([&] { ++called; }), token.register_callback([&] { ++called; })};
    task<> first = source.cancel_async();
    task<> second = w.spawn([&] { return source.cancel_async(); });
    task<> disposing = w.spawn([&]() -> task<> {
        co_await w.point();
        co_await notes[0].dispose_async();
        const int seen = called;
        co_await w.settle();
        w.check(called - seen <= 1, "only the other may follow");
    });
    co_await weft::when_all(first, second, disposing);
    w.check(called == 1 || called == 2, "the one that stayed is called once");
}
TEST(explored_task, cancel_async_calls_what_is_registered) {
    holds(beside_itself<cancels_asynchronously>);
    exhausts(cancels_asynchronously);
}

task<> cancels_after_a_time(world& w) {
    cancellation_source source;
    source.cancel_after(5ms);
    const cancellation_token token = source.token();
    int called = 0;
    const cancellation_registration note = token.register_callback([&] { ++called; });
    task<> hurry = w.spawn([&]() -> task<> {
        co_await weft::delay(5ms);
        source.cancel();
    });
    task<> later = w.spawn([&]() -> task<> {
        co_await weft::delay(5ms);
        if (!source.is_cancellation_requested()) source.cancel_after(1ms);
    });
    co_await weft::when_all(hurry, later);
    co_await weft::delay(10ms);
    w.check(called == 1, "cancelled once, whoever was first");
}
TEST(explored_task, cancel_after_and_cancel_make_one_cancellation) {
    holds(beside_itself<cancels_after_a_time>);
    exhausts(cancels_after_a_time);
}

task<> dispose_against_timer(world& w) {
    int called = 0;
    bool gone = false;
    {
        cancellation_source source(5ms);
        const cancellation_token token = source.token();
        cancellation_registration note = token.register_callback([&] {
            w.check(!gone, "nothing after the disposal");
            ++called;
        });
        co_await weft::delay(5ms);
        note.dispose();
        source.dispose();
        gone = true;
    }
    co_await weft::delay(5ms);
    w.check(called <= 1, "at most once");
}
TEST(explored_task, a_source_disposed_against_its_timer_is_quiet) {
    holds(beside_itself<dispose_against_timer>);
    exhausts(dispose_against_timer);
}

task<> resets_against_timer(world& w) {
    cancellation_source source(5ms);
    const cancellation_token token = source.token();
    int called = 0;
    const cancellation_registration note = token.register_callback([&] { ++called; });
    co_await weft::delay(5ms);
    co_await w.point();
    const bool fresh = source.try_reset();
    w.check(fresh == (called == 0), "reset, or cancelled");
    co_await weft::delay(10ms);
    w.check(called == (fresh ? 0 : 1) && token.is_cancellation_requested() != fresh, "what was reset stays so");
    if (!fresh) co_return;
    source.cancel();
    w.check(called == 0, "a reset forgets who was registered");
}
TEST(explored_task, a_reset_source_is_as_new_or_was_cancelled) {
    holds(beside_itself<resets_against_timer>);
    exhausts(resets_against_timer);
}

task<> registers_in_callback(world& w) {
    cancellation_source source;
    const cancellation_token token = source.token();
    int outer = 0;
    int inner = 0;
    std::vector<cancellation_registration> kept;
    const auto registering = [&]() -> task<> {
        co_await w.point();
        kept.push_back(token.register_callback([&] {
            ++outer;
            kept.push_back(token.register_callback([&] { ++inner; }));
        }));
    };
    kept.reserve(8);
    task<> first = w.spawn([&] { return registering(); });
    task<> second = w.spawn([&] { return registering(); });
    task<> cancelling = w.spawn([&] { source.cancel(); });
    co_await weft::when_all(first, second, cancelling);
    w.check(outer == 2 && inner == 2, "each once, however late it was registered");
}
TEST(explored_task, a_callback_may_register_another) {
    holds(registers_in_callback);
    exhausts(registers_in_callback);
}

task<> chain_of_sources(world& w) {
    const cancellation_token root = w.cancel_any_time();
    registrations before(root);
    int called = 0;
    {
        cancellation_source middle = cancellation_source::linked(root);
        cancellation_source leaf = cancellation_source::linked(middle.token());
        const cancellation_token token = leaf.token();
        const cancellation_registration note = token.register_callback([&] { ++called; });
        task<> cancelling = w.spawn([&] { middle.cancel(); });
        task<> dropping = w.spawn([&]() -> task<> {
            co_await w.point();
            leaf.dispose();
        });
        co_await weft::when_all(cancelling, dropping);
        w.check(called <= 1, "once, if the leaf was still there");
        w.check(called == (token.is_cancellation_requested() ? 1 : 0), "cancelled and called are one");
        w.check(middle.is_cancellation_requested(), "the middle is cancelled");
    }
    w.check(before.are_gone(), "no registration is left");
}
TEST(explored_task, a_chain_of_sources_cancels_once) {
    holds(chain_of_sources);
    exhausts(chain_of_sources);
}

task<> delays_once(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    registrations before(stop);
    const weft::time_point begin = w.clock().now();
    bool canceled = false;
    try {
        co_await weft::delay(5ms, stop);
    } catch (const operation_canceled&) {
        canceled = true;
    }
    const auto took = w.clock().now() - begin;
    w.check(canceled ? stop.is_cancellation_requested() : took >= 5ms, "not before its time, or cancelled");
    w.check(before.are_gone(), "no registration is left");
}
TEST(explored_task, a_delay_ends_once) {
    holds(beside_itself<delays_once>);
    exhausts(delays_once);
}

task<> many_awaiters(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    task_completion_source<int> source;
    int told = 0;
    const auto reader = [&](int steps) -> task<> {
        co_await dally(w, steps);
        const task<int> mine = source.task();
        w.check(co_await mine == 4, "the result");
        ++told;
    };
    const auto leaver = [&]() -> task<> {
        const task<int> mine = source.task();
        task<int> limited = mine.wait_async(stop);
        const outcome<int> end = co_await limited.as_outcome();
        w.check(end.has_value() || stop.is_cancellation_requested(), "served, or cancelled");
    };
    task<> all[] = {reader(0), leaver(), reader(1), w.spawn([&] { return reader(2); }), leaver(), reader(0)};
    task<> setting = w.spawn([&]() -> task<> {
        co_await w.point();
        source.set_result(4);
    });
    co_await weft::when_all(all);
    co_await setting;
    w.check(told == 4, "each awaiter goes on once");
}
TEST(explored_task, every_awaiter_of_a_task_goes_on_once) { holds(many_awaiters); }

task<> unwraps(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    task_completion_source<task<int>> outer;
    task_completion_source<int> inner;
    const task<task<int>> nested = outer.task();
    task<int> flat = weft::unwrap(nested);
    task<> outside = w.spawn([&] {
        const task<int> given = inner.task();
        outer.set_result(given);
    });
    task<> inside = w.spawn([&] {
        if (stop.is_cancellation_requested()) inner.set_canceled(stop);
        else inner.set_result(9);
    });
    const outcome<int> end = co_await flat.as_outcome();
    co_await weft::when_all(outside, inside);
    w.check(end.has_value() ? end.value() == 9 : end.is_canceled(), "ends as the inner one");
    w.check(inner.task().is_completed(), "and not before it");
}
TEST(explored_task, unwrap_ends_as_the_inner_task) {
    holds(beside_itself<unwraps>);
    exhausts(unwraps);
}

task<> cold_starts(world& w) {
    const cancellation_token stop = w.cancel_any_time();
    registrations before(stop);
    int ran = 0;
    int started = 0;
    {
        weft::cold_task<> cold([&] { ++ran; }, weft::creation_options::none, stop);
        const auto starter = [&]() -> task<> {
            co_await w.point();
            try {
                cold.start();
                ++started;
            } catch (const weft::invalid_operation&) {
                // The other was first, or it had been cancelled.
            }
        };
        task<> first = w.spawn([&] { return starter(); });
        task<> second = w.spawn([&] { return starter(); });
        co_await weft::when_all(first, second);
        const task<> handle = cold.task();
        const outcome<> end = co_await handle.as_outcome();
        w.check(started <= 1, "one start succeeds");
        w.check(ran == (end.has_value() ? 1 : 0), "it runs once, or is canceled");
        w.check(end.has_value() || stop.is_cancellation_requested(), "canceled by its token only");
    }
    w.check(before.are_gone(), "no registration is left");
}
TEST(explored_task, a_cold_task_starts_once) {
    holds(beside_itself<cold_starts>);
    exhausts(cold_starts);
}

task<> value_source_reused(world& w) {
    weft::manual_reset_value_task_source<int> source;
    for (int round = 1; round <= 3; ++round) {
        weft::value_task<int> value(source, source.version());
        task<> setting = w.spawn([&]() -> task<> {
            co_await w.point();
            source.set_result(round);
        });
        co_await w.point();
        w.check(co_await std::move(value) == round, "each round has its own result");
        co_await setting;
    }
}
TEST(explored_task, a_value_task_source_serves_round_after_round) {
    holds(value_source_reused);
    exhausts(value_source_reused);
}

task<> disposes_once(world& w) {
    struct resource {
        world* in;
        int* disposals;
        task<> dispose() {
            co_await in->point();
            ++*disposals;
        }
    };
    const cancellation_token stop = w.cancel_any_time();
    int disposals = 0;
    resource file{&w, &disposals};
    task<> use = weft::using_async(file, [&](resource&) -> task<> {
        co_await w.point();
        co_await weft::delay(1ms, stop);
        w.check(disposals == 0, "in use");
    });
    const outcome<> end = co_await use.as_outcome();
    w.check(disposals == 1, "disposed once, however it ended");
    w.check(end.has_value() || end.is_canceled(), "with the body's end");
}
TEST(explored_task, using_async_disposes_once) {
    holds(beside_itself<disposes_once>);
    exhausts(disposes_once);
}

}  // namespace
