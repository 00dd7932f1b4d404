// tests/io/proxy_protocol_test.cpp: who is behind a proxy, and headers that are wrong.
// SPDX-License-Identifier: MIT

#include <cerrno>
#include <stdexcept>

#include "support.hpp"
#include "weft/base/error.hpp"
#include "weft/net/proxy_protocol.hpp"

namespace {

using namespace std::string_view_literals;
using namespace weft;
using namespace weft_test;
using net::endpoint;
using outcome = weft::detail::proxy_header::outcome;

weft::detail::proxy_header parse(std::string_view text) {
    return weft::detail::parse_proxy_header(std::as_bytes(std::span(text)));
}

constexpr std::string_view v2_start = "\r\n\r\n\0\r\nQUIT\n"sv;
std::string v2(std::string_view rest) { return std::string(v2_start) + std::string(rest); }

TEST(proxy_protocol, version_1_is_read) {
    const std::string_view text = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET /";
    const weft::detail::proxy_header header = parse(text);
    ASSERT_EQ(header.how, outcome::whole);
    EXPECT_EQ(header.size, text.size() - 5);
    EXPECT_TRUE(header.ends.proxied);
    EXPECT_EQ(header.ends.client, endpoint("192.0.2.1", 56324));
    EXPECT_EQ(header.ends.server, endpoint("198.51.100.2", 443));
    const weft::detail::proxy_header six = parse("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
    ASSERT_EQ(six.how, outcome::whole);
    EXPECT_EQ(six.ends.client, endpoint("2001:db8::1", 1));
    const weft::detail::proxy_header unknown = parse("PROXY UNKNOWN ffff:: whatever\r\n");
    ASSERT_EQ(unknown.how, outcome::whole);
    EXPECT_FALSE(unknown.ends.proxied);
}

TEST(proxy_protocol, version_2_is_read) {
    const std::string four = v2("\x21\x11\0\x0f\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\x01\xbb\x04\0\0"sv);
    const weft::detail::proxy_header header = parse(four + "rest");
    ASSERT_EQ(header.how, outcome::whole);
    EXPECT_EQ(header.size, four.size());
    EXPECT_EQ(header.ends.client, endpoint("192.0.2.1", 56324));
    EXPECT_EQ(header.ends.server, endpoint("198.51.100.2", 443));
    const std::string six = v2("\x21\x21\0\x24"sv) + std::string(15, '\0') + "\1" + std::string(15, '\0') + "\2" +
        std::string("\0\x50\x1f\x90"sv);
    const weft::detail::proxy_header wide = parse(six);
    ASSERT_EQ(wide.how, outcome::whole);
    EXPECT_EQ(wide.ends.client, endpoint("::1", 80));
    EXPECT_EQ(wide.ends.server, endpoint("::2", 8080));
    // A health check, and a connection over a Unix socket, speak for themselves.
    for (const std::string& local : {v2("\x20\0\0\0"sv), v2("\x21\0\0\0"sv), v2("\x21\x31\0\0"sv)}) {
        const weft::detail::proxy_header own = parse(local);
        ASSERT_EQ(own.how, outcome::whole);
        EXPECT_FALSE(own.ends.proxied);
    }
}

TEST(proxy_protocol, every_beginning_of_a_header_waits_for_more_and_never_for_too_much) {
    for (const std::string& text : {std::string("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"),
             v2("\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\x01\xbb"sv)}) {
        for (std::size_t length = 0; length < text.size(); ++length) {
            const weft::detail::proxy_header header = parse(std::string_view(text).substr(0, length));
            EXPECT_EQ(header.how, outcome::incomplete) << length;
            EXPECT_GT(header.size, length);
            EXPECT_LE(header.size, text.size());
        }
    }
}

TEST(proxy_protocol, what_is_wrong_is_refused) {
    for (const std::string& text : {
             std::string("GET / HTTP/1.1\r\n"),
             std::string("PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n"),
             std::string("PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n"),
             std::string("PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n"),
             std::string("PROXY TCP4 192.0.2.1 198.51.100.2 1 65536\r\n"),
             std::string("PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n"),
             std::string("PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n"),
             std::string("PROXY TCP4 192.0.2.1  1 2\r\n"),
             std::string("PROXY TCP4 ::1 ::1 1 2\r\n"),
             std::string("PROXY TCP6 192.0.2.1 192.0.2.1 1 2\r\n"),
             std::string("PROXY TCP6 fe80::1%lo ::1 1 2\r\n"),
             std::string("PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n\r\n"),
             "PROXY TCP4 " + std::string(200, '1'),
             v2("\x11\x11\0\0"sv),
             v2("\x22\x11\0\x0c"sv),
             v2("\x21\x11\0\x0b"
                "01234567890"sv),
             v2("\x21\x41\0\0"sv),
             v2("\x21\x13\0\x0c"
                "012345678901"sv),
             v2("\x21\x11\xff\xff"sv),
         }) {
        const weft::detail::proxy_header header = parse(text);
        EXPECT_EQ(header.how, outcome::malformed) << text;
        EXPECT_STRNE(header.problem, "");
    }
}

TEST(proxy_protocol, networks_are_trusted) {
    net::trusted_proxies trusted;
    EXPECT_FALSE(trusted.contains(endpoint::loopback_v4()));
    trusted.add("10.0.0.0/8");
    trusted.add("192.0.2.128/25");
    trusted.add("2001:db8::/32");
    trusted.add("127.0.0.1");
    EXPECT_TRUE(trusted.contains(endpoint("10.200.3.4", 5)));
    EXPECT_TRUE(trusted.contains(endpoint("::ffff:10.0.0.1", 5)));
    EXPECT_FALSE(trusted.contains(endpoint("11.0.0.1", 5)));
    EXPECT_TRUE(trusted.contains(endpoint("192.0.2.129", 5)));
    EXPECT_FALSE(trusted.contains(endpoint("192.0.2.1", 5)));
    EXPECT_TRUE(trusted.contains(endpoint("2001:db8:1::1", 5)));
    EXPECT_FALSE(trusted.contains(endpoint("2001:db9::1", 5)));
    EXPECT_TRUE(trusted.contains(endpoint("127.0.0.1", 5)));
    EXPECT_FALSE(trusted.contains(endpoint("127.0.0.2", 5)));
    for (const char* wrong : {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "host/8", "2001:db8::/129"})
        EXPECT_THROW(trusted.add(wrong), std::invalid_argument) << wrong;
    net::trusted_proxies everyone;
    everyone.add("0.0.0.0/0");
    EXPECT_TRUE(everyone.contains(endpoint("1.2.3.4", 5)));
    EXPECT_FALSE(everyone.contains(endpoint("::1", 5)));
}

using proxied_sockets = io_test;

task<> over_a_connection() {
    connection both = co_await connect_pair();
    io::buffered_reader in(both.server);
    net::trusted_proxies trusted, nobody;
    trusted.add("127.0.0.0/8");
    const endpoint peer = both.server.remote_endpoint();
    // Whom nobody trusts is not listened to.
    const net::proxied_connection plain = co_await net::read_proxy_header(in, peer, nobody);
    EXPECT_EQ(plain.client, peer);
    EXPECT_FALSE(plain.proxied);

    task<net::proxied_connection> reading = net::read_proxy_header(in, peer, trusted);
    co_await both.client.write("PROXY TCP4 192.0."sv);
    co_await both.client.write("2.1 198.51.100.2 56324 443\r\nhello\n"sv);
    const net::proxied_connection who = co_await std::move(reading);
    EXPECT_TRUE(who.proxied);
    EXPECT_EQ(who.client, endpoint("192.0.2.1", 56324));
    const std::optional<std::string> line = co_await in.read_line();
    EXPECT_EQ(line, "hello");

    co_await both.client.write("GET / HTTP/1.1\r\n"sv);
    const std::string said = co_await failure_of(net::read_proxy_header(in, peer, trusted));
    EXPECT_EQ(said, "read the PROXY header of '" + peer.to_string() + "' (there is none) failed: bad message (EBADMSG)");
    const std::optional<std::string> kept = co_await in.read_line();
    EXPECT_EQ(kept, "GET / HTTP/1.1");

    co_await both.client.write("PROXY UNKNOWN\r\nPROXY "sv);
    both.client.shutdown_send();
    const net::proxied_connection unknown = co_await net::read_proxy_header(in, peer, trusted);
    EXPECT_EQ(unknown.client, peer);
    const std::string cut = co_await failure_of(net::read_proxy_header(in, peer, trusted));
    EXPECT_NE(cut.find("(the stream ends in it)"), std::string::npos) << cut;
}
TEST_F(proxied_sockets, the_header_is_taken_from_whom_is_trusted_only) { block_on(over_a_connection()); }

}  // namespace
