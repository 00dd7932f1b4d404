// tests/data/parameter_test.cpp: arguments are sent beside a statement, never in its text.
// SPDX-License-Identifier: MIT

#include <array>
#include <span>
#include <tuple>

#include "data/support.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using data::database;
using data::database_error;
using data::error_kind;

using parameters = data_test;

task<> injection(std::string url) {
    const database db = co_await database::open(url);
    co_await db.execute("create table users(name text)");
    const std::string evil = "x'); drop table users; --{0}";
    const auto added = co_await db.execute("insert into users values ({0})", evil);
    EXPECT_EQ(added, 1);
    const auto back = co_await db.query_one<std::string>("select name from users where name = {0}", evil);
    EXPECT_EQ(back, evil);
    const auto none = co_await db.query_scalar<int>("select count(*) from users where name = {0}", "' or '1'='1");
    EXPECT_EQ(none, 0);
}
TEST_F(parameters, an_argument_is_never_part_of_the_statement) { run(injection, url); }

task<> all_types(std::string url) {
    const database db = co_await database::open(url);
    enum class level : std::uint8_t { low = 3 };
    const std::array<std::byte, 2> bytes{std::byte{1}, std::byte{0}};
    const std::string_view view = "view";
    const char* const no_text = nullptr;
    const std::optional<int> absent;
    const std::optional<std::string> present = "there";
    using types = std::tuple<std::string, std::string, std::string, std::string, std::string, std::string, std::string,
        std::string, std::string, std::string>;
    const auto found = co_await db.query_one<types>(
        "select typeof({0}), typeof({1}), typeof({2}), typeof({3}), typeof({4}), typeof({5}), typeof({6}), typeof({7}), "
        "typeof({8}), typeof({9})",
        true, -5, 2.5F, level::low, "literal", view, no_text, absent, present, std::span<const std::byte>(bytes));
    EXPECT_EQ(found, types("integer", "integer", "real", "integer", "text", "text", "null", "null", "text", "blob"));
    const std::vector<std::byte> empty;
    const auto blob = co_await db.query_scalar<std::vector<std::byte>>("select {0}", empty);
    EXPECT_TRUE(blob.empty());
    const auto nothing = co_await db.query_scalar<bool>("select {0} is null and {1} is null", nullptr, std::nullopt);
    EXPECT_TRUE(nothing);
    const auto zero = co_await db.query_scalar<std::string>("select {0}", std::string("a\0b", 3));
    EXPECT_EQ(zero.size(), 3U);
    const database_error large = co_await error_of(db.execute("select {0}", ~std::uint64_t{0}));
    EXPECT_EQ(large.kind(), error_kind::parameter);
}
TEST_F(parameters, every_type_arrives_as_itself) { run(all_types, url); }

task<> literals(std::string url) {
    const database db = co_await database::open(url);
    using strings = std::tuple<std::string, std::string, int>;
    const auto found = co_await db.query_one<strings>(
        "select '{0} it''s {x}', \"{1}\", {0} /* {2} {y} */ from (select 'quoted' as \"{1}\") -- {3}", 7);
    EXPECT_EQ(found, strings("{0} it's {x}", "quoted", 7));
    const auto json = co_await db.query_scalar<int>("select json_extract('{\"a\": {\"b\": 4}}', {0})", "$.a.b");
    EXPECT_EQ(json, 4);
}
TEST_F(parameters, braces_in_literals_names_and_comments_stay) { run(literals, url); }

task<> repeated(std::string url) {
    const database db = co_await database::open(url);
    const auto sum = co_await db.query_scalar<int>("select {1} * 100 + {0} * 10 + {1}", 2, 3);
    EXPECT_EQ(sum, 323);
    std::string many = "select {0}";
    for (int number = 1; number < 12; ++number) many += " + {" + std::to_string(number) + "}";
    const auto twelve = co_await db.query_scalar<int>(many, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    EXPECT_EQ(twelve, 78);
    const auto batch =
        co_await db.execute("create table t(x); insert into t values ({0}); insert into t values ({1}), ({0})", 1, 2);
    EXPECT_EQ(batch, 3);
}
TEST_F(parameters, a_number_may_stand_anywhere_and_often) { run(repeated, url); }

task<> native(std::string url) {
    const database db = co_await database::open(url);
    const auto numbered = co_await db.query_scalar<int>("select ?2 - ?1", 1, 10);
    EXPECT_EQ(numbered, 9);
    const auto plain = co_await db.query_scalar<int>("select ? - ?", 10, 1);
    EXPECT_EQ(plain, 9);
    const auto by_order = co_await db.query_scalar<int>("select :a - :b", 10, 1);
    EXPECT_EQ(by_order, 9);
    const auto by_name = co_await db.query_scalar<int>("select :a - @b", data::named("b", 1), data::named("a", 10));
    EXPECT_EQ(by_name, 9);
}
TEST_F(parameters, the_databases_own_placeholders_work_too) { run(native, url); }

task<> misfits(std::string url) {
    const database db = co_await database::open(url);
    const database_error few = co_await error_of(db.execute("select {0}, {1}", 1));
    EXPECT_EQ(few.kind(), error_kind::parameter);
    EXPECT_STREQ(
        few.what(), "query 'select {0}, {1}' failed: its placeholders are for 2 arguments, but 1 argument is given");
    const database_error many = co_await error_of(db.execute("select {0}", 1, 2));
    EXPECT_STREQ(many.what(), "query 'select {0}' failed: its placeholders are for 1 argument, but 2 arguments are given");
    const database_error none = co_await error_of(db.execute("select 1", 1));
    EXPECT_STREQ(none.what(), "query 'select 1' failed: there is no placeholder for argument number 1");
    const database_error missing = co_await error_of(db.execute("select ?1, ?2", 1));
    EXPECT_STREQ(
        missing.what(), "query 'select ?1, ?2' failed: there is no argument for its placeholder '?2'; 1 argument given");
    const database_error unknown = co_await error_of(db.execute("select :a", data::named("a", 1), data::named("b", 1)));
    EXPECT_STREQ(unknown.what(), "query 'select :a' failed: there is no placeholder for argument 'b'");
    const database_error mixed = co_await error_of(db.execute("select {0}, :name", 1));
    EXPECT_STREQ(
        mixed.what(), "query 'select {0}, :name' failed: it mixes {0} with the database's own placeholders (':name')");
    const database_error word = co_await error_of(db.execute("select {name}", 1));
    EXPECT_STREQ(word.what(), "query 'select {name}' failed: '{name}' is no placeholder; write {0}, {1}, ...");
    const database_error named = co_await error_of(db.execute("select {0}", data::named("a", 1)));
    EXPECT_EQ(named.kind(), error_kind::parameter);
    const auto after = co_await db.query_scalar<int>("select {0}", 5);
    EXPECT_EQ(after, 5);
}
TEST_F(parameters, what_does_not_fit_is_refused_before_it_runs) { run(misfits, url); }

task<std::string> from_the_callers_buffer(const database& db) {
    std::string sql = "select {0}";
    std::string text = "kept";
    task<std::string> running = db.query_one<std::string>(sql, text);
    sql.assign(sql.size(), 'x');
    text.assign(text.size(), 'x');
    co_return co_await running;
}
task<> ownership(std::string url) {
    const database db = co_await database::open(url);
    const std::string found = co_await from_the_callers_buffer(db);
    EXPECT_EQ(found, "kept");
}
TEST_F(parameters, text_and_arguments_are_copied_before_the_call_returns) { run(ownership, url); }

}  // namespace
