// tests/tls/stream_test.cpp: bytes both ways, endings, and cancelled operations.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <thread>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support.hpp"
#include "weft/run.hpp"
#include "weft/when_all.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::tls_context;
using net::tls_error;
using net::tls_stream;
using namespace std::chrono_literals;

using tls_streams = io_test;

std::byte pattern(std::size_t at, unsigned seed) { return static_cast<std::byte>((at * 31 + at / 253 + seed) & 0xff); }

task<> send_pattern(tls_stream& to, std::size_t size, unsigned seed) {
    std::vector<std::byte> data(100'000);
    for (std::size_t at = 0; at < size;) {
        const std::size_t part = std::min(data.size(), size - at);
        for (std::size_t i = 0; i < part; ++i) data[i] = pattern(at + i, seed);
        const std::span<const std::byte> ready = std::span<const std::byte>(data).first(part);
        co_await to.write(ready);
        at += part;
    }
    co_await to.shutdown_send();
}

task<std::size_t> check_pattern(tls_stream& from, unsigned seed) {
    std::vector<std::byte> buffer(30'000);
    std::size_t at = 0;
    std::size_t wrong = 0;
    for (;;) {
        const std::size_t count = co_await from.read(std::span<std::byte>(buffer));
        if (count == 0) break;
        for (std::size_t i = 0; i < count; ++i) wrong += buffer[i] == pattern(at + i, seed) ? 0U : 1U;
        at += count;
    }
    EXPECT_EQ(wrong, 0U);
    co_return at;
}

task<> both_ways(std::size_t size) {
    tls_pair both = co_await shake_hands();
    const auto begin = std::chrono::steady_clock::now();
    task<> up = send_pattern(both.client, size, 1);
    task<> down = send_pattern(both.server, size, 2);
    task<std::size_t> arrived_up = check_pattern(both.server, 1);
    task<std::size_t> arrived_down = check_pattern(both.client, 2);
    const std::size_t first = co_await std::move(arrived_up);
    const std::size_t second = co_await std::move(arrived_down);
    co_await std::move(up);
    co_await std::move(down);
    EXPECT_EQ(first, size);
    EXPECT_EQ(second, size);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%.0f MB/s, both directions together\n", 2 * static_cast<double>(size) / took.count() / 1e6);
}

TEST_F(tls_streams, much_goes_both_ways_at_once) {
    block_on(both_ways(static_cast<std::size_t>(scaled(64)) * 1024 * 1024));
}

task<> small_writes(int count) {
    tls_pair both = co_await shake_hands();
    task<> sending = [](tls_stream& to, int times) -> task<> {
        for (int i = 0; i < times; ++i) {
            const std::string line = std::to_string(i) + "\n";
            co_await to.write(std::string_view(line));
        }
        co_await to.shutdown_send();
    }(both.client, count);
    std::string all;
    for (;;) {
        const std::string part = co_await read_some(both.server);
        if (part.empty()) break;
        all += part;
    }
    co_await std::move(sending);
    std::string wanted;
    for (int i = 0; i < count; ++i) wanted += std::to_string(i) + "\n";
    EXPECT_EQ(all, wanted);
}

TEST_F(tls_streams, small_writes_keep_their_order) { block_on(small_writes(scaled(2000))); }

// ---- endings

task<> half_close() {
    tls_pair both = co_await shake_hands();
    co_await both.client.shutdown_send();
    co_await both.client.shutdown_send();
    const std::string end = co_await read_some(both.server);
    EXPECT_EQ(end, "");
    const std::string again = co_await read_some(both.server);
    EXPECT_EQ(again, "");
    co_await both.server.write(std::string_view("still here"));
    const std::string heard = co_await read_some(both.client);
    EXPECT_EQ(heard, "still here");
    task<> writing = both.client.write(std::string_view("too late"));
    task<std::optional<tls_error>> failing = tls_failure(run(
        [](task<> which) -> task<int> {
            co_await std::move(which);
            co_return 0;
        },
        std::move(writing)));
    const std::optional<tls_error> late = co_await std::move(failing);
    EXPECT_TRUE(late && late->code() == net::tls_errc::send_closed);
    task<bool> far = both.server.shutdown();
    const bool good_bye = co_await both.client.shutdown();
    EXPECT_TRUE(good_bye);
    const bool other = co_await std::move(far);
    EXPECT_TRUE(other);
}

TEST_F(tls_streams, after_shutdown_send_the_other_direction_goes_on) { block_on(half_close()); }

task<> shutdown_is_bounded() {
    tls_pair both = co_await shake_hands();
    const bool silent = co_await both.client.shutdown(20ms);
    EXPECT_FALSE(silent) << "the peer is still there, and says nothing";
    tls_pair second = co_await shake_hands();
    co_await second.server.close();
    const bool gone = co_await second.client.shutdown();
    EXPECT_FALSE(gone);
}

TEST_F(tls_streams, shutdown_waits_only_so_long) { block_on(shutdown_is_bounded()); }

task<> truncated() {
    tls_pair both = co_await shake_hands();
    co_await both.server.write(std::string_view("half a mess"));
    co_await both.server.close();
    const std::string heard = co_await read_some(both.client);
    EXPECT_EQ(heard, "half a mess");
    for (int i = 0; i < 2; ++i) {
        task<std::optional<tls_error>> failing = tls_failure(read_some(both.client));
        const std::optional<tls_error> error = co_await std::move(failing);
        EXPECT_TRUE(error && error->is_truncation()) << "each time";
    }
}

TEST_F(tls_streams, an_end_without_close_notify_is_an_error) { block_on(truncated()); }

task<> garbled() {
    connection raw = co_await connect_pair();
    tls_context server = server_settings().build();
    tls_context client = client_settings().build();
    // A man in the middle, who speaks TLS to neither: the bytes of the client go through, then some of his own.
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4());
    task<net::tcp_stream> accepted = listener.accept();
    net::tcp_stream out = co_await net::tcp_stream::connect(listener.local_endpoint());
    net::tcp_stream in = co_await std::move(accepted);
    const auto copy = [](net::tcp_stream& from, net::tcp_stream& to) -> task<> {
        std::vector<std::byte> buffer(4096);
        try {
            for (;;) {
                const std::size_t count = co_await from.read(std::span<std::byte>(buffer));
                if (count == 0) break;
                const std::span<const std::byte> part = std::span<const std::byte>(buffer).first(count);
                co_await to.write(part);
            }
        } catch (const std::exception&) {
            // Closed by the test.
        }
    };
    task<> up = copy(raw.server, out);
    task<> down = copy(out, raw.server);
    task<tls_stream> accepting = tls_stream::accept(std::move(in), server);
    tls_pair both;
    task<tls_stream> connecting = tls_stream::connect(std::move(raw.client), client, "server.test");
    both.client = co_await std::move(connecting);
    both.server = co_await std::move(accepting);
    co_await greet(both);
    co_await raw.server.write(std::string_view("\x17\x03\x03\x00\x20this is not what was encrypted ..", 37));
    task<std::optional<tls_error>> failing = tls_failure(read_some(both.client));
    const std::optional<tls_error> error = co_await std::move(failing);
    EXPECT_TRUE(error && !error->is_truncation());
    co_await raw.server.close();
    co_await out.close();
    co_await std::move(up);
    co_await std::move(down);
}

TEST_F(tls_streams, bytes_that_were_not_encrypted_are_refused) { block_on(garbled()); }

// ---- giving up

task<> cancel_reads(int rounds) {
    tls_pair both = co_await shake_hands();
    int canceled = 0;
    for (int round = 0; round < rounds; ++round) {
        cancellation_source source;
        std::vector<char> buffer(16);
        task<std::size_t> pending = both.client.read(std::span<char>(buffer), source.token());
        const char sent = static_cast<char>('a' + round % 26);
        task<> stopping = run([](cancellation_source which) { which.cancel(); }, source);
        if (round % 2 != 0) co_await stopping;
        co_await both.server.write(std::string_view(&sent, 1));
        std::size_t count = 0;
        try {
            count = co_await std::move(pending);
        } catch (const operation_canceled&) {
            ++canceled;
        }
        co_await stopping;
        if (count == 0) count = co_await both.client.read(std::span<char>(buffer));
        EXPECT_EQ(count, 1U);
        EXPECT_EQ(buffer[0], sent);
        if (count != 1 || buffer[0] != sent) break;
    }
    std::printf("%d of %d reads were cancelled\n", canceled, rounds);
}

TEST_F(tls_streams, a_cancelled_read_loses_nothing) { block_on(cancel_reads(scaled(4000))); }

task<> cancel_write() {
    tls_pair both = co_await shake_hands();
    // More than fits between the two, so the write waits.
    const std::string much(64 * 1024 * 1024, 'x');
    cancellation_source source;
    task<> writing = both.client.write(std::string_view(much), source.token());
    EXPECT_FALSE(writing.is_completed());
    source.cancel();
    bool canceled = false;
    try {
        co_await std::move(writing);
    } catch (const operation_canceled&) {
        canceled = true;
    }
    EXPECT_TRUE(canceled);
    // What was taken arrives whole, and what is written next stands behind it.
    task<> last = [](tls_stream& to) -> task<> {
        co_await to.write(std::string_view("end"));
        co_await to.shutdown_send();
    }(both.client);
    std::string all;
    for (;;) {
        const std::string part = co_await read_some(both.server);
        if (part.empty()) break;
        all += part;
    }
    co_await std::move(last);
    EXPECT_LT(all.size(), much.size());
    EXPECT_GT(all.size(), 3U);
    EXPECT_EQ(all, std::string(all.size() - 3, 'x') + "end");
}

TEST_F(tls_streams, a_cancelled_write_leaves_the_stream_in_order) { block_on(cancel_write()); }

task<> close_under_operations() {
    tls_pair both = co_await shake_hands();
    const std::string much(32 * 1024 * 1024, 'x');
    std::vector<char> buffer(16);
    task<std::size_t> reading = both.client.read(std::span<char>(buffer));
    task<> writing = both.client.write(std::string_view(much));
    co_await both.client.close();
    co_await both.client.close();
    EXPECT_FALSE(both.client.is_open());
    int ended = 0;
    try {
        static_cast<void>(co_await std::move(reading));
    } catch (const operation_canceled&) {
        ++ended;
    }
    try {
        co_await std::move(writing);
    } catch (const operation_canceled&) {
        ++ended;
    }
    EXPECT_EQ(ended, 2);
    bool disposed = false;
    try {
        static_cast<void>(co_await both.client.read(std::span<char>(buffer)));
    } catch (const object_disposed&) {
        disposed = true;
    }
    EXPECT_TRUE(disposed);
}

TEST_F(tls_streams, close_ends_what_is_pending) { block_on(close_under_operations()); }

task<> drop_under_operations() {
    std::optional<tls_pair> both = co_await shake_hands();
    std::vector<char> buffer(16);
    task<std::size_t> reading = both->client.read(std::span<char>(buffer));
    both.reset();
    bool canceled = false;
    try {
        static_cast<void>(co_await std::move(reading));
    } catch (const operation_canceled&) {
        canceled = true;
    } catch (const tls_error& error) {
        canceled = error.is_truncation();  // the server's end went first
    }
    EXPECT_TRUE(canceled);
    tls_stream empty;
    EXPECT_FALSE(empty.is_open());
    EXPECT_THROW(static_cast<void>(empty.alpn()), object_disposed);
}

TEST_F(tls_streams, a_dropped_stream_ends_what_is_pending) { block_on(drop_under_operations()); }

// ---- over other streams

task<> tunnel() {
    tls_pair outer = co_await shake_hands();
    tls_context server = server_settings().build();
    tls_context client = client_settings().build();
    task<tls_stream> accepting = tls_stream::accept(std::move(outer.server), server);
    tls_pair inner;
    task<tls_stream> connecting = tls_stream::connect(std::move(outer.client), client, "server.test");
    inner.client = co_await std::move(connecting);
    inner.server = co_await std::move(accepting);
    co_await greet(inner);
    std::vector<std::byte> exact(5);
    task<> reading = inner.server.read_exactly(std::span<std::byte>(exact));
    co_await inner.client.write(std::string_view("he"));
    co_await inner.client.write(std::string_view("llo"));
    co_await std::move(reading);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(exact.data()), exact.size()), "hello");
}

TEST_F(tls_streams, run_over_each_other) { block_on(tunnel()); }

task<> connect_by_name() {
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4());
    task<net::tcp_stream> accepted = listener.accept();
    const net::tls_identity here = the_authority().issue({.subject = "here", .names = "DNS:localhost"});
    tls_context server = net::tls_context_builder::for_server().certificate_pem(here.certificate, here.key).build();
    tls_context client = client_settings().build();
    task<tls_stream> connecting = tls_stream::connect_to("localhost", listener.local_endpoint().port(), client);
    net::tcp_stream raw = co_await std::move(accepted);
    tls_pair both;
    task<tls_stream> accepting = tls_stream::accept(std::move(raw), server);
    both.server = co_await std::move(accepting);
    both.client = co_await std::move(connecting);
    co_await greet(both);
}

TEST_F(tls_streams, connect_by_name) { block_on(connect_by_name()); }

// ---- a peer with a mind of its own: OpenSSL itself, on a blocking socket

/// Connects to `where`, does the handshake and then `body`.
class plain_client {
public:
    plain_client(net::endpoint where, int newest, std::function<void(SSL*)> body)
        : thread_([where, newest, body = std::move(body)] {
              const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
              sockaddr_in address{};
              address.sin_family = AF_INET;
              address.sin_port = htons(where.port());
              address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
              EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
              SSL_CTX* const context = ::SSL_CTX_new(::TLS_client_method());
              SSL_CTX_set_max_proto_version(context, newest);
              SSL* const ssl = ::SSL_new(context);
              ::SSL_set_fd(ssl, fd);
              EXPECT_EQ(::SSL_connect(ssl), 1);
              body(ssl);
              ::SSL_free(ssl);
              ::SSL_CTX_free(context);
              ::close(fd);
          }) {}
    ~plain_client() { thread_.join(); }

private:
    std::thread thread_;
};

task<tls_stream> accept_on(net::tcp_listener& listener) {
    net::tcp_stream raw = co_await listener.accept();
    tls_context server = server_settings().build();
    task<tls_stream> accepting = tls_stream::accept(std::move(raw), std::move(server));
    co_return co_await std::move(accepting);
}

TEST_F(tls_streams, renegotiation_is_refused) {
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4());
    std::atomic<int> again{-1};
    const plain_client peer(listener.local_endpoint(), TLS1_2_VERSION, [&again](SSL* ssl) {
        ::SSL_renegotiate(ssl);
        again = ::SSL_do_handshake(ssl);
        ::ERR_clear_error();
    });
    tls_stream server = block_on(accept_on(listener));
    const std::string ended = block_on(failure_of(read_some(server)));
    EXPECT_TRUE(eventually([&] { return again.load() != -1 || !ended.empty(); }));
    EXPECT_NE(again.load(), 1) << "the second handshake succeeded";
    block_on(server.close());
    block_on(listener.close());
}

TEST_F(tls_streams, new_keys_are_taken_and_answered) {
    net::tcp_listener listener = net::tcp_listener::bind(net::endpoint::loopback_v4());
    std::atomic<int> good{0};
    const plain_client peer(listener.local_endpoint(), TLS1_3_VERSION, [&good](SSL* ssl) {
        for (int round = 0; round < 20; ++round) {
            // The server answers with new keys of its own, while it only reads.
            EXPECT_EQ(::SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED), 1);
            EXPECT_EQ(::SSL_write(ssl, "ping", 4), 4);
            char answer[4];
            int count = 0;
            while (count < 4) {
                const int part = ::SSL_read(ssl, answer + count, 4 - count);
                if (part <= 0) return;
                count += part;
            }
            if (std::string_view(answer, 4) == "pong") ++good;
        }
        ::SSL_shutdown(ssl);
    });
    tls_stream server = block_on(accept_on(listener));
    for (;;) {
        const std::string heard = block_on(read_some(server));
        if (heard.empty()) break;
        EXPECT_EQ(heard, "ping");
        block_on(server.write(std::string_view("pong")));
    }
    EXPECT_TRUE(eventually([&] { return good.load() == 20; })) << good.load();
    block_on(server.close());
    block_on(listener.close());
}

}  // namespace
