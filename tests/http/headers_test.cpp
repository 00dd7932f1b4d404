// What the header list promises.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "weft/http/headers.hpp"

namespace {

using weft::http::header_id;
using weft::http::headers;

std::string listing(const headers& fields) {
    std::string text;
    for (const weft::http::header_field field : fields) text.append(field.name).append("=").append(field.value).append(";");
    return text;
}

TEST(headers, names_ignore_case_and_keep_their_spelling) {
    headers fields;
    fields.add("x-Thing", "1");
    fields.add("content-TYPE", "a/b");

    EXPECT_EQ(fields.get("X-THING"), "1");
    EXPECT_EQ(fields.get(header_id::content_type), "a/b");
    EXPECT_EQ(fields.get("Content-Type"), "a/b");
    EXPECT_EQ(listing(fields), "x-Thing=1;content-TYPE=a/b;");
    EXPECT_FALSE(fields.contains("X-Thin"));
}

TEST(headers, fields_keep_their_order_and_may_repeat) {
    headers fields;
    fields.add(header_id::set_cookie, "a=1");
    fields.add("Vary", "x");
    fields.add("set-cookie", "b=2");

    EXPECT_EQ(listing(fields), "Set-Cookie=a=1;Vary=x;set-cookie=b=2;");
    EXPECT_EQ(fields.get_all("Set-Cookie"), (std::vector<std::string_view>{"a=1", "b=2"}));
    EXPECT_EQ(fields.count(header_id::set_cookie), 2U);
}

TEST(headers, set_replaces_all_at_the_place_of_the_first) {
    headers fields;
    fields.add("A", "1");
    fields.add("B", "2");
    fields.add("a", "3");

    fields.set("A", "4");
    EXPECT_EQ(listing(fields), "A=4;B=2;");
    fields.set("C", "5");
    EXPECT_EQ(listing(fields), "A=4;B=2;C=5;");
}

TEST(headers, a_value_may_be_taken_from_the_headers_themselves) {
    headers fields;
    fields.add("A", std::string(100, 'x'));
    for (int i = 0; i < 10; ++i) fields.add("B" + std::to_string(i), *fields.get("A"));
    fields.set("A", *fields.get("B3"));
    EXPECT_EQ(fields.get("A"), std::string(100, 'x'));
    EXPECT_EQ(fields.get("B9"), std::string(100, 'x'));
}

TEST(headers, remove_takes_every_field_of_the_name) {
    headers fields;
    fields.add("A", "1");
    fields.add("Vary", "2");
    fields.add("a", "3");

    EXPECT_EQ(fields.remove("A"), 2U);
    EXPECT_EQ(fields.remove("A"), 0U);
    EXPECT_EQ(fields.remove(header_id::vary), 1U);
    EXPECT_TRUE(fields.empty());
    EXPECT_FALSE(fields.contains(header_id::vary));
}

TEST(headers, blanks_around_a_value_are_dropped) {
    headers fields;
    fields.add("A", " \t x y \t");
    EXPECT_EQ(fields.get("A"), "x y");
}

TEST(headers, line_breaks_nul_and_bad_names_are_refused_and_change_nothing) {
    headers fields;
    fields.add("A", "1");
    const std::string nul("a\0b", 3);
    const std::string values[] = {"a\rb", "a\nb", "a\r\nSet-Cookie: x", nul, "\x7f", "a\x01"};
    for (const std::string& value : values) {
        EXPECT_THROW(fields.add("B", value), std::invalid_argument) << value;
        EXPECT_THROW(fields.set("A", value), std::invalid_argument) << value;
        EXPECT_THROW(fields.add(header_id::location, value), std::invalid_argument) << value;
    }
    const std::string names[] = {"", "a b", "a:", "a\r\n", "\xe4", "(a)", std::string("a\0", 2)};
    for (const std::string& name : names) EXPECT_THROW(fields.add(name, "1"), std::invalid_argument) << name;
    EXPECT_EQ(listing(fields), "A=1;");
}

TEST(headers, a_refusal_names_the_field_and_the_place) {
    headers fields;
    try {
        fields.add("X-Thing", "ab\ncd");
        FAIL() << "nothing thrown";
    } catch (const std::invalid_argument& error) {
        EXPECT_STREQ(error.what(), "value of header 'X-Thing' has control character 10 at position 2");
    }
}

TEST(headers, has_token_reads_lists) {
    headers fields;
    fields.add("Connection", "Upgrade , CLOSE");
    EXPECT_TRUE(fields.has_token(header_id::connection, "close"));
    EXPECT_TRUE(fields.has_token(header_id::connection, "upgrade"));
    EXPECT_FALSE(fields.has_token(header_id::connection, "clos"));
    EXPECT_FALSE(fields.has_token(header_id::te, "close"));
}

TEST(headers, every_id_has_a_name_that_leads_back_to_it) {
    for (std::size_t i = 1; i < weft::http::header_id_count; ++i) {
        const auto id = static_cast<header_id>(i);
        std::string name(weft::http::to_string(id));
        EXPECT_EQ(weft::http::find_header_id(name), id) << name;
        for (char& character : name) character = static_cast<char>(std::tolower(character));
        EXPECT_EQ(weft::http::find_header_id(name), id) << name;
    }
    EXPECT_EQ(weft::http::find_header_id("X-Nothing"), header_id::other);
    EXPECT_EQ(weft::http::find_header_id(""), header_id::other);
}

TEST(headers, are_values) {
    headers fields;
    fields.add("A", "1");
    headers copy = fields;
    copy.set("A", "2");
    EXPECT_EQ(listing(fields), "A=1;");
    EXPECT_EQ(listing(copy), "A=2;");
    headers moved = std::move(copy);
    EXPECT_EQ(listing(moved), "A=2;");
}

}  // namespace
