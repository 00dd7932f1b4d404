// Registration, removal, disposal and cancellation against each other on real threads.
// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <memory>
#include <thread>
#include <vector>

#include "support/eventually.hpp"
#include "weft/base/error.hpp"
#include "weft/cancellation.hpp"
#include "weft/testing/fake_time_provider.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;

constexpr int rounds = 2000;

TEST(cancellation_stress, S_1_13_6_exactly_one_of_removed_and_ran_holds) {
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source;
        std::atomic<int> ran{0};
        auto registration = source.token().register_callback([&] { ++ran; });
        std::barrier start(2);
        std::thread canceller([&] {
            start.arrive_and_wait();
            source.cancel();
        });
        start.arrive_and_wait();
        const bool removed = registration.unregister();
        canceller.join();
        ASSERT_EQ(ran + (removed ? 1 : 0), 1);
    }
}

TEST(cancellation_stress, S_1_13_5_after_dispose_the_callback_is_not_running) {
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source;
        auto data = std::make_unique<int>(0);  // plain, so that the sanitizers see an overlap
        auto registration = source.token().register_callback([&] { *data += 1; });
        std::barrier start(2);
        std::thread canceller([&] {
            start.arrive_and_wait();
            source.cancel();
        });
        start.arrive_and_wait();
        registration.dispose();
        data.reset();
        canceller.join();
    }
}

TEST(cancellation_stress, S_1_13_5_dispose_waits_for_a_callback_on_another_thread) {
    cancellation_source source;
    std::atomic<bool> entered{false};
    std::atomic<bool> disposing{false};
    std::atomic<bool> finished{false};
    auto registration = source.token().register_callback([&] {
        entered = true;
        EXPECT_TRUE(weft_test::eventually([&] { return disposing.load(); }));
        for (int turn = 0; turn < 1000; ++turn) std::this_thread::yield();
        finished = true;
    });
    std::thread canceller([&] { source.cancel(); });
    ASSERT_TRUE(weft_test::eventually([&] { return entered.load(); }));
    EXPECT_FALSE(registration.unregister()) << "and it does not wait";
    EXPECT_FALSE(finished);
    disposing = true;
    registration.dispose();
    EXPECT_TRUE(finished);
    canceller.join();
}

struct frame_like : detail::cancellation_node {
    frame_like() : cancellation_node([](detail::cancellation_node& node) { ++static_cast<frame_like&>(node).fired; }) {}
    int fired = 0;
};

TEST(cancellation_stress, a_node_may_be_freed_after_remove_and_wait) {
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source;
        std::barrier start(3);
        auto waiter = [&start, token = source.token()] {
            auto node = std::make_unique<frame_like>();
            const bool added = detail::add_registration(token, *node);
            start.arrive_and_wait();
            const bool removed = detail::remove_and_wait(*node);
            EXPECT_EQ(node->fired, added && !removed ? 1 : 0);
        };
        std::thread one(waiter);
        std::thread two(waiter);
        start.arrive_and_wait();
        source.cancel();
        one.join();
        two.join();
    }
}

TEST(cancellation_stress, registering_against_cancel_runs_every_callback_exactly_once) {
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source;
        std::atomic<int> ran{0};
        std::barrier start(3);
        auto register_some = [&] {
            std::vector<cancellation_registration> kept;
            start.arrive_and_wait();
            for (int index = 0; index < 4; ++index) kept.push_back(source.token().register_callback([&ran] { ++ran; }));
            EXPECT_TRUE(weft_test::eventually([&] { return ran.load() >= 4; }));
        };
        std::thread one(register_some);
        std::thread two(register_some);
        start.arrive_and_wait();
        source.cancel();
        one.join();
        two.join();
        ASSERT_LE(ran, 8);
    }
}

TEST(cancellation_stress, linked_sources_come_and_go_while_their_parent_cancels) {
    for (int round = 0; round < rounds; ++round) {
        cancellation_source parent;
        std::barrier start(3);
        auto churn = [&start, token = parent.token()] {
            start.arrive_and_wait();
            for (int index = 0; index < 5; ++index) {
                auto child = cancellation_source::linked(token);
                auto registration = child.token().register_callback([] {});
                if (index % 2 == 0) child.dispose();
            }
        };
        std::thread one(churn);
        std::thread two(churn);
        start.arrive_and_wait();
        parent.cancel();
        one.join();
        two.join();
    }
}

TEST(cancellation_stress, timers_are_set_stopped_and_fired_at_once) {
    weft::testing::fake_time_provider clock;
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source(10ms, &clock);
        std::barrier start(3);
        std::thread setter([&] {
            start.arrive_and_wait();
            try {
                source.cancel_after(5ms);
                source.cancel_after(cancellation_source::infinite);
                source.cancel_after(10ms);
            } catch (const object_disposed&) {
                // The other thread was first.
            }
        });
        std::thread canceller([&] {
            start.arrive_and_wait();
            if (round % 2 == 0) source.cancel();
            else source.dispose();
        });
        start.arrive_and_wait();
        clock.advance(10ms);
        setter.join();
        canceller.join();
    }
    clock.advance(1h);
    EXPECT_EQ(clock.pending_timers(), 0u);
}

TEST(cancellation_stress, the_last_handle_goes_while_the_timer_fires) {
    weft::testing::fake_time_provider clock;
    for (int round = 0; round < rounds; ++round) {
        auto source = std::make_unique<cancellation_source>(1ms, &clock);
        std::barrier start(2);
        std::thread owner([&] {
            start.arrive_and_wait();
            source.reset();
        });
        start.arrive_and_wait();
        clock.advance(1ms);
        owner.join();
    }
    EXPECT_EQ(clock.pending_timers(), 0u);
}

}  // namespace
