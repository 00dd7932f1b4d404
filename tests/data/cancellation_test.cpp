// tests/data/cancellation_test.cpp: a statement can be stopped, and the connection lives on.
// SPDX-License-Identifier: MIT

#include "data/support.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using data::connection;
using data::database;
using data::transaction;

using cancellation = data_test;

// Starts the endless statement and comes back when it is running.
template <class Where>
task<std::vector<beacon>> start_endless(const Where& where, cancellation_token token) {
    const int before = beacon::seen;
    task<std::vector<beacon>> running = where.template query<beacon>(std::move(token), endless);
    EXPECT_TRUE(eventually([&] { return beacon::seen > before; }));
    return running;
}

task<> runaway(std::string url) {
    const database db = co_await database::open(url + "?pool=1");
    for (int round = 0; round < 5; ++round) {
        cancellation_source source;
        task<std::vector<beacon>> running = start_endless(db, source.token());
        EXPECT_FALSE(running.is_completed());
        source.cancel();
        const auto end = co_await running.as_outcome();
        EXPECT_TRUE(end.is_canceled());
        EXPECT_TRUE(running.is_canceled());
        try {
            std::rethrow_exception(end.error());
        } catch (const operation_canceled& error) {
            EXPECT_EQ(error.token(), source.token());
        }
        const auto still = co_await db.query_scalar<int>("select 1");
        EXPECT_EQ(still, 1);
    }
}
TEST_F(cancellation, a_runaway_statement_is_interrupted_and_the_connection_stays_usable) { run(runaway, url); }

task<> by_timer(std::string url) {
    const database db = co_await database::open(url + "?pool=1");
    cancellation_source source(std::chrono::milliseconds(5));
    const auto end = co_await db
                         .query<int>(source.token(),
                             "with recursive n(x) as (select 1 union all select x + 1 from n) "
                             "select count(*) from n")
                         .as_outcome();
    EXPECT_TRUE(end.is_canceled());
}
TEST_F(cancellation, a_timed_token_stops_a_statement) { run(by_timer, url); }

task<> queued(std::string url) {
    const database db = co_await database::open(url + "?pool=1");
    co_await db.execute("create table t(x)");
    cancellation_source stop_first;
    cancellation_source stop_second;
    task<std::vector<beacon>> first = start_endless(db, stop_first.token());
    task<std::int64_t> second = db.execute(stop_second.token(), "insert into t values (1)");
    task<std::int64_t> third = db.execute("insert into t values (2)");
    stop_second.cancel();
    const auto end = co_await second.as_outcome();
    EXPECT_TRUE(end.is_canceled());
    EXPECT_FALSE(first.is_completed());
    stop_first.cancel();
    const auto stopped = co_await first.as_outcome();
    EXPECT_TRUE(stopped.is_canceled());
    const auto inserted = co_await third;
    EXPECT_EQ(inserted, 1);
    const auto rows = co_await db.query<int>("select x from t");
    EXPECT_EQ(rows, std::vector<int>{2});
}
TEST_F(cancellation, a_queued_statement_that_is_cancelled_never_runs) { run(queued, url); }

task<> before(std::string url) {
    const database db = co_await database::open(url);
    cancellation_source source;
    source.cancel();
    const auto end = co_await db.execute(source.token(), "create table t(x)").as_outcome();
    EXPECT_TRUE(end.is_canceled());
    const auto tables = co_await db.query_scalar<int>("select count(*) from sqlite_master");
    EXPECT_EQ(tables, 0);
    const auto opening = co_await database::open(url, source.token()).as_outcome();
    EXPECT_TRUE(opening.is_canceled());
    const auto beginning = co_await db.begin_transaction(source.token()).as_outcome();
    EXPECT_TRUE(beginning.is_canceled());
}
TEST_F(cancellation, a_token_cancelled_beforehand_runs_nothing) { run(before, url); }

task<> after(std::string url) {
    const database db = co_await database::open(url);
    cancellation_source source;
    task<int> running = db.query_scalar<int>(source.token(), "select 1");
    EXPECT_TRUE(eventually([&] { return running.is_completed(); }));
    source.cancel();
    const int one = co_await running;
    EXPECT_EQ(one, 1);
}
TEST_F(cancellation, a_result_that_is_there_wins) { run(after, url); }

task<> in_line(std::string url) {
    const database db = co_await database::open(url + "?pool=1");
    cancellation_source source;
    {
        const connection held = co_await db.connect();
        task<connection> waiting = db.connect(source.token());
        task<connection> behind = db.connect();
        EXPECT_FALSE(waiting.is_completed());
        source.cancel();
        const auto end = co_await std::move(waiting).as_outcome();
        EXPECT_TRUE(end.is_canceled());
        EXPECT_FALSE(behind.is_completed());
        forget(std::move(behind));
    }
    const auto one = co_await db.query_scalar<int>("select 1");
    EXPECT_EQ(one, 1);
}
TEST_F(cancellation, waiting_for_a_connection_can_be_given_up) { run(in_line, url); }

task<> for_a_lock(std::string url) {
    const database first = co_await database::open(url);
    co_await first.execute("create table t(x)");
    const database second = co_await database::open(url + "?busy_timeout=60000");
    transaction tx = co_await first.begin_transaction();
    cancellation_source source;
    task<std::int64_t> waiting = second.execute(source.token(), "insert into t values (1)");
    source.cancel_after(std::chrono::milliseconds(20));
    const auto end = co_await waiting.as_outcome();
    EXPECT_TRUE(end.is_canceled());
    co_await tx.rollback();
}
TEST_F(cancellation, waiting_for_a_lock_can_be_given_up) { run(for_a_lock, url); }

task<> inside_transaction(std::string url) {
    const database db = co_await database::open(url);
    co_await db.execute("create table t(x)");
    transaction tx = co_await db.begin_transaction();
    co_await tx.execute("insert into t values (1)");
    cancellation_source source;
    task<std::vector<beacon>> running = start_endless(tx, source.token());
    source.cancel();
    const auto end = co_await running.as_outcome();
    EXPECT_TRUE(end.is_canceled());
    // Reading was interrupted: the transaction is as it was.
    co_await tx.execute("insert into t values (2)");
    co_await tx.commit();
    const auto rows = co_await db.query_scalar<int>("select count(*) from t");
    EXPECT_EQ(rows, 2);
}
TEST_F(cancellation, an_interrupted_read_leaves_its_transaction_open) { run(inside_transaction, url); }

// Cancels at any moment of a statement's life: whichever wins, the task ends and the connection works.
task<> races(std::string url) {
    const database db = co_await database::open(url + "?pool=2");
    int canceled = 0;
    for (int round = 0; round < 300; ++round) {
        cancellation_source source;
        task<int> running = db.query_scalar<int>(source.token(),
            "with recursive n(x) as (select 1 union all select x + 1 from n "
            "where x < {0}) select max(x) from n",
            1 + round * 5);
        task<std::int64_t> other = db.execute("select 1");
        const bool stop = round % 3 != 0;
        if (stop) source.cancel();
        const auto end = co_await running.as_outcome();
        EXPECT_TRUE(end.is_canceled() || end.has_value()) << message_of(end.error());
        EXPECT_TRUE(stop || end.has_value());
        canceled += end.is_canceled() ? 1 : 0;
        co_await other;
    }
    EXPECT_GT(canceled, 0);
}
TEST_F(cancellation, cancelling_races_with_every_stage) { run(races, url); }

}  // namespace
