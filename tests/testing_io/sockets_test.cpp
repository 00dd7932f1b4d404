// tests/testing_io/sockets_test.cpp: several addresses, datagrams and refused domains in the simulated world.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "weft/base/error.hpp"
#include "weft/delay.hpp"
#include "weft/net/tcp.hpp"
#include "weft/net/udp.hpp"
#include "weft/net/unix.hpp"
#include "weft/task.hpp"
#include "weft/testing_io/simulated_io.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;
using net::udp_socket;
using weft::testing::deterministic_scheduler;
using weft::testing::simulated_io;
using weft::testing::simulated_node;

/// A client and a service of four addresses: the first and the third say nothing, the second is nobody's, the fourth answers.
struct service {
    explicit service(std::uint64_t seed = 1) : world(seed), io(world) {
        for (const simulated_node& silent : {first, third}) io.network().partition(client, silent);
        io.network().add_host("service", first.at(0));
        io.network().add_host("service", endpoint("2001:db8::1", 0));
        io.network().add_host("service", third.at(0));
        io.network().add_host("service", fourth.at(0));
    }
    [[nodiscard]] std::chrono::nanoseconds now() { return world.time().now().time_since_epoch(); }

    deterministic_scheduler world;
    simulated_io io;
    simulated_node client = io.node("client");
    simulated_node first = io.node("first"), third = io.node("third"), fourth = io.node("fourth");
};

task<endpoint> connect_to_service(net::connect_options options, cancellation_token token) {
    tcp_stream stream = co_await tcp_stream::connect("service", 80, options, token);
    const endpoint found = stream.remote_endpoint();
    co_await stream.close();
    co_return found;
}

TEST(happy_eyeballs, a_silent_address_costs_the_delay_and_a_failed_one_nothing) {
    service all;
    tcp_listener listener = all.fourth.run([&] { return tcp_listener::bind(all.fourth.at(80)); });
    const std::chrono::nanoseconds before = all.now();
    const endpoint found = all.world.run(all.client.run(&connect_to_service, net::connect_options(), cancellation_token()));
    EXPECT_EQ(found, all.fourth.at(80));
    // 0 ms: the first; 250 ms: the one of the other family, which fails, and at once the third; 500 ms: the fourth.
    EXPECT_EQ(all.now() - before, 500ms);
    // The losers are gone.
    all.world.run(listener.close());
    all.world.run_until_idle();
    EXPECT_EQ(all.io.operations(), 0U);
    EXPECT_EQ(all.io.open_descriptors(), 0U);
    EXPECT_EQ(all.io.network().connections(), 0U);
}

TEST(happy_eyeballs, the_first_connection_wins_and_no_other_stays) {
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE(seed);
        service all(seed);
        all.io.network().heal();
        all.io.network().latency(200ms, 600ms);
        std::vector<tcp_listener> listeners;
        for (const simulated_node& each : {all.first, all.third, all.fourth})
            listeners.push_back(each.run([&] { return tcp_listener::bind(each.at(80)); }));
        const endpoint found =
            all.world.run(all.client.run(&connect_to_service, net::connect_options(), cancellation_token()));
        EXPECT_EQ(found.port(), 80);
        // Only the client's descriptors: none is left.
        EXPECT_EQ(all.io.open_descriptors(), listeners.size());
        for (tcp_listener& listener : listeners) all.world.run(listener.close());
        all.world.run_until_idle();
        EXPECT_EQ(all.io.operations(), 0U);
        EXPECT_EQ(all.io.network().connections(), 0U);
    }
}

task<std::string> failure_to_connect(net::connect_options options, cancellation_token token) {
    try {
        static_cast<void>(co_await connect_to_service(options, token));
    } catch (const timeout_exception& late) {
        co_return std::string("timeout: ") + late.what();
    } catch (const operation_canceled& canceled) {
        co_return canceled.token() == token ? "canceled" : "canceled by something else";
    } catch (const std::exception& error) {
        co_return error.what();
    }
    co_return "";
}

TEST(happy_eyeballs, the_time_limit_is_of_the_whole) {
    service all;
    all.io.network().partition(all.client, all.fourth);
    const std::chrono::nanoseconds before = all.now();
    const std::string how =
        all.world.run(all.client.run(&failure_to_connect, net::connect_options{.timeout = 3s}, cancellation_token()));
    EXPECT_EQ(how, "timeout: connect to 'service:80' timed out after 3000 ms");
    EXPECT_EQ(all.now() - before, 3s);
    EXPECT_EQ(all.io.open_descriptors(), 0U);
}

TEST(happy_eyeballs, the_delay_between_attempts_can_be_chosen) {
    service all;
    tcp_listener listener = all.fourth.run([&] { return tcp_listener::bind(all.fourth.at(80)); });
    const std::chrono::nanoseconds before = all.now();
    static_cast<void>(all.world.run(
        all.client.run(&connect_to_service, net::connect_options{.attempt_delay = 10ms}, cancellation_token())));
    EXPECT_EQ(all.now() - before, 20ms);
    all.world.run(listener.close());
}

TEST(happy_eyeballs, a_cancellation_ends_all_attempts) {
    service all;
    all.io.network().partition(all.client, all.fourth);
    cancellation_source stop;
    task<std::string> trying = all.client.run(&failure_to_connect, net::connect_options(), stop.token());
    all.world.run(delay(2s).as_task());
    EXPECT_EQ(all.io.open_descriptors(), 3U);
    stop.cancel();
    EXPECT_EQ(all.world.run(std::move(trying)), "canceled");
    EXPECT_EQ(all.io.open_descriptors(), 0U);
}

TEST(happy_eyeballs, when_all_fail_the_last_failure_is_told) {
    service all;
    all.io.network().heal();
    const std::string how =
        all.world.run(all.client.run(&failure_to_connect, net::connect_options(), cancellation_token()));
    EXPECT_NE(how.find("failed: connection refused (ECONNREFUSED)"), std::string::npos) << how;
}

// ---- datagrams

struct two_nodes {
    explicit two_nodes(std::uint64_t seed = 1)
        : world(seed), io(world), server(io.node("server")), client(io.node("client")) {}
    deterministic_scheduler world;
    simulated_io io;
    simulated_node server, client;
};

/// What comes of `count` numbered datagrams, until nothing comes for ten seconds.
task<std::vector<int>> send_numbers(two_nodes& nodes, int count) {
    udp_socket receiver = nodes.server.run([&] { return udp_socket::bind(nodes.server.at(53)); });
    udp_socket sender = nodes.client.run([&] { return udp_socket::bind(nodes.client.at(0)); });
    for (int i = 0; i < count; ++i) {
        const std::string text = std::to_string(i);
        co_await sender.send_to(nodes.server.at(53), text);
    }
    std::vector<int> found;
    for (;;) {
        std::array<std::byte, 16> room{};
        cancellation_source silence(10s);
        net::received_datagram got;
        bool over = false;
        try {
            got = co_await receiver.receive_from(room, silence.token());
        } catch (const operation_canceled&) {
            over = true;
        }
        if (over) break;
        EXPECT_EQ(got.from, sender.local_endpoint());
        found.push_back(std::stoi(std::string(reinterpret_cast<const char*>(room.data()), got.size)));
    }
    co_await receiver.close();
    co_await sender.close();
    co_return found;
}

std::vector<int> numbers_of(two_nodes& nodes, int count) {
    std::vector<int> found = nodes.world.run(send_numbers(nodes, count));
    nodes.world.run_until_idle();
    EXPECT_EQ(nodes.io.open_descriptors(), 0U);
    EXPECT_EQ(nodes.io.operations(), 0U);
    return found;
}

/// How many of `count` come when they are sent and received together.
task<std::size_t> send_together(two_nodes& nodes, std::size_t count) {
    udp_socket receiver = nodes.server.run([&] { return udp_socket::bind(nodes.server.at(53)); });
    udp_socket sender = nodes.client.run([&] { return udp_socket::bind(nodes.client.at(0)); });
    const std::string text = "one of many";
    const net::datagram each{std::as_bytes(std::span(text)), nodes.server.at(53)};
    const std::vector<net::datagram> all(count, each);
    std::size_t sent = 0;
    while (sent < count) sent += co_await sender.send_many(std::span(all).subspan(sent));
    std::array<std::byte, 16> bytes{};
    std::array<net::datagram_room, 1> rooms{};
    rooms[0].room = bytes;
    std::size_t came = 0;
    while (came < count) {
        came += co_await receiver.receive_many(rooms);
        EXPECT_EQ(rooms[0].came.size, text.size());
    }
    co_await receiver.close();
    co_await sender.close();
    co_return came;
}

TEST(simulated_datagrams, that_are_moved_together_go_one_by_one) {
    two_nodes nodes;
    EXPECT_EQ(nodes.world.run(send_together(nodes, 40)), 40U);
    nodes.world.run_until_idle();
    EXPECT_EQ(nodes.io.operations(), 0U);
}

TEST(simulated_datagrams, all_come_once_unless_something_is_wrong) {
    two_nodes nodes;
    std::vector<int> found = numbers_of(nodes, 50);
    std::ranges::sort(found);
    std::vector<int> expected(50);
    for (int i = 0; i < 50; ++i) expected[static_cast<std::size_t>(i)] = i;
    EXPECT_EQ(found, expected);
}

TEST(simulated_datagrams, overtake_each_other_on_a_slow_link) {
    two_nodes nodes;
    nodes.io.network().latency(1ms, 500ms);
    std::vector<int> found = numbers_of(nodes, 50);
    EXPECT_EQ(found.size(), 50U);
    EXPECT_FALSE(std::ranges::is_sorted(found));
}

TEST(simulated_datagrams, are_lost_and_come_twice) {
    two_nodes lossy;
    lossy.io.network().datagram_loss(4);
    const std::size_t came = numbers_of(lossy, 100).size();
    EXPECT_GT(came, 50U);
    EXPECT_LT(came, 95U);
    two_nodes doubling;
    doubling.io.network().datagram_copies(4);
    std::vector<int> found = numbers_of(doubling, 100);
    EXPECT_GT(found.size(), 105U);
    EXPECT_LT(found.size(), 150U);
    std::ranges::sort(found);
    found.erase(std::unique(found.begin(), found.end()), found.end());
    EXPECT_EQ(found.size(), 100U);
    two_nodes cut;
    cut.io.network().partition(cut.server, cut.client);
    EXPECT_TRUE(numbers_of(cut, 10).empty());
}

TEST(simulated_datagrams, the_same_seed_gives_the_same_run) {
    const auto run = [](std::uint64_t seed) {
        two_nodes nodes(seed);
        nodes.io.network().latency(1ms, 500ms);
        nodes.io.network().datagram_loss(5);
        nodes.io.network().datagram_copies(5);
        return numbers_of(nodes, 40);
    };
    EXPECT_EQ(run(7), run(7));
    EXPECT_NE(run(7), run(8));
}

task<int> hold_and_release(two_nodes& nodes) {
    udp_socket receiver = nodes.server.run([&] { return udp_socket::bind(nodes.server.at(53)); });
    udp_socket sender = nodes.client.run([&] { return udp_socket::bind(nodes.client.at(0)); });
    nodes.io.network().hold(nodes.client, nodes.server);
    co_await sender.send_to(nodes.server.at(53), std::string_view("held"));
    co_await delay(1h);
    std::array<std::byte, 16> room{};
    task<net::received_datagram> coming = receiver.receive_from(room);
    EXPECT_FALSE(coming.is_completed());
    nodes.io.network().release(nodes.client, nodes.server);
    const net::received_datagram got = co_await std::move(coming);
    co_return static_cast<int>(got.size);
}
TEST(simulated_datagrams, what_is_held_comes_when_it_is_released) {
    two_nodes nodes;
    EXPECT_EQ(nodes.world.run(hold_and_release(nodes)), 4);
}

// ---- what there is not

task<std::string> refusal(simulated_node node) {
    std::string all;
    try {
        static_cast<void>(co_await net::unix_stream::connect(net::unix_endpoint("/tmp/x")));
    } catch (const io_error& error) {
        all = error.what();
    }
    udp_socket socket = udp_socket::bind(node.at(0));
    try {
        socket.join_group(endpoint("239.0.0.1", 0));
    } catch (const io_error& error) {
        all += std::string(" / ") + error.what();
    }
    co_return all;
}
TEST(simulated_datagrams, what_the_simulation_has_not_is_refused_by_name) {
    two_nodes nodes;
    const std::string all = nodes.world.run(nodes.server.run(&refusal, nodes.server));
    EXPECT_NE(all.find("connect to '/tmp/x' failed: "), std::string::npos) << all;
    EXPECT_NE(all.find("EAFNOSUPPORT"), std::string::npos) << all;
    EXPECT_NE(all.find("membership of 239.0.0.1"), std::string::npos) << all;
    EXPECT_NE(all.find("ENODEV"), std::string::npos) << all;
}

}  // namespace
