// The readers: what is accepted, what is refused, and that the way the bytes were cut makes no difference.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/h1.hpp"

namespace {

using namespace weft::http;
using weft::http::detail::h1_limits;
using weft::http::detail::h1_progress;
using weft::http::detail::read_buffer;
using weft::http::detail::request_reader;
using weft::http::detail::response_reader;

std::string describe(const request& seen) {
    std::string text(seen.method_name());
    text.append(" ").append(seen.path());
    if (!seen.target().raw_query().empty()) text.append("?").append(seen.target().raw_query());
    if (!seen.content().empty()) text.append(" [").append(seen.content().bytes()).append("]");
    return text;
}

// Feeds pieces and writes down every message and the end: "... | 400" for a refusal, "... | more" inside a message, "... | ok"
// between messages.
class request_probe {
public:
    explicit request_probe(const h1_limits& limits) : reader_(limits) {}

    void feed(std::string_view bytes) {
        input_.append(bytes);
        while (!refused_) {
            const h1_progress progress = reader_.advance(input_, request_);
            if (progress == h1_progress::need_more) return;
            if (progress == h1_progress::failed) refused_ = true;
            if (progress != h1_progress::complete) continue;
            text_ += describe(request_) + (reader_.keep_alive() ? " | " : " close | ");
            reader_.next();
            if (input_.empty()) return;
        }
    }
    [[nodiscard]] std::string verdict() const {
        if (refused_) return text_ + std::to_string(reader_.error().status);
        return text_ + (reader_.started() ? "more" : "ok");
    }
    [[nodiscard]] const char* reason() const { return reader_.error().reason; }

private:
    request_reader reader_;
    read_buffer input_;
    request request_;
    std::string text_;
    bool refused_ = false;
};

h1_limits small_limits() {
    h1_limits limits;
    limits.start_line = 64;
    limits.fields = 128;
    limits.field_count = 5;
    limits.body = 20;
    return limits;
}

std::string whole_verdict(std::string_view bytes, const h1_limits& limits) {
    request_probe probe(limits);
    probe.feed(bytes);
    return probe.verdict();
}

// One byte at a time, and every cut in two: all must agree with the whole.
void expect_same_however_cut(std::string_view bytes, const h1_limits& limits, const std::string& expected) {
    request_probe single(limits);
    for (char byte : bytes) single.feed(std::string_view(&byte, 1));
    EXPECT_EQ(single.verdict(), expected) << "byte by byte: " << bytes;
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        request_probe halves(limits);
        halves.feed(bytes.substr(0, cut));
        halves.feed(bytes.substr(cut));
        ASSERT_EQ(halves.verdict(), expected) << "cut at " << cut << ": " << bytes;
    }
}

struct request_case {
    std::string_view bytes;
    const char* expected;
};

class request_table : public testing::TestWithParam<request_case> {};

TEST_P(request_table, the_verdict_is_as_expected_however_the_bytes_arrive) {
    const request_case& row = GetParam();
    EXPECT_EQ(whole_verdict(row.bytes, small_limits()), row.expected) << row.bytes;
    expect_same_however_cut(row.bytes, small_limits(), row.expected);
}

using namespace std::string_view_literals;
#define H "Host: h\r\n"

constexpr request_case well_formed[] = {
    {"GET / HTTP/1.1\r\n" H "\r\n", "GET / | ok"},
    {"GET / HTTP/1.1\r\n" H, "more"},
    {"G", "more"},
    {"", "ok"},
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n", "GET / | ok"},
    {"GET /a?b=c HTTP/1.1\r\nhOST:h\r\n\r\n", "GET /a?b=c | ok"},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / | ok"},
    {"GET http://h/x HTTP/1.1\r\n" H "\r\n", "GET /x | ok"},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", "OPTIONS * | ok"},
    {"BREW /pot HTTP/1.1\r\n" H "\r\n", "BREW /pot | ok"},
    {"get / HTTP/1.1\r\n" H "\r\n", "get / | ok"},
    {"GET / HTTP/1.0\r\n\r\n", "GET / close | ok"},
    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / | ok"},
    {"GET / HTTP/1.1\r\n" H "Connection: close\r\n\r\n", "GET / close | ok"},
    {"GET / HTTP/1.1\r\n" H "Connection: x, CLOSE\r\n\r\n", "GET / close | ok"},
    {"GET / HTTP/1.1\r\n" H "A: b\tc\r\nD:\r\n\r\n", "GET / | ok"},
    {"GET / HTTP/1.1\r\n" H "A_b: \xe4\r\n\r\n", "GET / | ok"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc", "POST / [abc] | ok"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nab", "more"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "POST / | ok"},
    {"GET / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\nx", "GET / [x] | ok"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 20\r\n\r\n01234567890123456789", "POST / [01234567890123456789] | ok"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "POST / | ok"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n",
        "POST / [abc0123456789] | ok"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;x=y;z=\"q\"\r\nabc\r\n0;e\r\n\r\n", "POST / [abc] | ok"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\nU:\r\n\r\n", "POST / [abc] | ok"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "more"},
    {"POST / HTTP/1.1\r\n" H "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", "POST / [x] | ok"},
    // Pipelining: each message stops where it should.
    {"GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\nGET /1 HTTP/1.1\r\n" H "\r\n",
        "GET /1 | GET /2 | GET /1 | ok"},
    {"GET / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n" H "\r\nGET / HTTP/1.1\r\n" H "\r", "GET / | GET / | more"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nabPOST / HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\ncd",
        "POST / [ab] | POST / [cd] | ok"},
    {"POST /c HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /d HTTP/1.1\r\n" H "\r\n",
        "POST /c [x] | GET /d | ok"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n\r\nGET /d HTTP/1.1\r\n" H "\r\n", "POST / | GET /d | ok"},
};

constexpr request_case malformed[] = {
    // start line
    {"GET / HTTP/1.1\n" H "\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "\n", "400"},
    {"GET / HTTP/1.1\r\nHost: h\n\r\n", "400"},
    {"GET / HTTP/1.1\r" H "\r\n\r\n", "400"},
    {"GET  / HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /  HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET / HTTP/1.1 \r\n" H "\r\n", "400"},
    {" GET / HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET\t/ HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /\r\n" H "\r\n", "400"},
    {"GET\r\n\r\n", "400"},
    {"GET / HTTP/1.1x\r\n" H "\r\n", "400"},
    {"GET / http/1.1\r\n" H "\r\n", "400"},
    {"GET / HTTP/11\r\n" H "\r\n", "400"},
    {"GET / HTTP/1.\r\n" H "\r\n", "400"},
    {"GET / HTTP/2.0\r\n" H "\r\n", "505"},
    {"GET / HTTP/1.2\r\n" H "\r\n", "505"},
    {"GET / HTTP/0.9\r\n" H "\r\n", "505"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
    {"G(T / HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET a HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET * HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /% HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /%00 HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /#f HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /\xe4 HTTP/1.1\r\n" H "\r\n", "400"},
    {"GET /\0 HTTP/1.1\r\n" H "\r\n"sv, "400"},
    {"CONNECT h:1 HTTP/1.1\r\n" H "\r\n", "501"},
    {"\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n", "400"},
    {"\x16\x03\x01\x02\x00\x01", "400"},
    {"\0\0\0"sv, "400"},
    {"{\"a\":1}", "400"},
    // fields
    {"GET / HTTP/1.1\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H H "\r\n", "400"},
    {"GET / HTTP/1.0\r\n" H H "\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "A\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H ": b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "A b: c\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n"sv, "400"},
    {"GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "A: \x7f\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "A\xe4: b\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n" H "Expect: wonders\r\n\r\n", "417"},
    // framing
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3,4\r\n\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +3\r\n\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: -3\r\n\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x3\r\n\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3 3\r\n\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 21\r\n\r\n", "413"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551615\r\n\r\n", "413"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", "501"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked;q=1\r\n\r\n", "400"},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
    // chunks
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n-1\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n;x\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;\x01\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc", "413"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nb\r\n", "413"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n T: v\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nT : v\r\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nT: v\n\r\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\n", "400"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n", "400"},
    // limits: start line 64, fields 128 bytes and 5, body 20
    {"GET /123456789012345678901234567890123456789012345678 HTTP/1.1\r\n" H "\r\n",
        "GET /123456789012345678901234567890123456789012345678 | ok"},
    {"GET /1234567890123456789012345678901234567890123456789 HTTP/1.1\r\n" H "\r\n", "414"},
    {"GET /12345678901234567890123456789012345678901234567890 HTTP/1.1\n" H "\r\n", "414"},
    {"GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\nD:\r\n" H "\r\n", "GET / | ok"},
    {"GET / HTTP/1.1\r\nA:\r\nB:\r\nC:\r\nD:\r\nE:\r\n" H "\r\n", "431"},
    {"GET / HTTP/1.1\r\n" H "A: 12345678901234567890123456789012345678901234567890\r\nB: "
     "abcdefghijkl12345678901234567890123456789012345678901234567890\r\n\r\n",
        "431"},
    {"GET / HTTP/1.1\r\n" H "A: 12345678901234567890123456789012345678901234567890\r\nB: "
     "abcdefghijkl12345678901234567890123456789012345678901234567890\n\r\n",
        "431"},
    // a refusal comes after the good messages before it
    {"GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\n" H "\r\n", "GET /1 | 400"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET / HTTP/9.9\r\n\r\n", "POST / [abc] | 505"},
};
#undef H

INSTANTIATE_TEST_SUITE_P(well_formed, request_table, testing::ValuesIn(well_formed));
INSTANTIATE_TEST_SUITE_P(malformed, request_table, testing::ValuesIn(malformed));

TEST(request_reader, gives_the_fields_as_sent) {
    request_reader reader{h1_limits{}};
    read_buffer input;
    request seen;
    input.append("GET /x HTTP/1.1\r\nHost: h\r\nX-Own:  a b \r\naccept:*/*\r\n\r\n");
    ASSERT_EQ(reader.advance(input, seen), h1_progress::complete);
    ASSERT_EQ(seen.headers().size(), 3U);
    EXPECT_EQ(seen.headers()[1].name, "X-Own");
    EXPECT_EQ(seen.headers()[1].value, "a b");
    EXPECT_EQ(seen.headers()[1].id, header_id::other);
    EXPECT_EQ(seen.headers().get(header_id::accept), "*/*");
    EXPECT_TRUE(input.empty());
}

TEST(request_reader, tells_when_the_client_waits_for_continue) {
    request_reader reader{h1_limits{}};
    read_buffer input;
    request seen;
    input.append("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    ASSERT_EQ(reader.advance(input, seen), h1_progress::head);
    EXPECT_TRUE(reader.expects_continue());
    EXPECT_EQ(reader.advance(input, seen), h1_progress::need_more);
    EXPECT_EQ(reader.known_rest(), 2U);
    input.append("ab");
    EXPECT_EQ(reader.advance(input, seen), h1_progress::complete);
    EXPECT_FALSE(reader.expects_continue());
}

TEST(request_reader, a_repeated_head_is_the_same_message_even_after_the_handler_changed_it) {
    constexpr std::string_view head = "POST /a/../b?q HTTP/1.1\r\nHost: h\r\nX: 1\r\nContent-Length: 1\r\n\r\n";
    request_reader reader{h1_limits{}};
    read_buffer input;
    request seen;
    const auto read_one = [&](char body) {
        input.append(head);
        input.append(std::string_view(&body, 1));
        h1_progress progress = reader.advance(input, seen);
        while (progress == h1_progress::head) progress = reader.advance(input, seen);
        EXPECT_EQ(progress, h1_progress::complete);
        EXPECT_EQ(describe(seen), std::string("POST /b?q [") + body + "]");
        EXPECT_EQ(seen.headers().size(), 3U);
        EXPECT_EQ(seen.headers().get("X"), "1");
        reader.next();
    };
    read_one('a');
    read_one('b');
    seen.headers().set("X", "2");
    read_one('c');
    request stolen = std::move(seen);
    read_one('d');
    EXPECT_EQ(stolen.headers().get("X"), "1");
    seen = request(method::get, "/");
    read_one('e');
    seen.headers().clear();
    read_one('f');
}

TEST(request_reader, an_older_message_put_back_does_not_pass_for_the_last) {
    request_reader reader{h1_limits{}};
    read_buffer input;
    request seen;
    input.append("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
    ASSERT_EQ(reader.advance(input, seen), h1_progress::head);
    ASSERT_EQ(reader.advance(input, seen), h1_progress::complete);
    const request with_body = seen;
    reader.next();
    input.append("POST / HTTP/1.1\r\nHost: h\r\nContent-Lengtx: 1\r\n\r\n");
    ASSERT_EQ(reader.advance(input, seen), h1_progress::complete);
    reader.next();
    seen = with_body;
    input.append("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\ny");
    ASSERT_EQ(reader.advance(input, seen), h1_progress::head);
    ASSERT_EQ(reader.advance(input, seen), h1_progress::complete);
    EXPECT_EQ(seen.content().bytes(), "y");
    EXPECT_TRUE(input.empty());
}

TEST(request_reader, default_limits_are_those_that_kestrel_users_know) {
    const h1_limits limits;
    EXPECT_EQ(limits.start_line, 8192U);
    EXPECT_EQ(limits.fields, 32768U);
    EXPECT_EQ(limits.field_count, 100U);
    EXPECT_EQ(limits.body, 30'000'000U);
    std::string request_line = "GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
    EXPECT_EQ(whole_verdict(request_line, limits), "414");
    std::string long_field = "GET / HTTP/1.1\r\nHost: h\r\nA: " + std::string(32768, 'a');
    EXPECT_EQ(whole_verdict(long_field, limits), "431");
    std::string many_fields = "GET / HTTP/1.1\r\nHost: h\r\n";
    for (int i = 0; i < 99; ++i) many_fields += "A: b\r\n";
    EXPECT_EQ(whole_verdict(many_fields + "\r\n", limits), "GET / | ok");
    EXPECT_EQ(whole_verdict(many_fields + "A: b\r\n\r\n", limits), "431");
}

TEST(request_reader, floods_of_chunk_extensions_and_trailers_end) {
    const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    std::string extensions = head;
    for (int i = 0; i < 20; ++i) extensions += "1;" + std::string(1000, 'e') + "\r\nx\r\n";
    EXPECT_EQ(whole_verdict(extensions, h1_limits{}), "400");
    std::string trailers = head + "0\r\n";
    for (int i = 0; i < 2000; ++i) trailers += "T: v\r\n";
    EXPECT_EQ(whole_verdict(trailers, h1_limits{}), "431");
}

// ---- responses

std::string read_response(
    std::string_view bytes, std::size_t piece, bool then_end, method asked = method::get, const h1_limits& limits = {}) {
    response_reader reader(limits, asked);
    read_buffer input;
    response seen;
    h1_progress progress = h1_progress::need_more;
    for (std::size_t at = 0; at < bytes.size() && progress == h1_progress::need_more; at += piece) {
        input.append(bytes.substr(at, piece));
        progress = reader.advance(input, seen);
    }
    if (progress == h1_progress::need_more && then_end) progress = reader.at_end();
    if (progress == h1_progress::failed) return std::string("failed: ") + reader.error().reason;
    if (progress != h1_progress::complete) return "more";
    std::string text = std::to_string(seen.status()) + " " + std::string(seen.reason());
    text += " [" + std::string(seen.content().bytes()) + "]" + (reader.keep_alive() ? "" : " close");
    return text;
}

struct response_case {
    std::string_view bytes;
    const char* expected;
    bool then_end = false;
    method asked = method::get;
};

class response_table : public testing::TestWithParam<response_case> {};

TEST_P(response_table, is_read_the_same_however_the_bytes_arrive) {
    const response_case& row = GetParam();
    for (std::size_t piece : {row.bytes.size() + 1, std::size_t{1}, std::size_t{2}, std::size_t{7}})
        EXPECT_EQ(read_response(row.bytes, piece, row.then_end, row.asked), row.expected) << row.bytes << " by " << piece;
}

constexpr response_case responses[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "200 OK [abc]"},
    {"HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n", "200 Fine []"},
    {"HTTP/1.1 404 \r\nContent-Length: 1\r\n\r\nx", "404 Not Found [x]"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "more"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "failed: connection closed in the middle of a body", true},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "200 OK [ab]"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
        "failed: connection closed in the middle of a body", true},
    {"HTTP/1.1 200 OK\r\n\r\nabc", "more"},
    {"HTTP/1.1 200 OK\r\n\r\nabc", "200 OK [abc] close", true},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "200 OK [a] close"},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na", "200 OK [a]"},
    {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", "200 OK [a] close"},
    {"HTTP/1.1 204 No Content\r\n\r\n", "204 No Content []"},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 Not Modified []"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "200 OK []", false, method::head},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "200 OK []", false, method::head},
    {"HTTP/1.1 200 OK\r\n\r\n", "200 OK []", false, method::head},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
     "1\r\n\r\na",
        "200 OK [a]"},
    {"HTTP/1.1 200 OK\r\nA: b\r\n  c\r\nContent-Length: 1\r\n\r\na", "200 OK [a]"},
    {"", "failed: connection closed before a response", true},
    {"HTTP/1.1 20", "failed: connection closed in the middle of a response head", true},
    {"HTTP/2.0 200 OK\r\n\r\n", "failed: http version is neither 1.0 nor 1.1"},
    {"HTTP/1.1 2x0 OK\r\n\r\n", "failed: malformed status"},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "failed: unexpected status"},
    {"SSH-2.0-OpenSSH\r\n\r\n", "failed: malformed http version"},
    {"HTTP/1.1 200 OK\nContent-Length: 1\r\n\r\na", "failed: line feed without carriage return"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", "failed: several different content-lengths"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "failed: transfer-encoding repeated or beside content-length"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz", "failed: chunk without a size"},
};

INSTANTIATE_TEST_SUITE_P(all, response_table, testing::ValuesIn(responses));

TEST(response_reader, unfolds_folded_fields) {
    response_reader reader(h1_limits{}, method::get);
    read_buffer input;
    response seen;
    input.append("HTTP/1.1 200 OK\r\nA: b\r\n  c\r\nB: d\r\nContent-Length: 0\r\n\r\n");
    ASSERT_EQ(reader.advance(input, seen), h1_progress::complete);
    EXPECT_EQ(seen.headers().get("A"), "b c");
    EXPECT_EQ(seen.headers().get("B"), "d");
}

TEST(response_reader, leaves_what_follows_in_the_buffer) {
    response_reader reader(h1_limits{}, method::get);
    read_buffer input;
    response seen;
    input.append("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naX");
    ASSERT_EQ(reader.advance(input, seen), h1_progress::complete);
    EXPECT_EQ(input.view(), "X");
}

TEST(response_reader, stops_at_the_limit_of_the_body) {
    h1_limits limits;
    limits.body = 4;
    EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", 3, false, method::get, limits),
        "failed: body is too large");
    EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\n\r\nabcde", 3, true, method::get, limits), "failed: body is too large");
    EXPECT_EQ(read_response("HTTP/1.1 200 OK\r\n\r\nabcd", 3, true, method::get, limits), "200 OK [abcd] close");
}

}  // namespace
