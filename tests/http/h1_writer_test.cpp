// The serializer: what goes on the wire, and that it reads back as the same message.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <string>

#include "http/h1.hpp"

namespace {

using namespace weft::http;
using namespace weft::http::detail;

constexpr const char* date_line = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

std::string written(const response& what, bool keep_alive = true, bool head_only = false, bool chunked = false,
    version to = version::http_1_1) {
    response_framing how;
    how.to = to;
    how.keep_alive = keep_alive;
    how.head_only = head_only;
    how.streamed = chunked;
    how.now = 784111777;
    std::string out;
    write_response(out, what, how);
    return out;
}

TEST(response_writer, writes_one_block) {
    EXPECT_EQ(written(response::text("hi")),
        std::string("HTTP/1.1 200 OK\r\n") + date_line +
            "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_EQ(written(response(404)), std::string("HTTP/1.1 404 Not Found\r\n") + date_line + "Content-Length: 0\r\n\r\n");
    EXPECT_EQ(written(response(799)), std::string("HTTP/1.1 799 Unknown\r\n") + date_line + "Content-Length: 0\r\n\r\n");
}

TEST(response_writer, writes_no_body_where_none_may_be) {
    EXPECT_EQ(written(response(204, content("x"))).find("Content-Length"), std::string::npos);
    EXPECT_EQ(written(response(204, content("x"))).back(), '\n');
    const std::string not_modified = written(response(304, content("x")));
    EXPECT_EQ(not_modified, std::string("HTTP/1.1 304 Not Modified\r\n") + date_line + "\r\n");
    const std::string head = written(response::text("hello"), true, true);
    EXPECT_NE(head.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

TEST(response_writer, lets_the_application_tell_a_length_only_without_a_body) {
    response lying = response::text("abc");
    lying.headers().set("Content-Length", "7");
    lying.headers().set("Transfer-Encoding", "chunked");
    const std::string out = written(lying);
    EXPECT_NE(out.find("Content-Length: 3\r\n"), std::string::npos);
    EXPECT_EQ(out.find("7"), out.find("7 GMT"));
    EXPECT_EQ(out.find("Transfer-Encoding"), std::string::npos);

    response head;
    head.headers().set("Content-Length", "7");
    EXPECT_NE(written(head, true, true).find("Content-Length: 7\r\n"), std::string::npos);
    response not_modified(304);
    not_modified.headers().set("Content-Length", "7");
    EXPECT_NE(written(not_modified).find("Content-Length: 7\r\n"), std::string::npos);
}

TEST(response_writer, says_what_becomes_of_the_connection) {
    EXPECT_NE(written(response(), false).find("Connection: close\r\n"), std::string::npos);
    EXPECT_EQ(written(response(), true).find("Connection"), std::string::npos);
    EXPECT_NE(
        written(response(), true, false, false, version::http_1_0).find("Connection: keep-alive\r\n"), std::string::npos);
}

TEST(response_writer, keeps_the_fields_of_the_application_and_its_date) {
    response made = response::json("{}");
    made.headers().add("X-A", "1");
    made.headers().add("Date", "yesterday");
    made.headers().add("Content-Type", "application/problem+json");
    EXPECT_EQ(written(made),
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nDate: yesterday\r\nContent-Type: "
        "application/problem+json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(http_date, is_that_of_the_rfc) {
    EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(http_date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
    EXPECT_EQ(http_date(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
    EXPECT_EQ(http_date(4102444799), "Thu, 31 Dec 2099 23:59:59 GMT");
    EXPECT_EQ(http_date(1735689600), "Wed, 01 Jan 2025 00:00:00 GMT");
}

// What the client writes, the server reads.
TEST(request_writer, reads_back_as_the_same_message) {
    for (bool chunked : {false, true}) {
        for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70'000}, std::size_t{200'000}}) {
            request sent(method::post, "ignored", content(std::string(size, 'b'), "text/x"));
            sent.headers().add("X-A", " v ");
            sent.send_chunked(chunked);
            std::string wire;
            write_request(wire, sent, "/a?b", "h:1");

            request_reader reader{h1_limits{}};
            read_buffer input;
            request seen;
            input.append(wire);
            h1_progress progress = reader.advance(input, seen);
            while (progress == h1_progress::head) progress = reader.advance(input, seen);
            ASSERT_EQ(progress, h1_progress::complete);
            EXPECT_TRUE(input.empty());
            EXPECT_EQ(seen.method(), method::post);
            EXPECT_EQ(seen.target().raw(), "/a?b");
            EXPECT_EQ(seen.headers().get(header_id::host), "h:1");
            EXPECT_EQ(seen.headers().get("X-A"), "v");
            EXPECT_EQ(seen.content().bytes(), sent.content().bytes());
            EXPECT_EQ(seen.headers().contains(header_id::content_type), size != 0);
            EXPECT_EQ(seen.headers().contains(header_id::transfer_encoding), chunked);
        }
    }
}

TEST(request_writer, keeps_a_host_of_its_own_and_says_close_once) {
    request sent(method::get, "/");
    sent.headers().set("Host", "other");
    sent.headers().set("Connection", "close");
    std::string wire;
    write_request(wire, sent, "/", "h");
    EXPECT_EQ(wire, "GET / HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n");
}

TEST(chunk_writer, never_writes_the_end_by_accident) {
    std::string out;
    write_chunk(out, "");
    EXPECT_EQ(out, "");
    write_chunk(out, std::string(26, 'x'));
    write_last_chunk(out);
    EXPECT_EQ(out, "1a\r\n" + std::string(26, 'x') + "\r\n0\r\n\r\n");
}

}  // namespace
