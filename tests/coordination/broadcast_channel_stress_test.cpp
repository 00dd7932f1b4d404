// Broadcast channels under real threads: writers, readers that give up now and then, and subscriptions that come and go. Nothing is lost,
// nothing comes twice.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "support/scale.hpp"
#include "weft/broadcast_channel.hpp"
#include "weft/run.hpp"
#include "weft/runtime.hpp"
#include "weft/when_all.hpp"

namespace {

using namespace weft;

std::uint64_t next(std::uint64_t& state) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return state >> 33U;
}

// What an item is must not matter: a number is copied under the lock, a string shared.
void make(std::int64_t number, std::int64_t& item) { item = number; }
void make(std::int64_t number, std::string& item) { item = "item number " + std::to_string(number); }
std::int64_t number_of(std::int64_t item) { return item; }
std::int64_t number_of(const std::string& item) { return std::stoll(item.substr(12)); }

/// Every few waits with a token that somebody cancels at about the same time.
struct impatience {
    explicit impatience(std::uint64_t& seed) {
        if (next(seed) % 4 != 0) return;
        token = source.token();
        canceller = run([from = source]() mutable { from.cancel(); });
    }
    cancellation_source source;
    cancellation_token token;
    task<> canceller = completed_task();
};

template <class T>
task<> produce(
    broadcast_writer<T> to, std::int64_t first, int count, std::uint64_t seed, std::atomic<std::int64_t>& written) {
    for (int index = 0; index < count; ++index) {
        T item{};
        make(first + index, item);
        impatience limit(seed);
        bool sent = true;
        try {
            co_await to.write(item, limit.token);
        } catch (const operation_canceled&) {
            sent = false;
        }
        if (sent) ++written;
        co_await limit.canceller;
    }
}

struct result {
    std::int64_t read = 0;
    std::int64_t missed = 0;
};

template <class T>
task<result> consume(broadcast_reader<T> from, std::uint64_t seed) {
    result all;
    std::vector<std::int64_t> last(8, -1);
    for (;;) {
        impatience limit(seed);
        bool ended = false;
        try {
            const T item = co_await from.read(limit.token);
            const std::int64_t number = number_of(item);
            std::int64_t& before = last[static_cast<std::size_t>(number / 1000000)];
            EXPECT_LT(before, number) << "out of order, or twice";
            before = number;
            ++all.read;
            all.missed += static_cast<std::int64_t>(from.take_missed());
        } catch (const channel_closed&) {
            ended = true;
        } catch (const operation_canceled&) {}
        co_await limit.canceller;
        if (ended) co_return all;
    }
}

/// Subscribes and leaves, again and again, also while its own read waits.
template <class T>
task<> come_and_go(broadcast_channel<T> to, std::uint64_t seed, const std::atomic<bool>& ended) {
    while (!ended) {
        broadcast_reader<T> reader = to.subscribe();
        for (std::uint64_t reads = next(seed) % 4; reads > 0; --reads) static_cast<void>(reader.try_read());
        broadcast_reader<T> copy = reader;
        task<T> waiting = copy.read();
        task<> leaving = run([&copy] { copy.unsubscribe(); });
        const auto end = co_await waiting.as_outcome();
        static_cast<void>(end);
        co_await leaving;
    }
}

template <class T>
void pass_everything(const broadcast_channel<T>& through, bool drops) {
    constexpr int producers = 3;
    constexpr int consumers = 3;
    const int each = weft_test::scaled(6000) / producers;
    runtime_options options;
    options.min_threads = 4;
    options.driver = "parking";
    runtime where(options);
    std::atomic<std::int64_t> written{0};
    std::atomic<bool> ended{false};
    std::vector<task<>> writing;
    std::vector<task<result>> reading;
    std::vector<task<>> guests;
    std::vector<broadcast_reader<T>> readers;
    for (int index = 0; index < consumers; ++index) readers.push_back(through.subscribe());
    std::atomic<bool> started{false};
    where.pool().post([&] {
        for (std::size_t index = 0; index < readers.size(); ++index)
            reading.push_back(run(consume<T>, std::move(readers[index]), std::uint64_t{index} + 100));
        for (int index = 0; index < 2; ++index)
            guests.push_back(run(come_and_go<T>, through, std::uint64_t(index) + 200, std::cref(ended)));
        for (int index = 0; index < producers; ++index)
            writing.push_back(run(produce<T>, through.writer(), std::int64_t{index} * 1000000, each,
                std::uint64_t(index) + 1, std::ref(written)));
        started = true;
    });
    while (!started) {}
    when_all(writing).get();
    ended = true;
    when_all(guests).get();
    through.writer().complete();
    for (task<result>& one : reading) {
        const result got = one.get();
        EXPECT_EQ(got.read + got.missed, written.load());
        EXPECT_TRUE(drops || got.missed == 0);
    }
    EXPECT_EQ(through.writer().subscribers(), 0U);
}

TEST(broadcast_channel_stress, writers_wait_for_the_slowest) {
    pass_everything(broadcast_channel<std::int64_t>::bounded(4), false);
    pass_everything(broadcast_channel<std::string>::bounded(4), false);
}

TEST(broadcast_channel_stress, nothing_is_lost_without_a_bound) {
    pass_everything(broadcast_channel<std::string>::unbounded(), false);
}

TEST(broadcast_channel_stress, what_is_missed_is_counted) {
    pass_everything(
        broadcast_channel<std::string>::bounded({.capacity = 8, .full_mode = broadcast_full_mode::drop_oldest}), true);
    pass_everything(broadcast_channel<std::int64_t>::conflated(), true);
}

}  // namespace
