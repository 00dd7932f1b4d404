// tests/io/connection_pool_test.cpp: a pool over connections that the test makes, in virtual time, and over sockets.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/net/connection_pool.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft;
using namespace weft_test;
using weft::testing::deterministic_scheduler;

/// A connection that counts itself.
struct fake {
    int number = 0;
    std::shared_ptr<int> open;
    bool broken = false;

    fake(int which, std::shared_ptr<int> counter) : number(which), open(std::move(counter)) { ++*open; }
    fake(fake&& other) noexcept = default;
    fake& operator=(fake&& other) noexcept {
        if (open) --*open;
        number = other.number;
        open = std::move(other.open);
        broken = other.broken;
        return *this;
    }
    ~fake() {
        if (open) --*open;
    }
    [[nodiscard]] bool is_quiet() const noexcept { return !broken; }
};

using pool_type = net::connection_pool<std::string, fake>;

struct fixture {
    explicit fixture(net::pool_options options)
        : pool([this](const std::string& key, cancellation_token token) { return connect(key, std::move(token)); },
              options) {}

    task<fake> connect(const std::string& key, cancellation_token token) {
        ++attempts;
        if (takes > 0s) co_await delay(takes, token);
        if (key == "nobody") throw std::runtime_error("nobody is there");
        co_return fake(++made, open);
    }

    std::shared_ptr<int> open = std::make_shared<int>(0);
    int made = 0;
    int attempts = 0;
    std::chrono::nanoseconds takes{0};
    pool_type pool;
};

void run(task<> (*body)(fixture&), net::pool_options options = {.max_per_key = 2}) {
    deterministic_scheduler world(1);
    fixture all(options);
    world.run(body(all));
    EXPECT_EQ(*all.open, static_cast<int>(all.pool.unused("a") + all.pool.unused("b")));
    all.pool.dispose();
    EXPECT_EQ(*all.open, 0);
}

task<> reuse(fixture& all) {
    pool_type::lease first = co_await all.pool.rent("a");
    EXPECT_EQ(first->number, 1);
    EXPECT_FALSE(first.is_reused());
    first.give_back();
    EXPECT_FALSE(first);
    pool_type::lease again = co_await all.pool.rent("a");
    EXPECT_EQ(again->number, 1);
    EXPECT_TRUE(again.is_reused());
    pool_type::lease other = co_await all.pool.rent("b");
    EXPECT_EQ(other->number, 2);
    { const pool_type::lease dropped = std::move(again); }
    EXPECT_EQ(all.pool.count("a"), 0U);
    EXPECT_EQ(*all.open, 1);
    other = co_await all.pool.rent("a");
    EXPECT_EQ(other->number, 3);
    EXPECT_EQ(all.pool.count("b"), 0U);
}
TEST(connection_pool, what_is_given_back_is_used_again_and_what_is_dropped_is_closed) { run(&reuse); }

task<> newest_first(fixture& all) {
    pool_type::lease one = co_await all.pool.rent("a");
    pool_type::lease two = co_await all.pool.rent("a");
    one.give_back();
    two.give_back();
    pool_type::lease newest = co_await all.pool.rent("a");
    EXPECT_EQ(all.made, 2);
    EXPECT_EQ(all.pool.unused("a"), 1U);
}
TEST(connection_pool, the_newest_is_used_first) { run(&newest_first); }

task<> in_line(fixture& all) {
    pool_type::lease one = co_await all.pool.rent("a");
    pool_type::lease two = co_await all.pool.rent("a");
    cancellation_source impatient;
    task<pool_type::lease> third = all.pool.rent("a");
    task<pool_type::lease> leaving = all.pool.rent("a", impatient.token());
    task<pool_type::lease> fourth = all.pool.rent("a");
    EXPECT_FALSE(third.is_completed());
    impatient.cancel();
    const std::string left = co_await failure_of(std::move(leaving));
    EXPECT_NE(left, "");
    one.give_back();
    pool_type::lease served = co_await std::move(third);
    EXPECT_EQ(served->number, 1);
    EXPECT_FALSE(fourth.is_completed());
    {
        // Dropped: its place is the next one's, who makes a new connection.
        const pool_type::lease dropped = std::move(two);
    }
    pool_type::lease fresh = co_await std::move(fourth);
    EXPECT_EQ(fresh->number, 3);
    EXPECT_EQ(all.pool.count("a"), 2U);
}
TEST(connection_pool, who_finds_none_waits_in_line) { run(&in_line); }

task<> failures(fixture& all) {
    for (int i = 0; i < 5; ++i) {
        const std::string said = co_await failure_of(all.pool.rent("nobody"));
        EXPECT_EQ(said, "nobody is there");
    }
    EXPECT_EQ(all.pool.count("nobody"), 0U);
    all.takes = 1h;
    cancellation_source stop;
    task<pool_type::lease> slow = all.pool.rent("a", stop.token());
    task<pool_type::lease> slow_too = all.pool.rent("a", stop.token());
    task<pool_type::lease> waiting = all.pool.rent("a");
    all.takes = 0s;
    stop.cancel();
    const std::string how = co_await failure_of(std::move(slow));
    EXPECT_NE(how, "");
    const std::string how_too = co_await failure_of(std::move(slow_too));
    EXPECT_NE(how_too, "");
    // Who waited behind them gets the right to connect.
    pool_type::lease served = co_await std::move(waiting);
    EXPECT_EQ(served->number, 1);
    EXPECT_EQ(all.pool.count("a"), 1U);
}
TEST(connection_pool, a_failed_or_cancelled_attempt_gives_its_place_to_the_next) { run(&failures); }

task<> expiry(fixture& all) {
    pool_type::lease one = co_await all.pool.rent("a");
    pool_type::lease two = co_await all.pool.rent("a");
    one.give_back();
    co_await delay(6s);
    two.give_back();
    co_await delay(6s);
    EXPECT_EQ(all.pool.unused("a"), 2U);
    all.pool.prune();
    EXPECT_EQ(all.pool.unused("a"), 1U);
    EXPECT_EQ(*all.open, 1);
    pool_type::lease kept = co_await all.pool.rent("a");
    EXPECT_EQ(kept->number, 2);
    kept.give_back();
    co_await delay(11s);
    pool_type::lease fresh = co_await all.pool.rent("a");
    EXPECT_EQ(fresh->number, 3);
    EXPECT_EQ(all.pool.count("a"), 1U);
}
TEST(connection_pool, an_unused_connection_is_closed_after_its_time) {
    run(&expiry, {.max_per_key = 2, .idle_timeout = 10s});
}

task<> dead(fixture& all) {
    pool_type::lease one = co_await all.pool.rent("a");
    fake* const known = &*one;
    known->broken = true;
    one.give_back();
    EXPECT_EQ(all.pool.count("a"), 0U);
    bool usable = true;
    all.pool.check_with([&usable](fake&) { return usable; });
    pool_type::lease two = co_await all.pool.rent("a");
    two.give_back();
    EXPECT_EQ(all.pool.unused("a"), 1U);
    usable = false;
    pool_type::lease three = co_await all.pool.rent("a");
    EXPECT_EQ(three->number, 3);
    EXPECT_FALSE(three.is_reused());
    EXPECT_EQ(all.pool.count("a"), 1U);
}
TEST(connection_pool, a_dead_connection_is_not_used_again) { run(&dead); }

task<> disposal(fixture& all) {
    pool_type::lease one = co_await all.pool.rent("a");
    pool_type::lease two = co_await all.pool.rent("a");
    two.give_back();
    two = co_await all.pool.rent("a");
    task<pool_type::lease> waiting = all.pool.rent("a");
    all.pool.dispose();
    const std::string how = co_await failure_of(std::move(waiting));
    EXPECT_EQ(how, "'connection_pool' has been disposed");
    const std::string after = co_await failure_of(all.pool.rent("a"));
    EXPECT_EQ(after, "'connection_pool' has been disposed");
    EXPECT_EQ(*all.open, 2);
    one.give_back();
    EXPECT_EQ(*all.open, 1);
    two.give_back();
    EXPECT_EQ(*all.open, 0);
}
TEST(connection_pool, after_dispose_nothing_stays_open) { run(&disposal); }

TEST(connection_pool, needs_room_for_one) { EXPECT_THROW(fixture({.max_per_key = 0}), std::invalid_argument); }

// ---- keys

using numbered_pool = net::connection_pool<std::shared_ptr<int>, fake>;

/// Keys that somebody still knows.
std::ptrdiff_t known(const std::vector<std::weak_ptr<int>>& keys) {
    return std::ranges::count_if(keys, [](const std::weak_ptr<int>& each) { return !each.expired(); });
}

task<fake> make_fake(std::shared_ptr<int> open) { co_return fake(1, std::move(open)); }

task<> many_keys() {
    const auto open = std::make_shared<int>(0);
    numbered_pool pool([&open](const std::shared_ptr<int>&, cancellation_token) { return make_fake(open); },
        {.max_per_key = 1, .idle_timeout = 10s});
    std::vector<std::weak_ptr<int>> keys;
    for (int i = 0; i < 1000; ++i) {
        const auto key = std::make_shared<int>(i);
        keys.emplace_back(key);
        numbered_pool::lease rented = co_await pool.rent(key);
        if (i % 2 == 0) rented.give_back();
    }
    EXPECT_EQ(known(keys), 500);
    co_await delay(11s);
    pool.prune();
    EXPECT_EQ(known(keys), 0);
    EXPECT_EQ(*open, 0);
    {
        const auto key = std::make_shared<int>(0);
        keys.emplace_back(key);
        numbered_pool::lease kept = co_await pool.rent(key);
        kept.give_back();
        kept = co_await pool.rent(key);
        task<numbered_pool::lease> waiting = pool.rent(key);
        pool.dispose();
        const std::string how = co_await failure_of(std::move(waiting));
        EXPECT_EQ(how, "'connection_pool' has been disposed");
        kept.give_back();
    }
    EXPECT_EQ(known(keys), 0);
    EXPECT_EQ(*open, 0);
}
TEST(connection_pool, a_key_is_forgotten_with_its_last_connection) {
    deterministic_scheduler world(1);
    world.run(many_keys());
}

// ---- with sockets

using pooled_sockets = io_test;

task<net::tcp_stream> connect_to(net::endpoint to, cancellation_token token) {
    return net::tcp_stream::connect(to, std::move(token));
}

task<> over_sockets() {
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4());
    net::connection_pool<net::endpoint, net::tcp_stream> pool(
        [](const net::endpoint& to, cancellation_token token) { return connect_to(to, std::move(token)); });
    auto rented = co_await pool.rent(listener.local_endpoint());
    net::tcp_stream server = co_await listener.accept();
    rented.give_back();
    rented = co_await pool.rent(listener.local_endpoint());
    EXPECT_TRUE(rented.is_reused());
    rented.give_back();
    EXPECT_EQ(pool.unused(listener.local_endpoint()), 1U);
    // The peer closes it while nobody uses it.
    co_await server.close();
    EXPECT_TRUE(eventually([&] { return pool.unused(listener.local_endpoint()) == 1; }));
    auto fresh = co_await pool.rent(listener.local_endpoint());
    EXPECT_FALSE(fresh.is_reused());
    net::tcp_stream again = co_await listener.accept();
    co_await again.write(std::string_view("nobody asked"));
    std::array<char, 1> byte{};
    const std::size_t count = co_await fresh->read(std::span<char>(byte));
    EXPECT_EQ(count, 1U);
    fresh.give_back();  // with something left to read
    EXPECT_EQ(pool.unused(listener.local_endpoint()), 0U);
    co_await listener.close();
}
TEST_F(pooled_sockets, what_the_peer_closed_or_still_talks_on_is_not_used_again) { block_on(over_sockets()); }

}  // namespace
