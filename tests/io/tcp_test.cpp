// tests/io/tcp_test.cpp: what a connection promises, on whichever driver WEFT_IO names.
// SPDX-License-Identifier: MIT

#include <array>
#include <cerrno>
#include <numeric>
#include <system_error>
#include <vector>

#include "support.hpp"
#include "support/descriptors.hpp"
#include "weft/base/error.hpp"
#include "weft/io/io_driver.hpp"
#include "weft/task/task_completion_source.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;

using tcp = io_test;

task<> echo(tcp_stream stream) {
    std::vector<char> buffer(4096);
    for (;;) {
        const std::size_t count = co_await stream.read(std::span<char>(buffer));
        if (count == 0) break;
        co_await stream.write(std::string_view(buffer.data(), count));
    }
    co_await stream.close();
}

TEST_F(tcp, the_driver_is_the_one_that_was_asked_for) {
    const char* wanted = std::getenv("WEFT_IO");
    const std::string_view name = runtime::default_runtime().io_driver().name();
    if (wanted != nullptr && std::string_view(wanted) != "auto") EXPECT_EQ(name, wanted);
    else EXPECT_TRUE(name == "io_uring" || name == "epoll");
}

task<> talk_to_echo() {
    connection both = co_await connect_pair();
    task<> serving = echo(std::move(both.server));
    std::array<char, 64> answer{};
    for (int round = 0; round < 100; ++round) {
        const std::string text = "round " + std::to_string(round);
        co_await both.client.write(text);
        std::size_t count = 0;
        while (count < text.size()) {
            const std::size_t got = co_await both.client.read(std::span<char>(answer).subspan(count));
            if (got == 0) break;
            count += got;
        }
        EXPECT_EQ(std::string_view(answer.data(), count), text);
    }
    co_await both.client.close();
    co_await serving;
}

TEST_F(tcp, what_is_sent_comes_back_from_an_echo) { block_on(talk_to_echo()); }

task<> end_of_stream() {
    connection both = co_await connect_pair();
    co_await both.server.write(std::string_view("last words"));
    co_await both.server.close();
    const std::string heard = co_await read_to_end(both.client);
    EXPECT_EQ(heard, "last words");
    std::array<char, 4> more{};
    const std::size_t again = co_await both.client.read(std::span<char>(more));
    EXPECT_EQ(again, 0U);
}

TEST_F(tcp, the_end_of_the_stream_is_zero_bytes_after_all_the_data) { block_on(end_of_stream()); }

task<> half_close() {
    connection both = co_await connect_pair();
    co_await both.client.write(std::string_view("question"));
    both.client.shutdown_send();
    const std::string question = co_await read_to_end(both.server);
    EXPECT_EQ(question, "question");
    co_await both.server.write(std::string_view("answer"));
    co_await both.server.close();
    const std::string answer = co_await read_to_end(both.client);
    EXPECT_EQ(answer, "answer");
}

TEST_F(tcp, after_shutdown_send_the_other_direction_goes_on) { block_on(half_close()); }

task<> reset() {
    connection both = co_await connect_pair();
    std::array<char, 4> buffer{};
    task<std::size_t> pending = both.client.read(std::span<char>(buffer));
    both.server.reset_on_close();
    co_await both.server.close();
    int code = 0;
    std::string text;
    try {
        co_await std::move(pending);
    } catch (const io_error& error) {
        code = error.code().value();
        text = error.what();
    }
    EXPECT_EQ(code, ECONNRESET);
    EXPECT_NE(text.find("read from '127.0.0.1:"), std::string::npos) << text;
    EXPECT_NE(text.find("(ECONNRESET)"), std::string::npos) << text;
    const std::string written = co_await failure_of(task<>(both.client.write(std::string_view("into the void"))));
    EXPECT_NE(written.find("write to '127.0.0.1:"), std::string::npos) << written;
}

TEST_F(tcp, a_reset_is_an_error_that_names_the_peer_and_no_signal) { block_on(reset()); }

task<std::string> connect_to_nobody() {
    tcp_listener gone = tcp_listener::bind(endpoint::loopback_v4());
    const endpoint nobody = gone.local_endpoint();
    co_await gone.close();
    co_return co_await failure_of(tcp_stream::connect(nobody)) + " / " + nobody.to_string();
}

TEST_F(tcp, a_refused_connection_says_to_whom) {
    const std::string text = block_on(connect_to_nobody());
    const std::string name = text.substr(text.find(" / ") + 3);
    EXPECT_EQ(text.substr(0, text.find(" / ")), "connect to '" + name + "' failed: connection refused (ECONNREFUSED)");
}

TEST_F(tcp, a_port_in_use_says_which) {
    tcp_listener first = tcp_listener::bind(endpoint::loopback_v4());
    const endpoint taken = first.local_endpoint();
    EXPECT_NE(taken.port(), 0);
    try {
        static_cast<void>(tcp_listener::bind(taken));
        FAIL() << "two listeners share a port";
    } catch (const io_error& error) {
        EXPECT_EQ(
            std::string(error.what()), "listen on '" + taken.to_string() + "' failed: address already in use (EADDRINUSE)");
    }
}

task<std::size_t> receive_all(tcp_stream& stream, std::size_t size, std::uint64_t& sum) {
    std::vector<std::uint8_t> buffer(256 * 1024);
    std::size_t total = 0;
    while (total < size) {
        const std::size_t count = co_await stream.read(std::as_writable_bytes(std::span(buffer)));
        if (count == 0) break;
        sum = std::accumulate(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(count), sum);
        total += count;
    }
    co_return total;
}

task<> large_transfer(std::size_t size) {
    connection both = co_await connect_pair();
    std::vector<std::uint8_t> data(size);
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(i * 7);
    const std::uint64_t expected = std::accumulate(data.begin(), data.end(), std::uint64_t{0});
    std::uint64_t to_server = 0;
    std::uint64_t to_client = 0;
    task<std::size_t> one = receive_all(both.server, size, to_server);
    task<std::size_t> two = receive_all(both.client, size, to_client);
    task<> forth = both.client.write(std::as_bytes(std::span(data)));
    task<> back = both.server.write(std::as_bytes(std::span(data)));
    co_await forth;
    co_await back;
    const std::size_t first = co_await one;
    const std::size_t second = co_await two;
    EXPECT_EQ(first, size);
    EXPECT_EQ(second, size);
    EXPECT_EQ(to_server, expected);
    EXPECT_EQ(to_client, expected);
}

TEST_F(tcp, a_large_write_arrives_whole_in_both_directions_at_once) { block_on(large_transfer(32 << 20)); }

task<> exactly() {
    connection both = co_await connect_pair();
    std::array<std::byte, 10> buffer{};
    task<> reading = both.client.read_exactly(buffer);
    co_await both.server.write(std::string_view("12345"));
    co_await both.server.write(std::string_view("67890"));
    co_await std::move(reading);
    EXPECT_EQ(buffer[9], std::byte{'0'});
    task<> short_of_it = both.client.read_exactly(buffer);
    co_await both.server.close();
    const std::string text = co_await failure_of(std::move(short_of_it));
    EXPECT_NE(text.find("read 10 more bytes"), std::string::npos) << text;
}

TEST_F(tcp, read_exactly_fills_the_buffer_or_fails) { block_on(exactly()); }

TEST_F(tcp, an_empty_stream_is_disposed) {
    tcp_stream none;
    EXPECT_FALSE(none.is_open());
    EXPECT_THROW(static_cast<void>(none.remote_endpoint()), object_disposed);
    block_on(none.close());
}

task<> use_after_close() {
    connection both = co_await connect_pair();
    co_await both.client.close();
    EXPECT_FALSE(both.client.is_open());
    std::array<char, 4> buffer{};
    bool disposed = false;
    try {
        static_cast<void>(co_await both.client.read(std::span<char>(buffer)));
    } catch (const object_disposed& error) {
        disposed = true;
    }
    EXPECT_TRUE(disposed);
    co_await both.client.close();
}

TEST_F(tcp, a_closed_stream_refuses_operations_and_closes_again_in_peace) { block_on(use_after_close()); }

task<> close_while_reading() {
    connection both = co_await connect_pair();
    std::array<char, 4> buffer{};
    task<std::size_t> pending = both.client.read(std::span<char>(buffer));
    co_await both.client.close();
    bool canceled = false;
    try {
        co_await std::move(pending);
    } catch (const operation_canceled&) {
        canceled = true;
    }
    EXPECT_TRUE(canceled);
}

TEST_F(tcp, close_ends_a_pending_read_as_cancelled_and_waits_for_it) { block_on(close_while_reading()); }

task<> close_while_accepting() {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    task<tcp_stream> one = listener.accept();
    task<tcp_stream> two = listener.accept();
    co_await listener.close();
    int canceled = 0;
    for (task<tcp_stream>* each : {&one, &two}) {
        try {
            static_cast<void>(co_await std::move(*each));
        } catch (const operation_canceled&) {
            ++canceled;
        }
    }
    EXPECT_EQ(canceled, 2);
}

TEST_F(tcp, close_ends_every_pending_accept) { block_on(close_while_accepting()); }

task<> destroy_while_reading() {
    std::array<char, 4> buffer{};
    connection both = co_await connect_pair();
    task<std::size_t> pending = both.client.read(std::span<char>(buffer));
    both.client = tcp_stream();
    const std::string text = co_await failure_of(std::move(pending));
    EXPECT_NE(text.find("was canceled"), std::string::npos) << text;
}

TEST_F(tcp, destroying_a_stream_ends_its_pending_read) { block_on(destroy_while_reading()); }

task<> many_connections(int count) {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    std::vector<task<>> served;
    std::vector<tcp_stream> clients;
    for (int i = 0; i < count; ++i) {
        task<tcp_stream> accepted = listener.accept();
        clients.push_back(co_await tcp_stream::connect(listener.local_endpoint()));
        served.push_back(echo(co_await std::move(accepted)));
    }
    for (int round = 0; round < 3; ++round) {
        for (tcp_stream& client : clients) co_await client.write(std::string_view("hello"));
        for (tcp_stream& client : clients) {
            std::array<std::byte, 5> answer{};
            co_await client.read_exactly(answer);
            EXPECT_EQ(answer[4], std::byte{'o'});
        }
    }
    for (tcp_stream& client : clients) co_await client.close();
    for (task<>& each : served) co_await each;
}

TEST_F(tcp, a_thousand_connections_are_served_at_once) {
    if (!weft_test::may_open(2000)) GTEST_SKIP() << "2,000 descriptors are more than 'ulimit -n' allows";
    block_on(many_connections(1000));
}

task<std::string> by_name() {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    task<tcp_stream> accepted = listener.accept();
    tcp_stream client = co_await tcp_stream::connect("localhost", listener.local_endpoint().port());
    tcp_stream server = co_await std::move(accepted);
    co_return client.remote_endpoint().address();
}

TEST_F(tcp, connect_takes_a_name) { EXPECT_EQ(block_on(by_name()), "127.0.0.1"); }

}  // namespace
