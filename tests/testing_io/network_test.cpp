// tests/testing_io/network_test.cpp: what the simulated network does that a loopback cannot: time, loss, cuts, crashes.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "weft/base/error.hpp"
#include "weft/delay.hpp"
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
using weft::testing::deterministic_scheduler;
using weft::testing::simulated_io;
using weft::testing::simulated_node;

/// Two nodes in a world, and what is measured in it.
struct two_nodes {
    explicit two_nodes(std::uint64_t seed = 1)
        : world(seed), io(world), server(io.node("server")), client(io.node("client")) {}

    [[nodiscard]] std::chrono::nanoseconds now() { return world.time().now().time_since_epoch(); }

    deterministic_scheduler world;
    simulated_io io;
    simulated_node server, client;
};

task<> echo_one(tcp_stream stream) {
    std::vector<char> buffer(1024);
    for (;;) {
        const std::size_t count = co_await stream.read(std::span<char>(buffer));
        if (count == 0) break;
        co_await stream.write(std::string_view(buffer.data(), count));
    }
    co_await stream.close();
}

task<> serve_echo(endpoint where, std::size_t clients) {
    tcp_listener listener = tcp_listener::bind(where);
    std::vector<task<>> sessions;
    for (std::size_t i = 0; i < clients; ++i) {
        tcp_stream guest = co_await listener.accept();
        sessions.push_back(echo_one(std::move(guest)));
    }
    for (task<>& session : sessions) co_await std::move(session);
    co_await listener.close();
}

/// @returns 0 or the errno
task<int> connect_error(endpoint where) {
    try {
        tcp_stream stream = co_await tcp_stream::connect(where);
        co_return 0;
    } catch (const io_error& error) {
        co_return error.code().value();
    }
}

/// What a read ends with: the bytes, "end", or the errno.
task<std::string> next_of(tcp_stream& stream) {
    std::array<char, 64> buffer{};
    try {
        const std::size_t count = co_await stream.read(std::span<char>(buffer));
        co_return count == 0 ? std::string("end") : std::string(buffer.data(), count);
    } catch (const io_error& error) {
        co_return std::to_string(error.code().value());
    } catch (const operation_canceled&) {
        co_return "canceled";
    }
}

struct streams {
    tcp_stream client, server;
};

task<streams> connect_nodes(two_nodes& nodes, std::uint16_t port) {
    tcp_listener listener = nodes.server.run([&] { return tcp_listener::bind(nodes.server.at(port)); });
    task<tcp_stream> accepted = listener.accept();
    streams both;
    both.client = co_await nodes.client.run([&] { return tcp_stream::connect(nodes.server.at(port)); });
    both.server = co_await std::move(accepted);
    co_return both;
}

// ---- addresses

task<> addresses(two_nodes& nodes) {
    streams both = co_await connect_nodes(nodes, 80);
    EXPECT_EQ(both.client.remote_endpoint().to_string(), "10.0.0.1:80");
    EXPECT_EQ(both.server.remote_endpoint().address(), "10.0.0.2");
    EXPECT_EQ(both.server.remote_endpoint(), both.client.local_endpoint());
}

TEST(simulated_network, nodes_have_addresses_and_clients_free_ports) {
    two_nodes nodes;
    nodes.world.run(addresses(nodes));
}

TEST(simulated_network, a_loopback_belongs_to_its_node) {
    two_nodes nodes;
    tcp_listener there = nodes.server.run([] { return tcp_listener::bind(endpoint::loopback_v4(80)); });
    EXPECT_EQ(nodes.world.run(nodes.client.run(&connect_error, endpoint::loopback_v4(80))), ECONNREFUSED);
    EXPECT_EQ(nodes.world.run(nodes.client.run(&connect_error, nodes.server.at(80))), ECONNREFUSED);
    EXPECT_EQ(nodes.world.run(nodes.server.run(&connect_error, endpoint::loopback_v4(80))), 0);
}

TEST(simulated_network, an_address_nobody_has_cannot_be_reached) {
    two_nodes nodes;
    EXPECT_EQ(nodes.world.run(nodes.client.run(&connect_error, endpoint("10.9.9.9", 80))), EHOSTUNREACH);
}

task<> names(two_nodes& nodes) {
    const std::vector<endpoint> known = co_await net::resolve("server", 80);
    EXPECT_EQ(known.front(), nodes.server.at(80));
    const std::vector<endpoint> alias = co_await net::resolve("db.internal", 5432);
    const net::resolver own;
    task<std::vector<endpoint>> asking = own.resolve("db.internal", 5432);
    const std::vector<endpoint> through_own = co_await std::move(asking);
    EXPECT_EQ(through_own, alias) << "a resolver of one's own is of the simulated network, too";
    EXPECT_EQ(alias.size(), 2U);
    EXPECT_EQ(alias.back(), nodes.client.at(5432));
}

TEST(simulated_network, nodes_are_found_by_name) {
    two_nodes nodes;
    nodes.io.network().add_host("db.internal", nodes.server.at(0));
    nodes.io.network().add_host("db.internal", nodes.client.at(0));
    nodes.world.run(names(nodes));
}

// ---- time

task<> timed_echo(two_nodes& nodes) {
    task<> serving = nodes.server.run(&serve_echo, nodes.server.at(7), std::size_t{1});
    const auto begun = nodes.now();
    tcp_stream stream = co_await nodes.client.run([&] { return tcp_stream::connect(nodes.server.at(7)); });
    EXPECT_EQ(nodes.now() - begun, 20ms);
    co_await stream.write(std::string_view("x"));
    const std::string answer = co_await next_of(stream);
    EXPECT_EQ(answer, "x");
    EXPECT_EQ(nodes.now() - begun, 40ms);
    co_await stream.close();
    co_await std::move(serving);
}

TEST(simulated_network, a_round_trip_takes_twice_the_latency) {
    two_nodes nodes;
    nodes.io.network().latency(10ms, 10ms);
    nodes.world.run(timed_echo(nodes));
}

TEST(simulated_network, a_link_may_have_its_own_latency) {
    two_nodes nodes;
    nodes.io.network().latency(1h, 1h);
    nodes.io.network().latency(nodes.client, nodes.server, 10ms, 10ms);
    nodes.world.run(timed_echo(nodes));
}

TEST(simulated_network, a_latency_is_a_range) {
    two_nodes nodes;
    EXPECT_THROW(nodes.io.network().latency(2ms, 1ms), std::invalid_argument);
    EXPECT_THROW(nodes.io.network().latency(-1ms, 1ms), std::invalid_argument);
}

task<std::chrono::nanoseconds> hundred_bytes(two_nodes& nodes) {
    streams both = co_await connect_nodes(nodes, 80);
    const auto begun = nodes.now();
    std::string heard;
    for (int i = 0; i < 100; ++i) {
        const char byte = static_cast<char>('a' + i % 26);
        co_await both.client.write(std::string_view(&byte, 1));
    }
    both.client.shutdown_send();
    for (;;) {
        const std::string next = co_await next_of(both.server);
        if (next == "end") break;
        heard += next;
    }
    EXPECT_EQ(heard.size(), 100U);
    for (std::size_t i = 0; i < heard.size(); ++i) EXPECT_EQ(heard[i], static_cast<char>('a' + i % 26));
    co_return nodes.now() - begun;
}

TEST(simulated_network, what_is_lost_comes_later_but_in_order) {
    two_nodes nodes(5);
    nodes.io.network().loss(4);
    EXPECT_GE(nodes.world.run(hundred_bytes(nodes)), 200ms);
    two_nodes perfect(5);
    EXPECT_LT(perfect.world.run(hundred_bytes(perfect)), 1ms);
}

// ---- cuts

task<> cut_and_heal(two_nodes& nodes) {
    streams both = co_await connect_nodes(nodes, 80);
    nodes.io.network().partition(nodes.client, nodes.server);
    co_await both.client.write(std::string_view("late"));
    task<std::string> reading = next_of(both.server);
    co_await delay(10s);
    EXPECT_FALSE(reading.is_completed());
    nodes.io.network().heal();
    const std::string heard = co_await std::move(reading);
    EXPECT_EQ(heard, "late");
}

TEST(simulated_network, after_a_partition_is_healed_what_was_sent_arrives) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        two_nodes nodes(seed);
        nodes.world.run(cut_and_heal(nodes));
    }
}

task<> cut_for_good(two_nodes& nodes) {
    streams both = co_await connect_nodes(nodes, 80);
    nodes.io.network().partition(nodes.client, nodes.server);
    const auto begun = nodes.now();
    co_await both.client.write(std::string_view("lost"));
    const std::string how = co_await next_of(both.client);
    EXPECT_EQ(how, std::to_string(ETIMEDOUT));
    EXPECT_EQ(nodes.now() - begun, 60s);
    // The other side has nothing to send, and so finds nothing out until it does.
    task<std::string> reading = next_of(both.server);
    co_await delay(1h);
    EXPECT_FALSE(reading.is_completed());
    nodes.io.network().heal();
    co_await both.server.write(std::string_view("anybody?"));
    const std::string after = co_await std::move(reading);
    EXPECT_EQ(after, std::to_string(ECONNRESET));
}

TEST(simulated_network, a_link_that_stays_cut_ends_who_sends_over_it) {
    two_nodes nodes;
    nodes.world.run(cut_for_good(nodes));
}

TEST(simulated_network, connecting_over_a_cut_link_times_out) {
    two_nodes nodes;
    nodes.io.network().isolate(nodes.server);
    nodes.io.network().connect_timeout(20s);
    const auto begun = nodes.now();
    EXPECT_EQ(nodes.world.run(nodes.client.run(&connect_error, nodes.server.at(80))), ETIMEDOUT);
    EXPECT_EQ(nodes.now() - begun, 20s);
}

task<> heal_while_connecting(two_nodes& nodes) {
    tcp_listener listener = nodes.server.run([&] { return tcp_listener::bind(nodes.server.at(80)); });
    nodes.io.network().partition(nodes.client, nodes.server);
    task<int> connecting = nodes.client.run(&connect_error, nodes.server.at(80));
    co_await delay(2s);
    EXPECT_FALSE(connecting.is_completed());
    nodes.io.network().heal(nodes.client, nodes.server);
    const int error = co_await std::move(connecting);
    EXPECT_EQ(error, 0);
}

TEST(simulated_network, an_attempt_to_connect_is_repeated) {
    two_nodes nodes;
    nodes.world.run(heal_while_connecting(nodes));
}

task<> hold_one_way(two_nodes& nodes) {
    streams both = co_await connect_nodes(nodes, 80);
    nodes.io.network().hold(nodes.client, nodes.server);
    co_await both.client.write(std::string_view("held"));
    co_await both.server.write(std::string_view("free"));
    const std::string there = co_await next_of(both.client);
    EXPECT_EQ(there, "free");
    task<std::string> reading = next_of(both.server);
    co_await delay(24h);
    EXPECT_FALSE(reading.is_completed());
    nodes.io.network().release(nodes.client, nodes.server);
    const std::string back = co_await std::move(reading);
    EXPECT_EQ(back, "held");
}

TEST(simulated_network, what_is_held_back_waits_one_way_and_for_ever) {
    two_nodes nodes;
    nodes.world.run(hold_one_way(nodes));
}

task<> reset_by_the_network(two_nodes& nodes) {
    streams both = co_await connect_nodes(nodes, 80);
    task<std::string> at_client = next_of(both.client);
    task<std::string> at_server = next_of(both.server);
    nodes.io.network().reset(nodes.server, nodes.client);
    const std::string one = co_await std::move(at_client);
    const std::string two = co_await std::move(at_server);
    EXPECT_EQ(one, std::to_string(ECONNRESET));
    EXPECT_EQ(two, std::to_string(ECONNRESET));
}

TEST(simulated_network, the_network_may_reset_connections) {
    two_nodes nodes;
    nodes.world.run(reset_by_the_network(nodes));
}

task<> full_line(two_nodes& nodes) {
    net::listen_options options;
    options.backlog = 0;
    tcp_listener listener = nodes.server.run([&] { return tcp_listener::bind(nodes.server.at(80), options); });
    std::vector<task<int>> attempts;
    for (int i = 0; i < 3; ++i) attempts.push_back(nodes.client.run(&connect_error, nodes.server.at(80)));
    co_await delay(1ms);
    int connected = 0;
    for (const task<int>& attempt : attempts) connected += attempt.is_completed() ? 1 : 0;
    EXPECT_EQ(connected, 1);
    std::vector<tcp_stream> accepted;
    for (int i = 0; i < 3; ++i) {
        tcp_stream next = co_await listener.accept();
        accepted.push_back(std::move(next));
    }
    for (task<int>& attempt : attempts) {
        const int error = co_await std::move(attempt);
        EXPECT_EQ(error, 0);
    }
}

TEST(simulated_network, beyond_the_backlog_a_client_tries_again_later) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        two_nodes nodes(seed);
        nodes.world.run(full_line(nodes));
    }
}

// ---- crashes

task<> crash_the_server(two_nodes& nodes) {
    streams both = co_await connect_nodes(nodes, 80);
    task<std::string> at_server = next_of(both.server);
    nodes.server.crash();
    const std::string own = co_await std::move(at_server);
    EXPECT_EQ(own, "canceled");
    EXPECT_FALSE(nodes.server.is_up());

    // The peer hears nothing while the machine is down, and a reset of one that knows no such connection once it is up.
    co_await both.client.write(std::string_view("hello?"));
    task<std::string> at_client = next_of(both.client);
    co_await delay(5s);
    EXPECT_FALSE(at_client.is_completed());
    nodes.server.restart();
    const std::string heard = co_await std::move(at_client);
    EXPECT_EQ(heard, std::to_string(ECONNRESET));

    // Its address is free for a new server.
    task<> serving = nodes.server.run(&serve_echo, nodes.server.at(80), std::size_t{1});
    tcp_stream again = co_await nodes.client.run([&] { return tcp_stream::connect(nodes.server.at(80)); });
    co_await again.write(std::string_view("x"));
    const std::string answer = co_await next_of(again);
    EXPECT_EQ(answer, "x");
    co_await again.close();
    co_await std::move(serving);
}

TEST(simulated_network, a_crash_is_silent_until_somebody_sends) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        two_nodes nodes(seed);
        nodes.world.run(crash_the_server(nodes));
    }
}

task<int> connect_after_the_crash(simulated_node self, endpoint where) {
    co_await delay(1s);
    self.restart();
    // This task is of before the crash: the new machine knows nothing of it.
    co_return co_await connect_error(where);
}

TEST(simulated_network, tasks_of_before_a_crash_can_do_nothing_any_more) {
    two_nodes nodes;
    tcp_listener listener = nodes.server.run([&] { return tcp_listener::bind(nodes.server.at(80)); });
    const cancellation_token token = nodes.client.token();
    task<int> zombie = nodes.client.run(&connect_after_the_crash, nodes.client, nodes.server.at(80));
    nodes.client.crash();
    EXPECT_TRUE(token.is_cancellation_requested());
    EXPECT_THROW(nodes.client.run([] {}), invalid_operation);
    EXPECT_EQ(nodes.world.run(std::move(zombie)), ECANCELED);
    EXPECT_EQ(nodes.world.run(nodes.client.run(&connect_error, nodes.server.at(80))), 0);
}

// ---- faults of single operations

task<> accept_when_short(two_nodes& nodes) {
    tcp_listener listener = nodes.server.run([&] { return tcp_listener::bind(nodes.server.at(80)); });
    nodes.io.faults().fail_next(io_kind::accept, EMFILE, 3);
    task<tcp_stream> accepting = listener.accept();
    const int error = co_await nodes.client.run(&connect_error, nodes.server.at(80));
    EXPECT_EQ(error, 0);
    tcp_stream stream = co_await std::move(accepting);
    EXPECT_TRUE(stream.is_open());
}

TEST(simulated_network, an_accept_without_descriptors_waits_for_some) {
    two_nodes nodes;
    nodes.world.run(accept_when_short(nodes));
}

task<std::string> read_with_a_fault(two_nodes& nodes) {
    streams both = co_await connect_nodes(nodes, 80);
    nodes.io.faults().fail_next(io_kind::recv, ENOBUFS);
    co_await both.client.write(std::string_view("kept"));
    const std::string first = co_await next_of(both.server);
    const std::string second = co_await next_of(both.server);
    co_return first + " " + second;
}

TEST(simulated_network, a_fault_takes_no_bytes) {
    two_nodes nodes;
    EXPECT_EQ(nodes.world.run(read_with_a_fault(nodes)), std::to_string(ENOBUFS) + " kept");
}

// ---- the echo service, under everything at once

struct tally {
    int answered = 0, failed = 0;
};

/// Talks until an answer is complete or the connection fails; a wrong answer is never right.
task<> talk(endpoint where, int number, int rounds, tally& seen) {
    try {
        tcp_stream stream = co_await tcp_stream::connect(where);
        for (int round = 0; round < rounds; ++round) {
            const std::string question = "client " + std::to_string(number) + " round " + std::to_string(round);
            std::vector<std::byte> answer(question.size());
            co_await stream.write(question);
            co_await stream.read_exactly(answer);
            EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(answer.data()), answer.size()), question);
            ++seen.answered;
        }
        co_await stream.close();
    } catch (const io_error&) {
        ++seen.failed;
    }
}

task<> serve_for_ever(endpoint where, cancellation_token token) {
    tcp_listener listener = tcp_listener::bind(where);
    std::vector<task<>> sessions;
    try {
        for (;;) {
            tcp_stream guest = co_await listener.accept(token);
            sessions.push_back(echo_one(std::move(guest)));
        }
    } catch (const operation_canceled&) {
        // Told to stop; the sessions go on to their end.
    }
    for (task<>& session : sessions) {
        try {
            co_await std::move(session);
        } catch (const io_error&) {
            // That client's connection was lost.
        }
    }
}

task<> disturb(two_nodes& nodes) {
    for (int i = 0; i < 4; ++i) {
        co_await delay(std::chrono::milliseconds(1 + nodes.world.choose("test.pause", 60)));
        switch (nodes.world.choose("test.fault", 4)) {
            case 0: nodes.io.network().partition(nodes.client, nodes.server); break;
            case 1: nodes.io.network().reset(nodes.client, nodes.server); break;
            case 2: nodes.io.network().hold(nodes.server, nodes.client); break;
            default: nodes.io.network().heal(); break;
        }
    }
    co_await delay(1s);
    nodes.io.network().heal();
}

task<> echo_under_faults(two_nodes& nodes, tally& seen) {
    cancellation_source stop;
    task<> serving = nodes.server.run(&serve_for_ever, nodes.server.at(7), stop.token());
    std::vector<task<>> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(nodes.client.run(&talk, nodes.server.at(7), i, 6, std::ref(seen)));
    co_await disturb(nodes);
    for (task<>& each : clients) co_await std::move(each);
    // The faults are over: now it must work.
    tally last;
    co_await nodes.client.run(&talk, nodes.server.at(7), 99, 3, std::ref(last));
    EXPECT_EQ(last.answered, 3);
    stop.cancel();
    co_await std::move(serving);
}

/// `usual`, or WEFT_SCHEDULES: a night's run.
std::uint64_t schedules(std::uint64_t usual) {
    const char* text = std::getenv("WEFT_SCHEDULES");
    return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

TEST(simulated_network, an_echo_service_keeps_its_promise_under_500_seeds) {
    tally all;
    std::set<std::size_t> runs;
    for (std::uint64_t seed = 0; seed < schedules(500) && !HasFailure(); ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        two_nodes nodes(seed);
        nodes.io.network().latency(1ms, 25ms);
        nodes.io.network().loss(seed % 2 == 0 ? 0 : 10);
        nodes.io.faults().short_reads();
        nodes.io.faults().short_writes();
        nodes.world.run(echo_under_faults(nodes, all));
        nodes.world.run_until_idle();
        EXPECT_EQ(nodes.io.operations(), 0U);
        EXPECT_EQ(nodes.io.open_descriptors(), 0U);
        EXPECT_EQ(nodes.io.network().connections(), 0U);
        runs.insert(nodes.world.choices().size());
    }
    // Both ways of ending were seen, and the runs were not all the same.
    EXPECT_GT(all.answered, 1000);
    EXPECT_GT(all.failed, 100);
    EXPECT_GT(runs.size(), 100U);
}

task<> talk_again_and_again(two_nodes& nodes, tally& seen) {
    cancellation_source stop;
    task<> serving = nodes.server.run(&serve_for_ever, nodes.server.at(7), stop.token());
    for (int i = 0; i < 10; ++i) co_await nodes.client.run(&talk, nodes.server.at(7), i, 4, std::ref(seen));
    stop.cancel();
    co_await std::move(serving);
}

TEST(simulated_network, connections_may_be_reset_now_and_then) {
    tally seen;
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        two_nodes nodes(seed);
        nodes.io.network().resets(seed == 0 ? 0 : 40);
        nodes.world.run(talk_again_and_again(nodes, seen));
        if (seed != 0) continue;
        EXPECT_EQ(seen.answered, 40);
        EXPECT_EQ(seen.failed, 0);
    }
    EXPECT_GT(seen.failed, 20);
    EXPECT_GT(seen.answered, 400);
}

TEST(simulated_network, a_run_repeats_from_its_choices) {
    const auto go = [](two_nodes& nodes, tally& seen) {
        nodes.io.network().latency(1ms, 25ms);
        nodes.io.faults().short_reads();
        nodes.world.run(echo_under_faults(nodes, seen));
        return nodes.now();
    };
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
        tally first, second;
        two_nodes a(seed);
        const auto end_of_a = go(a, first);
        two_nodes b(seed);
        const auto end_of_b = go(b, second);
        EXPECT_EQ(end_of_a, end_of_b);
        EXPECT_EQ(first.answered, second.answered);
        ASSERT_EQ(a.world.choices().size(), b.world.choices().size());
        for (std::size_t i = 0; i < a.world.choices().size(); ++i) {
            EXPECT_STREQ(a.world.choices()[i].kind, b.world.choices()[i].kind);
            EXPECT_EQ(a.world.choices()[i].answer, b.world.choices()[i].answer);
        }
    }
}

}  // namespace
