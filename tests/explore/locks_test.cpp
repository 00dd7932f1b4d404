// Semaphores and locks: linearizable with cancellation, in line, nothing lost.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "explore/scenarios.hpp"
#include "weft/weft.hpp"

namespace {

using namespace std::chrono_literals;
using weft::task;
using weft::testing::invocation;
using weft::testing::scenario;
using weft::testing::world;

// ---- async_semaphore

using semaphore_scenario = scenario<weft::async_semaphore, int>;

task<std::string> semaphore_wait(weft::async_semaphore& gate, invocation call) {
    co_await gate.wait(call.token);
    co_return "in";
}
task<std::string> semaphore_try_wait(weft::async_semaphore& gate, invocation) { co_return gate.try_wait() ? "in" : "no"; }
task<std::string> semaphore_release(weft::async_semaphore& gate, invocation call) {
    co_await weft::completed_task();
    co_return std::to_string(gate.release(1 + static_cast<std::int32_t>(call.argument)));
}
task<std::string> semaphore_count(weft::async_semaphore& gate, invocation) {
    co_return std::to_string(gate.current_count());
}

std::optional<std::string> take_permit(int& free, invocation&) {
    if (free == 0) return std::nullopt;
    --free;
    return "in";
}
std::optional<std::string> give_permits(int& free, invocation& call) {
    const int before = free;
    free += 1 + static_cast<int>(call.argument);
    return std::to_string(before);
}

semaphore_scenario semaphore() {
    semaphore_scenario made([] { return std::make_shared<weft::async_semaphore>(1); }, 1);
    made.operation({.name = "wait", .run = semaphore_wait, .step = take_permit});
    made.operation({.name = "try_wait", .run = semaphore_try_wait, .step = take_permit, .refusal = "no"});
    made.operation(
        {.name = "release", .run = semaphore_release, .step = give_permits, .arguments = 2, .line = 1, .refusal = ""});
    made.operation({.name = "count",
        .run = semaphore_count,
        .step = [](int& free, invocation&) { return std::optional(std::to_string(free)); },
        .line = 1,
        .refusal = ""});
    return made.at_rest({"count"});
}

[[maybe_unused]] const bool semaphore_added = weft_test::explore_scenario("async_semaphore", semaphore,
    {{{"wait", "release(0)"}, {"wait", "release(1)"}, {"wait", "try_wait"}},
        {{"wait", "wait"}, {"wait", "wait"}, {"release(1)", "release(0)"}}});

// Limits race with permits and with the cancellation: whatever ends a wait, no permit is lost.
[[maybe_unused]] const bool semaphore_timed =
    weft_test::explore_randomly("async_semaphore", "limits", [](world& w) -> task<> {
        weft::async_semaphore gate(1);
        const weft::cancellation_token stop = w.cancel_any_time();
        const auto user = [&](std::chrono::milliseconds limit) -> task<> {
            bool in = false;
            try {
                in = co_await gate.wait(limit, stop);
            } catch (const weft::operation_canceled&) {
                w.probe("canceled");
            }
            if (!in) co_return;
            w.probe("in");
            co_await weft::delay(1ms);
            gate.release();
        };
        std::vector<task<>> users;
        for (int i = 0; i < 4; ++i) users.push_back(user(std::chrono::milliseconds(i)));
        co_await weft::when_all(users);
        WEFT_CHECK(gate.current_count() == 1);
        WEFT_CHECK(stop.state()->registrations() == 0);
    });

// ---- async_mutex

struct locked {
    bool held = false;
    friend bool operator==(const locked&, const locked&) = default;
};
using mutex_scenario = scenario<weft::async_mutex, locked>;

task<std::string> mutex_lock(weft::async_mutex& mutex, invocation call) {
    weft::async_mutex::guard guard = co_await mutex.lock(call.token);
    static_cast<void>(guard.release());
    co_return "locked";
}
task<std::string> mutex_try_lock(weft::async_mutex& mutex, invocation) {
    weft::async_mutex::guard guard = mutex.try_lock();
    if (!guard.owns_lock()) co_return "no";
    static_cast<void>(guard.release());
    co_return "locked";
}
template <class Mutex>
task<std::string> unlock_any(Mutex& mutex, invocation) {
    co_await weft::completed_task();
    try {
        mutex.unlock();
    } catch (const weft::invalid_operation&) {
        co_return "not locked";
    }
    co_return "unlocked";
}
std::optional<std::string> take_lock(locked& now, invocation&) {
    if (now.held) return std::nullopt;
    now.held = true;
    return "locked";
}

mutex_scenario mutex() {
    mutex_scenario made([] { return std::make_shared<weft::async_mutex>(); }, locked{});
    made.operation({.name = "lock", .run = mutex_lock, .step = take_lock});
    made.operation({.name = "try_lock", .run = mutex_try_lock, .step = take_lock, .refusal = "no"});
    made.operation({.name = "unlock",
        .run = unlock_any<weft::async_mutex>,
        .step =
            [](locked& now, invocation&) {
                return std::optional<std::string>(std::exchange(now.held, false) ? "unlocked" : "not locked");
            },
        .line = 1,
        .refusal = ""});
    return made.at_rest({"try_lock"});
}

[[maybe_unused]] const bool mutex_added = weft_test::explore_scenario("async_mutex", mutex,
    {{{"lock", "unlock"}, {"lock", "unlock"}, {"lock", "unlock"}},
        {{"lock", "unlock"}, {"lock", "try_lock"}, {"unlock", "lock"}}});

[[maybe_unused]] const bool mutex_guards = weft_test::explore_randomly("async_mutex", "one_owner", [](world& w) -> task<> {
    weft::async_mutex mutex;
    int inside = 0;
    const weft::cancellation_token stop = w.cancel_any_time();
    const auto user = [&](std::chrono::milliseconds limit) -> task<> {
        try {
            weft::async_mutex::guard guard = co_await mutex.lock(limit, stop);
            if (!guard.owns_lock()) co_return;
            WEFT_CHECK(++inside == 1);
            co_await weft::delay(1ms);
            --inside;
        } catch (const weft::operation_canceled&) {
            w.probe("canceled");
        }
    };
    std::vector<task<>> users;
    for (int i = 0; i < 4; ++i) users.push_back(user(std::chrono::milliseconds(i)));
    co_await weft::when_all(users);
    WEFT_CHECK(!mutex.is_locked());
    WEFT_CHECK(stop.state()->registrations() == 0);
});

// ---- async_shared_mutex

struct shared_locked {
    bool writer = false;
    int readers = 0;
    friend bool operator==(const shared_locked&, const shared_locked&) = default;
};
using shared_mutex_scenario = scenario<weft::async_shared_mutex, shared_locked>;

task<std::string> write_lock(weft::async_shared_mutex& mutex, invocation call) {
    weft::async_shared_mutex::guard guard = co_await mutex.lock(call.token);
    static_cast<void>(guard.release());
    co_return "locked";
}
task<std::string> read_lock(weft::async_shared_mutex& mutex, invocation call) {
    weft::async_shared_mutex::shared_guard guard = co_await mutex.lock_shared(call.token);
    static_cast<void>(guard.release());
    co_return "shared";
}
task<std::string> try_write_lock(weft::async_shared_mutex& mutex, invocation) {
    weft::async_shared_mutex::guard guard = mutex.try_lock();
    if (!guard.owns_lock()) co_return "no";
    static_cast<void>(guard.release());
    co_return "locked";
}
task<std::string> try_read_lock(weft::async_shared_mutex& mutex, invocation) {
    weft::async_shared_mutex::shared_guard guard = mutex.try_lock_shared();
    if (!guard.owns_lock()) co_return "no";
    static_cast<void>(guard.release());
    co_return "shared";
}
task<std::string> unlock_shared(weft::async_shared_mutex& mutex, invocation) {
    co_await weft::completed_task();
    try {
        mutex.unlock_shared();
    } catch (const weft::invalid_operation&) {
        co_return "not locked";
    }
    co_return "unlocked";
}
std::optional<std::string> take_write(shared_locked& now, invocation&) {
    if (now.writer || now.readers != 0) return std::nullopt;
    now.writer = true;
    return "locked";
}
std::optional<std::string> take_read(shared_locked& now, invocation&) {
    if (now.writer) return std::nullopt;
    ++now.readers;
    return "shared";
}
std::optional<std::string> end_write(shared_locked& now, invocation&) {
    return std::exchange(now.writer, false) ? "unlocked" : "not locked";
}
std::optional<std::string> end_read(shared_locked& now, invocation&) {
    if (now.readers == 0) return "not locked";
    --now.readers;
    return "unlocked";
}

shared_mutex_scenario shared_mutex() {
    shared_mutex_scenario made([] { return std::make_shared<weft::async_shared_mutex>(); }, shared_locked{});
    made.operation({.name = "lock", .run = write_lock, .step = take_write});
    made.operation({.name = "lock_shared", .run = read_lock, .step = take_read});
    made.operation({.name = "try_lock", .run = try_write_lock, .step = take_write, .refusal = "no"});
    made.operation({.name = "try_lock_shared", .run = try_read_lock, .step = take_read, .refusal = "no"});
    made.operation(
        {.name = "unlock", .run = unlock_any<weft::async_shared_mutex>, .step = end_write, .line = 1, .refusal = ""});
    made.operation({.name = "unlock_shared", .run = unlock_shared, .step = end_read, .line = 1, .refusal = ""});
    return made.at_rest({"try_lock_shared", "try_lock"});
}

[[maybe_unused]] const bool shared_mutex_added = weft_test::explore_scenario("async_shared_mutex", shared_mutex,
    {{{"lock", "unlock"}, {"lock_shared", "unlock_shared"}, {"lock_shared", "unlock_shared"}},
        {{"lock_shared", "unlock_shared"}, {"lock", "unlock"}, {"lock_shared", "try_lock_shared"}}});

// ---- async_condition_variable

struct monitor {
    weft::async_mutex mutex;
    weft::async_condition_variable changed;
};
struct notifications {
    int waiting = 0;
    int notified = 0;
    friend bool operator==(const notifications&, const notifications&) = default;
};
using condition_scenario = scenario<monitor, notifications>;

task<std::string> condition_wait(monitor& on, invocation call) {
    weft::async_mutex::guard guard = co_await on.mutex.lock();
    weft::value_task<> waiting = on.changed.wait(guard, call.token);
    co_await std::move(waiting);
    WEFT_CHECK(guard.owns_lock());
    co_return "notified";
}
task<std::string> notify_one(monitor& on, invocation) {
    weft::async_mutex::guard guard = co_await on.mutex.lock();
    on.changed.notify_one();
    co_return "ok";
}
task<std::string> notify_all(monitor& on, invocation) {
    co_await weft::completed_task();
    on.changed.notify_all();
    co_return "ok";
}

condition_scenario condition() {
    condition_scenario made([] { return std::make_shared<monitor>(); }, notifications{});
    made.operation({.name = "wait",
        .run = condition_wait,
        .step = [](notifications& now, invocation&) -> std::optional<std::string> {
            if (now.notified == 0) return std::nullopt;
            --now.notified;
            --now.waiting;
            return "notified";
        },
        .waits_in_line = false,
        .joins = [](notifications& now, invocation&) { ++now.waiting; },
        .leaves = [](notifications& now, invocation&) { --now.waiting; }});
    made.operation({.name = "notify_one",
        .run = notify_one,
        .step = [](notifications& now, invocation&) -> std::optional<std::string> {
            if (now.waiting > now.notified) ++now.notified;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    made.operation({.name = "notify_all",
        .run = notify_all,
        .step = [](notifications& now, invocation&) -> std::optional<std::string> {
            now.notified = now.waiting;
            return "ok";
        },
        .line = 1,
        .refusal = ""});
    return made;
}

[[maybe_unused]] const bool condition_added = weft_test::explore_scenario("async_condition_variable", condition,
    {{{"wait", "notify_one"}, {"wait", "notify_one"}, {"notify_one", "notify_one"}},
        {{"wait", "wait"}, {"wait", "notify_all"}, {"notify_one", "notify_all"}}});

}  // namespace
