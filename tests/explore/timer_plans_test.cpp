// Timers and periodic timers, every schedule: time moves when a task says so, and each timer that is due is one more step, so that it
// comes before, between and behind what the tasks do.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "explore/scenarios.hpp"
#include "weft/weft.hpp"

namespace {

using namespace std::chrono_literals;
using weft::task;
using weft::testing::invocation;
using weft::testing::scenario;
using weft::testing::world;

using answer = std::optional<std::string>;

// ---- periodic_timer

struct ticking {
    weft::periodic_timer timer{1ms};
};
/// A tick that is due is there until a wait takes it; several that are due at once may be one. As in .NET, one that comes while a
/// cancelled wait ends is gone with that: then the next wait may go through, and need not.
struct ticks {
    int now = 0;
    int may_come = 1;   // from when on a wait may go through
    int must_come = 1;  // and from when on it has to
    bool disposed = false;
    friend bool operator==(const ticks&, const ticks&) = default;
};

task<std::string> tick_wait(ticking& on, invocation call) {
    weft::value_task<bool> waiting = on.timer.wait_for_next_tick(call.token);
    const bool tick = co_await std::move(waiting);
    co_return tick ? "tick" : "disposed";
}
task<std::string> tick_pass(ticking&, invocation) {
    co_await weft::completed_task();
    world::current().advance(1ms);
    co_return "ok";
}
task<std::string> tick_dispose(ticking& on, invocation) {
    co_await weft::completed_task();
    on.timer.dispose();
    co_return "ok";
}

scenario<ticking, ticks> periodic() {
    scenario<ticking, ticks> made([] { return std::make_shared<ticking>(); }, ticks{});
    made.operation({.name = "wait",
        .run = tick_wait,
        .step = [](ticks& now, invocation& call) -> answer {
            if (now.disposed) return "disposed";
            const bool takes_all = call.way == 0;
            if (now.now < (takes_all ? now.must_come : now.may_come)) return std::nullopt;
            now.may_come = takes_all ? now.now + 1 : now.may_come + 1;
            now.must_come = std::max(now.must_come, now.may_come);
            return "tick";
        },
        .may_be_late = true,
        .ways = 2,
        .leaves = [](ticks& now, invocation&) { now.must_come = std::max(now.must_come, now.now + 1); }});
    made.operation({.name = "pass",
        .run = tick_pass,
        .step = [](ticks& now, invocation&) -> answer {
            ++now.now;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    made.operation({.name = "dispose",
        .run = tick_dispose,
        .step = [](ticks& now, invocation&) -> answer {
            now.disposed = true;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    return made;
}
// One wait at a time: one task waits.
[[maybe_unused]] const bool periodic_added =
    weft_test::explore_plans("periodic_timer_in_time", periodic,
        {{{"wait", "wait"}, {"pass", "pass"}, {"dispose"}}, {{"wait", "wait"}, {"pass", "pass"}}}) &&
    weft_test::explore_randomly_in_time("periodic_timer_in_time", "random",
        periodic().calls({{"wait", "wait", "wait", "wait"}, {"pass", "pass"}, {"pass", "dispose"}}).body());

// ---- timer

struct counted {
    int calls = 0;
    bool ended = false;
    weft::timer timer;

    explicit counted(world& w)
        : timer(
              [this, &w] {
                  w.check(!ended, "no call after the end");
                  ++calls;
              },
              1ms, 1ms) {}
};

task<> let_pass(world& w, int steps) {
    for (int i = 0; i < steps; ++i) {
        co_await w.point();
        w.advance(1ms);
    }
}

[[maybe_unused]] const bool ended_added =
    weft_test::explore_exhaustively("timer", "every_schedule_of_pass_change_dispose", [](world& w) -> task<> {
        counted on(w);
        const weft::time_point begun = w.clock().now();
        const auto change = [&]() -> task<> {
            co_await w.point();
            static_cast<void>(on.timer.change(1ms, 1ms));
        };
        const auto stop = [&]() -> task<> {
            co_await w.point();
            task<> disposing = on.timer.dispose_async();
            co_await disposing;
            on.ended = true;
        };
        std::vector<task<>> all;
        all.push_back(w.spawn([&] { return let_pass(w, 2); }));
        all.push_back(w.spawn(change));
        all.push_back(w.spawn(stop));
        co_await weft::when_all(all);
        WEFT_CHECK(!on.timer.change(1ms));
        w.advance(5ms);
        co_await w.settle();
        WEFT_CHECK(w.clock().now() - begun == 7ms);
        WEFT_CHECK(on.calls <= 2);  // no period is counted twice
        if (on.calls == 2) w.probe("both periods");
    });

[[maybe_unused]] const bool changed_added =
    weft_test::explore_exhaustively("timer", "every_schedule_of_two_changes", [](world& w) -> task<> {
        counted on(w);
        const weft::time_point begun = w.clock().now();
        const auto passed = [&] { return std::chrono::duration_cast<std::chrono::milliseconds>(w.clock().now() - begun); };
        int calls_before = 0;
        std::chrono::milliseconds last_change = 0ms;
        const auto change = [&](std::chrono::milliseconds due) -> task<> {
            co_await w.point();
            calls_before = on.calls;
            last_change = passed();
            WEFT_CHECK(on.timer.change(due));  // once
        };
        std::vector<task<>> all;
        all.push_back(w.spawn([&] { return let_pass(w, 2); }));
        all.push_back(w.spawn([&] { return change(1ms); }));
        all.push_back(w.spawn([&] { return change(1ms); }));
        co_await weft::when_all(all);
        co_await w.settle();
        // It is called once after the last change, when its time has come; calls that had been posted before may come as well.
        const int late = on.calls - calls_before;
        const int due = passed() - last_change >= 1ms ? 1 : 0;
        WEFT_CHECK(late >= due && late <= due + 2 && on.calls <= 3);
        w.advance(3ms);
        co_await w.settle();
        WEFT_CHECK(on.calls - calls_before >= 1);
        const int all_calls = on.calls;
        w.advance(3ms);
        co_await w.settle();
        WEFT_CHECK(on.calls == all_calls);  // no period
        WEFT_CHECK(on.timer.change(1ms, 1ms));
        for (int period = 1; period <= 3; ++period) {
            w.advance(1ms);
            co_await w.settle();
            WEFT_CHECK(on.calls == all_calls + period);
        }
    });

/// Whichever of a limit and a cancellation comes first ends a delay, once; and nothing of the other stays.
[[maybe_unused]] const bool delay_added =
    weft_test::explore_exhaustively("timer", "every_schedule_of_a_limit_and_a_token", [](world& w) -> task<> {
        const weft::time_point begun = w.clock().now();
        const weft::cancellation_token stop = w.cancel_any_time();
        int ends = 0;
        const auto wait = [&]() -> task<> {
            try {
                co_await weft::delay(2ms, stop);
                WEFT_CHECK(w.clock().now() - begun >= 2ms);
            } catch (const weft::operation_canceled&) {
                WEFT_CHECK(stop.is_cancellation_requested());
            }
            ++ends;
        };
        std::vector<task<>> all;
        all.push_back(w.spawn(wait));
        all.push_back(w.spawn(wait));
        all.push_back(w.spawn([&] { return let_pass(w, 2); }));
        co_await weft::when_all(all);
        WEFT_CHECK(ends == 2);
        WEFT_CHECK(stop.state()->registrations() == 0);
    });

}  // namespace
