// tests/data/runtime_test.cpp: databases and the runtimes that use them.
// SPDX-License-Identifier: MIT

#include <thread>

#include "data/support.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace {

using namespace weft;
using namespace weft_test;
using data::database;
using data::transaction;

using runtimes = data_test;

task<> counted(std::string url) {
    const database db = co_await database::open(url);
    EXPECT_EQ(runtime::current().threads().dedicated, 1U);
    co_await db.close();
}
TEST_F(runtimes, the_threads_of_connections_are_in_their_report) {
    runtime own;
    block_on(own, counted, url);
    EXPECT_TRUE(eventually([&] { return own.threads().dedicated == 0; }));
}

task<> wait_for_ever(database db) {
    const auto never = co_await db.query<beacon>(endless);
    ADD_FAILURE() << "ended with " << never.size() << " rows";
}
task<> wait_in_line(database db) {
    const auto never = co_await db.query<int>("select 1");
    ADD_FAILURE() << "ended with " << never.size() << " rows";
}
TEST_F(runtimes, shutdown_abandons_what_runs_and_what_waits) {
    runtime own;
    const int before = beacon::seen;
    const auto start = [&]() -> task<> {
        const database db(url + "?pool=1");
        forget(wait_for_ever(db));
        forget(wait_in_line(db));
        co_return;
    };
    block_on(own, start);
    EXPECT_TRUE(eventually([&] { return beacon::seen > before; }));
    const shutdown_report report = own.shutdown(std::chrono::milliseconds(1));
    EXPECT_FALSE(report.drained);
    EXPECT_EQ(report.suspended_tasks, 4U);
    EXPECT_TRUE(eventually([&] { return own.threads().dedicated == 0; }));
}

task<std::string> everything(std::string url, std::thread::id only) {
    database db = co_await database::open(url);
    co_await db.execute("create table t(x)");
    transaction tx = co_await db.begin_transaction();
    co_await tx.execute("insert into t values ({0})", 5);
    co_await tx.commit();
    EXPECT_EQ(std::this_thread::get_id(), only);
    const auto found = co_await db.query_one<std::string>("select 'row ' || x from t");
    co_await db.close();
    co_return found;
}
TEST_F(runtimes, under_the_deterministic_scheduler_there_is_no_thread) {
    weft::testing::deterministic_scheduler world(7);
    EXPECT_EQ(world.run(everything, url, std::this_thread::get_id()), "row 5");
    EXPECT_EQ(data::dedicated_thread_count(), 0U);
}

}  // namespace
