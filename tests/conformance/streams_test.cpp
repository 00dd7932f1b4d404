// tests/conformance/streams_test.cpp: what users see, net::tcp_stream, net::resolve and fs, is the same on every driver.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <vector>

#include "backends.hpp"
#include "connected_streams.hpp"
#include "weft/base/error.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/delay.hpp"
#include "weft/fs/file.hpp"
#include "weft/fs/file_operations.hpp"
#include "weft/http/client.hpp"
#include "weft/http/server.hpp"
#include "weft/net/resolver.hpp"
#include "weft/net/tcp.hpp"

namespace {
using namespace weft;
using namespace weft_test;
using namespace std::chrono_literals;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;

task<> echo(tcp_stream stream) {
    std::vector<char> buffer(4096);
    for (;;) {
        const std::size_t count = co_await stream.read(std::span<char>(buffer));
        if (count == 0) break;
        co_await stream.write(std::string_view(buffer.data(), count));
    }
    co_await stream.close();
}
}  // namespace

DRIVER_CASE(an_echo_says_what_it_is_told) {
    static_cast<void>(on);
    streams both = co_await connected_streams();
    task<> serving = echo(std::move(both.server));
    for (int round = 0; round < 20; ++round) {
        const std::string text = "round " + std::to_string(round);
        std::vector<std::byte> answer(text.size());
        co_await both.client.write(text);
        co_await both.client.read_exactly(answer);
        EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(answer.data()), answer.size()), text);
    }
    both.client.shutdown_send();
    co_await serving;
    co_await both.client.close();
}

DRIVER_CASE(a_refused_stream_says_to_whom) {
    static_cast<void>(on);
    tcp_listener gone = tcp_listener::bind(endpoint::loopback_v4());
    const endpoint nobody = gone.local_endpoint();
    co_await gone.close();
    const std::string text = co_await failure_of(tcp_stream::connect(nobody));
    EXPECT_EQ(text, "connect to '" + nobody.to_string() + "' failed: connection refused (ECONNREFUSED)");
}

DRIVER_CASE(a_port_in_use_says_which) {
    static_cast<void>(on);
    tcp_listener first = tcp_listener::bind(endpoint::loopback_v4());
    std::string text;
    try {
        tcp_listener second = tcp_listener::bind(first.local_endpoint());
    } catch (const io_error& error) {
        text = error.what();
    }
    EXPECT_EQ(text, "listen on '" + first.local_endpoint().to_string() + "' failed: address already in use (EADDRINUSE)");
    co_await first.close();
}

DRIVER_CASE(closing_a_stream_ends_its_read) {
    static_cast<void>(on);
    streams both = co_await connected_streams();
    std::array<char, 4> buffer{};
    task<std::size_t> reading = both.client.read(std::span<char>(buffer));
    co_await both.client.close();
    const std::string how = co_await failure_of(std::move(reading));
    EXPECT_EQ(how, "canceled");
    const std::string after = co_await failure_of(task<std::size_t>(both.client.read(std::span<char>(buffer))));
    EXPECT_NE(after.find("tcp_stream"), std::string::npos) << after;
}

DRIVER_CASE(destroying_a_stream_ends_its_read) {
    static_cast<void>(on);
    streams both = co_await connected_streams();
    std::array<char, 4> buffer{};
    task<std::size_t> reading = both.client.read(std::span<char>(buffer));
    both.client = tcp_stream();
    const std::string how = co_await failure_of(std::move(reading));
    EXPECT_EQ(how, "canceled");
}

DRIVER_CASE(closing_a_listener_ends_its_accepts) {
    static_cast<void>(on);
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    task<tcp_stream> first = listener.accept();
    task<tcp_stream> second = listener.accept();
    co_await listener.close();
    const std::string one = co_await failure_of(std::move(first));
    const std::string two = co_await failure_of(std::move(second));
    EXPECT_EQ(one, "canceled");
    EXPECT_EQ(two, "canceled");
}

DRIVER_CASE(a_token_ends_a_read_and_takes_nothing) {
    static_cast<void>(on);
    streams both = co_await connected_streams();
    cancellation_source source;
    std::array<char, 8> buffer{};
    task<std::size_t> reading = both.client.read(std::span<char>(buffer), source.token());
    source.cancel();
    const std::string how = co_await failure_of(std::move(reading));
    EXPECT_EQ(how, "canceled");
    co_await both.server.write(std::string_view("later"));
    std::vector<std::byte> text(5);
    co_await both.client.read_exactly(text);
    EXPECT_EQ(static_cast<char>(text[4]), 'r');
}

DRIVER_CASE(a_stream_that_ends_too_early_says_so) {
    static_cast<void>(on);
    streams both = co_await connected_streams();
    co_await both.server.write(std::string_view("abc"));
    co_await both.server.close();
    std::vector<std::byte> buffer(5);
    const std::string how = co_await failure_of(both.client.read_exactly(buffer));
    EXPECT_NE(how.find("read 2 more bytes from '127.0.0.1:"), std::string::npos) << how;
    EXPECT_NE(how.find("(EPIPE)"), std::string::npos) << how;
}

DRIVER_CASE(a_reset_stream_names_its_peer) {
    static_cast<void>(on);
    streams both = co_await connected_streams();
    std::array<char, 4> buffer{};
    task<std::size_t> reading = both.client.read(std::span<char>(buffer));
    both.server.reset_on_close();
    co_await both.server.close();
    const std::string how = co_await failure_of(std::move(reading));
    EXPECT_EQ(
        how, "read from '" + both.client.remote_endpoint().to_string() + "' failed: connection reset by peer (ECONNRESET)");
}

DRIVER_CASE(names_of_this_machine_are_known) {
    static_cast<void>(on);
    const std::vector<endpoint> known = co_await net::resolve("localhost", 80);
    EXPECT_FALSE(known.empty());
    for (const endpoint& each : known) EXPECT_EQ(each.port(), 80);
    const std::vector<endpoint> number = co_await net::resolve("192.0.2.7", 81);
    EXPECT_EQ(number.front(), endpoint("192.0.2.7", 81));
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    const std::uint16_t port = listener.local_endpoint().port();
    tcp_stream stream = co_await tcp_stream::connect("localhost", port);
    EXPECT_EQ(stream.remote_endpoint(), endpoint::loopback_v4(port));
}

DRIVER_CASE(an_unknown_name_is_an_error_that_names_it) {
    static_cast<void>(on);
    const std::string how = co_await failure_of(net::resolve("nowhere.invalid", 80));
    EXPECT_NE(how.find("resolve 'nowhere.invalid' failed"), std::string::npos) << how;
}

DRIVER_CASE(a_cancelled_look_up_ends) {
    static_cast<void>(on);
    cancellation_source source;
    task<std::vector<endpoint>> looking = net::resolve("localhost", 80, source.token());
    source.cancel();
    const std::string how = co_await failure_of(std::move(looking));
    EXPECT_TRUE(how == "canceled" || how.empty()) << how;
}

DRIVER_CASE(whole_files_in_one_call) {
    const std::string path = on.folder + "/text";
    co_await fs::write_all_text(path, "first line\n");
    co_await fs::append_all_text(path, "second line\n");
    const std::string text = co_await fs::read_all_text(path);
    EXPECT_EQ(text, "first line\nsecond line\n");
    co_await fs::write_all_text(path, "replaced");
    const std::vector<std::byte> bytes = co_await fs::read_all_bytes(path);
    EXPECT_EQ(bytes.size(), 8U);
}

DRIVER_CASE(a_missing_file_is_named) {
    const std::string path = on.folder + "/missing";
    const std::string how = co_await failure_of(fs::read_all_text(path));
    EXPECT_EQ(how, "open '" + path + "' failed: no such file or directory (ENOENT)");
}

DRIVER_CASE(a_file_knows_its_size_and_its_offsets) {
    const std::string path = on.folder + "/file";
    fs::file both = co_await fs::file::open(path, fs::open_mode::read | fs::open_mode::write | fs::open_mode::create);
    const std::string_view text = "0123456789";
    co_await both.write_at(20, std::as_bytes(std::span(text)));
    const std::uint64_t size = co_await both.size();
    EXPECT_EQ(size, 30U);
    co_await both.sync();
    co_await both.close();
    EXPECT_FALSE(both.is_open());
}

// ---- a whole protocol over it

DRIVER_CASE(a_web_server_answers_a_client) {
    static_cast<void>(on);
    http::server server([] { return std::string("hi"); });
    server.start(endpoint::loopback_v4());
    {
        http::client client;
        const std::string url = "http://" + server.local_endpoint().to_string() + "/hello";
        for (int i = 0; i < 3; ++i) {
            const std::string body = co_await client.get_string(url);
            EXPECT_EQ(body, "hi");
        }
        EXPECT_EQ(client.total_connections(), 1U);
    }
    const http::stop_report report = co_await server.stop(std::chrono::seconds(5));
    EXPECT_EQ(report.aborted, 0U);
}
