// tests/data/query_test.cpp: rows become values.
// SPDX-License-Identifier: MIT

#include <tuple>

#include "data/support.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using data::database;
using data::database_error;
using data::error_kind;

using query = data_test;

enum class colour : std::uint8_t { red, green };

struct point {
    double x, y;
};

task<database> make_users(std::string url) {
    database db = co_await database::open(url);
    co_await db.execute("create table users(id integer primary key, name text not null, email text, score real not null)");
    co_await db.execute("insert into users values (1, 'ann', null, 1.5), (2, 'bob', 'bob@example.org', 2)");
    co_return db;
}

task<> structs(std::string url) {
    const database db = co_await make_users(url);
    const std::vector<user> found =
        co_await db.query<user>("select score, NAME, id, email, 1 as extra from users order by id");
    EXPECT_EQ(found.size(), 2U);
    if (found.size() != 2) co_return;
    EXPECT_EQ(found[0].id, 1);
    EXPECT_EQ(found[0].name, "ann");
    EXPECT_EQ(found[0].email, std::nullopt);
    EXPECT_EQ(found[0].score, 1.5);
    EXPECT_EQ(found[1].email, "bob@example.org");
    EXPECT_EQ(found[1].score, 2.0);
}
TEST_F(query, a_described_struct_is_read_by_column_names) { run(structs, url); }

task<> scalars(std::string url) {
    const database db = co_await database::open(url);
    const std::vector<int> numbers = co_await db.query<int>("select 1 union all select 2");
    EXPECT_EQ(numbers, (std::vector<int>{1, 2}));
    const std::vector<bool> flags = co_await db.query<bool>("select 0 union all select 7");
    EXPECT_EQ(flags, (std::vector<bool>{false, true}));
    const auto green = co_await db.query_scalar<colour>("select 1");
    EXPECT_EQ(green, colour::green);
    const auto real = co_await db.query_scalar<double>("select 3");
    EXPECT_EQ(real, 3.0);
    const auto text = co_await db.query_scalar<std::string>("select 'with ' || char(0) || ' inside'");
    EXPECT_EQ(text, std::string("with \0 inside", 13));
    const auto blob = co_await db.query_scalar<std::vector<std::byte>>("select x'00ff'");
    EXPECT_EQ(blob, (std::vector<std::byte>{std::byte{0}, std::byte{255}}));
    const auto nothing = co_await db.query_scalar<std::optional<int>>("select null");
    EXPECT_EQ(nothing, std::nullopt);
    const auto largest = co_await db.query_scalar<std::uint64_t>("select 9223372036854775807");
    EXPECT_EQ(largest, 9223372036854775807U);
}
TEST_F(query, a_scalar_is_the_first_column) { run(scalars, url); }

task<> tuples(std::string url) {
    const database db = co_await database::open(url);
    using pair = std::tuple<int, std::optional<std::string>>;
    const auto both = co_await db.query_one<pair>("select 7, null");
    EXPECT_EQ(both, pair(7, std::nullopt));
    const database_error wrong = co_await error_of(db.query<pair>("select 1 as a, 2 as b, 3 as c"));
    EXPECT_EQ(wrong.kind(), error_kind::mapping);
    EXPECT_STREQ(wrong.what(),
        "query 'select 1 as a, 2 as b, 3 as c' failed: a tuple of 2 is wanted, but the result has 3 columns: 'a', 'b', "
        "'c'");
}
TEST_F(query, a_tuple_takes_all_columns_by_position) { run(tuples, url); }

task<> functions(std::string url);
TEST_F(query, a_type_may_read_itself) { run(functions, url); }

task<> counts(std::string url) {
    const database db = co_await make_users(url);
    const auto one = co_await db.query_one<user>("select * from users where id = 2");
    EXPECT_EQ(one.name, "bob");
    const auto none = co_await db.query_optional<user>("select * from users where id = 3");
    EXPECT_FALSE(none.has_value());
    const auto some = co_await db.query_optional<user>("select * from users where id = 1");
    EXPECT_TRUE(some.has_value());
    const auto first = co_await db.first_or_default<std::string>("select name from users order by id");
    EXPECT_EQ(first, "ann");
    const auto fallback = co_await db.first_or_default<std::string>("select name from users where id = 3");
    EXPECT_EQ(fallback, "");

    const database_error missing = co_await error_of(db.query_one<user>("select * from users where id = 3"));
    EXPECT_EQ(missing.kind(), error_kind::row_count);
    EXPECT_STREQ(missing.what(), "query 'select * from users where id = 3' failed: one row is wanted, but there is none");
    const database_error many = co_await error_of(db.query_one<user>("select * from users"));
    EXPECT_EQ(many.kind(), error_kind::row_count);
    const database_error more = co_await error_of(db.query_optional<user>("select * from users"));
    EXPECT_EQ(more.kind(), error_kind::row_count);
    const database_error empty = co_await error_of(db.query_scalar<int>("select 1 where 0"));
    EXPECT_EQ(empty.kind(), error_kind::row_count);
    const auto maybe = co_await db.query_scalar<std::optional<int>>("select 1 where 0");
    EXPECT_EQ(maybe, std::nullopt);
}
TEST_F(query, a_query_for_one_row_says_when_there_are_others) { run(counts, url); }

task<> mapping_errors(std::string url) {
    const database db = co_await make_users(url);
    const database_error null = co_await error_of(db.query<std::string>("select email from users where id = 1"));
    EXPECT_EQ(null.kind(), error_kind::mapping);
    EXPECT_EQ(null.code(), 0);
    EXPECT_EQ(null.sql(), "select email from users where id = 1");
    EXPECT_STREQ(null.what(),
        "query 'select email from users where id = 1' failed: column 'email' (number 1) is NULL, but text is "
        "wanted; read it into a std::optional");
    const database_error missing = co_await error_of(db.query<user>("select id, name from users where 0"));
    EXPECT_STREQ(missing.what(),
        "query 'select id, name from users where 0' failed: there is no column 'email'; the result has "
        "'id', 'name'");
    const database_error type = co_await error_of(db.query<int>("select name from users"));
    EXPECT_STREQ(
        type.what(), "query 'select name from users' failed: column 'name' (number 1) is text, but an integer is wanted");
    const database_error range = co_await error_of(db.query<std::int8_t>("select 300 as n"));
    EXPECT_STREQ(range.what(),
        "query 'select 300 as n' failed: column 'n' (number 1) holds 300, which is not in the range -128 to "
        "127 of the type it is read into");
    const database_error rows = co_await error_of(db.query<int>("delete from users where 0"));
    EXPECT_STREQ(rows.what(), "query 'delete from users where 0' failed: it gives no rows; use execute()");
    const auto still = co_await db.query_scalar<int>("select count(*) from users");
    EXPECT_EQ(still, 2);
}
TEST_F(query, what_does_not_fit_names_column_and_statement) { run(mapping_errors, url); }

task<> affected(std::string url) {
    const database db = co_await make_users(url);
    const auto updated = co_await db.execute("update users set score = score + 1");
    EXPECT_EQ(updated, 2);
    const auto none = co_await db.execute("update users set score = 0 where id = 99");
    EXPECT_EQ(none, 0);
    const auto selected = co_await db.execute("select * from users");
    EXPECT_EQ(selected, 0);
    const auto several = co_await db.execute(
        "create table t(x); insert into t values (1), (2), (3); -- a comment; with a semicolon\n delete from t where x = "
        "1;\n");
    EXPECT_EQ(several, 4);
    const auto id = co_await db.query_scalar<std::int64_t>("insert into users(name, score) values ('cid', 0) returning id");
    EXPECT_EQ(id, 3);
    const auto rest = co_await db.query<int>("create table u(x); insert into u values (5); select x from u; select 6");
    EXPECT_EQ(rest, std::vector<int>{5});
}
TEST_F(query, execute_counts_changed_rows_of_every_statement) { run(affected, url); }

task<> schema_changes(std::string url) {
    const database db = co_await make_users(url);
    const auto before = co_await db.query<std::tuple<int, std::string>>("select id, name from users order by id");
    EXPECT_EQ(before.size(), 2U);
    const database_error four = co_await error_of(db.query<std::tuple<int>>("select * from users"));
    EXPECT_EQ(four.kind(), error_kind::mapping);
    co_await db.execute(
        "alter table users drop column score; alter table users drop column email; alter table users drop column name");
    const auto after = co_await db.query<std::tuple<int>>("select * from users");
    EXPECT_EQ(after.size(), 2U);
}
TEST_F(query, a_cached_statement_follows_a_changed_schema) { run(schema_changes, url); }

task<> small_cache(std::string url) {
    const database db = co_await database::open(url + "?statement_cache=2&pool=1");
    for (int round = 0; round < 3; ++round) {
        for (int number = 0; number < 5; ++number) {
            const std::string sql = "select {0} + " + std::to_string(number);
            const auto sum = co_await db.query_scalar<int>(sql, round);
            EXPECT_EQ(sum, round + number);
        }
    }
    const database none = co_await database::open(url + "?statement_cache=0");
    const auto one = co_await none.query_scalar<int>("select {0}", 1);
    EXPECT_EQ(one, 1);
}
TEST_F(query, the_statement_cache_forgets_without_harm) { run(small_cache, url); }

}  // namespace

template <>
struct weft::data::row_traits<point> {
    static point read(const weft::data::row& from) { return point{from.get<double>("x"), from.get<double>(1)}; }
};

namespace {

task<> functions(std::string url) {
    const database db = co_await database::open(url);
    const auto read = co_await db.query_one<point>("select 1 as x, 2.5 as y");
    EXPECT_EQ(read.x, 1.0);
    EXPECT_EQ(read.y, 2.5);
    const database_error missing = co_await error_of(db.query_one<point>("select 1 as x"));
    EXPECT_STREQ(missing.what(), "query 'select 1 as x' failed: there is no column number 2; the result has 1");
}

}  // namespace
