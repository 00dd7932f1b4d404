// tests/io/udp_test.cpp: what datagrams promise, on whichever driver WEFT_IO names.
// SPDX-License-Identifier: MIT

#include <array>
#include <atomic>
#include <cerrno>
#include <set>

#include <net/if.h>
#include <netinet/in.h>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/net/udp.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::received_datagram;
using net::udp_socket;

using udp = io_test;

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T>
task<int> error_of(task<T> operation) {
    try {
        co_await std::move(operation);
    } catch (const io_error& error) {
        co_return error.code().value();
    }
    co_return 0;
}

task<> talk(endpoint at) {
    udp_socket server = udp_socket::bind(at);
    udp_socket client = udp_socket::bind(at);
    std::array<std::byte, 64> room{};
    for (int round = 0; round < 50; ++round) {
        const std::string text = "round " + std::to_string(round);
        task<received_datagram> coming = server.receive_from(room);
        co_await client.send_to(server.local_endpoint(), text);
        const received_datagram got = co_await std::move(coming);
        EXPECT_EQ(text_of(std::span(room).first(got.size)), text);
        EXPECT_EQ(got.from, client.local_endpoint());
        EXPECT_FALSE(got.is_truncated());
        co_await server.send_to(got.from, std::span<const std::byte>(room).first(got.size));
        const received_datagram back = co_await client.receive_from(room);
        EXPECT_EQ(back.from, server.local_endpoint());
    }
    co_await server.close();
    co_await client.close();
}
TEST_F(udp, a_datagram_comes_with_its_sender) { block_on(talk(endpoint::loopback_v4())); }
TEST_F(udp, a_datagram_comes_with_its_sender_over_ipv6) { block_on(talk(endpoint::loopback_v6())); }

task<> truncation() {
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    std::array<std::byte, 4> room{};
    co_await client.send_to(server.local_endpoint(), std::string_view("0123456789"));
    co_await client.send_to(server.local_endpoint(), std::string_view(""));
    co_await client.send_to(server.local_endpoint(), std::string_view("next"));
    received_datagram got = co_await server.receive_from(room);
    EXPECT_EQ(got.size, 4U);
    EXPECT_EQ(got.full_size, 10U);
    EXPECT_TRUE(got.is_truncated());
    EXPECT_EQ(text_of(room), "0123");
    got = co_await server.receive_from(room);
    EXPECT_EQ(got.full_size, 0U);
    got = co_await server.receive_from(room);
    EXPECT_EQ(text_of(room), "next");
}
TEST_F(udp, a_datagram_that_does_not_fit_says_so_and_the_next_is_whole) { block_on(truncation()); }

task<> connected() {
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    udp_socket stranger = udp_socket::bind(endpoint::loopback_v4());
    const int unconnected = co_await error_of(client.send(std::string_view("to whom?")));
    EXPECT_EQ(unconnected, EDESTADDRREQ);
    co_await client.connect(server.local_endpoint());
    co_await stranger.send_to(client.local_endpoint(), std::string_view("not heard"));
    co_await client.send(std::string_view("ping"));
    std::array<std::byte, 16> room{};
    const received_datagram ping = co_await server.receive(room);
    EXPECT_EQ(ping.from, client.local_endpoint());
    co_await server.send_to(ping.from, std::string_view("pong"));
    const received_datagram pong = co_await client.receive(room);
    EXPECT_EQ(text_of(std::span(room).first(pong.size)), "pong");
    EXPECT_EQ(pong.from, server.local_endpoint());
}
TEST_F(udp, a_connected_socket_hears_its_peer_only) { block_on(connected()); }

task<> refused() {
    udp_socket gone = udp_socket::bind(endpoint::loopback_v4());
    const endpoint nobody = gone.local_endpoint();
    co_await gone.close();
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    co_await client.connect(nobody);
    std::array<std::byte, 16> room{};
    task<received_datagram> coming = client.receive(room);
    co_await client.send(std::string_view("anybody?"));
    const std::string text = co_await failure_of(std::move(coming));
    EXPECT_NE(text.find("receive on '" + nobody.to_string()), std::string::npos) << text;
    EXPECT_NE(text.find("ECONNREFUSED"), std::string::npos) << text;
    // The socket is as it was.
    udp_socket later = udp_socket::bind(nobody);
    co_await client.send(std::string_view("you"));
    const received_datagram got = co_await later.receive_from(room);
    EXPECT_EQ(got.size, 3U);
}
TEST_F(udp, nobody_at_the_port_is_an_error_that_names_it_and_the_socket_goes_on) { block_on(refused()); }

task<> too_long() {
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    const std::string text(70'000, 'x');
    const std::string said = co_await failure_of(client.send_to(client.local_endpoint(), text));
    EXPECT_NE(said.find("send to '" + client.local_endpoint().to_string() + "'"), std::string::npos) << said;
    EXPECT_NE(said.find("EMSGSIZE"), std::string::npos) << said;
}
TEST_F(udp, what_is_too_long_for_a_datagram_is_refused) { block_on(too_long()); }

// ---- endings

task<> cancelled() {
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    std::array<std::byte, 16> room{};
    cancellation_source stop;
    task<received_datagram> coming = server.receive_from(room, stop.token());
    EXPECT_FALSE(coming.is_completed());
    stop.cancel();
    bool canceled = false;
    try {
        co_await std::move(coming);
    } catch (const operation_canceled& error) {
        canceled = true;
        EXPECT_EQ(error.token(), stop.token());
    }
    EXPECT_TRUE(canceled);
    const std::string before =
        co_await failure_of(server.send_to(server.local_endpoint(), std::string_view("x"), stop.token()));
    EXPECT_NE(before, "");
    co_await server.send_to(server.local_endpoint(), std::string_view("still here"));
    const received_datagram got = co_await server.receive_from(room);
    EXPECT_EQ(got.size, 10U);
}
TEST_F(udp, a_cancelled_receive_loses_no_datagram) { block_on(cancelled()); }

task<> closed(bool by_destruction) {
    auto server = std::make_unique<udp_socket>(udp_socket::bind(endpoint::loopback_v4()));
    std::array<std::byte, 16> first{}, second{};
    cancellation_source unused;
    task<received_datagram> a = server->receive_from(first);
    task<received_datagram> b = server->receive_from(second, unused.token());
    if (by_destruction) {
        server.reset();
    } else {
        co_await server->close();
        const std::string after = co_await failure_of(server->receive_from(first));
        EXPECT_EQ(after, "'udp_socket' has been disposed");
    }
    for (task<received_datagram>* each : {&a, &b}) {
        const std::string how = co_await failure_of(std::move(*each));
        EXPECT_NE(how.find("was canceled: it was closed meanwhile"), std::string::npos) << how;
    }
}
TEST_F(udp, close_ends_what_is_pending) { block_on(closed(false)); }
TEST_F(udp, destruction_ends_what_is_pending) { block_on(closed(true)); }

task<> receive_for_ever(udp_socket socket, std::atomic<int>& waiting) {
    std::array<std::byte, 4> room{};
    ++waiting;
    static_cast<void>(co_await socket.receive_from(room));
}

task<> leave_receives_behind(std::atomic<int>& waiting) {
    for (int i = 0; i < 20; ++i) receive_for_ever(udp_socket::bind(endpoint::loopback_v4()), waiting).forget();
    co_return;
}

TEST_F(udp, shutdown_cancels_what_waits_for_datagrams) {
    runtime where;
    std::atomic<int> waiting{0};
    block_on(where, &leave_receives_behind, std::ref(waiting));
    EXPECT_EQ(waiting.load(), 20);
    const shutdown_report report = where.shutdown(std::chrono::milliseconds(50));
    EXPECT_FALSE(report.operations_left) << report.to_string();
}

// ---- options

task<> multicast() {
    const unsigned loopback = ::if_nametoindex("lo");
    const endpoint group("239.255.77.77", 0);
    udp_socket member = udp_socket::bind(endpoint::any_v4(), {.reuse_address = true});
    udp_socket sender = udp_socket::bind(endpoint::loopback_v4());
    member.join_group(group, loopback);
    sender.multicast_loop(true);
    sender.multicast_time_to_live(1);
    sender.time_to_live(5);
    ip_mreqn by{};
    by.imr_ifindex = static_cast<int>(loopback);
    EXPECT_EQ(::setsockopt(sender.native_handle(), IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by), 0);
    const endpoint target("239.255.77.77", member.local_endpoint().port());
    std::array<std::byte, 16> room{};
    co_await sender.send_to(target, std::string_view("to all"));
    const received_datagram got = co_await member.receive_from(room);
    EXPECT_EQ(got.from, sender.local_endpoint());
    member.leave_group(group, loopback);
    std::string said;
    try {
        member.leave_group(group, loopback);
    } catch (const io_error& error) {
        said = error.what();
    }
    EXPECT_NE(said.find("239.255.77.77"), std::string::npos) << said;
}
TEST_F(udp, a_member_of_a_group_gets_what_is_sent_to_it) { block_on(multicast()); }

task<> broadcasting() {
    udp_socket sender = udp_socket::bind(endpoint::any_v4());
    const endpoint everyone("127.255.255.255", 9);
    const int error = co_await error_of(sender.send_to(everyone, std::string_view("x")));
    EXPECT_EQ(error, EACCES);
    sender.broadcast();
    co_await sender.send_to(everyone, std::string_view("x"));
    sender.receive_buffer(64 * 1024);
    sender.send_buffer(64 * 1024);
}
TEST_F(udp, broadcast_has_to_be_allowed) { block_on(broadcasting()); }

task<> taken() {
    udp_socket first = udp_socket::bind(endpoint::loopback_v4());
    const endpoint where = first.local_endpoint();
    std::string said;
    try {
        static_cast<void>(udp_socket::bind(where));
    } catch (const io_error& error) {
        said = error.what();
    }
    EXPECT_NE(said.find("bind to '" + where.to_string() + "'"), std::string::npos) << said;
    EXPECT_NE(said.find("EADDRINUSE"), std::string::npos) << said;
    udp_socket nothing;
    EXPECT_THROW(static_cast<void>(nothing.local_endpoint()), object_disposed);
    co_return;
}
TEST_F(udp, a_taken_address_is_an_error_that_names_it) { block_on(taken()); }

}  // namespace
