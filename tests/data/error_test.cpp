// tests/data/error_test.cpp: bad input ends in a clear error, and harms nothing.
// SPDX-License-Identifier: MIT

#include <fstream>
#include <stdexcept>

#include "data/support.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using data::database;
using data::database_error;
using data::error_kind;

using bad_input = data_test;

template <class F>
std::string refusal_of(F make) {
    try {
        make();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "accepted";
}

TEST_F(bad_input, a_wrong_url_is_refused_with_a_reason) {
    const auto refusal = [](std::string_view wrong) { return refusal_of([&] { const database db(wrong); }); };
    EXPECT_EQ(refusal("users.db"), "database url 'users.db' has no provider; write sqlite:///path");
    EXPECT_EQ(refusal("oracle://x"), "database url 'oracle://x': there is no provider 'oracle'; there is sqlite");
    EXPECT_EQ(
        refusal("sqlite://"), "database url 'sqlite://': it names no file; write sqlite:///path or sqlite://:memory:");
    EXPECT_EQ(refusal("sqlite:///x?mode=w"), "database url 'sqlite:///x?mode=w': 'mode=w' is none of ro, rw, rwc");
    EXPECT_EQ(refusal("sqlite:///x?pool=0"), "database url 'sqlite:///x?pool=0': 'pool=0' is not a number from 1 to 1000");
    EXPECT_EQ(refusal("sqlite:///x?speed=1"),
        "database url 'sqlite:///x?speed=1': 'speed' is no option; there are mode, pool, "
        "busy_timeout, statement_cache, wal and exclusive");
    EXPECT_EQ(refusal("sqlite:///x?mode"), "database url 'sqlite:///x?mode': 'mode' has no value; write key=value");
    EXPECT_EQ(refusal("sqlite:///%zz"),
        "database url 'sqlite:///%zz': '%' is not followed by two hexadecimal digits; write %25 for "
        "a percent sign");
}

task<> cannot_open(std::string missing, std::string folder_url, std::string text_url) {
    const database_error directory = co_await error_of(database::open(missing));
    EXPECT_EQ(directory.kind(), error_kind::unavailable);
    EXPECT_EQ(directory.code(), 14);
    EXPECT_EQ(std::string(directory.what()),
        "open '" + missing +
            "' failed: unable to open database file: No such file or directory "
            "(SQLITE_CANTOPEN)");
    const database_error folder = co_await error_of(database::open(folder_url));
    EXPECT_EQ(folder.kind(), error_kind::unavailable);
    const database_error text = co_await error_of(database::open(text_url));
    EXPECT_EQ(text.kind(), error_kind::not_a_database);
    EXPECT_EQ(std::string(text.what()), "open '" + text_url + "' failed: file is not a database (SQLITE_NOTADB)");
    const database_error read_only = co_await error_of(database::open(text_url + "?mode=ro"));
    EXPECT_EQ(read_only.kind(), error_kind::not_a_database);
}
TEST_F(bad_input, a_database_that_cannot_be_opened_says_which_and_why) {
    std::ofstream(folder.file("text.db"))
        << "This is a text, and a rather long one, so that it could hold the header of a database, "
           "which it does not: SQLite looks at the first hundred bytes.";
    run(cannot_open, folder.url("missing/x.db"), folder.url(""), folder.url("text.db"));
}

task<> lazily_opened(std::string missing) {
    const database db(missing);
    const database_error first = co_await error_of(db.execute("select 1"));
    EXPECT_EQ(first.kind(), error_kind::unavailable);
    std::filesystem::create_directory(std::filesystem::path(missing.substr(9)).parent_path());
    const auto one = co_await db.query_scalar<int>("select 1");
    EXPECT_EQ(one, 1);
}
TEST_F(bad_input, a_failed_open_is_tried_again_with_the_next_statement) { run(lazily_opened, folder.url("later/x.db")); }

task<> statements(std::string url) {
    const database db = co_await database::open(url);
    co_await db.execute(
        "create table users(id integer primary key, email text unique, age integer check(age >= 0)) strict");
    const database_error syntax = co_await error_of(db.execute("select * frm users"));
    EXPECT_EQ(syntax.kind(), error_kind::statement);
    EXPECT_EQ(syntax.code(), 1);
    EXPECT_EQ(syntax.sql(), "select * frm users");
    EXPECT_STREQ(syntax.what(), "query 'select * frm users' failed: near \"frm\": syntax error (SQLITE_ERROR)");
    const database_error table = co_await error_of(db.query<int>("select x from missing"));
    EXPECT_STREQ(table.what(), "query 'select x from missing' failed: no such table: missing (SQLITE_ERROR)");
    const database_error empty = co_await error_of(db.execute(" ; -- nothing\n"));
    EXPECT_EQ(empty.kind(), error_kind::statement);
    const database_error zero = co_await error_of(db.execute(std::string_view("select 1\0", 9)));
    EXPECT_EQ(zero.kind(), error_kind::statement);

    co_await db.execute("insert into users values (1, 'a@x', 3)");
    const database_error unique = co_await error_of(db.execute("insert into users values ({0}, {1}, {2})", 2, "a@x", 3));
    EXPECT_EQ(unique.kind(), error_kind::constraint);
    EXPECT_EQ(unique.code(), 2067);
    EXPECT_STREQ(unique.what(),
        "query 'insert into users values ({0}, {1}, {2})' failed: UNIQUE constraint failed: users.email "
        "(SQLITE_CONSTRAINT_UNIQUE)");
    const database_error check = co_await error_of(db.execute("insert into users values (2, 'b', -1)"));
    EXPECT_EQ(check.kind(), error_kind::constraint);
    const database_error type = co_await error_of(db.execute("insert into users values (2, 'b', 'old')"));
    EXPECT_EQ(type.kind(), error_kind::constraint);
    const auto count = co_await db.query_scalar<int>("select count(*) from users");
    EXPECT_EQ(count, 1);
}
TEST_F(bad_input, a_refused_statement_carries_code_text_and_reason) { run(statements, url); }

task<> foreign_keys(std::string url) {
    const database db = co_await database::open(url);
    co_await db.execute("create table a(id integer primary key); create table b(a integer references a(id))");
    const database_error orphan = co_await error_of(db.execute("insert into b values (1)"));
    EXPECT_EQ(orphan.kind(), error_kind::constraint);
}
TEST_F(bad_input, foreign_keys_are_enforced) { run(foreign_keys, url); }

task<> read_only(std::string url) {
    const database_error absent = co_await error_of(database::open(url + "?mode=ro"));
    EXPECT_EQ(absent.kind(), error_kind::unavailable);
    const database_error must_exist = co_await error_of(database::open(url + "?mode=rw"));
    EXPECT_EQ(must_exist.kind(), error_kind::unavailable);
    const database writer = co_await database::open(url);
    co_await writer.execute("create table t(x); insert into t values (1)");
    const database reader = co_await database::open(url + "?mode=ro");
    const auto one = co_await reader.query_scalar<int>("select x from t");
    EXPECT_EQ(one, 1);
    const database_error write = co_await error_of(reader.execute("insert into t values (2)"));
    EXPECT_EQ(write.kind(), error_kind::read_only);
    data::transaction tx = co_await reader.begin_transaction();
    const auto inside = co_await tx.query_scalar<int>("select count(*) from t");
    EXPECT_EQ(inside, 1);
    co_await tx.commit();
}
TEST_F(bad_input, a_read_only_database_refuses_writes) { run(read_only, url); }

task<> long_statement(std::string url) {
    const database db = co_await database::open(url);
    const std::string sql = "select\n   frm " + std::string(1000, 'x') + " y z";
    const database_error error = co_await error_of(db.execute(sql));
    EXPECT_EQ(error.sql(), sql);
    EXPECT_LT(std::string_view(error.what()).size(), 400U);
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
}
TEST_F(bad_input, a_long_statement_is_cut_in_the_message_only) { run(long_statement, url); }

}  // namespace
