// Operators of streams, every schedule: nothing lost, nothing twice, each source in its order, whether all is read, a source fails, the
// reader leaves or its token fires.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <vector>

#include "explore/scenarios.hpp"
#include "weft/weft.hpp"

namespace {

using weft::async_stream;
using weft::task;
using weft::testing::world;

/// What the sources of one test have come to.
struct sources {
    explicit sources(world& in) : w(in) {}
    world& w;
    int produced = 0;
    int open = 0;

    async_stream<int> numbers(int from, int count) {
        ++open;
        const weft::scope_exit closed([this]() noexcept { --open; });
        const weft::cancellation_token stop = co_await weft::this_stream::token();
        for (int i = 0; i < count; ++i) {
            co_await w.point();
            stop.throw_if_cancellation_requested();
            ++produced;
            co_yield from + i;
        }
    }
    async_stream<int> failing(int from) {
        ++open;
        const weft::scope_exit closed([this]() noexcept { --open; });
        co_await w.point();
        co_yield from;
        throw std::runtime_error("broken");
    }
};

struct read_so_far {
    std::vector<int> items{};
    bool canceled = false;
    bool failed = false;
};
/// Reads all, or `most`, and disposes of the stream.
task<read_so_far> read_from(async_stream<int> stream, std::size_t most) {
    read_so_far seen;
    try {
        while (seen.items.size() < most) {
            const std::optional<int> item = co_await stream.next();
            if (!item) break;
            seen.items.push_back(*item);
        }
    } catch (const weft::operation_canceled&) {
        seen.canceled = true;
    } catch (const std::runtime_error&) {
        seen.failed = true;
    }
    co_await stream.dispose();
    co_return seen;
}
constexpr std::size_t all_of_them = 100;

/// Those from `from` on are the first `count` of their source, in order.
void check_source(const std::vector<int>& items, int from, std::size_t count) {
    std::vector<int> own;
    std::copy_if(items.begin(), items.end(), std::back_inserter(own), [&](int each) { return each / 10 == from / 10; });
    WEFT_CHECK(own.size() <= count);
    for (std::size_t i = 0; i < own.size(); ++i) WEFT_CHECK(own[i] == from + static_cast<int>(i));
}

[[maybe_unused]] const bool merge_added =
    weft_test::explore_exhaustively("stream_operators", "every_schedule_of_merge", [](world& w) -> task<> {
        sources from(w);
        async_stream<int> both = weft::merge(from.numbers(0, 2), from.numbers(10, 2));
        task<read_so_far> reading = read_from(std::move(both), all_of_them);
        const read_so_far seen = co_await reading;
        check_source(seen.items, 0, 2);
        check_source(seen.items, 10, 2);
        WEFT_CHECK(seen.items.size() == 4 && from.produced == 4 && from.open == 0);
    });

[[maybe_unused]] const bool merge_left_added =
    weft_test::explore_exhaustively("stream_operators", "every_schedule_of_merge_with_an_end", [](world& w) -> task<> {
        sources from(w);
        const weft::cancellation_token stop = w.cancel_any_time();
        const std::size_t taken = w.choose("taken", 2) == 0 ? all_of_them : 1;
        async_stream<int> both = weft::merge(from.numbers(0, 2), from.numbers(10, 2)).with_cancellation(stop);
        task<read_so_far> reading = read_from(std::move(both), taken);
        const read_so_far seen = co_await reading;
        check_source(seen.items, 0, 2);
        check_source(seen.items, 10, 2);
        WEFT_CHECK(!seen.canceled || stop.is_cancellation_requested());
        WEFT_CHECK(seen.canceled || seen.items.size() == std::min<std::size_t>(taken, 4));
        // The sources are gone with the merge: nothing of them goes on.
        WEFT_CHECK(from.open == 0);
        const int produced = from.produced;
        co_await w.settle();
        WEFT_CHECK(from.produced == produced);
        WEFT_CHECK(stop.state()->registrations() == 0);
    });

[[maybe_unused]] const bool merge_failing_added =
    weft_test::explore_exhaustively("stream_operators", "every_schedule_of_merge_with_a_failure", [](world& w) -> task<> {
        sources from(w);
        async_stream<int> both = weft::merge(from.numbers(0, 1), from.failing(10));
        task<read_so_far> reading = read_from(std::move(both), all_of_them);
        const read_so_far seen = co_await reading;
        check_source(seen.items, 0, 1);
        WEFT_CHECK(seen.failed && from.open == 0);
        WEFT_CHECK(std::count(seen.items.begin(), seen.items.end(), 10) == 1);
    });

[[maybe_unused]] const bool buffer_added =
    weft_test::explore_exhaustively("stream_operators", "every_schedule_of_buffer_with_an_end", [](world& w) -> task<> {
        sources from(w);
        const weft::cancellation_token stop = w.cancel_any_time();
        async_stream<std::vector<int>> groups = from.numbers(0, 3).buffer(2).with_cancellation(stop);
        std::vector<std::vector<int>> seen;
        bool canceled = false;
        try {
            for (;;) {
                const std::optional<std::vector<int>> group = co_await groups.next();
                if (!group) break;
                seen.push_back(*group);
                co_await w.point();
            }
        } catch (const weft::operation_canceled&) {
            canceled = true;
        }
        co_await groups.dispose();
        const std::vector<std::vector<int>> whole{{0, 1}, {2}};
        WEFT_CHECK(std::equal(seen.begin(), seen.end(), whole.begin()));
        WEFT_CHECK(canceled ? stop.is_cancellation_requested() : seen.size() == whole.size());
        WEFT_CHECK(from.open == 0 && stop.state()->registrations() == 0);
    });

/// Two tasks, each at its own end of what lies in between: a group is handed on whole while the next one is collected.
[[maybe_unused]] const bool shared_added =
    weft_test::explore_exhaustively("stream_operators", "every_schedule_of_buffer_over_a_channel", [](world& w) -> task<> {
        weft::channel<int> items = weft::channel<int>::bounded(1);
        const auto produce = [&]() -> task<> {
            for (int i = 0; i < 3; ++i) co_await items.writer().write(i);
            items.writer().complete();
        };
        std::vector<int> seen;
        const auto consume = [&]() -> task<> {
            async_stream<std::vector<int>> groups = items.reader().read_all().buffer(2);
            for (;;) {
                const std::optional<std::vector<int>> group = co_await groups.next();
                if (!group) break;
                WEFT_CHECK(group->size() == (seen.empty() ? 2U : 1U));
                seen.insert(seen.end(), group->begin(), group->end());
            }
        };
        std::vector<task<>> both;
        both.push_back(w.spawn(produce));
        both.push_back(w.spawn(consume));
        co_await weft::when_all(both);
        WEFT_CHECK((seen == std::vector<int>{0, 1, 2}));
    });

}  // namespace
