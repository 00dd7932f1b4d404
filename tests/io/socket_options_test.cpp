// tests/io/socket_options_test.cpp: options, half-close, and several addresses, on whichever driver WEFT_IO names.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <chrono>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/net/happy_eyeballs.hpp"
#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/net/udp.hpp"
#include "weft/net/unix.hpp"

namespace {

using namespace std::chrono_literals;
using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;

using socket_options = io_test;

template <class Socket>
int option(const Socket& of, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(of.native_handle(), level, name, &value, &size), 0);
    return value;
}

task<> options_arrive() {
    connection both = co_await connect_pair();
    both.client.keep_alive({.idle = 30s, .interval = 5s, .count = 3});
    EXPECT_EQ(option(both.client, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(both.client, IPPROTO_TCP, TCP_KEEPIDLE), 30);
    EXPECT_EQ(option(both.client, IPPROTO_TCP, TCP_KEEPINTVL), 5);
    EXPECT_EQ(option(both.client, IPPROTO_TCP, TCP_KEEPCNT), 3);
    both.client.no_keep_alive();
    EXPECT_EQ(option(both.client, SOL_SOCKET, SO_KEEPALIVE), 0);
    both.client.user_timeout(1500ms);
    EXPECT_EQ(option(both.client, IPPROTO_TCP, TCP_USER_TIMEOUT), 1500);
    both.client.no_delay();
    EXPECT_EQ(option(both.client, IPPROTO_TCP, TCP_NODELAY), 1);
    both.client.no_delay(false);
    EXPECT_EQ(option(both.client, IPPROTO_TCP, TCP_NODELAY), 0);
    both.client.receive_buffer(32 * 1024);
    both.client.send_buffer(32 * 1024);
    EXPECT_EQ(option(both.client, SOL_SOCKET, SO_RCVBUF), 64 * 1024);
    EXPECT_EQ(option(both.client, SOL_SOCKET, SO_SNDBUF), 64 * 1024);
    std::string said;
    try {
        both.client.keep_alive({.idle = 0s});
    } catch (const io_error& error) {
        said = error.what();
    }
    EXPECT_NE(said.find("set TCP_KEEPIDLE on '127.0.0.1:"), std::string::npos) << said;
}
TEST_F(socket_options, reach_the_kernel_or_are_errors_with_their_names) { block_on(options_arrive()); }

task<> options_after_close() {
    connection both = co_await connect_pair();
    co_await both.client.close();
    EXPECT_THROW(both.client.no_delay(), object_disposed);
    EXPECT_THROW(both.client.reset_on_close(), object_disposed);
    EXPECT_THROW(both.client.keep_alive(), object_disposed);
    EXPECT_THROW(both.client.send_buffer(4096), object_disposed);
    EXPECT_THROW(static_cast<void>(both.client.local_endpoint()), object_disposed);
    net::udp_socket datagrams = net::udp_socket::bind(endpoint::loopback_v4());
    co_await datagrams.close();
    EXPECT_THROW(datagrams.broadcast(true), object_disposed);
    EXPECT_THROW(datagrams.time_to_live(3), object_disposed);
    EXPECT_THROW(static_cast<void>(datagrams.local_endpoint()), object_disposed);
}
TEST_F(socket_options, are_refused_after_close) { block_on(options_after_close()); }

task<> dual_stack(bool v6_only) {
    tcp_listener listener = tcp_listener::bind(endpoint::any_v6(), {.v6_only = v6_only, .receive_buffer = 16 * 1024});
    const std::uint16_t port = listener.local_endpoint().port();
    if (v6_only) {
        const std::string refused = co_await failure_of(tcp_stream::connect(endpoint::loopback_v4(port)));
        EXPECT_NE(refused.find("ECONNREFUSED"), std::string::npos) << refused;
    } else {
        tcp_stream client = co_await tcp_stream::connect(endpoint::loopback_v4(port));
        tcp_stream server = co_await listener.accept();
        EXPECT_EQ(option(server, SOL_SOCKET, SO_RCVBUF), 32 * 1024);
        EXPECT_TRUE(server.remote_endpoint().is_v6());
        EXPECT_EQ(server.remote_endpoint().unmapped(), client.local_endpoint());
        EXPECT_EQ(client.local_endpoint().unmapped(), client.local_endpoint());
    }
    tcp_stream six = co_await tcp_stream::connect(endpoint::loopback_v6(port));
    tcp_stream server = co_await listener.accept();
    EXPECT_EQ(server.remote_endpoint().unmapped(), six.local_endpoint());
}
TEST_F(socket_options, a_listener_takes_both_families) { block_on(dual_stack(false)); }
TEST_F(socket_options, or_one_on_request) { block_on(dual_stack(true)); }

TEST_F(socket_options, families_are_tried_in_turn) {
    const auto v4 = [](std::uint16_t port) { return endpoint::loopback_v4(port); };
    const auto v6 = [](std::uint16_t port) { return endpoint::loopback_v6(port); };
    using list = std::vector<endpoint>;
    EXPECT_EQ(weft::detail::interleave_families(list{v6(1), v6(2), v6(3), v4(1), v4(2)}),
        (list{v6(1), v4(1), v6(2), v4(2), v6(3)}));
    EXPECT_EQ(weft::detail::interleave_families(list{v4(1), v4(2)}), (list{v4(1), v4(2)}));
    EXPECT_EQ(weft::detail::interleave_families(list{}), list{});
}

// ---- half-close

task<> server_ends_first() {
    connection both = co_await connect_pair();
    both.server.shutdown_send();
    std::array<char, 8> room{};
    const std::size_t end = co_await both.client.read(std::span<char>(room));
    EXPECT_EQ(end, 0U);
    co_await both.client.write(std::string_view("still"));
    const std::size_t count = co_await both.server.read(std::span<char>(room));
    EXPECT_EQ(count, 5U);
    both.client.shutdown_send();
    const std::string rest = co_await read_to_end(both.server);
    EXPECT_EQ(rest, "");
    const std::string late = co_await failure_of(task<>(both.server.write(std::string_view("x"))));
    EXPECT_NE(late.find("(EPIPE)"), std::string::npos) << late;
}
TEST_F(socket_options, either_side_may_end_its_direction_first) { block_on(server_ends_first()); }

task<> both_end_at_once() {
    connection both = co_await connect_pair();
    task<std::string> a = read_to_end(both.client);
    task<std::string> b = read_to_end(both.server);
    both.client.shutdown_send();
    both.server.shutdown_send();
    const std::string left = co_await std::move(a);
    const std::string right = co_await std::move(b);
    EXPECT_EQ(left + right, "");
}
TEST_F(socket_options, both_may_end_at_once) { block_on(both_end_at_once()); }

task<> graceful() {
    connection both = co_await connect_pair();
    // Something that the server never reads would make a plain close reset the connection.
    co_await both.client.write(std::string_view("unread"));
    co_await both.server.write(std::string_view("the answer"));
    task<bool> closing = both.server.close_gracefully(10s);
    const std::string heard = co_await read_to_end(both.client);
    EXPECT_EQ(heard, "the answer");
    co_await both.client.close();
    const bool ended = co_await std::move(closing);
    EXPECT_TRUE(ended);
    EXPECT_FALSE(both.server.is_open());

    connection other = co_await connect_pair();
    const bool in_time = co_await other.server.close_gracefully(1ms);
    EXPECT_FALSE(in_time);
}
TEST_F(socket_options, a_graceful_close_lets_the_peer_read_all) { block_on(graceful()); }

task<> no_limit_at_all() {
    connection both = co_await connect_pair();
    const std::string refused = co_await failure_of(both.server.close_gracefully(-1h));
    EXPECT_NE(refused, "");
    EXPECT_TRUE(both.server.is_open());
    co_await both.server.write(std::string_view("still here"));
    std::array<char, 32> room{};
    const std::size_t count = co_await both.client.read(std::span<char>(room));
    EXPECT_EQ(count, 10U);
}
TEST_F(socket_options, a_graceful_close_with_a_wrong_limit_changes_nothing) { block_on(no_limit_at_all()); }

task<> quiet() {
    connection both = co_await connect_pair();
    EXPECT_TRUE(both.client.is_quiet());
    co_await both.server.write(std::string_view("x"));
    std::array<char, 8> room{};
    const std::size_t count = co_await both.client.read(std::span<char>(room));
    EXPECT_EQ(count, 1U);
    EXPECT_TRUE(both.client.is_quiet());
    co_await both.server.close();
    const std::size_t end = co_await both.client.read(std::span<char>(room));
    EXPECT_EQ(end, 0U);
    EXPECT_FALSE(both.client.is_quiet());
    co_await both.client.close();
    EXPECT_FALSE(both.client.is_quiet());
    EXPECT_FALSE(tcp_stream().is_quiet());
}
TEST_F(socket_options, a_stream_knows_whether_it_is_quiet) { block_on(quiet()); }

// ---- descriptors of listeners

template <class Listener>
task<> handle_until_closed(Listener listener) {
    EXPECT_EQ(option(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
    co_await listener.close();
    EXPECT_THROW(static_cast<void>(listener.native_handle()), object_disposed);
    EXPECT_THROW(static_cast<void>(Listener().native_handle()), object_disposed);
}
TEST_F(socket_options, a_listener_has_a_descriptor_until_it_is_closed) {
    block_on(handle_until_closed(tcp_listener::bind(endpoint::loopback_v4())));
    const std::string name = "weft_test_" + std::to_string(::getpid());
    block_on(handle_until_closed(net::unix_listener::bind(net::unix_endpoint::abstract(name))));
}

// ---- urgent data

// A read stops at the urgent mark: there may be more although it was not filled.
task<> behind_the_mark() {
    cancellation_source late(20s);
    for (int round = 0; round < 50; ++round) {
        connection both = co_await connect_pair();
        std::array<char, 16> room{};
        task<std::size_t> reading = both.server.read(std::span<char>(room), late.token());
        const int by = both.client.native_handle();
        EXPECT_EQ(::send(by, "A", 1, MSG_NOSIGNAL), 1);
        EXPECT_EQ(::send(by, "!", 1, MSG_NOSIGNAL | MSG_OOB), 1);
        EXPECT_EQ(::send(by, "C", 1, MSG_NOSIGNAL), 1);
        std::size_t count = co_await std::move(reading);
        std::string all(room.data(), count);
        while (all.size() < 2 && count != 0) {
            count = co_await both.server.read(std::span<char>(room), late.token());
            all.append(room.data(), count);
        }
        EXPECT_EQ(all, "AC");
    }
}
TEST_F(socket_options, what_comes_behind_an_urgent_byte_is_read) { block_on(behind_the_mark()); }

// ---- several addresses

task<> first_that_answers() {
    tcp_listener gone = tcp_listener::bind(endpoint::loopback_v4());
    const endpoint nobody = gone.local_endpoint();
    co_await gone.close();
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v6());
    const std::vector<endpoint> addresses{nobody, listener.local_endpoint()};
    tcp_stream stream = co_await tcp_stream::connect_any(addresses);
    EXPECT_EQ(stream.remote_endpoint(), listener.local_endpoint());
    const std::vector<endpoint> useless{nobody, nobody};
    const std::string refused = co_await failure_of(tcp_stream::connect_any(useless));
    EXPECT_NE(refused.find("connect to '" + nobody.to_string() + "' failed: connection refused"), std::string::npos);
    const std::string empty = co_await failure_of(tcp_stream::connect_any(std::vector<endpoint>()));
    EXPECT_NE(empty.find("there is no address"), std::string::npos) << empty;
    const std::vector<endpoint> two{listener.local_endpoint(), listener.local_endpoint()};
    cancellation_source stopped;
    stopped.cancel();
    const std::string senseless =
        co_await failure_of(tcp_stream::connect_any(two, net::connect_options{.attempt_delay = std::chrono::hours(2000)}));
    EXPECT_NE(senseless.find("attempt_delay"), std::string::npos) << senseless;
    const std::string cancelled = co_await failure_of(tcp_stream::connect_any(two, {}, stopped.token()));
    EXPECT_NE(cancelled, "");
}
TEST_F(socket_options, an_address_that_fails_is_followed_by_the_next) { block_on(first_that_answers()); }

}  // namespace
