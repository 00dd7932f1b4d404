// tests/conformance/messages_test.cpp: sendmsg and recvmsg: datagrams, and pieces over a stream. The same on every driver.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "backends.hpp"
#include "io/net/socket_state.hpp"

namespace {
using namespace weft;
using namespace weft_test;
using net::endpoint;
using weft::detail::socket_address;

/// A msghdr over two pieces of memory and an address.
struct envelope {
    std::array<iovec, 2> parts{};
    sockaddr_storage address{};
    msghdr head{};

    envelope() {
        head.msg_iov = parts.data();
        head.msg_iovlen = 0;
    }
    envelope(const envelope&) = delete;
    envelope& operator=(const envelope&) = delete;

    envelope& with(const void* data, std::size_t size) {
        parts[head.msg_iovlen++] = {const_cast<void*>(data), size};
        return *this;
    }
    envelope& to(const endpoint& where) {
        socket_address target(where);
        std::memcpy(&address, target.data(), target.size());
        head.msg_name = &address;
        head.msg_namelen = target.size();
        return *this;
    }
    envelope& from_anyone() {
        head.msg_name = &address;
        head.msg_namelen = sizeof address;
        return *this;
    }
    [[nodiscard]] endpoint sender() const {
        endpoint result;
        static_cast<void>(weft::detail::endpoint_from(reinterpret_cast<const sockaddr*>(&address), result));
        return result;
    }
};

task<int> send_message(stage& on, int fd, envelope& what) { return perform(on, io_kind::sendmsg, fd, &what.head, 0); }
task<int> receive_message(stage& on, int fd, envelope& what, int flags = 0) {
    return perform(on, io_kind::recvmsg, fd, &what.head, 0, io_operation::no_offset, static_cast<std::uint32_t>(flags));
}

int bound(stage& on, endpoint& where) {
    const int fd = on.driver.open_datagram_socket(false);
    EXPECT_GE(fd, 0);
    socket_address address(endpoint::loopback_v4());
    EXPECT_EQ(on.driver.bind(fd, address.data(), address.size()), 0);
    where = name_of(on, fd, false);
    return fd;
}

struct two_sockets {
    endpoint here, there;
    int a = -1, b = -1;

    explicit two_sockets(stage& on) : a(bound(on, here)), b(bound(on, there)) {}
    void close(stage& on) const {
        on.driver.close_now(a);
        on.driver.close_now(b);
    }
};
}  // namespace

DRIVER_CASE(a_message_comes_whole_with_its_sender) {
    const two_sockets both(on);
    envelope out, in;
    out.with("hello ", 6).with("world", 5).to(both.there);
    const int sent = co_await send_message(on, both.a, out);
    EXPECT_EQ(sent, 11);
    std::array<char, 4> first{};
    std::array<char, 16> rest{};
    in.with(first.data(), first.size()).with(rest.data(), rest.size()).from_anyone();
    const int got = co_await receive_message(on, both.b, in);
    EXPECT_EQ(got, 11);
    EXPECT_EQ(std::string(first.data(), 4) + std::string(rest.data(), 7), "hello world");
    EXPECT_EQ(in.sender(), both.here);
    EXPECT_EQ(in.head.msg_flags & MSG_TRUNC, 0);
    both.close(on);
}

DRIVER_CASE(a_message_without_room_is_cut_and_says_so) {
    const two_sockets both(on);
    envelope out, in;
    out.with("0123456789", 10).to(both.there);
    static_cast<void>(co_await send_message(on, both.a, out));
    std::array<char, 4> room{};
    in.with(room.data(), room.size());
    const int full = co_await receive_message(on, both.b, in, MSG_TRUNC);
    EXPECT_EQ(full, 10);
    EXPECT_NE(in.head.msg_flags & MSG_TRUNC, 0);
    EXPECT_EQ(std::string(room.data(), 4), "0123");
    both.close(on);
}

DRIVER_CASE(an_empty_message_is_one) {
    const two_sockets both(on);
    envelope out, in;
    out.with("", 0).to(both.there);
    const int sent = co_await send_message(on, both.a, out);
    EXPECT_EQ(sent, 0);
    std::array<char, 4> room{};
    in.with(room.data(), room.size()).from_anyone();
    const int got = co_await receive_message(on, both.b, in);
    EXPECT_EQ(got, 0);
    EXPECT_EQ(in.sender(), both.here);
    both.close(on);
}

DRIVER_CASE(messages_wait_for_their_receiver_and_receivers_for_messages) {
    const two_sockets both(on);
    std::array<char, 8> one{}, two{};
    envelope in_one, in_two;
    in_one.with(one.data(), one.size());
    in_two.with(two.data(), two.size());
    pending first(on, io_kind::recvmsg, both.b, &in_one.head);
    pending second(on, io_kind::recvmsg, both.b, &in_two.head);
    for (const char* text : {"x", "y"}) {
        envelope out;
        out.with(text, 1).to(both.there);
        static_cast<void>(co_await send_message(on, both.a, out));
    }
    const int got_one = co_await first.result();
    const int got_two = co_await second.result();
    EXPECT_EQ(got_one, 1);
    EXPECT_EQ(got_two, 1);
    EXPECT_EQ((std::set<char>{one[0], two[0]}), (std::set<char>{'x', 'y'}));
    both.close(on);
}

DRIVER_CASE(a_cancelled_receive_takes_no_message) {
    const two_sockets both(on);
    std::array<char, 8> room{};
    envelope in;
    in.with(room.data(), room.size());
    {
        pending waiting(on, io_kind::recvmsg, both.b, &in.head);
        waiting.cancel();
        const int how = co_await waiting.result();
        EXPECT_EQ(how, -ECANCELED);
    }
    envelope out;
    out.with("still", 5).to(both.there);
    static_cast<void>(co_await send_message(on, both.a, out));
    const int got = co_await receive_message(on, both.b, in);
    EXPECT_EQ(got, 5);
    both.close(on);
}

DRIVER_CASE(a_message_or_its_cancellation_never_both) {
    const two_sockets both(on);
    int answered = 0;
    for (int round = 0; round < 20; ++round) {
        std::array<char, 8> room{};
        envelope in, out;
        in.with(room.data(), room.size());
        out.with("m", 1).to(both.there);
        pending waiting(on, io_kind::recvmsg, both.b, &in.head);
        pending sending(on, io_kind::sendmsg, both.a, &out.head);
        waiting.cancel();
        const int how = co_await waiting.result();
        EXPECT_TRUE(one_of(how, {1, -ECANCELED}));
        answered += how == 1 ? 1 : 0;
        static_cast<void>(co_await sending.result());
    }
    // What was not taken is still there.
    for (; answered < 20; ++answered) {
        std::array<char, 8> room{};
        envelope in;
        in.with(room.data(), room.size());
        const int got = co_await receive_message(on, both.b, in);
        EXPECT_EQ(got, 1);
    }
    both.close(on);
}

DRIVER_CASE(a_connected_datagram_socket_hears_its_peer_only) {
    const two_sockets both(on);
    endpoint other;
    const int stranger = bound(on, other);
    const int connected = co_await connect(on, both.a, both.there);
    EXPECT_EQ(connected, 0);
    EXPECT_EQ(name_of(on, both.a, true), both.there);
    envelope noise;
    noise.with("noise", 5).to(both.here);
    static_cast<void>(co_await send_message(on, stranger, noise));
    const int sent = co_await send(on, both.a, "ping");
    EXPECT_EQ(sent, 4);
    std::array<char, 8> room{};
    const int ping = co_await receive(on, both.b, room.data(), room.size());
    EXPECT_EQ(ping, 4);
    envelope answer;
    answer.with("pong", 4).to(both.here);
    static_cast<void>(co_await send_message(on, both.b, answer));
    const int pong = co_await receive(on, both.a, room.data(), room.size());
    EXPECT_EQ(std::string(room.data(), 4), "pong");
    EXPECT_EQ(pong, 4);
    on.driver.close_now(stranger);
    both.close(on);
}

DRIVER_CASE(a_message_to_nobody_in_particular_is_refused) {
    const two_sockets both(on);
    envelope out;
    out.with("x", 1);
    const int unnamed = co_await send_message(on, both.a, out);
    EXPECT_EQ(unnamed, -EDESTADDRREQ);
    const std::string huge(70'000, 'x');
    envelope big;
    big.with(huge.data(), huge.size()).to(both.there);
    const int too_long = co_await send_message(on, both.a, big);
    EXPECT_EQ(too_long, -EMSGSIZE);
    const int nowhere = co_await send_message(on, -1, out);
    EXPECT_EQ(nowhere, -EBADF);
    both.close(on);
}

DRIVER_CASE(a_port_of_datagrams_has_one_owner_and_is_not_that_of_streams) {
    // A kernel's port may still belong to a stream of another test: then the next one.
    bool shared = false;
    for (int attempt = 0; attempt < 50 && !shared; ++attempt) {
        endpoint where;
        const int first = bound(on, where);
        const int second = on.driver.open_datagram_socket(false);
        socket_address address(where);
        EXPECT_EQ(on.driver.bind(second, address.data(), address.size()), -EADDRINUSE);
        const int stream = on.driver.open_socket(false);
        const int result = on.driver.bind(stream, address.data(), address.size());
        EXPECT_TRUE(one_of(result, {0, -EADDRINUSE}));
        shared = result == 0;
        for (const int fd : {first, second, stream}) on.driver.close_now(fd);
    }
    EXPECT_TRUE(shared);
    co_return;
}

DRIVER_CASE(a_datagram_socket_becomes_readable) {
    const two_sockets both(on);
    EXPECT_EQ(on.driver.peek(both.b), -EAGAIN);
    pending readable(on, io_kind::poll, both.b, nullptr, 0, io_operation::no_offset, POLLIN);
    envelope out;
    out.with("x", 1).to(both.there);
    static_cast<void>(co_await send_message(on, both.a, out));
    const int events = co_await readable.result();
    EXPECT_EQ(events & POLLIN, POLLIN);
    EXPECT_EQ(on.driver.peek(both.b), 1);
    both.close(on);
}

// ---- over a stream

DRIVER_CASE(pieces_of_a_stream_are_gathered_and_scattered) {
    const two_ends both = co_await connected(on);
    EXPECT_EQ(on.driver.peek(both.server), -EAGAIN);
    const std::string text = "hello world";
    std::size_t sent = 0;
    while (sent < text.size()) {
        envelope out;
        const std::size_t half = (text.size() - sent + 1) / 2;
        out.with(text.data() + sent, half).with(text.data() + sent + half, text.size() - sent - half);
        const int count = co_await send_message(on, both.client, out);
        EXPECT_GT(count, 0);
        sent += static_cast<std::size_t>(count);
    }
    std::string got;
    while (got.size() < text.size()) {
        std::array<char, 3> first{};
        std::array<char, 20> rest{};
        envelope in;
        in.with(first.data(), first.size()).with(rest.data(), rest.size());
        const int count = co_await receive_message(on, both.server, in);
        EXPECT_GT(count, 0);
        const auto taken = static_cast<std::size_t>(count);
        got += (std::string(first.data(), 3) + std::string(rest.data(), rest.size())).substr(0, taken);
    }
    EXPECT_EQ(got, text);
    close_both(on, both);
}

DRIVER_CASE(a_stream_of_messages_has_an_end) {
    const two_ends both = co_await connected(on);
    std::array<char, 4> room{};
    envelope in, out;
    in.with(room.data(), room.size());
    out.with("x", 1);
    pending waiting(on, io_kind::recvmsg, both.server, &in.head);
    on.driver.shutdown(both.client, SHUT_WR);
    const int end = co_await waiting.result();
    EXPECT_EQ(end, 0);
    EXPECT_EQ(on.driver.peek(both.server), 0);
    const int broken = co_await send_message(on, both.client, out);
    EXPECT_EQ(broken, -EPIPE);
    // The other direction goes on.
    const int back = co_await send_message(on, both.server, out);
    EXPECT_EQ(back, 1);
    const int got = co_await receive_message(on, both.client, in);
    EXPECT_EQ(got, 1);
    close_both(on, both);
}

DRIVER_CASE(a_reset_reaches_who_waits_for_a_message) {
    const two_ends both = co_await connected(on);
    std::array<char, 4> room{};
    envelope in;
    in.with(room.data(), room.size());
    pending waiting(on, io_kind::recvmsg, both.server, &in.head);
    reset_on_close(on, both.client);
    on.driver.close_now(both.client);
    const int how = co_await waiting.result();
    EXPECT_EQ(how, -ECONNRESET);
    on.driver.close_now(both.server);
}
