#pragma once
// tests/explore/explored.hpp: what tests of our own primitives under exploration have in common.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <utility>

#include "support/scale.hpp"
#include "weft/testing/explore.hpp"
#include "weft/weft.hpp"

namespace explored {

using namespace std::chrono_literals;
using weft::cancellation_registration;
using weft::cancellation_source;
using weft::cancellation_token;
using weft::operation_canceled;
using weft::outcome;
using weft::task;
using weft::task_completion_source;
using weft::testing::exploration;
using weft::testing::explore;
using weft::testing::explore_options;
using weft::testing::world;

/// How many schedules of the portfolio a primitive keeps its promises in, on every commit.
inline constexpr int schedules = 20'000;
/// How many schedules an exhaustive search may take.
inline constexpr int most_exhaustive = 300'000;

/// Explores `body`, which must hold in every schedule, and must have more than one.
inline void holds(task<> (*body)(world&), explore_options options = {}) {
    options.schedules = static_cast<std::size_t>(weft_test::scaled(schedules));
    options.name = testing::UnitTest::GetInstance()->current_test_info()->name();
    const exploration done = explore(options, body);
    EXPECT_TRUE(done.ok()) << done.to_string();
    EXPECT_GT(done.distinct, done.schedules > 1 ? 1U : 0U);
    testing::Test::RecordProperty("explored", done.to_string());
}

/// Explores every schedule of `body` that preempts at most twice.
inline void exhausts(task<> (*body)(world&), explore_options options = {}) {
    options.exhaustive = true;
    options.schedules = static_cast<std::size_t>(weft_test::scaled(most_exhaustive));
    options.name = testing::UnitTest::GetInstance()->current_test_info()->name();
    const exploration done = explore(options, body);
    EXPECT_TRUE(done.ok()) << done.to_string();
    const bool all_of_them = weft_test::scaled(most_exhaustive) == most_exhaustive;
    EXPECT_TRUE(done.exhausted || !all_of_them) << done.to_string();
    testing::Test::RecordProperty("exhausted", done.to_string());
}

/// Sees whether registrations made on a token after this have all gone again.
class registrations {
public:
    explicit registrations(cancellation_token token) : token_(std::move(token)) {
        static_cast<void>(weft::detail::add_registration(token_, before_));
    }
    ~registrations() { weft::detail::remove_and_wait(before_); }
    registrations(const registrations&) = delete;
    registrations& operator=(const registrations&) = delete;

    /// After a cancellation there are none: it has taken them.
    [[nodiscard]] bool are_gone() {
        if (token_.is_cancellation_requested()) return true;
        node last(&ignore);
        if (!weft::detail::add_registration(token_, last)) return true;
        // A list of neighbours: nobody is between the first and the last.
        const bool adjacent = last.next == &before_ || last.prev == &before_;
        weft::detail::remove_and_wait(last);
        return adjacent;
    }

private:
    using node = weft::detail::cancellation_node;
    static void ignore(node&) {}

    cancellation_token token_;
    node before_{&ignore};
};

/// Two at once, one of which begins at a moment of the schedule's choice.
template <task<> (*Body)(world&)>
task<> beside_itself(world& w) {
    task<> first = w.spawn([&] { return Body(w); });
    task<> second = Body(w);
    co_await weft::when_all(first, second);
}

/// So many points: a task that takes some time.
inline task<> dally(world& w, int steps) {
    for (int i = 0; i < steps; ++i) co_await w.point();
}
/// A value after so many points.
inline task<int> value_after(world& w, int steps, int value) {
    co_await dally(w, steps);
    co_return value;
}

}  // namespace explored
