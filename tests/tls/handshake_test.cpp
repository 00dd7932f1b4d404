// tests/tls/handshake_test.cpp: who may speak with whom, and how handshakes fail.
// SPDX-License-Identifier: MIT

#include <chrono>

#include <malloc.h>

#include "support.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using net::tls_context;
using net::tls_context_builder;
using net::tls_error;
using net::tls_stream;
using namespace std::chrono_literals;

using tls_handshake = io_test;

task<> meet() {
    tls_pair both = co_await shake_hands();
    EXPECT_EQ(both.client.version(), net::tls_version::tls_1_3);
    EXPECT_EQ(both.server.server_name(), "server.test");
    EXPECT_EQ(both.client.alpn(), "");
    EXPECT_FALSE(both.client.cipher().empty());
    EXPECT_FALSE(both.client.is_resumed());
    const std::optional<net::tls_certificate> shown = both.client.peer_certificate();
    EXPECT_TRUE(shown.has_value());
    if (shown) {
        EXPECT_EQ(shown->subject, "CN=server.test");
        EXPECT_EQ(shown->issuer, "CN=Test Authority");
        EXPECT_EQ(shown->names, (std::vector<std::string>{"server.test", "*.wild.test", "127.0.0.1"}));
        EXPECT_EQ(shown->fingerprint.size(), 64U);
        EXPECT_LT(shown->not_before, std::chrono::system_clock::now());
        EXPECT_GT(shown->not_after, std::chrono::system_clock::now() + std::chrono::hours(24 * 28));
        EXPECT_EQ(net::tls_certificate::parse(shown->pem).fingerprint, shown->fingerprint);
    }
    EXPECT_FALSE(both.server.peer_certificate().has_value());
    co_await greet(both);
    const bool good_bye = co_await both.client.shutdown(0ms);
    EXPECT_FALSE(good_bye) << "nobody has answered yet";
    co_await both.client.close();
    co_await both.server.close();
}

TEST_F(tls_handshake, connects_and_tells_who_is_there) { block_on(meet()); }

task<> meet_as(std::string host, net::tls_version newest) {
    tls_context client = client_settings().versions(net::tls_version::tls_1_2, newest).build();
    tls_context server = server_settings().build();
    task<tls_pair> meeting = shake_hands(std::move(client), std::move(server), std::move(host));
    tls_pair both = co_await std::move(meeting);
    EXPECT_EQ(both.client.version(), newest);
    co_await greet(both);
}

TEST_F(tls_handshake, the_certificate_may_name_the_host_in_several_ways) {
    for (const char* host : {"server.test", "SERVER.test", "server.test.", "any.wild.test", "127.0.0.1"}) {
        block_on(meet_as(host, net::tls_version::tls_1_3));
        block_on(meet_as(host, net::tls_version::tls_1_2));
    }
}

task<tls_error> refused(tls_context client, tls_context server, std::string host) {
    task<tls_pair> meeting = shake_hands(std::move(client), std::move(server), std::move(host));
    task<std::optional<tls_error>> failing = tls_failure(std::move(meeting));
    std::optional<tls_error> error = co_await std::move(failing);
    co_return error.value_or(tls_error(net::tls_errc::protocol, "nothing"));
}

tls_context server_with(const certificate_wish& wish, const authority& by = the_authority()) {
    const net::tls_identity identity = by.issue(wish);
    return tls_context_builder::for_server().certificate_pem(identity.certificate, identity.key).build();
}

void expect_refusal(tls_context server, const char* host, const std::string& reason) {
    const tls_error error = block_on(refused(client_settings().build(), std::move(server), host));
    EXPECT_TRUE(error.is_certificate_refused()) << error.what();
    const std::string text = error.what();
    EXPECT_EQ(text.rfind("TLS handshake with '" + std::string(host) + "' at 127.0.0.1:", 0), 0U) << text;
    EXPECT_NE(text.find(reason), std::string::npos) << text;
}

TEST_F(tls_handshake, a_bad_certificate_is_refused_with_the_reason) {
    certificate_wish expired;
    expired.from_days = -10;
    expired.to_days = -1;
    expect_refusal(server_with(expired), "server.test", "certificate has expired");
    certificate_wish early;
    early.from_days = 5;
    expect_refusal(server_with(early), "server.test", "certificate is not yet valid");
    expect_refusal(server_with({}), "other.test", "hostname mismatch");
    expect_refusal(server_with({}), "a.b.wild.test", "hostname mismatch");
    expect_refusal(server_with({}), "127.0.0.2", "IP address mismatch");
    certificate_wish of_clients;
    of_clients.usage = "clientAuth";
    expect_refusal(server_with(of_clients), "server.test", "unsuitable certificate purpose");
    const authority stranger("Somebody Else");
    expect_refusal(server_with({}, stranger), "server.test", "unable to get local issuer certificate");
}

task<> server_hears_of_refusal() {
    connection raw = co_await connect_pair();
    tls_context server = server_settings().build();
    tls_context client = client_settings().build();
    task<tls_stream> accepting = tls_stream::accept(std::move(raw.server), server);
    task<tls_stream> connecting = tls_stream::connect(std::move(raw.client), client, "other.test");
    task<std::optional<tls_error>> first = tls_failure(std::move(connecting));
    static_cast<void>(co_await std::move(first));
    task<std::optional<tls_error>> second = tls_failure(std::move(accepting));
    const std::optional<tls_error> heard = co_await std::move(second);
    EXPECT_TRUE(heard && std::string(heard->what()).find("alert bad certificate") != std::string::npos) << heard->what();
}

TEST_F(tls_handshake, the_server_hears_why) { block_on(server_hears_of_refusal()); }

task<> trust_nobody_but_meet() {
    const authority stranger("Somebody Else");
    tls_context client = client_settings().verify_peer(false).build();
    task<tls_pair> meeting = shake_hands(std::move(client), server_with({}, stranger), "whoever.test");
    tls_pair both = co_await std::move(meeting);
    co_await greet(both);
}

TEST_F(tls_handshake, examining_can_be_switched_off) { block_on(trust_nobody_but_meet()); }

task<> meet_self_signed() {
    const std::string_view names[] = {"dev.test", "127.0.0.1"};
    const net::tls_identity made = net::make_self_signed(names);
    tls_context server = tls_context_builder::for_server().certificate_pem(made.certificate, made.key).build();
    tls_context client = tls_context_builder::for_client().trust_pem(made.certificate).build();
    task<tls_pair> meeting = shake_hands(std::move(client), std::move(server), "dev.test");
    tls_pair both = co_await std::move(meeting);
    co_await greet(both);
    EXPECT_EQ(both.client.peer_certificate()->names, (std::vector<std::string>{"dev.test", "127.0.0.1"}));
}

TEST_F(tls_handshake, a_certificate_can_be_made_on_the_spot) {
    block_on(meet_self_signed());
    const std::string_view odd[] = {"a,DNS:b"};
    EXPECT_THROW(static_cast<void>(net::make_self_signed(odd)), std::invalid_argument);
}

TEST_F(tls_handshake, versions_without_overlap_do_not_meet) {
    tls_context client = client_settings().versions(net::tls_version::tls_1_2, net::tls_version::tls_1_2).build();
    tls_context server = server_settings().versions(net::tls_version::tls_1_3, net::tls_version::tls_1_3).build();
    const tls_error error = block_on(refused(std::move(client), std::move(server), "server.test"));
    EXPECT_NE(std::string(error.what()).find("protocol version"), std::string::npos) << error.what();
}

// ---- peers that do not play along

enum class peer_does { garbage, close, reset, nothing };

task<> meet_rude_peer(peer_does what, bool as_server) {
    connection raw = co_await connect_pair();
    tls_context server = server_settings().build();
    tls_context client = client_settings().build();
    const std::chrono::nanoseconds limit = what == peer_does::nothing ? 50ms : 10s;
    task<tls_stream> shaking = as_server ? tls_stream::accept(std::move(raw.server), server, limit)
                                         : tls_stream::connect(std::move(raw.server), client, "server.test", limit);
    if (what == peer_does::garbage) co_await raw.client.write(std::string_view("GET / HTTP/1.1\r\nhost: you\r\n\r\n"));
    if (what == peer_does::reset) raw.client.reset_on_close();
    if (what == peer_does::close || what == peer_does::reset) co_await raw.client.close();
    std::string said;
    bool timed_out = false;
    bool tls = false;
    try {
        static_cast<void>(co_await std::move(shaking));
    } catch (const timeout_exception& error) {
        timed_out = true;
        said = error.what();
    } catch (const tls_error& error) {
        tls = true;
        said = error.what();
    } catch (const io_error& error) {
        said = error.what();
    }
    EXPECT_EQ(timed_out, what == peer_does::nothing) << said;
    // A peer that closes with the client's first message unread resets the connection.
    if (what != peer_does::close || as_server) {
        EXPECT_EQ(tls, what == peer_does::garbage || what == peer_does::close) << said;
    }
    EXPECT_NE(said.find("127.0.0.1"), std::string::npos) << said;
    if (timed_out) {
        EXPECT_NE(said.find("took longer than 50 ms"), std::string::npos) << said;
    }
}

TEST_F(tls_handshake, rude_peers_end_it) {
    for (const bool as_server : {false, true}) {
        for (const peer_does what : {peer_does::garbage, peer_does::close, peer_does::reset, peer_does::nothing})
            block_on(meet_rude_peer(what, as_server));
    }
}

task<> cancel_handshake() {
    connection raw = co_await connect_pair();
    cancellation_source source;
    tls_context server = server_settings().build();
    task<tls_stream> shaking = tls_stream::accept(std::move(raw.server), server, 10s, source.token());
    source.cancel();
    bool canceled = false;
    try {
        static_cast<void>(co_await std::move(shaking));
    } catch (const operation_canceled& end) {
        canceled = end.token() == source.token();
    }
    EXPECT_TRUE(canceled);
    // It has closed its end.
    std::vector<char> buffer(16);
    const std::size_t count = co_await raw.client.read(std::span<char>(buffer));
    EXPECT_EQ(count, 0U);
}

TEST_F(tls_handshake, a_cancelled_one_closes_the_connection) { block_on(cancel_handshake()); }

TEST_F(tls_handshake, each_side_needs_its_own_context) {
    connection raw = block_on(connect_pair());
    EXPECT_THROW(static_cast<void>(block_on(tls_stream::accept(std::move(raw.server), client_settings().build()))),
        invalid_operation);
    EXPECT_THROW(
        static_cast<void>(block_on(tls_stream::connect(std::move(raw.client), server_settings().build(), "server.test"))),
        invalid_operation);
}

task<> meet_often(int times) {
    const tls_context client = client_settings().build();
    const tls_context server = server_settings().build();
    for (int i = 0; i < times; ++i) {
        task<tls_pair> meeting = shake_hands(client, server, "server.test");
        tls_pair both = co_await std::move(meeting);
        if (i % 4 != 0) co_await greet(both);
        if (i % 2 != 0) co_await both.client.shutdown_send();
        co_await both.client.close();
        co_await both.server.close();
    }
}

// The fixture counts descriptors, the address sanitizer's build memory; the figure here is only coarse.
TEST_F(tls_handshake, a_thousand_leave_nothing_behind) {
    block_on(meet_often(scaled(100)));
    const std::size_t before = ::mallinfo2().uordblks;
    const auto begin = std::chrono::steady_clock::now();
    block_on(meet_often(scaled(1000)));
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
    const std::size_t after = ::mallinfo2().uordblks;
    std::printf(
        "%d handshakes: %lld us each, both ends\n", scaled(1000), static_cast<long long>(took.count() / scaled(1000)));
    EXPECT_LT(after, before + 1024 * 1024);
}

}  // namespace
