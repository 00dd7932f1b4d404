// Broadcast channels of every mode: each subscription reads what was written after it, in order, nothing twice, and is told how much it
// has missed; linearizable with cancellation, subscriptions that come and go, and the end.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "explore/scenarios.hpp"
#include "weft/weft.hpp"

namespace {

using weft::broadcast_channel;
using weft::broadcast_full_mode;
using weft::broadcast_reader;
using weft::task;
using weft::testing::invocation;
using weft::testing::scenario;

using answer = std::optional<std::string>;

// ---- the channel and three subscriptions: a and b from the beginning, c from when somebody makes it. An item is the number of the call
// that wrote it.

constexpr std::size_t subscriptions = 3;
enum whose : std::size_t { a, b, c };

struct subject {
    explicit subject(broadcast_channel<int> of) : channel(std::move(of)) {
        channel.on_dropped([this](const int& item) { dropped += std::to_string(item) + " "; });
        for (const whose each : {a, b}) readers[each].emplace(channel.subscribe());
    }
    broadcast_channel<int> channel;
    std::array<std::optional<broadcast_reader<int>>, subscriptions> readers;
    std::string dropped;
};

int item_of(const invocation& call) { return static_cast<int>(call.number); }

task<std::string> news_write(subject& on, invocation call) {
    try {
        co_await on.channel.writer().write(item_of(call), call.token);
    } catch (const weft::channel_closed&) {
        co_return "closed";
    }
    co_return "ok";
}
task<std::string> news_try_write(subject& on, invocation call) {
    co_await weft::completed_task();
    co_return on.channel.writer().try_write(item_of(call)) ? "ok" : "no";
}
task<std::string> news_wait_to_write(subject& on, invocation call) {
    const bool room = co_await on.channel.writer().wait_to_write(call.token);
    co_return room ? "room" : "end";
}
task<std::string> news_complete(subject& on, invocation) {
    co_await weft::completed_task();
    co_return on.channel.writer().try_complete() ? "completed" : "no";
}
task<std::string> news_latest(subject& on, invocation) {
    co_await weft::completed_task();
    const std::optional<int> item = on.channel.latest();
    co_return item ? std::to_string(*item) : "none";
}

template <whose Reader>
task<std::string> news_read(subject& on, invocation call) {
    if (!on.readers[Reader]) co_return "nobody";
    try {
        const int item = co_await on.readers[Reader]->read(call.token);
        co_return std::to_string(item);
    } catch (const weft::channel_closed&) {
        co_return "closed";
    }
}
template <whose Reader>
task<std::string> news_try_read(subject& on, invocation) {
    co_await weft::completed_task();
    const std::optional<int> item = on.readers[Reader] ? on.readers[Reader]->try_read() : std::nullopt;
    co_return item ? std::to_string(*item) : "no";
}
template <whose Reader>
task<std::string> news_wait_to_read(subject& on, invocation call) {
    const bool more = co_await on.readers[Reader]->wait_to_read(call.token);
    co_return more ? "more" : "end";
}
task<std::string> news_leave(subject& on, invocation) {
    co_await weft::completed_task();
    on.readers[b]->unsubscribe();
    co_return "ok";
}
/// c subscribes; or, as a copy of a, stands where that stands.
task<std::string> news_subscribe(subject& on, invocation) {
    co_await weft::completed_task();
    if (on.readers[c]) co_return "no";
    on.readers[c].emplace(on.channel.subscribe());
    co_return "ok";
}
task<std::string> news_copy(subject& on, invocation) {
    co_await weft::completed_task();
    if (on.readers[c]) co_return "no";
    on.readers[c].emplace(*on.readers[a]);
    co_return "ok";
}
/// What each has still to read, and has missed; and what was dropped.
task<std::string> news_drain(subject& on, invocation) {
    std::string all;
    for (std::optional<broadcast_reader<int>>& each : on.readers) {
        if (each) {
            for (std::optional<int> item = each->try_read(); item; item = each->try_read())
                all += std::to_string(*item) + " ";
            all += "missed " + std::to_string(each->take_missed());
        }
        all += "| ";
    }
    co_return all + on.dropped;
}

// ---- the model: the last items, and where each subscription stands among all that were ever written

struct place {
    bool made = false;
    bool subscribed = false;
    std::size_t next = 0;
    std::size_t missed = 0;
    friend bool operator==(const place&, const place&) = default;
};

struct news {
    std::size_t capacity = 1;
    broadcast_full_mode mode = broadcast_full_mode::wait;
    bool keeps_last = false;
    std::deque<int> in{};
    std::size_t written = 0;
    std::array<place, subscriptions> places{
        place{.made = true, .subscribed = true}, {.made = true, .subscribed = true}, {}};
    std::string dropped{};
    bool closed = false;

    [[nodiscard]] std::size_t first() const { return written - in.size(); }
    [[nodiscard]] bool is_unread(std::size_t item) const {
        return std::any_of(
            places.begin(), places.end(), [&](const place& each) { return each.subscribed && each.next <= item; });
    }
    void drop_read() {
        while (!keeps_last && !in.empty() && !is_unread(first())) in.pop_front();
    }
    [[nodiscard]] bool is_full() const { return in.size() >= capacity; }
    bool put(int item) {
        if (is_full()) {
            if (mode == broadcast_full_mode::wait) return false;
            if (mode == broadcast_full_mode::drop_write) {
                dropped += std::to_string(item) + " ";
                return true;
            }
            if (is_unread(first())) dropped += std::to_string(in.front()) + " ";
            in.pop_front();
        }
        in.push_back(item);
        ++written;
        drop_read();
        return true;
    }
    answer take(whose reader) {
        place& by = places[reader];
        if (!by.subscribed) return std::nullopt;
        if (by.next < first()) by.missed += first() - by.next;
        by.next = std::max(by.next, first());
        if (by.next == written) return std::nullopt;
        const int item = in[by.next++ - first()];
        drop_read();
        return std::to_string(item);
    }
    [[nodiscard]] bool has_ended(whose reader) const { return closed || !places[reader].subscribed; }
    void subscribe(bool as_a) {
        places[c] = {.made = true, .subscribed = true, .next = written - (keeps_last ? in.size() : 0)};
        if (as_a) places[c].next = std::max(places[a].next, first());
    }
    std::string drain() {
        std::string all;
        for (const whose each : {a, b, c}) {
            if (places[each].made) {
                for (answer item = take(each); item; item = take(each)) all += *item + " ";
                all += "missed " + std::to_string(std::exchange(places[each].missed, 0));
            }
            all += "| ";
        }
        return all + dropped;
    }
    friend bool operator==(const news&, const news&) = default;
};

enum line : int { readers_of_a, readers_of_b, readers_of_c, writers, watchers_of_a, watchers_of_b, write_watchers, others };

template <whose Reader>
answer read_step(news& now, invocation&) {
    if (!now.places[Reader].made) return "nobody";
    if (answer item = now.take(Reader)) return item;
    if (now.has_ended(Reader)) return "closed";
    return std::nullopt;
}
template <whose Reader>
answer watch_step(news& now, invocation&) {
    if (now.places[Reader].subscribed && now.places[Reader].next != now.written) return "more";
    if (now.has_ended(Reader)) return "end";
    return std::nullopt;
}

void add_calls_of_readers(scenario<subject, news>& made) {
    made.operation({.name = "read_a", .run = news_read<a>, .step = read_step<a>, .line = readers_of_a});
    made.operation({.name = "read_b", .run = news_read<b>, .step = read_step<b>, .line = readers_of_b});
    made.operation({.name = "read_c", .run = news_read<c>, .step = read_step<c>, .line = readers_of_c});
    made.operation({.name = "try_read_a",
        .run = news_try_read<a>,
        .step = [](news& now, invocation&) { return now.take(a); },
        .line = readers_of_a,
        .refusal = "no"});
    made.operation({.name = "wait_to_read_a", .run = news_wait_to_read<a>, .step = watch_step<a>, .line = watchers_of_a});
    made.operation({.name = "wait_to_read_b", .run = news_wait_to_read<b>, .step = watch_step<b>, .line = watchers_of_b});
    made.operation({.name = "latest",
        .run = news_latest,
        .step = [](news& now, invocation&) -> answer { return now.in.empty() ? "none" : std::to_string(now.in.back()); },
        .line = others,
        .refusal = ""});
    made.operation({.name = "leave_b",
        .run = news_leave,
        .step = [](news& now, invocation&) -> answer {
            now.places[b].subscribed = false;
            now.drop_read();
            return "ok";
        },
        .line = others,
        .refusal = ""});
    const auto subscribes = [](bool as_a) {
        return [as_a](news& now, invocation&) -> answer {
            if (now.places[c].made) return "no";
            now.subscribe(as_a);
            return "ok";
        };
    };
    made.operation(
        {.name = "subscribe_c", .run = news_subscribe, .step = subscribes(false), .line = others, .refusal = ""});
    made.operation({.name = "copy_a", .run = news_copy, .step = subscribes(true), .line = others, .refusal = ""});
}

void add_calls_of_writers(scenario<subject, news>& made) {
    made.operation({.name = "write",
        .run = news_write,
        .step = [](news& now, invocation& call) -> answer {
            if (now.closed) return "closed";
            if (!now.put(item_of(call))) return std::nullopt;
            return "ok";
        },
        .line = writers});
    made.operation({.name = "try_write",
        .run = news_try_write,
        .step = [](news& now, invocation& call) -> answer {
            if (now.closed || !now.put(item_of(call))) return std::nullopt;
            return "ok";
        },
        .line = writers,
        .refusal = "no"});
    made.operation({.name = "wait_to_write",
        .run = news_wait_to_write,
        .step = [](news& now, invocation&) -> answer {
            if (now.closed) return "end";
            if (now.is_full() && now.mode == broadcast_full_mode::wait) return std::nullopt;
            return "room";
        },
        .line = write_watchers});
    made.operation({.name = "complete",
        .run = news_complete,
        .step = [](news& now, invocation&) -> answer { return std::exchange(now.closed, true) ? "no" : "completed"; },
        .line = others,
        .refusal = ""});
    made.operation({.name = "drain",
        .run = news_drain,
        .step = [](news& now, invocation&) -> answer { return now.drain(); },
        .line = others,
        .refusal = "",
        .drawn = false});
}

scenario<subject, news> broadcasting(broadcast_channel<int> (*make)(), news initial) {
    scenario<subject, news> made([make] { return std::make_shared<subject>(make()); }, std::move(initial));
    add_calls_of_readers(made);
    add_calls_of_writers(made);
    return made.at_rest({"complete", "drain"});
}

template <broadcast_full_mode Mode>
scenario<subject, news> bounded() {
    const auto make = [] {
        weft::bounded_broadcast_options options;
        options.capacity = 1;
        options.full_mode = Mode;
        return broadcast_channel<int>::bounded(options);
    };
    return broadcasting(make, news{.mode = Mode});
}
scenario<subject, news> unbounded() {
    return broadcasting([] { return broadcast_channel<int>::unbounded(); }, news{.capacity = std::size_t{1} << 20});
}
scenario<subject, news> conflated() {
    return broadcasting([] { return broadcast_channel<int>::conflated(); },
        news{.mode = broadcast_full_mode::drop_oldest, .keeps_last = true});
}

// What a channel that lets writers wait is asked: who reads what, in which order; that a subscription which leaves lets writers go on.
[[maybe_unused]] const bool wait_added =
    weft_test::explore_scenario("broadcast_bounded_wait", bounded<broadcast_full_mode::wait>,
        {{{"write", "write"}, {"read_a", "read_b"}, {"read_b", "complete"}},
            {{"read_a", "write"}, {"write", "read_b"}, {"subscribe_c", "read_c"}},
            {{"write", "write"}, {"read_b", "leave_b"}, {"read_a", "read_a"}},
            {{"wait_to_write", "try_write"}, {"wait_to_read_a", "try_read_a"}, {"write", "read_b"}}});
[[maybe_unused]] const bool drop_oldest_added = weft_test::explore_scenario("broadcast_drop_oldest",
    bounded<broadcast_full_mode::drop_oldest>, {{{"write", "write"}, {"read_a", "read_b"}, {"copy_a", "complete"}}});
[[maybe_unused]] const bool drop_write_added = weft_test::explore_scenario("broadcast_drop_write",
    bounded<broadcast_full_mode::drop_write>, {{{"write", "write"}, {"read_a", "read_b"}, {"read_b", "complete"}}});
[[maybe_unused]] const bool unbounded_added = weft_test::explore_scenario("broadcast_unbounded", unbounded,
    {{{"write", "write"}, {"read_a", "read_a"}, {"read_b", "complete"}},
        {{"write", "read_a"}, {"wait_to_read_a", "read_a"}, {"copy_a", "read_c"}}});
[[maybe_unused]] const bool conflated_added = weft_test::explore_scenario("broadcast_conflated", conflated,
    {{{"write", "write"}, {"read_a", "read_a"}, {"subscribe_c", "read_c"}},
        {{"write", "complete"}, {"wait_to_read_b", "latest"}, {"read_b", "read_a"}}});

}  // namespace
