// tests/testing_io/simulated_io_test.cpp: the world itself: who finds it, what it leaves behind, how it ends.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "weft/base/error.hpp"
#include "weft/fs/file.hpp"
#include "weft/net/resolver.hpp"
#include "weft/net/tcp.hpp"
#include "weft/task.hpp"
#include "weft/testing_io/simulated_io.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;
using weft::testing::chooser;
using weft::testing::deadlock;
using weft::testing::deterministic_scheduler;
using weft::testing::simulated_io;

task<std::size_t> read_some(tcp_stream& stream, cancellation_token token = {}) {
    std::array<char, 16> buffer{};
    const std::size_t count = co_await stream.read(std::span<char>(buffer), std::move(token));
    co_return count;
}

struct streams {
    tcp_stream client, server;
};

task<streams> connected() {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    task<tcp_stream> accepted = listener.accept();
    streams both;
    both.client = co_await tcp_stream::connect(listener.local_endpoint());
    both.server = co_await std::move(accepted);
    co_return both;
}

TEST(simulated_io, without_one_a_scheduler_does_no_io) {
    deterministic_scheduler world;
    EXPECT_THROW(world.run(tcp_stream::connect(endpoint::loopback_v4(1))), invalid_operation);
    {
        simulated_io io(world);
        EXPECT_THROW(world.run(tcp_stream::connect(endpoint::loopback_v4(1))), io_error);
    }
    EXPECT_THROW(world.run(tcp_stream::connect(endpoint::loopback_v4(1))), invalid_operation);
}

TEST(simulated_io, a_scheduler_has_one) {
    deterministic_scheduler world;
    simulated_io io(world);
    EXPECT_THROW(simulated_io second(world), invalid_operation);
    deterministic_scheduler inner;
    simulated_io of_inner(inner);
    EXPECT_THROW(inner.run(tcp_stream::connect(endpoint::loopback_v4(1))), io_error);
}

TEST(simulated_io, names_make_nodes_once) {
    deterministic_scheduler world;
    simulated_io io(world);
    EXPECT_EQ(io.node("a").at(1), io.node("a").at(1));
    EXPECT_NE(io.node("a").at(1), io.node("b").at(1));
    EXPECT_EQ(io.node("a").name(), "a");
    EXPECT_EQ(io.local().name(), "local");
    EXPECT_EQ(io.driver().name(), "simulated");
}

TEST(simulated_io, a_read_nobody_answers_is_a_deadlock) {
    deterministic_scheduler world;
    simulated_io io(world);
    streams both = world.run(connected());
    EXPECT_THROW(world.run(read_some(both.client)), deadlock);
}

// ---- the end of a world

TEST(simulated_io, going_ends_what_is_in_flight) {
    deterministic_scheduler world;
    auto io = std::make_unique<simulated_io>(world);
    streams both = world.run(connected());
    task<std::size_t> reading = read_some(both.client);
    task<fs::file> opening = fs::file::open("/data/x");
    task<std::vector<endpoint>> looking = net::resolve("nobody", 1);
    EXPECT_EQ(io->operations(), 3U);
    io.reset();
    world.run_until_idle();
    EXPECT_THROW(reading.get(), operation_canceled);
    EXPECT_THROW(opening.get(), operation_canceled);
    EXPECT_THROW(looking.get(), operation_canceled);
    EXPECT_THROW(world.run(read_some(both.server)), operation_canceled);
    // And the streams are closed later than their world.
}

TEST(simulated_io, streams_may_outlive_the_scheduler) {
    std::optional<streams> both;
    {
        deterministic_scheduler world;
        simulated_io io(world);
        both = world.run(connected());
    }
    EXPECT_TRUE(both->client.is_open());
    both.reset();
}

task<> wait_for_ever(tcp_stream stream) { static_cast<void>(co_await read_some(stream)); }

TEST(simulated_io, frames_may_be_destroyed_in_the_middle_of_it) {
    // Declared outside, the world is there while the scheduler destroys the frames that wait in it, as after a deadlock that an
    // exploration has found.
    auto world = std::make_unique<deterministic_scheduler>();
    const auto everything = [](deterministic_scheduler& in) -> task<> {
        simulated_io io(in);
        streams both = co_await connected();
        task<> one = wait_for_ever(std::move(both.client));
        task<std::size_t> two = read_some(both.server);
        tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
        task<tcp_stream> three = listener.accept();
        co_await std::move(two);
    };
    EXPECT_THROW(world->run(everything(*world)), deadlock);
    world.reset();
}

TEST(simulated_io, cancelling_later_than_the_world_is_harmless) {
    cancellation_source source;
    deterministic_scheduler world;
    std::optional<simulated_io> io(std::in_place, world);
    task<fs::file> opening = fs::file::open("/data/x", fs::open_mode::read, source.token());
    io.reset();
    source.cancel();
    world.run_until_idle();
    EXPECT_THROW(opening.get(), operation_canceled);
}

// ---- both outcomes of a race are explored

task<std::string> race(streams& both) {
    cancellation_source source;
    task<std::size_t> reading = read_some(both.client, source.token());
    co_await both.server.write(std::string_view("x"));
    source.cancel();
    std::string how = "result";
    try {
        co_await std::move(reading);
    } catch (const operation_canceled&) {
        how = "canceled";
    }
    if (how == "canceled") {
        const std::size_t later = co_await read_some(both.client);
        EXPECT_EQ(later, 1U);
    }
    co_return how;
}

TEST(simulated_io, a_completion_and_its_cancellation_are_two_candidates) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed < 30; ++seed) {
        deterministic_scheduler world(seed);
        simulated_io io(world);
        streams both = world.run(connected());
        seen.insert(world.run(race(both)));
    }
    EXPECT_EQ(seen, (std::set<std::string>{"canceled", "result"}));
}

task<std::string> order_of_two(streams& first, streams& second) {
    std::string order;
    const auto note = [&order](tcp_stream& stream, char letter) -> task<> {
        static_cast<void>(co_await read_some(stream));
        order += letter;
    };
    task<> a = note(first.client, 'a');
    task<> b = note(second.client, 'b');
    co_await first.server.write(std::string_view("x"));
    co_await second.server.write(std::string_view("x"));
    co_await std::move(a);
    co_await std::move(b);
    co_return order;
}

TEST(simulated_io, completions_come_in_any_order) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed < 30; ++seed) {
        deterministic_scheduler world(seed);
        simulated_io io(world);
        streams first = world.run(connected()), second = world.run(connected());
        seen.insert(world.run(order_of_two(first, second)));
    }
    EXPECT_EQ(seen, (std::set<std::string>{"ab", "ba"}));
}

// ---- another source of choices

class counting_chooser final : public chooser {
public:
    std::size_t choose(const char* kind, std::size_t options) override {
        EXPECT_GE(options, 2U);
        kinds.insert(kind);
        return 0;
    }
    std::set<std::string> kinds;
};

TEST(simulated_io, choices_may_come_from_elsewhere) {
    deterministic_scheduler world;
    counting_chooser choices;
    simulated_io io(world, choices);
    io.network().latency(1ms, 2ms);
    streams both = world.run(connected());
    both.server.shutdown_send();
    world.run_until_idle();
    EXPECT_EQ(world.run(read_some(both.client)), 0U);
    EXPECT_TRUE(choices.kinds.contains("net.latency"));
    EXPECT_TRUE(choices.kinds.contains("io.at_once"));
}

}  // namespace
