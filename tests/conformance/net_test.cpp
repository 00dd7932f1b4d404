// tests/conformance/net_test.cpp: what users of sockets see beyond streams: datagrams, readers, frames, pools. The same on every driver.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backends.hpp"
#include "connected_streams.hpp"
#include "weft/base/error.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/io/buffered_reader.hpp"
#include "weft/io/buffered_writer.hpp"
#include "weft/io/framing.hpp"
#include "weft/net/connection_pool.hpp"
#include "weft/net/proxy_protocol.hpp"
#include "weft/net/send_file.hpp"
#include "weft/net/tcp.hpp"
#include "weft/net/udp.hpp"

namespace {
using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::received_datagram;
using net::tcp_listener;
using net::tcp_stream;
using net::udp_socket;

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
}  // namespace

// ---- datagrams

DRIVER_CASE(a_datagram_is_answered) {
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    std::array<std::byte, 8> room{};
    co_await client.send_to(server.local_endpoint(), std::string_view("a long question"));
    const received_datagram question = co_await server.receive_from(room);
    EXPECT_EQ(question.from, client.local_endpoint());
    EXPECT_EQ(question.size, 8U);
    EXPECT_EQ(question.full_size, 15U);
    EXPECT_TRUE(question.is_truncated());
    co_await server.connect(question.from);
    co_await server.send(std::string_view("answer"));
    const received_datagram answer = co_await client.receive_from(room);
    EXPECT_EQ(text_of(std::span(room).first(answer.size)), "answer");
    EXPECT_FALSE(answer.is_truncated());
    co_await server.close();
    co_await client.close();
    const std::string closed = co_await failure_of(client.receive_from(room));
    EXPECT_EQ(closed, "'udp_socket' has been disposed");
}

DRIVER_CASE(a_token_ends_a_wait_for_datagrams) {
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    std::array<std::byte, 8> room{};
    cancellation_source stop;
    task<received_datagram> waiting = server.receive_from(room, stop.token());
    EXPECT_FALSE(waiting.is_completed());
    stop.cancel();
    const std::string how = co_await failure_of(std::move(waiting));
    EXPECT_EQ(how, "canceled");
    const std::string before = co_await failure_of(server.receive_from(room, stop.token()));
    EXPECT_EQ(before, "canceled");
    const std::string unsent =
        co_await failure_of(server.send_to(server.local_endpoint(), std::string_view("x"), stop.token()));
    EXPECT_EQ(unsent, "canceled");
    co_await server.send_to(server.local_endpoint(), std::string_view("y"));
    const received_datagram got = co_await server.receive_from(room);
    EXPECT_EQ(text_of(std::span(room).first(got.size)), "y");
    co_await server.close();
}

DRIVER_CASE(closing_ends_every_wait_for_datagrams) {
    udp_socket server = udp_socket::bind(endpoint::loopback_v4());
    std::array<std::byte, 8> first{}, second{};
    task<received_datagram> a = server.receive_from(first);
    task<received_datagram> b = server.receive_from(second);
    co_await server.close();
    const std::string how_a = co_await failure_of(std::move(a));
    const std::string how_b = co_await failure_of(std::move(b));
    EXPECT_EQ(how_a, "canceled");
    EXPECT_EQ(how_b, "canceled");
}

DRIVER_CASE(what_is_no_datagram_names_its_target) {
    udp_socket client = udp_socket::bind(endpoint::loopback_v4());
    const std::string huge(70'000, 'x');
    const std::string said = co_await failure_of(client.send_to(endpoint::loopback_v4(9), huge));
    EXPECT_NE(said.find("send to '127.0.0.1:9' failed: "), std::string::npos) << said;
    EXPECT_NE(said.find("EMSGSIZE"), std::string::npos) << said;
    co_await client.close();
}

// ---- readers, writers, frames

DRIVER_CASE(lines_cross_a_connection) {
    streams both = co_await connected_streams();
    io::buffered_writer out(both.client, 64);
    io::buffered_reader in(both.server, 32);
    for (int i = 0; i < 50; ++i) {
        const std::string line = "this is line " + std::to_string(i);
        co_await io::write_delimited(out, line, "\r\n");
    }
    co_await out.flush();
    both.client.shutdown_send();
    for (int i = 0; i < 50; ++i) {
        const std::optional<std::string> line = co_await in.read_line();
        EXPECT_EQ(line, "this is line " + std::to_string(i));
    }
    const std::optional<std::string> end = co_await in.read_line();
    EXPECT_FALSE(end);
}

DRIVER_CASE(frames_cross_a_connection) {
    for (const io::frame_length length :
        {io::frame_length::u8, io::frame_length::u16, io::frame_length::u32, io::frame_length::varint}) {
        streams both = co_await connected_streams();
        const io::frame_format format{.length = length, .order = std::endian::little, .limit = 250};
        io::buffered_writer out(both.client);
        io::buffered_reader in(both.server, 16);
        for (std::size_t size = 0; size <= 250; size += 50) {
            const std::string text(size, 'f');
            co_await io::write_frame(out, std::as_bytes(std::span(text)), format);
        }
        co_await out.flush();
        co_await both.client.close();
        async_stream<std::vector<std::byte>> all = io::frames(in, format);
        std::size_t expected = 0;
        for (;;) {
            const std::optional<std::vector<std::byte>> frame = co_await all.next();
            if (!frame) break;
            EXPECT_EQ(frame->size(), expected);
            expected += 50;
        }
        EXPECT_EQ(expected, 300U);
    }
}

DRIVER_CASE(a_cancelled_line_loses_nothing) {
    streams both = co_await connected_streams();
    io::buffered_reader in(both.server);
    co_await both.client.write(std::string_view("half"));
    co_await in.peek(4);
    cancellation_source stop;
    task<std::optional<std::string>> waiting = in.read_line(100, stop.token()).as_task();
    stop.cancel();
    const std::string how = co_await failure_of(std::move(waiting));
    EXPECT_EQ(how, "canceled");
    co_await both.client.write(std::string_view(" and half\n"));
    const std::optional<std::string> line = co_await in.read_line();
    EXPECT_EQ(line, "half and half");
}

DRIVER_CASE(a_frame_that_is_cut_names_the_peer) {
    streams both = co_await connected_streams();
    co_await both.client.write(std::string_view("\x09 only"));
    co_await both.client.close();
    io::buffered_reader in(both.server);
    const std::string said = co_await failure_of(io::read_frame(in, io::frame_format{.length = io::frame_length::u8}));
    EXPECT_NE(said.find("read the rest of a frame from '127.0.0.1:"), std::string::npos) << said;
}

// ---- above sockets

DRIVER_CASE(a_proxy_tells_who_is_behind_it) {
    streams both = co_await connected_streams();
    net::trusted_proxies trusted;
    trusted.add("127.0.0.1");
    io::buffered_reader in(both.server);
    co_await both.client.write(std::string_view("PROXY TCP6 2001:db8::7 ::1 5 6\r\nhello"));
    const net::proxied_connection who = co_await net::read_proxy_header(in, both.server.remote_endpoint(), trusted);
    EXPECT_EQ(who.client, endpoint("2001:db8::7", 5));
    std::array<std::byte, 5> rest{};
    co_await in.read_exactly(rest);
    EXPECT_EQ(text_of(rest), "hello");
}

DRIVER_CASE(a_file_goes_to_a_peer) {
    const std::string path = on.folder + "/sent";
    const std::string contents(300'000, 's');
    co_await fs::write_all_text(path, contents);
    fs::file source = co_await fs::file::open(path);
    streams both = co_await connected_streams();
    task<std::uint64_t> sending = net::send_file(both.client, source, 100, io_operation::no_offset);
    std::vector<std::byte> room(contents.size() - 100);
    co_await both.server.read_exactly(room);
    const std::uint64_t sent = co_await std::move(sending);
    EXPECT_EQ(sent, room.size());
    cancellation_source stop;
    stop.cancel();
    const std::string cancelled = co_await failure_of(net::send_file(both.client, source, 0, 5, stop.token()));
    EXPECT_EQ(cancelled, "canceled");
    co_await source.close();
}

DRIVER_CASE(a_connection_is_used_again_while_it_is_quiet) {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    const auto connect = [](const endpoint& to, cancellation_token token) {
        return tcp_stream::connect(to, std::move(token));
    };
    net::connection_pool<endpoint, tcp_stream> pool(connect);
    auto rented = co_await pool.rent(listener.local_endpoint());
    tcp_stream server = co_await listener.accept();
    rented.give_back();
    rented = co_await pool.rent(listener.local_endpoint());
    EXPECT_TRUE(rented.is_reused());
    co_await server.write(std::string_view("x"));
    std::array<char, 1> byte{};
    const std::size_t count = co_await rented->read(std::span<char>(byte));
    EXPECT_EQ(count, 1U);
    EXPECT_TRUE(rented->is_quiet());
    server.shutdown_send();
    const std::size_t end = co_await rented->read(std::span<char>(byte));
    EXPECT_EQ(end, 0U);
    rented.give_back();
    EXPECT_EQ(pool.count(listener.local_endpoint()), 0U);
    co_await listener.close();
}

DRIVER_CASE(of_several_addresses_the_one_that_answers_is_taken) {
    tcp_listener gone = tcp_listener::bind(endpoint::loopback_v4());
    const endpoint nobody = gone.local_endpoint();
    co_await gone.close();
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    const std::vector<endpoint> addresses{nobody, listener.local_endpoint(), nobody};
    tcp_stream client = co_await tcp_stream::connect_any(addresses);
    EXPECT_EQ(client.remote_endpoint(), listener.local_endpoint());
    co_await listener.close();
}

DRIVER_CASE(a_graceful_close_waits_for_the_peer) {
    streams both = co_await connected_streams();
    co_await both.client.write(std::string_view("unread"));
    co_await both.server.write(std::string_view("answer"));
    task<bool> closing = both.server.close_gracefully(std::chrono::seconds(10));
    std::array<std::byte, 6> room{};
    co_await both.client.read_exactly(room);
    EXPECT_EQ(text_of(room), "answer");
    co_await both.client.close();
    const bool ended = co_await std::move(closing);
    EXPECT_TRUE(ended);
}
