// Channels of every kind: linearizable with cancellation and completion, every item once, in order.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "explore/scenarios.hpp"
#include "weft/weft.hpp"

namespace {

using weft::channel_full_mode;
using weft::task;
using weft::testing::invocation;
using weft::testing::scenario;

using answer = std::optional<std::string>;

// ---- what all have in common. An item is the number of the call that wrote it, behind a priority.

struct subject {
    explicit subject(weft::channel<int> of) : channel(std::move(of)) {
        channel.on_dropped([this](int&& item) { dropped += std::to_string(item) + " "; });
    }
    weft::channel<int> channel;
    std::string dropped;
};

int item_of(const invocation& call) { return static_cast<int>(call.argument * 100 + call.number); }

task<std::string> channel_write(subject& on, invocation call) {
    try {
        co_await on.channel.writer().write(item_of(call), call.token);
    } catch (const weft::channel_closed&) {
        co_return "closed";
    }
    co_return "ok";
}
task<std::string> channel_read(subject& on, invocation call) {
    try {
        const int item = co_await on.channel.reader().read(call.token);
        co_return std::to_string(item);
    } catch (const weft::channel_closed&) {
        co_return "closed";
    }
}
task<std::string> channel_try_write(subject& on, invocation call) {
    co_await weft::completed_task();
    co_return on.channel.writer().try_write(item_of(call)) ? "ok" : "no";
}
task<std::string> channel_try_read(subject& on, invocation) {
    co_await weft::completed_task();
    const std::optional<int> item = on.channel.reader().try_read();
    co_return item ? std::to_string(*item) : "no";
}
task<std::string> channel_wait_to_read(subject& on, invocation call) {
    const bool more = co_await on.channel.reader().wait_to_read(call.token);
    co_return more ? "more" : "end";
}
task<std::string> channel_wait_to_write(subject& on, invocation call) {
    const bool room = co_await on.channel.writer().wait_to_write(call.token);
    co_return room ? "room" : "end";
}
task<std::string> channel_complete(subject& on, invocation) {
    co_await weft::completed_task();
    co_return on.channel.writer().try_complete() ? "completed" : "no";
}
/// Takes what is left, and tells what was dropped.
task<std::string> channel_drain(subject& on, invocation) {
    std::string all;
    for (std::optional<int> item = on.channel.reader().try_read(); item; item = on.channel.reader().try_read())
        all += std::to_string(*item) + " ";
    co_return all + "| " + on.dropped;
}

// ---- the model of a channel that holds items

struct items {
    std::size_t capacity = 1;
    channel_full_mode mode = channel_full_mode::wait;
    bool sorted = false;
    std::deque<int> in{};
    std::string dropped{};
    bool closed = false;

    bool put(int item) {
        if (in.size() >= capacity) {
            if (mode == channel_full_mode::wait) return false;
            int lost = item;
            if (mode == channel_full_mode::drop_newest) std::swap(lost, in.back());
            if (mode == channel_full_mode::drop_oldest) {
                lost = in.front();
                in.pop_front();
                in.push_back(item);
            }
            dropped += std::to_string(lost) + " ";
            return true;
        }
        in.push_back(item);
        if (sorted) std::sort(in.begin(), in.end());
        return true;
    }
    int take() {
        const int item = in.front();
        in.pop_front();
        return item;
    }
    std::string drain() {
        std::string all;
        while (!in.empty()) all += std::to_string(take()) + " ";
        return all + "| " + dropped;
    }
    friend bool operator==(const items&, const items&) = default;
};

enum line : int { readers, writers, read_watchers, write_watchers, others };

void add_common(scenario<subject, items>& made) {
    made.operation({.name = "read",
        .run = channel_read,
        .step = [](items& now, invocation&) -> answer {
            if (!now.in.empty()) return std::to_string(now.take());
            if (now.closed) return "closed";
            return std::nullopt;
        },
        .line = readers});
    made.operation({.name = "write",
        .run = channel_write,
        .step = [](items& now, invocation& call) -> answer {
            if (now.closed) return "closed";
            if (!now.put(item_of(call))) return std::nullopt;
            return "ok";
        },
        .arguments = 2,
        .line = writers});
    made.operation({.name = "complete",
        .run = channel_complete,
        .step = [](items& now, invocation&) -> answer { return std::exchange(now.closed, true) ? "no" : "completed"; },
        .line = others,
        .refusal = ""});
    made.operation({.name = "drain",
        .run = channel_drain,
        .step = [](items& now, invocation&) -> answer { return now.drain(); },
        .line = others,
        .refusal = "",
        .drawn = false});
    made.at_rest({"complete", "drain"});
}

void add_attempts(scenario<subject, items>& made) {
    made.operation({.name = "try_read",
        .run = channel_try_read,
        .step = [](items& now, invocation&) -> answer {
            if (now.in.empty()) return std::nullopt;
            return std::to_string(now.take());
        },
        .line = readers,
        .refusal = "no"});
    made.operation({.name = "try_write",
        .run = channel_try_write,
        .step = [](items& now, invocation& call) -> answer {
            if (now.closed || !now.put(item_of(call))) return std::nullopt;
            return "ok";
        },
        .line = writers,
        .refusal = "no"});
    // An item that goes straight to a reader is not seen by who watches.
    made.operation({.name = "wait_to_read",
        .run = channel_wait_to_read,
        .step = [](items& now, invocation&) -> answer {
            if (!now.in.empty()) return "more";
            if (now.closed) return "end";
            return std::nullopt;
        },
        .line = read_watchers});
    made.operation({.name = "wait_to_write",
        .run = channel_wait_to_write,
        .step = [](items& now, invocation&) -> answer {
            if (now.closed) return "end";
            if (now.in.size() >= now.capacity && now.mode == channel_full_mode::wait) return std::nullopt;
            return "room";
        },
        .line = write_watchers});
}

template <channel_full_mode Mode>
scenario<subject, items> bounded() {
    scenario<subject, items> made(
        [] {
            weft::bounded_channel_options options;
            options.capacity = 1;
            options.full_mode = Mode;
            return std::make_shared<subject>(weft::channel<int>::bounded(options));
        },
        items{.mode = Mode});
    add_common(made);
    return made;
}
scenario<subject, items> bounded_watched() {
    scenario<subject, items> made = bounded<channel_full_mode::wait>();
    add_attempts(made);
    return made;
}
scenario<subject, items> unbounded() {
    scenario<subject, items> made(
        [] { return std::make_shared<subject>(weft::channel<int>::unbounded()); }, items{.capacity = std::size_t{1} << 20});
    add_common(made);
    add_attempts(made);
    return made;
}
scenario<subject, items> prioritized() {
    scenario<subject, items> made([] { return std::make_shared<subject>(weft::channel<int>::prioritized()); },
        items{.capacity = std::size_t{1} << 20, .sorted = true});
    add_common(made);
    add_attempts(made);
    return made;
}
/// A reader that is woken goes on inside the write.
scenario<subject, items> synchronous() {
    scenario<subject, items> made(
        [] {
            weft::bounded_channel_options options;
            options.capacity = 1;
            options.allow_synchronous_continuations = true;
            return std::make_shared<subject>(weft::channel<int>::bounded(options));
        },
        items{});
    add_common(made);
    return made;
}

[[maybe_unused]] const bool wait_added =
    weft_test::explore_scenario("channel_bounded_wait", bounded<channel_full_mode::wait>,
        {{{"write(0)", "write(0)"}, {"write(0)", "read"}, {"read", "complete"}},
            {{"read", "read"}, {"read", "complete"}, {"write(0)", "write(0)"}}});
[[maybe_unused]] const bool watched_added = weft_test::explore_scenario("channel_bounded_watched", bounded_watched,
    {{{"wait_to_write", "try_write"}, {"wait_to_read", "try_read"}, {"try_write", "read"}},
        {{"wait_to_read", "try_read"}, {"wait_to_read", "read"}, {"write(0)", "complete"}}});
[[maybe_unused]] const bool synchronous_added = weft_test::explore_scenario(
    "channel_bounded_synchronous", synchronous, {{{"write(0)", "write(0)"}, {"write(0)", "read"}, {"read", "complete"}}});
[[maybe_unused]] const bool drop_newest_added = weft_test::explore_scenario("channel_drop_newest",
    bounded<channel_full_mode::drop_newest>, {{{"write(0)", "read"}, {"write(0)", "write(0)"}, {"read", "complete"}}});
[[maybe_unused]] const bool drop_oldest_added = weft_test::explore_scenario("channel_drop_oldest",
    bounded<channel_full_mode::drop_oldest>, {{{"write(0)", "read"}, {"write(0)", "write(0)"}, {"read", "complete"}}});
[[maybe_unused]] const bool drop_write_added = weft_test::explore_scenario("channel_drop_write",
    bounded<channel_full_mode::drop_write>, {{{"write(0)", "read"}, {"write(0)", "write(0)"}, {"read", "complete"}}});
[[maybe_unused]] const bool unbounded_added = weft_test::explore_scenario("channel_unbounded", unbounded,
    {{{"write(0)", "read"}, {"read", "read"}, {"write(0)", "complete"}},
        {{"wait_to_read", "try_read"}, {"wait_to_read", "read"}, {"write(0)", "complete"}}});
[[maybe_unused]] const bool prioritized_added = weft_test::explore_scenario("channel_prioritized", prioritized,
    {{{"write(1)", "write(0)"}, {"read", "read"}, {"read", "complete"}},
        {{"write(1)", "read"}, {"write(0)", "read"}, {"wait_to_read", "complete"}}});

// ---- the model of a rendezvous: who writes meets who reads

struct meetings {
    std::deque<std::size_t> offers{};  // writers that wait
    std::deque<std::size_t> wants{};   // readers that wait
    std::map<std::size_t, int> given{};
    std::set<std::size_t> taken{};  // writers whose item has a reader
    std::map<std::size_t, int> values{};
    bool closed = false;
    friend bool operator==(const meetings&, const meetings&) = default;
};

void offer(meetings& now, const invocation& call) {
    if (now.closed) return;
    now.values[call.number] = item_of(call);
    now.offers.push_back(call.number);
}
void match(meetings& now) {
    while (!now.offers.empty() && !now.wants.empty()) {
        now.given[now.wants.front()] = now.values[now.offers.front()];
        now.taken.insert(now.offers.front());
        now.wants.pop_front();
        now.offers.pop_front();
    }
}

scenario<subject, meetings> rendezvous() {
    scenario<subject, meetings> made([] { return std::make_shared<subject>(weft::channel<int>::bounded(0)); }, meetings{});
    made.operation({.name = "read",
        .run = channel_read,
        .step = [](meetings& now, invocation& call) -> answer {
            if (const auto found = now.given.find(call.number); found != now.given.end()) {
                const int item = found->second;
                now.given.erase(found);
                return std::to_string(item);
            }
            if (now.closed) return "closed";
            return std::nullopt;
        },
        .line = weft::testing::any_order,
        .joins =
            [](meetings& now, invocation& call) {
                if (!now.closed) now.wants.push_back(call.number);
                match(now);
            },
        .leaves = [](meetings& now, invocation& call) { std::erase(now.wants, call.number); }});
    made.operation({.name = "write",
        .run = channel_write,
        .step = [](meetings& now, invocation& call) -> answer {
            if (now.taken.erase(call.number) != 0) return "ok";
            if (now.closed) return "closed";
            return std::nullopt;
        },
        .line = weft::testing::any_order,
        .joins =
            [](meetings& now, invocation& call) {
                offer(now, call);
                match(now);
            },
        .leaves = [](meetings& now, invocation& call) { std::erase(now.offers, call.number); }});
    made.operation({.name = "try_read",
        .run = channel_try_read,
        .step = [](meetings& now, invocation& call) -> answer {
            if (now.offers.empty()) return std::nullopt;
            now.wants.push_back(call.number);
            match(now);
            const int item = now.given[call.number];
            now.given.erase(call.number);
            return std::to_string(item);
        },
        .line = others,
        .refusal = "no"});
    made.operation({.name = "try_write",
        .run = channel_try_write,
        .step = [](meetings& now, invocation& call) -> answer {
            if (now.wants.empty()) return std::nullopt;
            offer(now, call);
            match(now);
            now.taken.erase(call.number);
            return "ok";
        },
        .line = others,
        .refusal = "no"});
    made.operation({.name = "complete",
        .run = channel_complete,
        .step = [](meetings& now, invocation&) -> answer {
            now.offers.clear();
            now.wants.clear();
            return std::exchange(now.closed, true) ? "no" : "completed";
        },
        .line = others,
        .refusal = ""});
    return made.at_rest({"complete"});
}

[[maybe_unused]] const bool rendezvous_added = weft_test::explore_scenario("channel_rendezvous", rendezvous,
    {{{"write", "write"}, {"write", "read"}, {"read", "complete"}},
        {{"read", "try_write"}, {"read", "try_read"}, {"write", "write"}}});

}  // namespace
