// Many cancelled waiters behind one live waiter: what they took goes back at once, and who is live is served.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <random>
#include <vector>

#include "support/manual_dispatcher.hpp"
#include "support/scale.hpp"
#include "weft/weft.hpp"

namespace {

using namespace weft;

double allocated_bytes() {
    const struct mallinfo2 now = mallinfo2();
    return static_cast<double>(now.uordblks + now.hblkhd);
}

/// `wait(token)` waits in one line; `serve()` lets the live one go.
template <class Wait, class Serve>
void give_up_behind_one(Wait wait, Serve serve) {
    weft_test::manual_dispatcher home;
    const auto count = static_cast<std::size_t>(weft_test::scaled(30000));
    std::vector<std::uint32_t> order(count);
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), std::mt19937(11));  // NOLINT(*-msc51-cpp): repeatable
    double base = 0;
    for (int round = 0; round < 3; ++round) {
        task<> live = wait(cancellation_token());
        {
            std::vector<cancellation_source> sources(count);
            std::vector<task<>> waiting;
            waiting.reserve(count);
            for (const cancellation_source& each : sources) waiting.push_back(wait(each.token()));
            for (const std::uint32_t each : order) sources[each].cancel();
            home.run_all();
            for (const task<>& each : waiting) ASSERT_TRUE(each.is_canceled());
        }
        EXPECT_FALSE(live.is_completed());
        serve();
        home.run_all();
        EXPECT_TRUE(live.is_completed_successfully());
        live = task<>();
        // The first round fills what the frame allocator keeps, which is bounded.
        if (round == 0) base = allocated_bytes();
        else EXPECT_LT(allocated_bytes(), base + 64 * 1024) << "round " << round;
    }
}

TEST(cancelled_waiters_stress, at_a_semaphore) {
    async_semaphore gate(0);
    const auto wait = [&](cancellation_token token) -> task<> { return gate.wait(token); };
    give_up_behind_one(wait, [&] { gate.release(); });
}

task<> lock_once(async_mutex& gate, cancellation_token token) { const auto guard = co_await gate.lock(token); }

TEST(cancelled_waiters_stress, at_a_mutex) {
    async_mutex gate;
    std::optional<async_mutex::guard> held;
    const auto wait = [&](cancellation_token token) {
        if (!token.can_be_canceled()) held = gate.try_lock();  // the live one is the first in the line
        return lock_once(gate, std::move(token));
    };
    give_up_behind_one(wait, [&] { held.reset(); });
}

task<> read_once(channel_reader<int> from, cancellation_token token) { static_cast<void>(co_await from.read(token)); }
task<> receive_once(broadcast_reader<int>& from, cancellation_token token) { static_cast<void>(co_await from.read(token)); }

TEST(cancelled_waiters_stress, at_a_channel) {
    const auto items = channel<int>::unbounded();
    give_up_behind_one([&](cancellation_token token) { return read_once(items.reader(), std::move(token)); },
        [&] { EXPECT_TRUE(items.writer().try_write(1)); });
}

TEST(cancelled_waiters_stress, at_a_broadcast_channel) {
    const auto items = broadcast_channel<int>::unbounded();
    broadcast_reader<int> reader = items.subscribe();
    give_up_behind_one([&](cancellation_token token) { return receive_once(reader, std::move(token)); },
        [&] { EXPECT_TRUE(items.writer().try_write(1)); });
}

TEST(cancelled_waiters_stress, at_an_event) {
    async_manual_reset_event gate;
    const auto wait = [&](cancellation_token token) -> task<> { return gate.wait(token); };
    give_up_behind_one(wait, [&] {
        gate.set();
        gate.reset();
    });
}

}  // namespace
