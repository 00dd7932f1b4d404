// select() over a channel, a task and a limit, every schedule: one outcome, which is one that there was; what was not chosen stays.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "explore/scenarios.hpp"
#include "weft/weft.hpp"

namespace {

using namespace std::chrono_literals;
using weft::task;
using weft::testing::invocation;
using weft::testing::scenario;
using weft::testing::world;

using answer = std::optional<std::string>;

struct sources {
    weft::channel<int> items = weft::channel<int>::bounded(1);
    weft::task_completion_source<int> source{weft::creation_options::run_continuations_asynchronously};
};
struct offers {
    std::optional<int> in{};
    bool closed = false;
    bool finished = false;
    int now = 0;
    friend bool operator==(const offers&, const offers&) = default;
};

task<std::string> mixed_select(sources& on, invocation call) {
    task<std::variant<std::optional<int>, task<int>, std::monostate>> first = weft::select(
        call.token, weft::case_read(on.items.reader()), weft::case_task(on.source.task()), weft::case_after(1ms));
    const std::variant<std::optional<int>, task<int>, std::monostate> found = co_await std::move(first);
    if (found.index() == 2) co_return "late";
    if (found.index() == 1) co_return std::get<1>(found).is_completed_successfully() ? "finished" : "not finished";
    const std::optional<int>& item = std::get<0>(found);
    co_return item ? std::to_string(*item) : "end";
}
task<std::string> mixed_read(sources& on, invocation call) {
    try {
        const int item = co_await on.items.reader().read(call.token);
        co_return std::to_string(item);
    } catch (const weft::channel_closed&) {
        co_return "closed";
    }
}
task<std::string> mixed_write(sources& on, invocation call) {
    try {
        co_await on.items.writer().write(static_cast<int>(call.number), call.token);
    } catch (const weft::channel_closed&) {
        co_return "closed";
    }
    co_return "ok";
}
task<std::string> mixed_finish(sources& on, invocation) {
    co_await weft::completed_task();
    co_return on.source.try_set_result(1) ? "ok" : "no";
}
task<std::string> mixed_pass(sources&, invocation) {
    co_await weft::completed_task();
    world::current().advance(1ms);
    co_return "ok";
}
task<std::string> mixed_close(sources& on, invocation) {
    co_await weft::completed_task();
    co_return on.items.writer().try_complete() ? "completed" : "no";
}
task<std::string> mixed_drain(sources& on, invocation) {
    co_await weft::completed_task();
    const std::optional<int> item = on.items.reader().try_read();
    co_return item ? std::to_string(*item) : "empty";
}

std::string take(offers& now) { return std::to_string(*std::exchange(now.in, std::nullopt)); }

void add_selects(scenario<sources, offers>& made) {
    made.operation({.name = "select",
        .run = mixed_select,
        .step = [](offers& now, invocation& call) -> answer {
            if (call.way == 0 && now.in) return take(now);
            if (call.way == 0 && now.closed) return "end";
            if (call.way == 1 && now.finished) return "finished";
            if (call.way == 2 && now.now > call.ticket) return "late";
            return std::nullopt;
        },
        .line = weft::testing::any_order,
        .may_be_late = true,
        .ways = 3,
        .joins = [](offers& now, invocation& call) { call.ticket = now.now; }});
    made.operation({.name = "read",
        .run = mixed_read,
        .step = [](offers& now, invocation&) -> answer {
            if (now.in) return take(now);
            if (now.closed) return "closed";
            return std::nullopt;
        },
        .line = weft::testing::any_order,
        // An item may be on its way to a select().
        .may_be_late = true});
    made.operation({.name = "write",
        .run = mixed_write,
        .step = [](offers& now, invocation& call) -> answer {
            if (now.closed) return "closed";
            if (now.in) return std::nullopt;
            now.in = static_cast<int>(call.number);
            return "ok";
        },
        .line = 1});
}
void add_moves(scenario<sources, offers>& made) {
    made.operation({.name = "finish",
        .run = mixed_finish,
        .step = [](offers& now, invocation&) -> answer { return std::exchange(now.finished, true) ? "no" : "ok"; },
        .line = 2,
        .refusal = ""});
    made.operation({.name = "pass",
        .run = mixed_pass,
        .step = [](offers& now, invocation&) -> answer {
            ++now.now;
            return "ok";
        },
        .line = 2,
        .refusal = ""});
    made.operation({.name = "close",
        .run = mixed_close,
        .step = [](offers& now, invocation&) -> answer { return std::exchange(now.closed, true) ? "no" : "completed"; },
        .line = 2,
        .refusal = ""});
    made.operation({.name = "drain",
        .run = mixed_drain,
        .step = [](offers& now, invocation&) -> answer { return now.in ? take(now) : "empty"; },
        .line = 2,
        .refusal = "",
        .drawn = false});
}

scenario<sources, offers> mixed() {
    scenario<sources, offers> made([] { return std::make_shared<sources>(); }, offers{});
    add_selects(made);
    add_moves(made);
    return made.at_rest({"close", "drain"});
}

[[maybe_unused]] const bool mixed_added = weft_test::explore_randomly_in_time("select_mixed", "random", mixed().body()) &&
    weft_test::explore_plans("select_mixed", mixed,
        {{{"select", "select"}, {"write"}, {"pass"}}, {{"select"}, {"write", "read"}, {"finish"}},
            {{"select"}, {"read"}, {"write", "close"}}, {{"select"}, {"close"}, {"pass"}}});

}  // namespace
