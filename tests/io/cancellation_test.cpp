// tests/io/cancellation_test.cpp: each kind of operation can be cancelled, before, while and after it runs, and loses nothing.
// SPDX-License-Identifier: MIT

#include <array>
#include <vector>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/net/resolver.hpp"
#include "weft/scheduling/run.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::endpoint;
using net::tcp_listener;
using net::tcp_stream;

using io_cancellation = io_test;

/// How an operation ended.
enum class ending { result, canceled, failed };

template <class T>
task<ending> ending_of(task<T> operation, cancellation_token token) {
    try {
        // As an lvalue: the caller may want the result itself.
        if constexpr (std::is_void_v<T>) co_await operation;
        else static_cast<void>(co_await operation);
        co_return ending::result;
    } catch (const operation_canceled& error) {
        EXPECT_EQ(error.token(), token);
        co_return ending::canceled;
    } catch (const std::exception& error) {
        ADD_FAILURE() << error.what();
        co_return ending::failed;
    }
}

task<> cancel_read() {
    connection both = co_await connect_pair();
    cancellation_source source;
    std::array<char, 4> buffer{};
    task<std::size_t> pending = both.client.read(std::span<char>(buffer), source.token());
    EXPECT_FALSE(pending.is_completed());
    source.cancel();
    const ending how = co_await ending_of(std::move(pending), source.token());
    EXPECT_EQ(how, ending::canceled);
    // The stream is as it was.
    co_await both.server.write(std::string_view("more"));
    const std::size_t count = co_await both.client.read(std::span<char>(buffer));
    EXPECT_EQ(count, 4U);
}

TEST_F(io_cancellation, a_pending_read_ends_and_the_stream_goes_on) { block_on(cancel_read()); }

task<> cancelled_before() {
    connection both = co_await connect_pair();
    co_await both.server.write(std::string_view("here"));
    cancellation_source source;
    source.cancel();
    std::array<char, 4> buffer{};
    task<std::size_t> never = both.client.read(std::span<char>(buffer), source.token());
    const ending how = co_await ending_of(std::move(never), source.token());
    EXPECT_EQ(how, ending::canceled);
    const std::size_t count = co_await both.client.read(std::span<char>(buffer));
    EXPECT_EQ(count, 4U);
}

TEST_F(io_cancellation, a_token_cancelled_beforehand_takes_no_bytes) { block_on(cancelled_before()); }

task<> cancel_write() {
    connection both = co_await connect_pair();
    cancellation_source source;
    std::vector<std::byte> data(64 << 20);
    task<> pending = both.client.write(data, source.token());
    EXPECT_FALSE(pending.is_completed());
    source.cancel();
    const ending how = co_await ending_of(std::move(pending), source.token());
    EXPECT_EQ(how, ending::canceled);
}

TEST_F(io_cancellation, a_write_that_nobody_reads_ends) { block_on(cancel_write()); }

task<> cancel_accept() {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    cancellation_source source;
    task<tcp_stream> pending = listener.accept(source.token());
    source.cancel();
    const ending how = co_await ending_of(std::move(pending), source.token());
    EXPECT_EQ(how, ending::canceled);
    task<tcp_stream> next = listener.accept();
    tcp_stream client = co_await tcp_stream::connect(listener.local_endpoint());
    tcp_stream server = co_await std::move(next);
    EXPECT_TRUE(server.is_open());
}

TEST_F(io_cancellation, a_pending_accept_ends_and_the_listener_goes_on) { block_on(cancel_accept()); }

task<> cancel_connect() {
    // A line of one that is full: the kernel drops further attempts, which then wait to try again.
    net::listen_options options;
    options.backlog = 0;
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4(), options);
    cancellation_source source;
    std::vector<task<tcp_stream>> attempts;
    for (int i = 0; i < 8; ++i) attempts.push_back(tcp_stream::connect(listener.local_endpoint(), source.token()));
    source.cancel();
    int canceled = 0;
    for (task<tcp_stream>& attempt : attempts) {
        const ending how = co_await ending_of(std::move(attempt), source.token());
        if (how == ending::canceled) ++canceled;
    }
    EXPECT_GT(canceled, 0);
}

TEST_F(io_cancellation, a_connection_attempt_ends) { block_on(cancel_connect()); }

task<> cancel_resolve() {
    cancellation_source source;
    source.cancel();
    const ending how = co_await ending_of(net::resolve("localhost", 80, source.token()), source.token());
    EXPECT_EQ(how, ending::canceled);
}

TEST_F(io_cancellation, a_look_up_ends) { block_on(cancel_resolve()); }

// Cancelling while the byte arrives: the read ends one way or the other, and the byte is seen exactly once.
task<int> race_reads(int rounds) {
    connection both = co_await connect_pair();
    int canceled = 0;
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source;
        std::array<char, 2> buffer{};
        task<std::size_t> pending = both.client.read(std::span<char>(buffer), source.token());
        const char sent = static_cast<char>('a' + round % 26);
        task<> stopping = run([](cancellation_source which) { which.cancel(); }, source);
        // In every other round the request to cancel gets a head start.
        if (round % 2 != 0) co_await stopping;
        co_await both.server.write(std::string_view(&sent, 1));
        const ending how = co_await ending_of(pending, source.token());
        co_await stopping;
        std::size_t count = how == ending::result ? co_await std::move(pending) : 0;
        if (how == ending::canceled) {
            ++canceled;
            count = co_await both.client.read(std::span<char>(buffer));
        }
        EXPECT_EQ(count, 1U);
        EXPECT_EQ(buffer[0], sent);
        if (count != 1 || buffer[0] != sent) break;
    }
    co_return canceled;
}

TEST_F(io_cancellation, racing_with_data_a_read_has_one_outcome_and_loses_nothing) {
    const int rounds = scaled(20000);
    const int canceled = block_on(race_reads(rounds));
    std::printf("%d of %d reads were cancelled\n", canceled, rounds);
}

task<int> race_accepts(int rounds) {
    tcp_listener listener = tcp_listener::bind(endpoint::loopback_v4());
    int canceled = 0;
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source;
        task<tcp_stream> pending = listener.accept(source.token());
        task<tcp_stream> connecting = tcp_stream::connect(listener.local_endpoint());
        task<> stopping = run([](cancellation_source which) { which.cancel(); }, source);
        const ending how = co_await ending_of(pending, source.token());
        co_await std::move(stopping);
        tcp_stream client = co_await std::move(connecting);
        tcp_stream server;
        if (how == ending::canceled) {
            ++canceled;
            server = co_await listener.accept();
        } else {
            server = co_await std::move(pending);
        }
        const endpoint other = server.remote_endpoint();
        EXPECT_EQ(other, client.local_endpoint());
        client.reset_on_close();
    }
    co_return canceled;
}

TEST_F(io_cancellation, racing_with_a_client_an_accept_has_one_outcome_and_leaks_nothing) {
    const int rounds = scaled(4000);
    const int canceled = block_on(race_accepts(rounds));
    std::printf("%d of %d accepts were cancelled\n", canceled, rounds);
}

task<> race_writes(int rounds) {
    for (int round = 0; round < rounds; ++round) {
        connection both = co_await connect_pair();
        cancellation_source source;
        std::vector<std::byte> data(8 << 20);
        task<> pending = both.client.write(data, source.token());
        task<std::string> reading = read_to_end(both.server);
        task<> stopping = run([](cancellation_source which) { which.cancel(); }, source);
        const ending how = co_await ending_of(pending, source.token());
        co_await std::move(stopping);
        co_await both.client.close();
        const std::string got = co_await std::move(reading);
        if (how == ending::result) EXPECT_EQ(got.size(), data.size());
        else EXPECT_LE(got.size(), data.size());
    }
}

TEST_F(io_cancellation, racing_with_a_reader_a_write_ends_one_way) { block_on(race_writes(scaled(60))); }

}  // namespace
