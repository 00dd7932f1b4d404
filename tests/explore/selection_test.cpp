// select() and the hand-off of streams: one outcome each, nothing taken twice, nothing lost.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
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

// ---- select() over two channels of one place each

struct two_channels {
    weft::channel<int> left = weft::channel<int>::bounded(1);
    weft::channel<int> right = weft::channel<int>::bounded(1);
    weft::channel<int>& of(std::size_t which) { return which == 0 ? left : right; }
};
struct two_places {
    std::optional<int> in[2]{};
    bool closed[2]{};
    std::string take(std::size_t which) {
        const int item = *in[which];
        in[which].reset();
        return std::to_string(item);
    }
    friend bool operator==(const two_places& left, const two_places& right) {
        return std::equal(left.in, left.in + 2, right.in) && std::equal(left.closed, left.closed + 2, right.closed);
    }
};

std::string text_of(const std::optional<int>& item) { return item ? std::to_string(*item) : std::string("end"); }

task<std::string> select_read(two_channels& on, invocation call) {
    task<std::variant<std::optional<int>, std::optional<int>>> first =
        weft::select(call.token, weft::case_read(on.left.reader()), weft::case_read(on.right.reader()));
    const std::variant<std::optional<int>, std::optional<int>> found = co_await std::move(first);
    co_return found.index() == 0 ? text_of(std::get<0>(found)) : text_of(std::get<1>(found));
}
task<std::string> select_write(two_channels& on, invocation call) {
    const int item = static_cast<int>(call.number);
    task<std::variant<bool, bool>> first =
        weft::select(call.token, weft::case_write(on.left.writer(), item), weft::case_write(on.right.writer(), item));
    const std::variant<bool, bool> found = co_await std::move(first);
    const bool written = found.index() == 0 ? std::get<0>(found) : std::get<1>(found);
    co_return std::string(found.index() == 0 ? "left" : "right") + (written ? "" : " is closed");
}
task<std::string> plain_write(two_channels& on, invocation call) {
    try {
        co_await on.of(call.argument).writer().write(static_cast<int>(call.number), call.token);
    } catch (const weft::channel_closed&) {
        co_return "closed";
    }
    co_return "ok";
}
task<std::string> plain_read(two_channels& on, invocation call) {
    try {
        const int item = co_await on.of(call.argument).reader().read(call.token);
        co_return std::to_string(item);
    } catch (const weft::channel_closed&) {
        co_return "closed";
    }
}
task<std::string> plain_close(two_channels& on, invocation call) {
    co_await weft::completed_task();
    co_return on.of(call.argument).writer().try_complete() ? "completed" : "no";
}

scenario<two_channels, two_places> selection() {
    scenario<two_channels, two_places> made([] { return std::make_shared<two_channels>(); }, two_places{});
    made.operation({.name = "select_read",
        .run = select_read,
        .step = [](two_places& now, invocation& call) -> answer {
            if (now.in[call.way]) return now.take(call.way);
            if (now.closed[call.way]) return "end";
            return std::nullopt;
        },
        .line = weft::testing::any_order,
        .ways = 2});
    made.operation({.name = "select_write",
        .run = select_write,
        .step = [](two_places& now, invocation& call) -> answer {
            const std::string which = call.way == 0 ? "left" : "right";
            if (now.closed[call.way]) return which + " is closed";
            if (now.in[call.way]) return std::nullopt;
            now.in[call.way] = static_cast<int>(call.number);
            return which;
        },
        .line = weft::testing::any_order,
        .ways = 2});
    made.operation({.name = "read",
        .run = plain_read,
        .step = [](two_places& now, invocation& call) -> answer {
            if (now.in[call.argument]) return now.take(call.argument);
            if (now.closed[call.argument]) return "closed";
            return std::nullopt;
        },
        .arguments = 2,
        .line = weft::testing::any_order});
    made.operation({.name = "write",
        .run = plain_write,
        .step = [](two_places& now, invocation& call) -> answer {
            if (now.closed[call.argument]) return "closed";
            if (now.in[call.argument]) return std::nullopt;
            now.in[call.argument] = static_cast<int>(call.number);
            return "ok";
        },
        .arguments = 2,
        .line = weft::testing::any_order});
    made.operation({.name = "close",
        .run = plain_close,
        .step = [](two_places& now, invocation& call) -> answer {
            return std::exchange(now.closed[call.argument], true) ? "no" : "completed";
        },
        .arguments = 2,
        .line = 1,
        .refusal = ""});
    return made;
}
const weft_test::plans selections{{{"select_read", "select_read"}, {"write(0)", "write(0)"}, {"write(1)", "write(1)"}},
    {{"select_read", "select_write"}, {"select_write", "select_read"}, {"close(0)", "write(1)"}}};
[[maybe_unused]] const bool selection_added = weft_test::explore_scenario("select_channels", selection, selections);
// select() looks at its cases from a random one on.
[[maybe_unused]] const bool selection_again = weft_test::explore_plans("select_channels", selection, selections, 2) &&
    weft_test::explore_plans("select_channels", selection, selections, 3);

// ---- select() over a channel, a task and a limit

[[maybe_unused]] const bool limits_added =
    weft_test::explore_randomly("select_tasks_and_timers", "one_outcome", [](world& w) -> task<> {
        weft::channel<int> items = weft::channel<int>::bounded(1);
        weft::task_completion_source<int> source(weft::creation_options::run_continuations_asynchronously);
        const weft::cancellation_token stop = w.cancel_any_time();
        const auto write = [&]() -> task<> {
            co_await weft::delay(std::chrono::milliseconds(w.choose("write after", 3)));
            static_cast<void>(items.writer().try_write(1));
        };
        const auto finish = [&]() -> task<> {
            co_await weft::delay(std::chrono::milliseconds(w.choose("finish after", 3)));
            source.set_result(2);
        };
        int outcomes = 0;
        bool read = false;
        const auto choose = [&]() -> task<> {
            try {
                task<std::variant<std::optional<int>, task<int>, std::monostate>> first = weft::select(
                    stop, weft::case_read(items.reader()), weft::case_task(source.task()), weft::case_after(1ms));
                std::variant<std::optional<int>, task<int>, std::monostate> found = co_await std::move(first);
                ++outcomes;
                if (found.index() == 0) {
                    WEFT_CHECK(std::get<0>(found) == 1);
                    read = true;
                    w.probe("read");
                } else if (found.index() == 1) {
                    WEFT_CHECK(std::get<1>(found).is_completed());
                    w.probe("finished");
                } else {
                    WEFT_CHECK(w.clock().now().time_since_epoch() >= 1ms);
                    w.probe("late");
                }
            } catch (const weft::operation_canceled&) {
                ++outcomes;
                w.probe("canceled");
            }
        };
        std::vector<task<>> all;
        all.push_back(w.spawn(choose));
        all.push_back(w.spawn(write));
        all.push_back(w.spawn(finish));
        co_await weft::when_all(all);
        WEFT_CHECK(outcomes == 1);
        // The item is in the channel, or with the one who read it.
        WEFT_CHECK(items.reader().count() == (read ? 0U : 1U));
        co_await w.settle();  // the other cases end
        WEFT_CHECK(stop.state()->registrations() == 0);
    });

// ---- streams

weft::async_stream<int> numbers(world& w, int from, int count, int& produced) {
    for (int i = 0; i < count; ++i) {
        co_await w.point();
        ++produced;
        co_yield from + i;
    }
}

[[maybe_unused]] const bool handoff_added =
    weft_test::explore_randomly("async_stream", "hand_off_in_order", [](world& w) -> task<> {
        int produced = 0;
        weft::async_stream<int> stream = numbers(w, 0, 4, produced);
        const std::size_t taken = w.choose("taken", 6);
        int next = 0;
        for (std::size_t i = 0; i < taken; ++i) {
            std::optional<int> item = co_await stream.next();
            if (!item) break;
            WEFT_CHECK(*item == next++);
            WEFT_CHECK(produced == next);  // nobody runs ahead
            co_await w.point();
        }
        co_await stream.dispose();
    });
[[maybe_unused]] const bool merge_added =
    weft_test::explore_randomly("async_stream", "merge_loses_nothing", [](world& w) -> task<> {
        int produced = 0;
        std::vector<int> seen;
        weft::async_stream<int> both = weft::merge(numbers(w, 0, 3, produced), numbers(w, 10, 3, produced));
        for (;;) {
            std::optional<int> item = co_await both.next();
            if (!item) break;
            seen.push_back(*item);
        }
        const auto in_order = [&](bool second) {
            std::vector<int> own;
            std::copy_if(
                seen.begin(), seen.end(), std::back_inserter(own), [&](int each) { return (each >= 10) == second; });
            return own == (second ? std::vector<int>{10, 11, 12} : std::vector<int>{0, 1, 2});
        };
        std::string all;
        for (int each : seen) all += std::to_string(each) + " ";
        w.check(in_order(false) && in_order(true), all);
    });
weft::async_stream<int> failing(world& w) {
    co_await w.point();
    co_yield 20;
    co_await w.point();
    throw std::runtime_error("broken");
}
[[maybe_unused]] const bool merge_failing_added =
    weft_test::explore_randomly("async_stream", "merge_with_a_failure", [](world& w) -> task<> {
        int produced = 0;
        weft::async_stream<int> both = weft::merge(numbers(w, 0, 3, produced), failing(w), numbers(w, 10, 3, produced));
        bool failed = false;
        try {
            for (;;) {
                std::optional<int> item = co_await both.next();
                if (!item) break;
            }
        } catch (const std::runtime_error&) {
            failed = true;
        }
        WEFT_CHECK(failed);
    });
[[maybe_unused]] const bool merge_left_added =
    weft_test::explore_randomly("async_stream", "merge_that_is_left", [](world& w) -> task<> {
        int produced = 0;
        weft::async_stream<int> both = weft::merge(numbers(w, 0, 3, produced), numbers(w, 10, 3, produced));
        const std::size_t taken = w.choose("taken", 5);
        for (std::size_t i = 0; i < taken; ++i) static_cast<void>(co_await both.next());
        co_await both.dispose();
    });
[[maybe_unused]] const bool shared_added =
    weft_test::explore_randomly("async_stream", "two_streams_share_a_channel", [](world& w) -> task<> {
        weft::channel<int> items = weft::channel<int>::bounded(1);
        const weft::cancellation_token stop = w.cancel_any_time();
        std::vector<int> seen;
        const auto consume = [&](weft::cancellation_token token) -> task<> {
            weft::async_stream<int> all = items.reader().read_all(token);
            try {
                for (;;) {
                    std::optional<int> item = co_await all.next();
                    if (!item) break;
                    seen.push_back(*item);
                }
            } catch (const weft::operation_canceled&) {
                w.probe("canceled");
            }
        };
        const auto produce = [&]() -> task<> {
            for (int i = 0; i < 4; ++i) co_await items.writer().write(i);
            items.writer().complete();
        };
        std::vector<task<>> running;
        running.push_back(w.spawn([&] { return consume(stop); }));
        running.push_back(w.spawn([&] { return consume({}); }));
        running.push_back(w.spawn(produce));
        co_await weft::when_all(running);
        std::sort(seen.begin(), seen.end());
        WEFT_CHECK((seen == std::vector<int>{0, 1, 2, 3}));
        WEFT_CHECK(stop.state()->registrations() == 0);
    });

}  // namespace
