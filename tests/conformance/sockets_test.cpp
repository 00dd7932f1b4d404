// tests/conformance/sockets_test.cpp: making, naming and connecting sockets. The same on every driver.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "backends.hpp"
#include "io/net/socket_state.hpp"

namespace {
using namespace weft;
using namespace weft_test;
using net::endpoint;
using weft::detail::socket_address;

int bind_to(stage& on, int fd, const endpoint& where) {
    socket_address address(where);
    return on.driver.bind(fd, address.data(), address.size());
}
}  // namespace

// ---- records

DRIVER_CASE(a_round_trip_gives_zero) {
    const int result = co_await perform(on, io_kind::nop, -1);
    EXPECT_EQ(result, 0);
}

DRIVER_CASE(a_record_cancelled_before_it_starts_never_does) {
    io_operation never(io_kind::recv, [](io_operation&) noexcept { ADD_FAILURE() << "completed"; });
    on.driver.cancel(never);
    EXPECT_FALSE(on.driver.submit(never));
    EXPECT_EQ(never.result, -ECANCELED);
    co_return;
}

DRIVER_CASE(without_a_descriptor_everything_is_refused) {
    std::array<char, 4> buffer{};
    for (const io_kind kind :
        {io_kind::recv, io_kind::send, io_kind::read, io_kind::write, io_kind::accept, io_kind::sync}) {
        const int result = co_await perform(on, kind, -1, buffer.data(), buffer.size());
        EXPECT_EQ(result, -EBADF) << static_cast<int>(kind);
    }
    const int readable = co_await ready(on, -1, POLLIN);
    EXPECT_EQ(readable, -EBADF);
    const int failed = co_await connect(on, -1, endpoint::loopback_v4(1));
    EXPECT_EQ(failed, -EBADF);
}

DRIVER_CASE(a_closed_descriptor_is_refused) {
    const two_ends both = co_await connected(on);
    close_both(on, both);
    char byte = 0;
    const int result = co_await receive(on, both.client, &byte, 1);
    EXPECT_EQ(result, -EBADF);
}

// ---- names

DRIVER_CASE(port_zero_becomes_a_free_port) {
    endpoint first, second;
    const int a = listening(on, first);
    const int b = listening(on, second);
    EXPECT_NE(first.port(), 0);
    EXPECT_NE(first.port(), second.port());
    EXPECT_EQ(first.address(), "127.0.0.1");
    on.driver.close_now(a);
    on.driver.close_now(b);
    co_return;
}

DRIVER_CASE(a_port_has_one_listener) {
    endpoint where;
    const int first = listening(on, where);
    const int second = on.driver.open_socket(false);
    EXPECT_EQ(bind_to(on, second, where), -EADDRINUSE);
    on.driver.close_now(first);
    on.driver.close_now(second);
    co_return;
}

DRIVER_CASE(a_port_taken_on_every_address_is_taken_on_one) {
    const int first = on.driver.open_socket(false);
    EXPECT_EQ(bind_to(on, first, endpoint::any_v4()), 0);
    EXPECT_EQ(on.driver.listen(first, 1), 0);
    const int second = on.driver.open_socket(false);
    EXPECT_EQ(bind_to(on, second, endpoint::loopback_v4(name_of(on, first, false).port())), -EADDRINUSE);
    on.driver.close_now(first);
    on.driver.close_now(second);
    co_return;
}

DRIVER_CASE(a_port_may_be_shared_by_consent) {
    const int value = 1;
    const int first = on.driver.open_socket(false);
    const int second = on.driver.open_socket(false);
    for (const int fd : {first, second})
        EXPECT_EQ(on.driver.set_option(fd, SOL_SOCKET, SO_REUSEPORT, &value, sizeof value), 0);
    EXPECT_EQ(bind_to(on, first, endpoint::loopback_v4()), 0);
    EXPECT_EQ(on.driver.listen(first, 4), 0);
    const endpoint where = name_of(on, first, false);
    EXPECT_EQ(bind_to(on, second, where), 0);
    EXPECT_EQ(on.driver.listen(second, 4), 0);
    on.driver.close_now(first);
    on.driver.close_now(second);
    co_return;
}

DRIVER_CASE(a_closed_listener_leaves_its_port) {
    endpoint where;
    const int first = listening(on, where);
    on.driver.close_now(first);
    const int second = on.driver.open_socket(false);
    EXPECT_EQ(bind_to(on, second, where), 0);
    EXPECT_EQ(on.driver.listen(second, 1), 0);
    on.driver.close_now(second);
    co_return;
}

DRIVER_CASE(an_address_of_somebody_else_cannot_be_bound) {
    const int fd = on.driver.open_socket(false);
    EXPECT_EQ(bind_to(on, fd, endpoint("192.0.2.1", 0)), -EADDRNOTAVAIL);
    on.driver.close_now(fd);
    co_return;
}

DRIVER_CASE(a_socket_is_bound_once) {
    const int fd = on.driver.open_socket(false);
    EXPECT_EQ(bind_to(on, fd, endpoint::loopback_v4()), 0);
    EXPECT_EQ(bind_to(on, fd, endpoint::loopback_v4()), -EINVAL);
    on.driver.close_now(fd);
    co_return;
}

DRIVER_CASE(the_two_ends_know_each_other) {
    const two_ends both = co_await connected(on);
    EXPECT_EQ(name_of(on, both.client, false), name_of(on, both.server, true));
    EXPECT_EQ(name_of(on, both.client, true), name_of(on, both.server, false));
    close_both(on, both);
}

DRIVER_CASE(an_unconnected_socket_has_no_peer) {
    const int fd = on.driver.open_socket(false);
    std::array<char, 128> room{};
    std::uint32_t size = room.size();
    EXPECT_EQ(on.driver.name_of(fd, true, room.data(), size), -ENOTCONN);
    on.driver.close_now(fd);
    co_return;
}

// ---- connecting

DRIVER_CASE(nobody_listening_refuses) {
    endpoint where;
    const int listener = listening(on, where);
    on.driver.close_now(listener);
    const int client = on.driver.open_socket(false);
    const int failed = co_await connect(on, client, where);
    EXPECT_EQ(failed, -ECONNREFUSED);
    on.driver.close_now(client);
}

DRIVER_CASE(a_client_may_come_before_the_accept) {
    endpoint where;
    const int listener = listening(on, where);
    const int client = on.driver.open_socket(false);
    const int failed = co_await connect(on, client, where);
    EXPECT_EQ(failed, 0);
    const int server = co_await perform(on, io_kind::accept, listener);
    EXPECT_GE(server, 0);
    EXPECT_EQ(name_of(on, server, true), name_of(on, client, false));
    close_both(on, {client, server});
    on.driver.close_now(listener);
}

DRIVER_CASE(a_client_may_send_before_the_accept) {
    endpoint where;
    const int listener = listening(on, where);
    const int client = on.driver.open_socket(false);
    co_await connect(on, client, where);
    const int failed = co_await send_all(on, client, "early");
    EXPECT_EQ(failed, 0);
    on.driver.close_now(client);
    const int server = co_await perform(on, io_kind::accept, listener);
    const std::string heard = co_await receive_all(on, server);
    EXPECT_EQ(heard, "early");
    on.driver.close_now(server);
    on.driver.close_now(listener);
}

DRIVER_CASE(several_accepts_may_wait) {
    endpoint where;
    const int listener = listening(on, where);
    pending first(on, io_kind::accept, listener);
    pending second(on, io_kind::accept, listener);
    const int a = on.driver.open_socket(false);
    const int b = on.driver.open_socket(false);
    co_await connect(on, a, where);
    co_await connect(on, b, where);
    const int one = co_await first.result();
    const int two = co_await second.result();
    EXPECT_GE(one, 0);
    EXPECT_GE(two, 0);
    EXPECT_NE(one, two);
    for (const int fd : {a, b, one, two, listener}) on.driver.close_now(fd);
}

DRIVER_CASE(a_line_of_clients_is_kept) {
    endpoint where;
    const int listener = listening(on, where, 16);
    std::vector<int> sockets;
    for (int i = 0; i < 8; ++i) {
        const int client = on.driver.open_socket(false);
        const int failed = co_await connect(on, client, where);
        EXPECT_EQ(failed, 0);
        sockets.push_back(client);
    }
    for (int i = 0; i < 8; ++i) {
        const int server = co_await perform(on, io_kind::accept, listener);
        EXPECT_GE(server, 0);
        // In the order in which they came.
        EXPECT_EQ(name_of(on, server, true), name_of(on, sockets[static_cast<std::size_t>(i)], false));
        sockets.push_back(server);
    }
    for (const int fd : sockets) on.driver.close_now(fd);
    on.driver.close_now(listener);
}

DRIVER_CASE(connecting_again_changes_nothing) {
    const two_ends both = co_await connected(on);
    const int again = co_await connect(on, both.client, name_of(on, both.client, true));
    EXPECT_TRUE(one_of(again, {0, -EISCONN}));
    close_both(on, both);
}

DRIVER_CASE(a_listener_cannot_connect) {
    endpoint where;
    const int listener = listening(on, where);
    const int failed = co_await connect(on, listener, where);
    EXPECT_TRUE(one_of(failed, {0, -EISCONN}));
    on.driver.close_now(listener);
}

DRIVER_CASE(only_a_listener_accepts) {
    const int fd = on.driver.open_socket(false);
    const int fresh = co_await perform(on, io_kind::accept, fd);
    EXPECT_EQ(fresh, -EINVAL);
    on.driver.close_now(fd);
    const two_ends both = co_await connected(on);
    const int stream = co_await perform(on, io_kind::accept, both.client);
    EXPECT_EQ(stream, -EINVAL);
    close_both(on, both);
}

DRIVER_CASE(a_connection_cannot_listen) {
    const two_ends both = co_await connected(on);
    EXPECT_EQ(on.driver.listen(both.client, 1), -EINVAL);
    close_both(on, both);
}

DRIVER_CASE(an_unconnected_socket_moves_no_bytes) {
    const int fd = on.driver.open_socket(false);
    char byte = 'x';
    const int received = co_await receive(on, fd, &byte, 1);
    EXPECT_EQ(received, -ENOTCONN);
    const int sent = co_await send(on, fd, "x");
    EXPECT_EQ(sent, -EPIPE);
    EXPECT_EQ(on.driver.shutdown(fd, SHUT_WR), -ENOTCONN);
    on.driver.close_now(fd);
}

DRIVER_CASE(a_listener_on_every_address_is_found_on_one) {
    const int listener = on.driver.open_socket(false);
    EXPECT_EQ(bind_to(on, listener, endpoint::any_v4()), 0);
    EXPECT_EQ(on.driver.listen(listener, 4), 0);
    const endpoint where = endpoint::loopback_v4(name_of(on, listener, false).port());
    const int client = on.driver.open_socket(false);
    const int failed = co_await connect(on, client, where);
    EXPECT_EQ(failed, 0);
    const int server = co_await perform(on, io_kind::accept, listener);
    EXPECT_EQ(name_of(on, server, false), where);
    EXPECT_EQ(name_of(on, client, true), where);
    close_both(on, {client, server});
    on.driver.close_now(listener);
}

DRIVER_CASE(connecting_to_every_address_is_connecting_to_this_machine) {
    endpoint where;
    const int listener = listening(on, where);
    const int client = on.driver.open_socket(false);
    const int failed = co_await connect(on, client, endpoint::any_v4(where.port()));
    EXPECT_EQ(failed, 0);
    EXPECT_EQ(name_of(on, client, true), where);
    on.driver.close_now(client);
    on.driver.close_now(listener);
}

DRIVER_CASE(a_client_may_choose_its_own_address) {
    endpoint where;
    const int listener = listening(on, where);
    for (const endpoint& own : {endpoint::loopback_v4(), endpoint::any_v4()}) {
        const int client = on.driver.open_socket(false);
        EXPECT_EQ(bind_to(on, client, own), 0);
        const endpoint before = name_of(on, client, false);
        const int failed = co_await connect(on, client, where);
        EXPECT_EQ(failed, 0);
        EXPECT_EQ(name_of(on, client, false), endpoint::loopback_v4(before.port()));
        const int server = co_await perform(on, io_kind::accept, listener);
        EXPECT_EQ(name_of(on, server, true).port(), before.port());
        close_both(on, {client, server});
    }
    on.driver.close_now(listener);
}

DRIVER_CASE(a_socket_that_only_has_a_name_refuses) {
    const int named = on.driver.open_socket(false);
    EXPECT_EQ(bind_to(on, named, endpoint::loopback_v4()), 0);
    const int client = on.driver.open_socket(false);
    const int failed = co_await connect(on, client, name_of(on, named, false));
    EXPECT_EQ(failed, -ECONNREFUSED);
    on.driver.close_now(named);
    on.driver.close_now(client);
}

DRIVER_CASE(the_newer_protocol_works_alike) {
    const int listener = on.driver.open_socket(true);
    if (listener < 0 || bind_to(on, listener, endpoint::loopback_v6()) != 0) {
        // This machine has none.
        if (listener >= 0) on.driver.close_now(listener);
        co_return;
    }
    EXPECT_EQ(on.driver.listen(listener, 4), 0);
    const endpoint where = name_of(on, listener, false);
    EXPECT_EQ(where.address(), "::1");
    const int client = on.driver.open_socket(true);
    const int failed = co_await connect(on, client, where);
    EXPECT_EQ(failed, 0);
    const int server = co_await perform(on, io_kind::accept, listener);
    co_await send_all(on, client, "six");
    on.driver.close_now(client);
    const std::string heard = co_await receive_all(on, server);
    EXPECT_EQ(heard, "six");
    on.driver.close_now(server);
    on.driver.close_now(listener);
}

DRIVER_CASE(one_socket_has_many_connections_to_another_port) {
    endpoint where;
    const int listener = listening(on, where, 64);
    std::vector<int> sockets;
    std::vector<endpoint> names;
    for (int i = 0; i < 32; ++i) {
        const int client = on.driver.open_socket(false);
        const int failed = co_await connect(on, client, where);
        EXPECT_EQ(failed, 0);
        names.push_back(name_of(on, client, false));
        sockets.push_back(client);
    }
    std::ranges::sort(names);
    EXPECT_EQ(std::ranges::adjacent_find(names), names.end()) << "two clients have one name";
    for (const int fd : sockets) on.driver.close_now(fd);
    on.driver.close_now(listener);
}

DRIVER_CASE(a_listener_moves_no_bytes) {
    endpoint where;
    const int listener = listening(on, where);
    char byte = 'x';
    const int received = co_await receive(on, listener, &byte, 1);
    EXPECT_EQ(received, -ENOTCONN);
    const int sent = co_await send(on, listener, "x");
    EXPECT_EQ(sent, -EPIPE);
    on.driver.close_now(listener);
}

DRIVER_CASE(listening_again_changes_the_line_only) {
    endpoint where;
    const int listener = listening(on, where, 1);
    EXPECT_EQ(on.driver.listen(listener, 8), 0);
    EXPECT_EQ(name_of(on, listener, false), where);
    on.driver.close_now(listener);
    co_return;
}

DRIVER_CASE(the_calls_on_no_descriptor_are_refused) {
    const int value = 1;
    std::array<char, 128> room{};
    std::uint32_t size = room.size();
    EXPECT_EQ(on.driver.set_option(-1, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value), -EBADF);
    EXPECT_EQ(bind_to(on, -1, endpoint::loopback_v4()), -EBADF);
    EXPECT_EQ(on.driver.listen(-1, 1), -EBADF);
    EXPECT_EQ(on.driver.shutdown(-1, SHUT_WR), -EBADF);
    EXPECT_EQ(on.driver.name_of(-1, false, room.data(), size), -EBADF);
    co_return;
}

DRIVER_CASE(an_option_of_nobody_is_refused) {
    const int value = 1;
    const int fd = on.driver.open_socket(false);
    EXPECT_EQ(on.driver.set_option(fd, 12345, 1, &value, sizeof value), -ENOPROTOOPT);
    EXPECT_EQ(on.driver.set_option(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof value), 0);
    EXPECT_EQ(on.driver.set_option(fd, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value), 0);
    on.driver.close_now(fd);
    co_return;
}
