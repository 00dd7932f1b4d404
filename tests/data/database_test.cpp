// tests/data/database_test.cpp: connections, their threads, and their end.
// SPDX-License-Identifier: MIT

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>
#include <tuple>

#include "data/support.hpp"
#include "weft/base/error.hpp"
#include "weft/scheduling/event_loop_context.hpp"
#include "weft/scheduling/run.hpp"
#include "weft/task/when_all.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using data::connection;
using data::database;
using data::database_error;
using data::transaction;

using databases = data_test;

// Reads where the row is read: on the connection's thread.
struct thread_name {
    std::string value;
};

std::string name_of_this_thread() {
    std::string name;
    std::ifstream("/proc/self/task/" + std::to_string(syscall(SYS_gettid)) + "/comm") >> name;
    return name;
}

}  // namespace

template <>
struct weft::data::row_traits<thread_name> {
    static thread_name read(const weft::data::row&) { return thread_name{name_of_this_thread()}; }
};

namespace {

task<> threads(std::string url) {
    const std::size_t before = data::dedicated_thread_count();
    const database db = co_await database::open(url);
    EXPECT_EQ(data::dedicated_thread_count(), before + 1);
    const auto where = co_await db.query_one<thread_name>("select 1");
    EXPECT_EQ(where.value, "weft-sqlite-0");
    EXPECT_NE(name_of_this_thread(), where.value);
    const connection first = co_await db.connect();
    const connection second = co_await db.connect();
    const auto one = co_await first.query_one<thread_name>("select 1");
    const auto other = co_await second.query_one<thread_name>("select 1");
    EXPECT_NE(one.value, other.value);
    EXPECT_EQ(std::max(one.value, other.value), "weft-sqlite-1");
    EXPECT_EQ(data::dedicated_thread_count(), before + 2);
    co_await db.close();
    EXPECT_EQ(data::dedicated_thread_count(), before);
}
task<> one_after_another(std::string url) {
    const database db = co_await database::open(url);
    for (int i = 0; i < 100; ++i) co_await db.execute("select 1");
    EXPECT_EQ(data::dedicated_thread_count(), 1U);
}
TEST_F(databases, statements_one_after_another_need_one_connection) { run(one_after_another, url); }

TEST_F(databases, each_connection_has_a_named_thread_that_is_counted) { run(threads, url); }

task<int> load(const database& db, int number) {
    const auto value = co_await db.query_scalar<int>("select x * 2 from t where x = {0}", number);
    const auto written = co_await db.execute("insert into log values ({0})", number);
    co_return value + static_cast<int>(written);
}
task<> many_tasks(std::string url, int limit) {
    const database db = co_await database::open(url);
    co_await db.execute(
        "create table t(x integer primary key); create table log(x);"
        "with recursive n(x) as (select 0 union all select x + 1 from n where x < 99) insert into t select x from n");
    const std::size_t before = data::dedicated_thread_count();
    std::vector<task<int>> all;
    for (int number = 0; number < 50; ++number) all.push_back(run([&db, number] { return load(db, number); }));
    const std::vector<int> found = co_await when_all(std::move(all));
    for (int number = 0; number < 50; ++number) EXPECT_EQ(found[static_cast<std::size_t>(number)], number * 2 + 1);
    EXPECT_LE(data::dedicated_thread_count(), before + static_cast<std::size_t>(limit) - 1);
    const auto rows = co_await db.query_one<std::tuple<int, int>>("select count(*), count(distinct x) from log");
    EXPECT_EQ(rows, std::make_tuple(50, 50));
}
TEST_F(databases, fifty_tasks_share_a_few_connections) { run(many_tasks, url, 4); }
TEST_F(databases, fifty_tasks_share_one_connection) { run(many_tasks, url + "?pool=1", 1); }
TEST_F(databases, fifty_tasks_share_a_database_in_memory) { run(many_tasks, std::string("sqlite://:memory:"), 1); }

task<> ordered(std::string url) {
    const database db = co_await database::open(url + "?pool=1");
    std::vector<task<std::int64_t>> all;
    all.push_back(db.execute("create table t(x)"));
    for (int number = 0; number < 20; ++number) all.push_back(db.execute("insert into t values ({0})", number));
    co_await when_all(std::move(all));
    const auto found = co_await db.query<int>("select x from t order by rowid");
    for (int number = 0; number < 20; ++number) EXPECT_EQ(found[static_cast<std::size_t>(number)], number);
}
TEST_F(databases, one_connection_runs_statements_in_the_order_of_their_calls) { run(ordered, url); }

task<> on_the_loop(std::string url) {
    const std::thread::id loop = std::this_thread::get_id();
    const database db = co_await database::open(url);
    EXPECT_EQ(std::this_thread::get_id(), loop);
    for (int i = 0; i < 10; ++i) {
        const auto one = co_await db.query_scalar<int>("select 1");
        EXPECT_EQ(one, 1);
        EXPECT_EQ(std::this_thread::get_id(), loop);
    }
}
TEST_F(databases, an_await_comes_back_to_its_context) {
    event_loop_context loop;
    task<> running;
    loop.post([&] { running = on_the_loop(url); });
    loop.run_pending();
    loop.run_until(running);
}

task<> closed_while_busy(std::string url) {
    const database db = co_await database::open(url + "?pool=1");
    co_await db.execute("create table t(x)");
    cancellation_source source;
    const int before = beacon::seen;
    task<std::vector<beacon>> running = db.query<beacon>(source.token(), endless);
    EXPECT_TRUE(eventually([&] { return beacon::seen > before; }));
    task<std::int64_t> accepted = db.execute("insert into t values (1)");
    task<> closing = db.close();
    EXPECT_FALSE(closing.is_completed());
    const auto refused = co_await db.execute("insert into t values (2)").as_outcome();
    EXPECT_EQ(message_of(refused.error()), "'" + db.name() + "' has been disposed");
    EXPECT_FALSE(closing.is_completed());
    source.cancel();
    const auto stopped = co_await running.as_outcome();
    EXPECT_TRUE(stopped.is_canceled());
    const auto inserted = co_await accepted;
    EXPECT_EQ(inserted, 1);
    co_await closing;
    co_await db.close();
    const database again = co_await database::open(url);
    const auto rows = co_await again.query<int>("select x from t");
    EXPECT_EQ(rows, std::vector<int>{1});
}
TEST_F(databases, close_finishes_what_was_accepted_and_refuses_the_rest) { run(closed_while_busy, url); }

task<> closed_while_held(std::string url) {
    const database db = co_await database::open(url);
    co_await db.execute("create table t(x)");
    connection held = co_await db.connect();
    transaction tx = co_await db.begin_transaction();
    co_await tx.execute("insert into t values (1)");
    co_await db.close();
    const auto use = co_await held.execute("select 1").as_outcome();
    EXPECT_EQ(message_of(use.error()), "'" + db.name() + "' has been disposed");
    const auto commit = co_await tx.commit().as_outcome();
    EXPECT_FALSE(commit.has_value());
    const database again = co_await database::open(url);
    const auto rows = co_await again.query_scalar<int>("select count(*) from t");
    EXPECT_EQ(rows, 0);
}
TEST_F(databases, close_ends_connections_and_transactions_that_are_held) { run(closed_while_held, url); }

task<std::vector<int>> from_a_dropped_database(std::string url) {
    const database db(url);
    return db.query<int>("select 5");
}
task<> dropped(std::string url) {
    const std::size_t before = data::dedicated_thread_count();
    task<std::vector<int>> running = from_a_dropped_database(url);
    const std::vector<int> rows = co_await running;
    EXPECT_EQ(rows, std::vector<int>{5});
    running = task<std::vector<int>>();
    EXPECT_TRUE(eventually([&] { return data::dedicated_thread_count() == before; }));
}
TEST_F(databases, a_running_statement_keeps_its_database) { run(dropped, url); }

TEST_F(databases, dropping_the_last_handle_outside_the_pool_closes_the_file) {
    const std::size_t before = data::dedicated_thread_count();
    {
        const database db(url);
        block_on(db.execute("create table t(x); insert into t values (1)"));
        EXPECT_EQ(data::dedicated_thread_count(), before + 1);
    }
    EXPECT_EQ(data::dedicated_thread_count(), before);
    EXPECT_FALSE(std::filesystem::exists(folder.file("test.db-wal")));
}

TEST_F(databases, an_unused_one_starts_no_thread) {
    const std::size_t before = data::dedicated_thread_count();
    const database db(url);
    EXPECT_EQ(data::dedicated_thread_count(), before);
    block_on(db.close());
    EXPECT_FALSE(std::filesystem::exists(folder.file("test.db")));
}

task<> settings(std::string url, std::string folder) {
    const database db = co_await database::open(url);
    const auto journal = co_await db.query_scalar<std::string>("pragma journal_mode");
    EXPECT_EQ(journal, "wal");
    const database plain = co_await database::open("sqlite://" + folder + "/with%20blank.db?wal=0");
    const auto other = co_await plain.query_scalar<std::string>("pragma journal_mode");
    EXPECT_EQ(other, "delete");
    co_await plain.execute("create table t(x)");
    EXPECT_TRUE(std::filesystem::exists(folder + "/with blank.db"));
    const database alone = co_await database::open("sqlite://" + folder + "/alone.db?exclusive=1");
    co_await alone.execute("create table t(x)");
    const database_error locked = co_await error_of(database::open("sqlite://" + folder + "/alone.db?busy_timeout=1"));
    EXPECT_EQ(locked.kind(), data::error_kind::busy);
}
TEST_F(databases, the_url_chooses_how_it_is_used) { run(settings, url, folder.file("")); }

}  // namespace
