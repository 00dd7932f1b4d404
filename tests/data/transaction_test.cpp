// tests/data/transaction_test.cpp: all or nothing.
// SPDX-License-Identifier: MIT

#include <stdexcept>

#include "data/support.hpp"
#include "weft/base/error.hpp"
#include "weft/task/when_all.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using data::connection;
using data::database;
using data::database_error;
using data::error_kind;
using data::transaction;

using transactions = data_test;

task<database> make_table(std::string url) {
    database db = co_await database::open(url);
    co_await db.execute("create table t(x integer unique)");
    co_return db;
}
task<int> count(const database& db) { co_return co_await db.query_scalar<int>("select count(*) from t"); }

task<> committed(std::string url) {
    const database db = co_await make_table(url);
    transaction tx = co_await db.begin_transaction();
    EXPECT_TRUE(tx.is_open());
    co_await tx.execute("insert into t values (1)");
    co_await tx.execute("insert into t values ({0})", 2);
    const auto inside = co_await tx.query_scalar<int>("select count(*) from t");
    EXPECT_EQ(inside, 2);
    const int outside = co_await count(db);
    EXPECT_EQ(outside, 0);
    co_await tx.commit();
    EXPECT_FALSE(tx.is_open());
    const int after = co_await count(db);
    EXPECT_EQ(after, 2);
    const auto again = co_await tx.commit().as_outcome();
    EXPECT_EQ(message_of(again.error()), "the transaction is over");
    const auto use = co_await tx.execute("select 1").as_outcome();
    EXPECT_EQ(message_of(use.error()), "the transaction is over");
}
TEST_F(transactions, commit_makes_changes_visible_to_all_at_once) { run(committed, url); }

task<> rolled_back(std::string url) {
    const database db = co_await make_table(url);
    transaction tx = co_await db.begin_transaction();
    co_await tx.execute("insert into t values (1)");
    co_await tx.rollback();
    EXPECT_FALSE(tx.is_open());
    const int after = co_await count(db);
    EXPECT_EQ(after, 0);
}
TEST_F(transactions, rollback_undoes_everything) { run(rolled_back, url); }

task<> dropped(std::string url) {
    const database db = co_await make_table(url + "?pool=1");
    {
        transaction tx = co_await db.begin_transaction();
        co_await tx.execute("insert into t values (1)");
    }
    // With one connection this also shows that it has come back.
    const int after = co_await count(db);
    EXPECT_EQ(after, 0);
}
TEST_F(transactions, a_dropped_transaction_is_rolled_back_without_waiting) { run(dropped, url); }

task<> on_a_connection(std::string url) {
    const database db = co_await make_table(url + "?pool=1");
    const connection own = co_await db.connect();
    {
        transaction tx = co_await own.begin_transaction();
        co_await own.execute("insert into t values (1)");
        const auto nested = co_await own.begin_transaction().as_outcome();
        EXPECT_FALSE(nested.has_value());
        EXPECT_EQ(message_of(nested.error()), "the connection has an open transaction already; transactions do not nest");
    }
    const auto after = co_await own.query_scalar<int>("select count(*) from t");
    EXPECT_EQ(after, 0);
    transaction next = co_await own.begin_transaction(data::transaction_mode::deferred);
    co_await next.execute("insert into t values (2)");
    co_await next.commit();
    const auto kept = co_await own.query_scalar<int>("select count(*) from t");
    EXPECT_EQ(kept, 1);
}
TEST_F(transactions, a_connection_has_one_transaction_at_a_time) { run(on_a_connection, url); }

task<int> insert_two(transaction& tx, int first) {
    co_await tx.execute("insert into t values ({0})", first);
    co_await tx.execute("insert into t values ({0})", first + 1);
    co_return first;
}
task<> insert_and_throw(transaction& tx) {
    co_await tx.execute("insert into t values (10)");
    throw std::runtime_error("changed my mind");
}
task<> in_transaction(std::string url) {
    const database db = co_await make_table(url + "?pool=1");
    const int result = co_await db.in_transaction(cancellation_token(), insert_two, 1);
    EXPECT_EQ(result, 1);
    int after = co_await count(db);
    EXPECT_EQ(after, 2);

    const auto thrown = co_await db.in_transaction(insert_and_throw).as_outcome();
    EXPECT_EQ(message_of(thrown.error()), "changed my mind");
    after = co_await count(db);
    EXPECT_EQ(after, 2);

    const database_error twice = co_await error_of(db.in_transaction(cancellation_token(), insert_two, 2));
    EXPECT_EQ(twice.kind(), error_kind::constraint);
    after = co_await count(db);
    EXPECT_EQ(after, 2);
}
TEST_F(transactions, in_transaction_commits_on_return_and_rolls_back_on_an_exception) { run(in_transaction, url); }

task<> insert_and_cancel(transaction& tx, cancellation_source source, cancellation_token token) {
    co_await tx.execute(token, "insert into t values (1)");
    source.cancel();
    token.throw_if_cancellation_requested();
}
task<> insert_and_cancel_quietly(transaction& tx, cancellation_source source) {
    co_await tx.execute("insert into t values (1)");
    source.cancel();
}
task<> canceled(std::string url) {
    const database db = co_await make_table(url + "?pool=1");
    cancellation_source source;
    const auto end = co_await db.in_transaction(source.token(), insert_and_cancel, source).as_outcome();
    EXPECT_TRUE(end.is_canceled());
    cancellation_source other;
    const auto quiet = co_await db.in_transaction(other.token(), insert_and_cancel_quietly, other).as_outcome();
    EXPECT_TRUE(quiet.is_canceled());
    const int after = co_await count(db);
    EXPECT_EQ(after, 0);
}
TEST_F(transactions, in_transaction_rolls_back_on_a_cancellation) { run(canceled, url); }

task<> captured(std::string url) {
    const database db = co_await make_table(url);
    const std::string text = "owned by the closure";
    auto body = [text](transaction& tx) -> task<std::string> {
        co_await tx.execute("insert into t values (1)");
        co_return text;
    };
    const std::string result = co_await db.in_transaction(std::move(body));
    EXPECT_EQ(result, text);
}
TEST_F(transactions, in_transaction_owns_its_callable) { run(captured, url); }

task<> lost(std::string url) {
    const database db = co_await make_table(url);
    transaction tx = co_await db.begin_transaction();
    co_await tx.execute("insert into t values (1)");
    const database_error conflict = co_await error_of(tx.execute("insert or rollback into t values (1)"));
    EXPECT_EQ(conflict.kind(), error_kind::constraint);
    const database_error after = co_await error_of(tx.execute("insert into t values (5)"));
    EXPECT_EQ(after.kind(), error_kind::transaction);
    co_await tx.rollback();
    const int rows = co_await count(db);
    EXPECT_EQ(rows, 0);
}
TEST_F(transactions, nothing_runs_on_its_own_after_the_database_rolled_back) { run(lost, url); }

task<> stray_begin(std::string url) {
    const database db = co_await make_table(url + "?pool=1");
    const database_error open = co_await error_of(db.execute("begin; insert into t values (1)"));
    EXPECT_EQ(open.kind(), error_kind::transaction);
    const int rows = co_await count(db);
    EXPECT_EQ(rows, 0);
    {
        const connection own = co_await db.connect();
        co_await own.execute("begin");
        co_await own.execute("insert into t values (1)");
    }
    const int later = co_await count(db);
    EXPECT_EQ(later, 0);
}
TEST_F(transactions, a_begin_by_hand_does_not_leak_to_others) { run(stray_begin, url); }

task<> add_one(const database& db) {
    transaction tx = co_await db.begin_transaction();
    const auto largest = co_await tx.query_scalar<int>("select coalesce(max(x), 0) from t");
    co_await tx.execute("insert into t values ({0})", largest + 1);
    co_await tx.commit();
}
task<> writers(std::string url) {
    const database db = co_await make_table(url);
    std::vector<task<>> all;
    for (int i = 0; i < 20; ++i) all.push_back(add_one(db));
    co_await when_all(std::move(all));
    const auto sum = co_await db.query_one<std::tuple<int, int>>("select count(*), max(x) from t");
    EXPECT_EQ(sum, std::make_tuple(20, 20));
}
TEST_F(transactions, concurrent_writers_wait_for_one_another) { run(writers, url); }

task<> busy(std::string url) {
    const database first = co_await make_table(url);
    const database second = co_await database::open(url + "?busy_timeout=10");
    transaction tx = co_await first.begin_transaction();
    const database_error error = co_await error_of(second.begin_transaction());
    EXPECT_EQ(error.kind(), error_kind::busy);
    EXPECT_EQ(error.code(), 5);
    co_await tx.rollback();
    transaction now = co_await second.begin_transaction();
    co_await now.rollback();
}
TEST_F(transactions, a_lock_held_for_longer_than_the_timeout_is_reported_as_busy) { run(busy, url); }

}  // namespace
