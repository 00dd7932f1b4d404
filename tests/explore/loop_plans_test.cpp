// Parallel loops, every schedule: each item once, never more at a time than allowed, and nobody runs when the loop has ended, be it well,
// by a failure or by its token.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "explore/scenarios.hpp"
#include "weft/weft.hpp"

namespace {

using weft::task;
using weft::testing::world;

weft::parallel_options degree(std::int32_t most) {
    weft::parallel_options options;
    options.max_degree_of_parallelism = most;
    return options;
}

/// What a loop did.
struct account {
    explicit account(world& in) : w(in) {}
    world& w;
    std::vector<int> begun{};
    int running = 0;
    int most = 0;

    task<> item(int number) {
        begun.push_back(number);
        most = std::max(most, ++running);
        co_await w.point();
        --running;
    }
    /// The loop's task is done. @param whole  whether it ended well
    void check(int items, int allowed, bool whole) {
        WEFT_CHECK(running == 0);
        WEFT_CHECK(most <= allowed);
        std::sort(begun.begin(), begun.end());
        WEFT_CHECK(std::adjacent_find(begun.begin(), begun.end()) == begun.end());
        WEFT_CHECK(!whole || begun.size() == static_cast<std::size_t>(items));
    }
};

/// How a loop ended. A cancellation needs a token that asks for it, a failure an item that fails.
enum class ending : unsigned char { well, failed, canceled };

task<ending> ending_of(task<> loop) {
    try {
        co_await std::move(loop);
    } catch (const weft::operation_canceled&) {
        co_return ending::canceled;
    } catch (const std::runtime_error&) {
        co_return ending::failed;
    }
    co_return ending::well;
}

[[maybe_unused]] const bool each_added =
    weft_test::explore_exhaustively("parallel_loops", "every_schedule_of_for_each", [](world& w) -> task<> {
        account made(w);
        const std::vector<int> items{0, 1, 2, 3, 4};
        const auto body = [&](int item) { return made.item(item); };
        task<> loop = weft::parallel_for_each(items, degree(3), body);
        co_await loop;
        made.check(5, 3, true);
    });

/// The workers take turns at the source.
weft::async_stream<int> source(world& w, int count, bool& asked_at_once) {
    bool inside = false;
    for (int i = 0; i < count; ++i) {
        asked_at_once = asked_at_once || std::exchange(inside, true);
        co_await w.point();
        inside = false;
        co_yield i;
    }
}
[[maybe_unused]] const bool stream_added =
    weft_test::explore_exhaustively("parallel_loops", "every_schedule_of_for_each_of_a_stream", [](world& w) -> task<> {
        account made(w);
        bool asked_at_once = false;
        const auto body = [&](int item) { return made.item(item); };
        task<> loop = weft::parallel_for_each(source(w, 4, asked_at_once), degree(3), body);
        co_await loop;
        made.check(4, 3, true);
        WEFT_CHECK(!asked_at_once);
    });

[[maybe_unused]] const bool for_added =
    weft_test::explore_exhaustively("parallel_loops", "every_schedule_of_for_with_an_end", [](world& w) -> task<> {
        account made(w);
        const int broken = static_cast<int>(w.choose("which fails", 4));
        const weft::cancellation_token stop = w.cancel_any_time();
        const auto body = [&](int item) -> task<> {
            task<> running = made.item(item);
            co_await running;
            if (item == broken) throw std::runtime_error("broken");
        };
        task<> loop = weft::parallel_for(0, 3, degree(2), body, stop);
        task<ending> over = ending_of(std::move(loop));
        const ending how = co_await over;
        made.check(3, 2, how == ending::well);
        WEFT_CHECK(how != ending::canceled || stop.is_cancellation_requested());
        WEFT_CHECK(how != ending::failed || broken < 3);
        const bool broke = std::find(made.begun.begin(), made.begun.end(), broken) != made.begun.end();
        WEFT_CHECK(how != ending::well || !broke);
        WEFT_CHECK(stop.state()->registrations() == 0);
    });

[[maybe_unused]] const bool invoke_added =
    weft_test::explore_exhaustively("parallel_loops", "every_schedule_of_invoke_with_an_end", [](world& w) -> task<> {
        account made(w);
        const std::size_t broken = w.choose("which fails", 3);  // the first, the second, none
        const weft::cancellation_token stop = w.cancel_any_time();
        const auto function = [&](int number) -> task<> {
            task<> running = made.item(number);
            co_await running;
            if (static_cast<std::size_t>(number) + 1 == broken) throw std::runtime_error("broken");
        };
        task<> loop =
            weft::parallel_invoke(weft::parallel_options(), stop, [&] { return function(0); }, [&] { return function(1); });
        task<ending> over = ending_of(std::move(loop));
        const ending how = co_await over;
        made.check(2, 2, how == ending::well);
        WEFT_CHECK(how != ending::canceled || stop.is_cancellation_requested());
        WEFT_CHECK(how != ending::failed || broken != 0);
        WEFT_CHECK(stop.state()->registrations() == 0);
    });

}  // namespace
