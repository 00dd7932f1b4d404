// Broadcast channels under thousands of schedules: who subscribes, leaves, writes, reads or gives up when comes from the seed. Every
// subscriber reads every item since its subscription, in one order; what it missed is counted; nobody waits for ever.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "weft/base/dispatcher.hpp"
#include "weft/broadcast_channel.hpp"
#include "weft/select.hpp"
#include "weft/testing/assertions.hpp"
#include "weft/when_all.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;

std::size_t pick(std::size_t options) { return static_cast<std::size_t>(detail::current_dispatcher().random() % options); }

task<> pause() {
    const std::size_t steps = pick(4);
    for (std::size_t i = 0; i < steps; ++i) co_await yield();
}

/// An item that was written, or at least tried to be, and when.
struct mailing {
    int began = 0;
    int ended = 0;  ///< 0: it was not delivered
};
struct scene {
    explicit scene(broadcast_channel<int> of) : news(std::move(of)) {}
    broadcast_channel<int> news;
    broadcast_reader<int> never = broadcast_channel<int>::unbounded().subscribe();
    std::vector<mailing> mailings;  ///< by item
    int now = 1;
    bool inside_cancel = false;

    [[nodiscard]] std::size_t delivered() const {
        return static_cast<std::size_t>(
            std::count_if(mailings.begin(), mailings.end(), [](const mailing& each) { return each.ended > 0; }));
    }
};
struct listener {
    explicit listener(broadcast_reader<int> of, int when) : reader(std::move(of)), since(when) {}
    broadcast_reader<int> reader;
    int since = 0;
    std::vector<int> items;
    std::uint64_t missed = 0;
    bool stayed = true;
};

task<> cancel_later(scene& in, cancellation_source source) {
    task<> before = pause();
    co_await std::move(before);
    in.inside_cancel = true;
    source.cancel();
    in.inside_cancel = false;
}

task<> write_some(scene& in, int count) {
    broadcast_writer<int> to = in.news.writer();
    for (int i = 0; i < count; ++i) {
        task<> before = pause();
        co_await std::move(before);
        const auto item = static_cast<int>(in.mailings.size());
        in.mailings.push_back({in.now++, 0});
        cancellation_source source;
        task<> canceller;
        const std::size_t how = pick(4);
        bool written = true;
        if (how == 0) {
            written = to.try_write(item);
        } else if (how == 1) {
            canceller = cancel_later(in, source);
            task<> write = to.write(item, source.token());
            const auto end = co_await write.as_outcome();
            EXPECT_FALSE(in.inside_cancel) << "a continuation ran inside cancel()";
            written = end.has_value();
        } else {
            co_await to.write(item);
        }
        if (written) in.mailings[static_cast<std::size_t>(item)].ended = in.now++;
        if (canceller.valid()) co_await canceller;
    }
}

/// One read, in one of the ways there are. @returns false at the end
task<bool> read_once(scene& in, listener& by) {
    const std::size_t how = pick(5);
    std::optional<int> item;
    if (how == 0) {
        item = by.reader.try_read();
        if (!item.has_value()) {
            const bool more = co_await by.reader.wait_to_read();
            co_return more;
        }
    } else if (how == 1) {
        cancellation_source source;
        task<> canceller = cancel_later(in, source);
        task<int> read = by.reader.read(source.token());
        const auto end = co_await read.as_outcome();
        EXPECT_FALSE(in.inside_cancel) << "a continuation ran inside cancel()";
        co_await canceller;
        if (!end.has_value() && !end.is_canceled()) co_return false;
        if (end.has_value()) item = end.value();
    } else if (how == 2) {
        auto reading = select(case_read(by.reader), case_read(in.never));
        const auto chosen = co_await reading;
        item = std::get<0>(chosen);
        if (!item.has_value()) co_return false;
    } else {
        task<int> read = by.reader.read();
        const auto end = co_await read.as_outcome();
        if (!end.has_value()) co_return false;
        item = end.value();
    }
    if (item.has_value()) by.items.push_back(*item);
    by.missed += by.reader.take_missed();
    co_return true;
}

task<> listen(scene& in, listener& by, bool may_leave) {
    for (;;) {
        task<> before = pause();
        co_await std::move(before);
        if (may_leave && pick(12) == 0) {
            by.stayed = false;
            by.reader.unsubscribe();
            co_return;
        }
        task<bool> reading = read_once(in, by);
        const bool more = co_await reading;
        if (!more) co_return;
    }
}
task<> listen_later(scene& in, std::vector<std::unique_ptr<listener>>& all, bool as_copy) {
    task<> before = pause();
    co_await std::move(before);
    // A copy of the first stands where that stands, after what that has read.
    broadcast_reader<int> mine = as_copy ? all.front()->reader : in.news.subscribe();
    all.push_back(std::make_unique<listener>(std::move(mine), as_copy ? -1 : in.now++));
    listener& by = *all.back();
    task<> listening = listen(in, by, !as_copy);
    co_await listening;
}

task<> end_after(scene& in, std::vector<task<>> writing) {
    co_await when_all(writing);
    in.news.writer().complete();
}

/// Two writers, a reader from the first item on, others that come and go.
task<> play(scene& in, std::vector<std::unique_ptr<listener>>& all) {
    all.push_back(std::make_unique<listener>(in.news.subscribe(), in.now++));
    std::vector<task<>> tasks;
    tasks.push_back(listen(in, *all.front(), false));
    for (int i = 0; i < 2; ++i) tasks.push_back(listen_later(in, all, false));
    tasks.push_back(listen_later(in, all, true));
    std::vector<task<>> writing;
    for (int i = 0; i < 2; ++i) writing.push_back(write_some(in, 4));
    tasks.push_back(end_after(in, std::move(writing)));
    co_await when_all(tasks);
}

/// Every one who stayed has read the end of what the first has read, from its subscription on.
void expect_everything(const scene& in, const std::vector<std::unique_ptr<listener>>& all) {
    const std::vector<int>& order = all.front()->items;
    EXPECT_EQ(order.size(), in.delivered());
    for (const auto& each : all) {
        EXPECT_EQ(each->missed, 0U);
        const auto from = each->items.empty() ? order.end() : std::find(order.begin(), order.end(), each->items.front());
        const std::vector<int> expected(from, order.end());
        EXPECT_TRUE(
            each->stayed ? each->items == expected : std::equal(each->items.begin(), each->items.end(), expected.begin()));
        if (each->since < 0 || !each->stayed) continue;
        for (const int item : order) {
            const mailing& one = in.mailings[static_cast<std::size_t>(item)];
            const bool has = std::find(each->items.begin(), each->items.end(), item) != each->items.end();
            EXPECT_TRUE(has || one.began < each->since) << "an item is missing";
            EXPECT_TRUE(!has || one.ended > each->since) << "an item from before the subscription";
        }
    }
}

WEFT_EXPLORE_TEST(
    "broadcast_channel: every subscriber reads everything in one order, and writers wait for the slowest", 2000) {
    scene in(broadcast_channel<int>::bounded(1 + pick(3)));
    std::vector<std::unique_ptr<listener>> all;
    all.reserve(8);
    task<> played = play(in, all);
    co_await played;
    expect_everything(in, all);
    all.clear();
    EXPECT_EQ(in.news.writer().subscribers(), 0U);
}

WEFT_EXPLORE_TEST("broadcast_channel: an unbounded one gives everything to everybody", 2000) {
    scene in(broadcast_channel<int>::unbounded());
    std::vector<std::unique_ptr<listener>> all;
    all.reserve(8);
    task<> played = play(in, all);
    co_await played;
    expect_everything(in, all);
}

WEFT_EXPLORE_TEST("broadcast_channel: who lags reads in order and is told how many it missed", 2000) {
    const bool conflated = pick(3) == 0;
    bounded_broadcast_options options;
    options.capacity = 1 + pick(2);
    options.full_mode = broadcast_full_mode::drop_oldest;
    scene in(conflated ? broadcast_channel<int>::conflated() : broadcast_channel<int>::bounded(options));
    std::vector<std::unique_ptr<listener>> all;
    all.reserve(8);
    task<> played = play(in, all);
    co_await played;
    // Nothing waits, so items are delivered in the order of their numbers.
    for (const auto& each : all) {
        EXPECT_TRUE(std::is_sorted(each->items.begin(), each->items.end()));
        EXPECT_EQ(std::adjacent_find(each->items.begin(), each->items.end()), each->items.end());
        if (!each->stayed) continue;
        EXPECT_TRUE(each != all.front() || each->items.size() + each->missed == in.delivered());
        EXPECT_FALSE(conflated && each->since >= 0 && in.delivered() > 0 && each->items.empty());
    }
}

}  // namespace
