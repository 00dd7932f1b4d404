// SPDX-License-Identifier: MIT
#include "weft/sync/async_shared_mutex.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "weft/delay.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace {

using namespace weft;
using namespace std::chrono_literals;
using weft::testing::deterministic_scheduler;

task<> read(async_shared_mutex& mutex, std::string& log, char name, cancellation_token token = {}) {
    const auto lock = co_await mutex.lock_shared(token);
    log.push_back(name);
    co_await delay(1s);
}
task<> write(async_shared_mutex& mutex, std::string& log, char name, cancellation_token token = {}) {
    const auto lock = co_await mutex.lock(token);
    EXPECT_EQ(mutex.readers(), 0U);
    log.push_back(name);
    co_await delay(1s);
}

TEST(async_shared_mutex, readers_share_and_writers_do_not) {
    deterministic_scheduler world(0);
    async_shared_mutex mutex;
    std::string log;
    const std::vector<task<>> tasks = [&] {
        std::vector<task<>> all;
        all.push_back(read(mutex, log, 'a'));
        all.push_back(read(mutex, log, 'b'));
        all.push_back(write(mutex, log, 'W'));
        all.push_back(read(mutex, log, 'c'));
        all.push_back(read(mutex, log, 'd'));
        all.push_back(write(mutex, log, 'X'));
        return all;
    }();
    EXPECT_EQ(mutex.readers(), 2U);
    EXPECT_EQ(log, "ab");
    world.advance(1s);
    EXPECT_EQ(log, "abW") << "the reader who came after a writer waits behind it";
    EXPECT_TRUE(mutex.is_locked());
    world.advance(1s);
    EXPECT_EQ(log, "abWcd") << "neighbours go in together";
    world.run_until_idle();
    EXPECT_EQ(log, "abWcdX");
    for (const task<>& each : tasks) each.get();
    EXPECT_TRUE(mutex.try_lock().owns_lock());
}

TEST(async_shared_mutex, readers_behind_a_cancelled_writer_go_in_at_once) {
    deterministic_scheduler world(0);
    async_shared_mutex mutex;
    std::string log;
    cancellation_source stop;
    const task<> first = read(mutex, log, 'a');
    const task<> writer = write(mutex, log, 'W', stop.token());
    const task<> second = read(mutex, log, 'b');
    const task<> last = write(mutex, log, 'X');
    EXPECT_FALSE(mutex.try_lock_shared()) << "a try does not overtake the line";
    stop.cancel();
    world.run_ready();
    EXPECT_EQ(log, "ab");
    EXPECT_TRUE(writer.is_canceled());
    world.run_until_idle();
    EXPECT_EQ(log, "abX");
}

TEST(async_shared_mutex, a_writer_that_gives_up_lets_readers_in) {
    deterministic_scheduler world(0);
    async_shared_mutex mutex;
    auto reader = mutex.try_lock_shared();
    ASSERT_TRUE(reader);
    auto attempt = [](async_shared_mutex& of) -> task<bool> {
        const auto lock = co_await of.lock(1s);
        co_return lock.owns_lock();
    };
    const task<bool> writer = attempt(mutex);
    std::string log;
    const task<> second = read(mutex, log, 'b');
    EXPECT_EQ(log, "");
    world.advance(1s);
    EXPECT_FALSE(writer.get());
    EXPECT_EQ(log, "b");
    world.run_until_idle();
    auto limited = [](async_shared_mutex& of) -> task<bool> {
        const auto lock = co_await of.lock_shared(1s);
        co_return lock.owns_lock();
    };
    reader.unlock();
    auto alone = mutex.try_lock();
    const task<bool> refused = limited(mutex);
    world.run_until_idle();
    EXPECT_FALSE(refused.get());
}

TEST(async_shared_mutex, unlocking_what_is_not_held_is_refused) {
    async_shared_mutex mutex;
    EXPECT_THROW(mutex.unlock(), invalid_operation);
    EXPECT_THROW(mutex.unlock_shared(), invalid_operation);
    auto reader = mutex.try_lock_shared();
    EXPECT_THROW(mutex.unlock(), invalid_operation);
    reader.unlock();
    auto writer = mutex.try_lock();
    EXPECT_THROW(mutex.unlock_shared(), invalid_operation);
    EXPECT_FALSE(mutex.try_lock());
    EXPECT_FALSE(mutex.try_lock_shared());
}

TEST(async_shared_mutex, frames_destroyed_while_they_wait_let_the_others_in) {
    async_shared_mutex mutex;
    {
        deterministic_scheduler world(0);
        std::string log;
        read(mutex, log, 'a').forget();
        write(mutex, log, 'W').forget();
        read(mutex, log, 'b').forget();
        write(mutex, log, 'X').forget();
        world.run_ready();
    }
    EXPECT_EQ(mutex.readers(), 0U);
    EXPECT_TRUE(mutex.try_lock());
}

}  // namespace
