// Channels under real threads: many producers and consumers, some of which give up now and then. Nothing is lost, nothing comes twice.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "support/scale.hpp"
#include "weft/block_on.hpp"
#include "weft/channel.hpp"
#include "weft/run.hpp"
#include "weft/runtime.hpp"
#include "weft/select.hpp"
#include "weft/when_all.hpp"
#include "weft/yield.hpp"

namespace {

using namespace weft;

struct tally {
    std::atomic<std::int64_t> written{0};
    std::atomic<std::int64_t> written_sum{0};
    std::atomic<std::int64_t> read{0};
    std::atomic<std::int64_t> read_sum{0};
    std::atomic<std::int64_t> given_up{0};
};

std::uint64_t next(std::uint64_t& state) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return state >> 33U;
}

/// Every few waits with a token that somebody cancels at about the same time.
task<> produce(channel_writer<std::int64_t> to, std::int64_t first, int count, std::uint64_t seed, tally& all) {
    for (int index = 0; index < count; ++index) {
        const std::int64_t item = first + index;
        cancellation_source source;
        const bool hurries = next(seed) % 4 == 0;
        task<> canceller;
        cancellation_token token;
        if (hurries) {
            canceller = run([source]() mutable { source.cancel(); });
            token = source.token();
        }
        bool sent = true;
        try {
            co_await to.write(item, token);
        } catch (const operation_canceled&) {
            sent = false;
        }
        if (sent) {
            ++all.written;
            all.written_sum += item;
        } else {
            ++all.given_up;
        }
        if (hurries) co_await canceller;
    }
}

task<> consume(channel_reader<std::int64_t> from, std::uint64_t seed, tally& all) {
    for (;;) {
        cancellation_source source;
        const bool hurries = next(seed) % 4 == 0;
        task<> canceller;
        cancellation_token token;
        if (hurries) {
            canceller = run([source]() mutable { source.cancel(); });
            token = source.token();
        }
        bool ended = false;
        try {
            const std::int64_t item = co_await from.read(token);
            ++all.read;
            all.read_sum += item;
        } catch (const channel_closed&) {
            ended = true;
        } catch (const operation_canceled&) {
            ++all.given_up;
        }
        if (hurries) co_await canceller;
        if (ended) co_return;
    }
}

void pass_everything(channel<std::int64_t> through, int producers, int consumers) {
    const int each = weft_test::scaled(20000) / producers;
    runtime_options options;
    options.min_threads = 4;
    options.driver = "parking";
    runtime where(options);
    tally all;
    std::vector<task<>> writing;
    std::vector<task<>> reading;
    std::atomic<bool> ended{false};
    where.pool().post([&] {
        for (int index = 0; index < consumers; ++index)
            reading.push_back(run(consume, through.reader(), std::uint64_t(index) + 100, std::ref(all)));
        for (int index = 0; index < producers; ++index)
            writing.push_back(run(
                produce, through.writer(), std::int64_t{index} * 1000000, each, std::uint64_t(index) + 1, std::ref(all)));
        ended = true;
    });
    while (!ended) {}
    when_all(writing).get();
    through.writer().complete();
    when_all(reading).get();
    EXPECT_EQ(all.read, all.written);
    EXPECT_EQ(all.read_sum, all.written_sum);
    EXPECT_EQ(through.reader().count(), 0U);
    EXPECT_TRUE(through.reader().completion().is_completed_successfully());
}

/// Takes from either of two channels and passes on to a third, by select alone.
task<> relay(channel_reader<std::int64_t> one, channel_reader<std::int64_t> two, channel_writer<std::int64_t> to) {
    bool one_open = true;
    bool two_open = true;
    while (one_open || two_open) {
        std::optional<std::int64_t> item;
        if (one_open && two_open) {
            auto chosen = co_await select(case_read(one), case_read(two));
            item = chosen.index() == 0 ? std::get<0>(chosen) : std::get<1>(chosen);
            if (!item.has_value()) (chosen.index() == 0 ? one_open : two_open) = false;
        } else {
            auto chosen = co_await select(case_read(one_open ? one : two));
            item = std::get<0>(chosen);
            if (!item.has_value()) one_open = two_open = false;
        }
        if (item.has_value()) static_cast<void>(co_await select(case_write(to, *item)));
    }
}

TEST(channel_stress, selects_meet_selects) {
    const int each = weft_test::scaled(20000);
    runtime_options options;
    options.min_threads = 4;
    options.driver = "parking";
    runtime where(options);
    // Rendezvous: every item goes from one select to another.
    auto one = channel<std::int64_t>::bounded(0);
    auto two = channel<std::int64_t>::bounded(0);
    auto out = channel<std::int64_t>::bounded(0);
    tally all;
    const auto feed = [each](channel_writer<std::int64_t> to, channel_writer<std::int64_t> other) -> task<> {
        for (int index = 0; index < each; ++index)
            static_cast<void>(co_await select(case_write(to, index), case_write(other, index)));
    };
    const auto drain = [&all](channel_reader<std::int64_t> from) -> task<> {
        while (const auto item = std::get<0>(co_await select(case_read(from)))) {
            ++all.read;
            all.read_sum += *item;
        }
    };
    const auto everything = [&]() -> task<> {
        task<> feeding_one = run(feed, one.writer(), two.writer());
        task<> feeding_two = run(feed, two.writer(), one.writer());
        task<> relaying_one = run(relay, one.reader(), two.reader(), out.writer());
        task<> relaying_two = run(relay, two.reader(), one.reader(), out.writer());
        task<> draining = run(drain, out.reader());
        co_await feeding_one;
        co_await feeding_two;
        one.writer().complete();
        two.writer().complete();
        co_await relaying_one;
        co_await relaying_two;
        out.writer().complete();
        co_await draining;
    };
    block_on(where, [&] { return run(everything); });
    EXPECT_EQ(all.read, 2 * each);
    EXPECT_EQ(all.read_sum, std::int64_t{each} * (each - 1));
}

TEST(channel_stress, unbounded) { pass_everything(channel<std::int64_t>::unbounded(), 4, 4); }
TEST(channel_stress, one_at_a_time) { pass_everything(channel<std::int64_t>::bounded(1), 4, 4); }
TEST(channel_stress, rendezvous) { pass_everything(channel<std::int64_t>::bounded(0), 3, 3); }
TEST(channel_stress, many_to_one) { pass_everything(channel<std::int64_t>::bounded(16), 4, 1); }
TEST(channel_stress, one_to_many) { pass_everything(channel<std::int64_t>::prioritized(), 1, 4); }
TEST(channel_stress, inline_readers) {
    pass_everything(channel<std::int64_t>::bounded({.capacity = 4, .allow_synchronous_continuations = true}), 2, 2);
}

}  // namespace
