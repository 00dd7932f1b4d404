// URLs of clients, targets of servers.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "weft/http/url.hpp"

namespace {

using weft::http::request_target;
using weft::http::url;

TEST(url, splits_into_its_parts) {
    const url plain("http://Example.com");
    EXPECT_EQ(plain.scheme(), "http");
    EXPECT_EQ(plain.host(), "example.com");
    EXPECT_EQ(plain.port(), 80);
    EXPECT_EQ(plain.target(), "/");
    EXPECT_EQ(plain.authority(), "example.com");

    const url full("HTTP://h:8080/a/b?x=1&y=2#part");
    EXPECT_EQ(full.port(), 8080);
    EXPECT_EQ(full.target(), "/a/b?x=1&y=2");
    EXPECT_EQ(full.authority(), "h:8080");
    EXPECT_EQ(full.to_string(), "http://h:8080/a/b?x=1&y=2");

    const url six("http://[::1]:81?q");
    EXPECT_EQ(six.host(), "::1");
    EXPECT_EQ(six.authority(), "[::1]:81");
    EXPECT_EQ(six.target(), "/?q");
    EXPECT_EQ(url("https://h").port(), 443);
}

TEST(url, encodes_what_is_not_ascii_and_resolves_dots) {
    EXPECT_EQ(url("http://h/\xc3\xa4/../b").target(), "/b");
    EXPECT_EQ(url("http://h/\xc3\xa4").target(), "/%C3%A4");
    EXPECT_EQ(url("http://h/{a}").target(), "/%7Ba%7D");
}

TEST(url, refuses_what_it_cannot_reach_and_says_why) {
    const char* bad[] = {"", "h/a", "/a", "ftp://h/", "http://", "http:///a", "http://u:p@h/", "http://h:0/",
        "http://h:65536/", "http://h:x/", "http://h:/", "http://h /", "http://h/a b", "http://h/a\r\nX: y", "http://[::1/",
        "http://[::1]x/", "http://[zz]/", "http://a:b:c/", "http://h<x/", "://h"};
    for (const char* text : bad) EXPECT_THROW(url{text}, std::invalid_argument) << text;
    try {
        url refused("http://h:99999/");
        FAIL() << "nothing thrown";
    } catch (const std::invalid_argument& error) {
        EXPECT_STREQ(error.what(), "url 'http://h:99999/' has a port that is not a number from 1 to 65535");
    }
}

TEST(url, resolves_references_against_a_base) {
    const url base("http://h:81/a/b?q");
    const std::pair<const char*, const char*> cases[] = {{"/x", "http://h:81/x"}, {"x", "http://h:81/a/x"},
        {"?z", "http://h:81/a/b?z"}, {"", "http://h:81/a/b?q"}, {"../x", "http://h:81/x"}, {"//other/x", "http://other/x"},
        {"http://e/f", "http://e/f"}, {"#f", "http://h:81/a/b?q"}, {"x?u=http://e/", "http://h:81/a/x?u=http://e/"}};
    for (const auto& [reference, expected] : cases)
        EXPECT_EQ(url::resolve(base, reference).to_string(), expected) << reference;
}

TEST(percent_encoding, goes_both_ways) {
    std::string all;
    for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
    EXPECT_EQ(weft::http::percent_decode(weft::http::percent_encode(all)), all);
    EXPECT_EQ(weft::http::percent_encode("a b/ä~"), "a%20b%2F%C3%A4~");
    for (const char* bad : {"%", "%1", "%zz", "a%2", "%%41"})
        EXPECT_EQ(weft::http::percent_decode(bad), std::nullopt) << bad;
}

TEST(request_target, normalises_once) {
    const std::pair<const char*, const char*> cases[] = {
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"/a//b/", "/a//b/"},
        {"/a/./b", "/a/b"},
        {"/a/../b", "/b"},
        {"/a/..", "/"},
        {"/a/b/..", "/a/"},
        {"/..", "/"},
        {"/../../etc/passwd", "/etc/passwd"},
        {"/a/%2e%2e/b", "/b"},
        {"/a/%2E./b", "/b"},
        {"/%2e", "/"},
        {"/a/...", "/a/..."},
        {"/a/.b", "/a/.b"},
        {"/%41%62", "/Ab"},
        {"/a%20b", "/a b"},
        {"/a%2Fb", "/a%2Fb"},
        {"/a%2fb", "/a%2fb"},
        {"/..%2f..%2fetc", "/..%2f..%2fetc"},
        {"/%252e%252e/x", "/%252e%252e/x"},
        {"/%25", "/%25"},
        {"/%252F", "/%252F"},
        {"/%c3%a4", "/\xc3\xa4"},
        {"/a+b", "/a+b"},
        {"/a?b/../c", "/a"},
        {"/a;p=1", "/a;p=1"},
        {"http://h/a/../b?c", "/b"},
        {"http://h", "/"},
        {"https://h:1?x=1", "/"},
        {"*", "*"},
    };
    for (const auto& [raw, expected] : cases) {
        request_target target;
        EXPECT_TRUE(target.assign(raw)) << raw;
        EXPECT_EQ(target.path(), expected) << raw;
        EXPECT_EQ(target.raw(), raw);
    }
}

TEST(request_target, refuses_what_is_malformed) {
    const char* bad[] = {"", "a", "a/b", "h:80", "/a b", "/a#b", "/%", "/%1", "/%zz", "/%00", "/a%0d%0ab", "/%7f", "/a\\b",
        "/a%5cb", "/..%5c..%5cx", "/\xc3\xa4", "/\x01", "http:///a", "http://u@h/", "ftp://h/", "/<x>", "/\"", "**", "?a"};
    for (const char* raw : bad) {
        request_target target;
        EXPECT_FALSE(target.assign(raw)) << raw;
        EXPECT_EQ(target.path(), "") << raw;
        EXPECT_EQ(target.raw_query(), "") << raw;
    }
}

TEST(request_target, decodes_query_parameters) {
    request_target target;
    ASSERT_TRUE(target.assign("/p?a=1&b=x+y%26z&c&=e&a=2&bad=%zz&%61b=3"));
    EXPECT_EQ(target.raw_query(), "a=1&b=x+y%26z&c&=e&a=2&bad=%zz&%61b=3");
    EXPECT_EQ(target.query("a"), "1");
    EXPECT_EQ(target.query("b"), "x y&z");
    EXPECT_EQ(target.query("c"), "");
    EXPECT_EQ(target.query("ab"), "3");
    EXPECT_EQ(target.query("bad"), std::nullopt);
    EXPECT_EQ(target.query("none"), std::nullopt);
    EXPECT_EQ(target.query_parameters().size(), 6U);
}

TEST(request_target, forgets_the_target_before) {
    request_target target;
    ASSERT_TRUE(target.assign("/a/../b?x"));
    ASSERT_TRUE(target.assign("/c"));
    EXPECT_EQ(target.path(), "/c");
    EXPECT_EQ(target.raw_query(), "");
    EXPECT_FALSE(target.assign("%"));
    EXPECT_EQ(target.path(), "");
}

TEST(request_target, stays_whole_when_copied_or_moved) {
    request_target target;
    ASSERT_TRUE(target.assign("/x?y"));
    request_target copy = target;
    request_target moved = std::move(target);
    EXPECT_EQ(copy.path(), "/x");
    EXPECT_EQ(moved.path(), "/x");
    EXPECT_EQ(moved.raw_query(), "y");
}

}  // namespace
