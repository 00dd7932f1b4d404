// Events, countdowns, latches, barriers and lazy values: linearizable with cancellation, nothing lost.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "explore/scenarios.hpp"
#include "weft/weft.hpp"

namespace {

using weft::task;
using weft::testing::invocation;
using weft::testing::scenario;

using answer = std::optional<std::string>;

// ---- manual and auto reset events

template <class Event>
task<std::string> event_wait(Event& on, invocation call) {
    co_await on.wait(call.token);
    co_return "through";
}
template <class Event>
task<std::string> event_set(Event& on, invocation) {
    co_await weft::completed_task();
    on.set();
    co_return "ok";
}
template <class Event>
task<std::string> event_reset(Event& on, invocation) {
    co_await weft::completed_task();
    on.reset();
    co_return "ok";
}
template <class Event>
task<std::string> event_is_set(Event& on, invocation) {
    co_return on.is_set() ? "set" : "not set";
}

template <class Event, bool Keeps>
scenario<Event, bool> reset_event() {
    scenario<Event, bool> made([] { return std::make_shared<Event>(); }, false);
    made.operation({.name = "wait", .run = event_wait<Event>, .step = [](bool& set, invocation&) -> answer {
                        if (!set) return std::nullopt;
                        set = Keeps;
                        return "through";
                    }});
    made.operation({.name = "set",
        .run = event_set<Event>,
        .step = [](bool& set, invocation&) -> answer {
            set = true;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    made.operation({.name = "reset",
        .run = event_reset<Event>,
        .step = [](bool& set, invocation&) -> answer {
            set = false;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    made.operation({.name = "is_set",
        .run = event_is_set<Event>,
        .step = [](bool& set, invocation&) -> answer { return set ? "set" : "not set"; },
        .line = 1,
        .refusal = ""});
    return made.at_rest({"is_set"});
}

[[maybe_unused]] const bool manual_added =
    weft_test::explore_scenario("async_manual_reset_event", reset_event<weft::async_manual_reset_event, true>,
        {{{"wait", "set"}, {"wait", "reset"}, {"wait", "set"}}, {{"wait", "wait"}, {"wait", "is_set"}, {"set", "reset"}}});

[[maybe_unused]] const bool auto_added =
    weft_test::explore_scenario("async_auto_reset_event", reset_event<weft::async_auto_reset_event, false>,
        {{{"wait", "set"}, {"wait", "set"}, {"wait", "reset"}}, {{"wait", "wait"}, {"wait", "is_set"}, {"set", "set"}}});

// ---- async_countdown_event

task<std::string> countdown_wait(weft::async_countdown_event& on, invocation call) {
    co_await on.wait(call.token);
    co_return "through";
}
task<std::string> countdown_signal(weft::async_countdown_event& on, invocation call) {
    co_await weft::completed_task();
    try {
        co_return on.signal(1 + static_cast<std::int32_t>(call.argument)) ? "last" : "more";
    } catch (const weft::invalid_operation&) {
        co_return "too many";
    }
}
task<std::string> countdown_try_add(weft::async_countdown_event& on, invocation) {
    co_await weft::completed_task();
    co_return on.try_add_count() ? "added" : "no";
}
task<std::string> countdown_count(weft::async_countdown_event& on, invocation) {
    co_return std::to_string(on.current_count());
}
answer count_signals(int& left, invocation& call) {
    const int by = 1 + static_cast<int>(call.argument);
    if (by > left) return "too many";
    left -= by;
    return left == 0 ? "last" : "more";
}
answer pass_at_zero(int& left, invocation&) {
    if (left != 0) return std::nullopt;
    return "through";
}

scenario<weft::async_countdown_event, int> countdown() {
    scenario<weft::async_countdown_event, int> made([] { return std::make_shared<weft::async_countdown_event>(2); }, 2);
    made.operation({.name = "wait", .run = countdown_wait, .step = pass_at_zero});
    made.operation(
        {.name = "signal", .run = countdown_signal, .step = count_signals, .arguments = 2, .line = 1, .refusal = ""});
    made.operation({.name = "try_add_count",
        .run = countdown_try_add,
        .step = [](int& left, invocation&) -> answer {
            if (left == 0) return "no";
            ++left;
            return "added";
        },
        .line = 1,
        .refusal = ""});
    made.operation({.name = "count",
        .run = countdown_count,
        .step = [](int& left, invocation&) -> answer { return std::to_string(left); },
        .line = 1,
        .refusal = ""});
    return made.at_rest({"count"});
}

[[maybe_unused]] const bool countdown_added = weft_test::explore_scenario("async_countdown_event", countdown,
    {{{"wait", "signal(0)"}, {"signal(0)", "wait"}, {"try_add_count", "signal(0)"}},
        {{"wait", "signal(1)"}, {"wait", "signal(0)"}, {"wait", "try_add_count"}}});

// ---- async_latch

task<std::string> latch_wait(weft::async_latch& on, invocation call) {
    co_await on.wait(call.token);
    co_return "through";
}
task<std::string> latch_arrive_and_wait(weft::async_latch& on, invocation call) {
    try {
        co_await on.arrive_and_wait(call.token);
    } catch (const weft::invalid_operation&) {
        co_return "too many";
    }
    co_return "through";
}
task<std::string> latch_count_down(weft::async_latch& on, invocation) {
    co_await weft::completed_task();
    try {
        on.count_down();
    } catch (const weft::invalid_operation&) {
        co_return "too many";
    }
    co_return "ok";
}
task<std::string> latch_remaining(weft::async_latch& on, invocation) { co_return std::to_string(on.remaining()); }

scenario<weft::async_latch, int> latch() {
    scenario<weft::async_latch, int> made([] { return std::make_shared<weft::async_latch>(2); }, 2);
    made.operation({.name = "wait", .run = latch_wait, .step = pass_at_zero});
    made.operation({.name = "arrive_and_wait",
        .run = latch_arrive_and_wait,
        .step = [](int& left, invocation& call) -> answer {
            if (call.ticket < 0) return "too many";
            return pass_at_zero(left, call);
        },
        // The arrival stays counted, whatever becomes of the wait.
        .joins = [](int& left, invocation& call) { left == 0 ? --call.ticket : --left; }});
    made.operation({.name = "count_down",
        .run = latch_count_down,
        .step = [](int& left, invocation&) -> answer {
            if (left == 0) return "too many";
            --left;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    made.operation({.name = "remaining",
        .run = latch_remaining,
        .step = [](int& left, invocation&) -> answer { return std::to_string(left); },
        .line = 1,
        .refusal = ""});
    return made.at_rest({"remaining"});
}

[[maybe_unused]] const bool latch_added = weft_test::explore_scenario("async_latch", latch,
    {{{"arrive_and_wait", "wait"}, {"arrive_and_wait", "wait"}, {"count_down", "remaining"}},
        {{"wait", "count_down"}, {"arrive_and_wait", "count_down"}, {"wait", "remaining"}}});

// ---- async_barrier

struct meeting {
    int participants = 3;
    int arrived = 0;
    std::int64_t phase = 0;

    void end_if_complete() {
        if (participants == 0 || arrived != participants) return;
        ++phase;
        arrived = 0;
    }
    friend bool operator==(const meeting&, const meeting&) = default;
};

/// Between the last arrival and the end of the phase, which the last one makes, everybody has arrived and the number is the old one.
/// The model ends the phase with the arrival; whoever looks in between may see this instead.
bool being_finished(const meeting& now) { return now.arrived == 0 && now.phase > 0; }

task<std::string> barrier_meet(weft::async_barrier& on, invocation call) {
    try {
        co_await on.signal_and_wait(call.token);
    } catch (const weft::invalid_operation&) {
        co_return "nobody";
    }
    co_return "met";
}
task<std::string> barrier_add(weft::async_barrier& on, invocation) {
    co_await weft::completed_task();
    co_return std::to_string(on.add_participants());
}
task<std::string> barrier_remove(weft::async_barrier& on, invocation) {
    co_await weft::completed_task();
    try {
        on.remove_participants();
    } catch (const std::invalid_argument&) {
        co_return "no";
    } catch (const weft::invalid_operation&) {
        co_return "no";
    }
    co_return "removed";
}
task<std::string> barrier_state(weft::async_barrier& on, invocation) {
    co_return std::to_string(on.participant_count()) + " " + std::to_string(on.participants_remaining()) + " " +
        std::to_string(on.current_phase_number());
}

/// More callers than participants are a mistake of the caller's: three tasks, and nobody may take one out and arrive all the same.
template <bool Removes>
scenario<weft::async_barrier, meeting> barrier() {
    scenario<weft::async_barrier, meeting> made([] { return std::make_shared<weft::async_barrier>(3); }, meeting{});
    made.operation({.name = "meet",
        .run = barrier_meet,
        .step = [](meeting& now, invocation& call) -> answer {
            if (call.ticket < 0) return "nobody";
            if (now.phase <= call.ticket) return std::nullopt;
            return "met";
        },
        .line = weft::testing::any_order,
        .joins =
            [](meeting& now, invocation& call) {
                call.ticket = now.participants == 0 ? -1 : now.phase;
                if (call.ticket < 0) return;
                ++now.arrived;
                now.end_if_complete();
            },
        .leaves = [](meeting& now, invocation&) { --now.arrived; }});
    made.operation({.name = "add",
        .run = barrier_add,
        .step = [](meeting& now, invocation&) -> answer {
            ++now.participants;
            return std::to_string(now.phase);
        },
        .line = 1,
        .refusal = ""});
    if (Removes)
        made.operation({.name = "remove",
            .run = barrier_remove,
            .step = [](meeting& now, invocation& call) -> answer {
                if (call.way == 1) return being_finished(now) ? answer("no") : std::nullopt;
                if (now.participants == now.arrived) return "no";
                --now.participants;
                now.end_if_complete();
                return "removed";
            },
            .line = 1,
            .refusal = "",
            .ways = 2});
    made.operation({.name = "state",
        .run = barrier_state,
        .step = [](meeting& now, invocation& call) -> answer {
            if (call.way == 1) {
                if (!being_finished(now)) return std::nullopt;
                return std::to_string(now.participants) + " 0 " + std::to_string(now.phase - 1);
            }
            return std::to_string(now.participants) + " " + std::to_string(now.participants - now.arrived) + " " +
                std::to_string(now.phase);
        },
        .line = 1,
        .refusal = "",
        .ways = 2});
    return made.at_rest({"state"});
}

[[maybe_unused]] const bool barrier_added = weft_test::explore_scenario("async_barrier", barrier<false>,
    {{{"meet", "meet"}, {"meet", "meet"}, {"meet", "meet"}}, {{"meet", "state"}, {"meet", "meet"}, {"add", "meet"}}});
[[maybe_unused]] const bool barrier_left =
    weft_test::explore_plans("async_barrier", barrier<true>, {{{"meet", "meet"}, {"meet", "remove"}, {"meet", "meet"}}});

// ---- async_lazy

/// A value whose making waits for open().
template <bool Fails>
struct slow_value {
    weft::async_manual_reset_event opened;
    int calls = 0;
    weft::async_lazy<int> lazy{[this] { return make(*this); }};

    static task<int> make(slow_value& self) {
        ++self.calls;
        co_await self.opened.wait();
        if constexpr (Fails) throw std::runtime_error("no value");
        co_return 7;
    }
};
struct slow_model {
    bool opened = false;
    int calls = 0;
    friend bool operator==(const slow_model&, const slow_model&) = default;
};

template <bool Fails>
task<std::string> lazy_value(slow_value<Fails>& on, invocation call) {
    try {
        const int& made = co_await on.lazy.value(call.token);
        co_return std::to_string(made);
    } catch (const std::runtime_error& error) {
        co_return error.what();
    }
}
template <bool Fails>
task<std::string> lazy_start(slow_value<Fails>& on, invocation) {
    co_await weft::completed_task();
    on.lazy.start();
    co_return "ok";
}
template <bool Fails>
task<std::string> lazy_open(slow_value<Fails>& on, invocation) {
    co_await weft::completed_task();
    on.opened.set();
    co_return "ok";
}
template <bool Fails>
task<std::string> lazy_calls(slow_value<Fails>& on, invocation) {
    co_return std::to_string(on.calls);
}

template <bool Fails>
scenario<slow_value<Fails>, slow_model> lazy() {
    scenario<slow_value<Fails>, slow_model> made([] { return std::make_shared<slow_value<Fails>>(); }, slow_model{});
    made.operation({.name = "value",
        .run = lazy_value<Fails>,
        .step = [](slow_model& now, invocation&) -> answer {
            if (!now.opened) return std::nullopt;
            return Fails ? "no value" : "7";
        },
        .line = weft::testing::any_order,
        // What makes the value goes on when it is opened, not at once.
        .may_be_late = true,
        .joins = [](slow_model& now, invocation&) { now.calls = 1; }});
    made.operation({.name = "start",
        .run = lazy_start<Fails>,
        .step = [](slow_model& now, invocation&) -> answer {
            now.calls = 1;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    made.operation({.name = "open",
        .run = lazy_open<Fails>,
        .step = [](slow_model& now, invocation&) -> answer {
            now.opened = true;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    made.operation({.name = "calls",
        .run = lazy_calls<Fails>,
        .step = [](slow_model& now, invocation&) -> answer { return std::to_string(now.calls); },
        .line = 1,
        .refusal = ""});
    return made.at_rest({"calls", "open"});
}

[[maybe_unused]] const bool lazy_added =
    weft_test::explore_scenario("async_lazy", lazy<false>, {{{"value", "value"}, {"value", "calls"}, {"open", "start"}}});
[[maybe_unused]] const bool lazy_failing_added = weft_test::explore_scenario(
    "async_lazy_that_fails", lazy<true>, {{{"value", "value"}, {"value", "calls"}, {"open", "start"}}});

}  // namespace
