// Timers, periodic timers and parallel loops: one outcome a wait, no call after the end, every item once.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "explore/scenarios.hpp"
#include "weft/testing/fake_time_provider.hpp"
#include "weft/weft.hpp"

namespace {

using namespace std::chrono_literals;
using weft::task;
using weft::testing::invocation;
using weft::testing::scenario;
using weft::testing::world;

using answer = std::optional<std::string>;

// ---- periodic_timer: a tick is kept for the next wait, several are one

struct ticking {
    weft::testing::fake_time_provider clock;
    weft::periodic_timer timer{1s, &clock};
};
struct ticks {
    bool there = false;
    bool disposed = false;
    friend bool operator==(const ticks&, const ticks&) = default;
};

task<std::string> tick_wait(ticking& on, invocation call) {
    weft::value_task<bool> waiting = on.timer.wait_for_next_tick(call.token);
    const bool tick = co_await std::move(waiting);
    co_return tick ? "tick" : "disposed";
}
task<std::string> tick_advance(ticking& on, invocation) {
    co_await weft::completed_task();
    on.clock.advance(1s);
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
        .step = [](ticks& now, invocation&) -> answer {
            if (now.disposed) return "disposed";
            if (!std::exchange(now.there, false)) return std::nullopt;
            return "tick";
        },
        // dispose() turns a tick that its waiter has not taken yet into the end, as in .NET.
        .may_be_late = true});
    made.operation({.name = "advance",
        .run = tick_advance,
        .step = [](ticks& now, invocation&) -> answer {
            now.there = true;
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
[[maybe_unused]] const bool periodic_added = weft_test::explore_plans("periodic_timer", periodic,
    {{{"wait", "wait"}, {"advance", "advance"}, {"dispose", "advance"}},
        {{"wait", "wait", "wait"}, {"advance", "advance"}, {"advance", "dispose"}}});
[[maybe_unused]] const bool periodic_random = weft_test::explore_randomly("periodic_timer", "random",
    periodic().calls({{"wait", "wait", "wait", "wait"}, {"advance", "advance", "advance"}, {"advance", "dispose"}}).body());

// ---- timer

[[maybe_unused]] const bool timer_added =
    weft_test::explore_randomly("timer", "no_call_after_the_end", [](world& w) -> task<> {
        int begun = 0;
        int running = 0;
        bool ended = false;
        const auto call = [&]() -> task<> {
            WEFT_CHECK(!ended);
            ++begun;
            ++running;
            co_await w.point();
            co_await weft::delay(500us);
            --running;
        };
        weft::timer timer(call, 1ms, 1ms);
        const auto change = [&]() -> task<> {
            co_await weft::delay(std::chrono::milliseconds(w.choose("change after", 3)));
            if (timer.change(2ms, 1ms)) w.probe("changed");
        };
        const auto stop = [&]() -> task<> {
            co_await weft::delay(std::chrono::milliseconds(w.choose("dispose after", 4)));
            task<> disposing = timer.dispose_async();
            co_await disposing;
            ended = true;
            if (begun != 0) w.probe("called");
        };
        std::vector<task<>> all;
        all.push_back(w.spawn(change));
        all.push_back(w.spawn(stop));
        co_await weft::when_all(all);
        WEFT_CHECK(!timer.change(1ms));
        co_await weft::delay(10ms);
        // A call that began before the end takes the time that the machine gives it.
        task<> over = w.eventually([&] { return running == 0; }, 1s);
        co_await over;
    });

// ---- parallel_for_each

[[maybe_unused]] const bool parallel_added =
    weft_test::explore_randomly("parallel_for_each", "every_item_once", [](world& w) -> task<> {
        const std::vector<int> items{0, 1, 2, 3, 4};
        std::vector<int> done;
        int running = 0;
        weft::parallel_options options;
        options.max_degree_of_parallelism = 2;
        const auto body = [&](int item) -> task<> {
            WEFT_CHECK(++running <= 2);
            co_await w.point();
            done.push_back(item);
            --running;
        };
        task<> all = weft::parallel_for_each(items, options, body);
        co_await all;
        WEFT_CHECK(running == 0);
        std::sort(done.begin(), done.end());
        WEFT_CHECK(done == items);
    });
[[maybe_unused]] const bool parallel_stopped =
    weft_test::explore_randomly("parallel_for_each", "stopped", [](world& w) -> task<> {
        const std::vector<int> items{0, 1, 2, 3, 4};
        std::vector<int> begun;
        int running = 0;
        const std::size_t broken = w.choose("which fails", items.size() + 1);
        const weft::cancellation_token stop = w.cancel_any_time();
        weft::parallel_options options;
        options.max_degree_of_parallelism = 2;
        const auto body = [&](int item, weft::cancellation_token token) -> task<> {
            begun.push_back(item);
            ++running;
            co_await w.point();
            --running;
            if (static_cast<std::size_t>(item) == broken) throw std::runtime_error("broken");
            token.throw_if_cancellation_requested();
        };
        bool failed = false;
        bool canceled = false;
        try {
            task<> all = weft::parallel_for_each(items, options, body, stop);
            co_await all;
        } catch (const weft::operation_canceled&) {
            canceled = true;
            w.probe("canceled");
        } catch (const std::runtime_error&) {
            failed = true;
            w.probe("failed");
        }
        WEFT_CHECK(running == 0);
        std::sort(begun.begin(), begun.end());
        WEFT_CHECK(std::adjacent_find(begun.begin(), begun.end()) == begun.end());
        WEFT_CHECK(failed || canceled || begun == items);
        WEFT_CHECK(!canceled || stop.is_cancellation_requested());
        co_await w.settle();
        WEFT_CHECK(stop.state()->registrations() == 0);
    });

}  // namespace
