// The classic mistakes of asynchronous code, each beside its good form, and what Weft says to each: async void, blocking, a missing
// await, an early result, and the two that only C++ has, a handle or a value_task used twice. See docs/pitfalls.md. ctest runs this.
// SPDX-License-Identifier: MIT

#include <weft/weft.hpp>

#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

bool say(const char* mistake, const char* answer, bool right) {
    std::printf("%-16s %s%s\n", mistake, answer, right ? "" : ": UNEXPECTED");
    return right;
}

/// Runs `session`, a coroutine function, as a callback of a loop, as a window would.
template <class Session>
auto handler(Session& session) -> decltype(session()) {
    co_await weft::yield();  // the rest runs inside run_until()
    co_return co_await session();
}
template <class Session>
auto in_window(weft::event_loop_context& loop, Session& session) {
    auto running = [&] {
        const weft::synchronization_context_scope scope(&loop);
        return handler(session);
    }();
    return loop.run_until(std::move(running));
}

// ---- async void: the caller can neither wait for it nor catch what it throws

weft::async_void save_as_void() {
    co_await weft::yield();
    throw std::runtime_error("disk full");
}
weft::task<> save() {
    co_await weft::yield();
    throw std::runtime_error("disk full");
}

bool async_void_pitfall() {
    weft::event_loop_context loop;
    bool caller_caught = false;
    bool loop_threw = false;
    loop.post([&] {
        try {
            save_as_void();
        } catch (const std::runtime_error&) {
            caller_caught = true;
        }
    });
    try {
        loop.run();
    } catch (const std::runtime_error&) {
        loop_threw = true;
    }
    return say("async void", "the exception passes the caller by and leaves the loop", loop_threw && !caller_caught);
}

bool async_void_done_right() {
    weft::event_loop_context loop;
    auto session = []() -> weft::task<bool> {
        bool caught = false;
        try {
            co_await save();
        } catch (const std::runtime_error&) {
            caught = true;
        }
        co_return caught;
    };
    return say("  task<>", "the caller catches it", in_window(loop, session));
}

// ---- blocking on the thread that the task needs

weft::task<int> load() {
    co_await weft::delay(2ms);  // comes back to the window's thread
    co_return 7;
}

bool blocking_pitfall() {
    weft::event_loop_context loop;
    bool both_stacks = false;
    auto session = [&]() -> weft::task<int> {
        weft::task<int> loading = load();
        try {
            static_cast<void>(loading.get());
        } catch (const weft::would_deadlock& error) {
            both_stacks = !error.blocked_stack().empty() && !error.awaited_stack().empty();
        }
        co_return co_await loading;  // unharmed
    };
    const int value = in_window(loop, session);
    return say(
        "blocking", "would_deadlock with both stacks instead of a hang; the task is unharmed", both_stacks && value == 7);
}

bool blocking_done_right() {
    weft::event_loop_context loop;
    auto session = []() -> weft::task<int> { co_return co_await load(); };
    return say("  co_await", "the window stays alive and gets its value", in_window(loop, session) == 7);
}

// ---- a missing await: `save();` does not compile; a task that is kept and never looked at loses its order and its error

weft::task<std::string> missing_await(bool& was_early) {
    weft::task_completion_source<std::string> reported;
    auto unsubscribe = weft::on_unobserved_task_exception([&](const weft::unobserved_task_exception& failure) {
        try {
            std::rethrow_exception(failure.errors().front());
        } catch (const std::exception& error) {
            reported.try_set_result(std::string(error.what()));
        }
    });
    {
        weft::task<> saving = save();
        was_early = !saving.is_completed();  // goes on as if it were saved
    }
    std::string text = co_await reported.task();
    unsubscribe();
    co_return text;
}

bool missing_await_pitfall() {
    bool was_early = false;
    const std::string text = weft::block_on(missing_await(was_early));
    return say("missing await", "the failure is reported as unobserved when the last handle goes", text == "disk full");
}

// ---- an early result: get() right after the start waits for each in turn, and result() wraps the error

weft::task<int> part(std::vector<std::string>& log, std::string name) {
    log.push_back("begin " + name);
    co_await weft::delay(1ms).configure_await(false);
    if (name == "c") throw std::runtime_error("no part c");
    co_return 1;
}

bool early_result_pitfall() {
    std::vector<std::string> log;
    const int first = part(log, "a").get();
    log.push_back("got a");
    const int second = part(log, "b").get();
    bool wrapped = false;
    try {
        static_cast<void>(part(log, "c").result());
    } catch (const weft::aggregate_exception&) {
        wrapped = true;
    }
    const bool in_turn = log == std::vector<std::string>{"begin a", "got a", "begin b", "begin c"};
    return say("early result", "one after the other, and result() throws an aggregate_exception",
        in_turn && wrapped && first + second == 2);
}

weft::task<bool> parts_together() {
    std::vector<std::string> log;
    weft::task<int> first = part(log, "a");
    weft::task<int> second = part(log, "b");
    weft::task<int> third = part(log, "c");
    log.push_back("all have begun");
    auto [a, b] = co_await weft::when_all(first, second);
    bool original = false;
    try {
        static_cast<void>(co_await third);
    } catch (const std::runtime_error&) {
        original = true;
    }
    co_return log.back() == "all have begun" && a + b == 2 && original;
}

bool early_result_done_right() {
    return say(
        "  when_all", "they run together, and co_await throws the original exception", weft::block_on(parts_together()));
}

// ---- a handle that was moved away, and a value_task awaited twice

weft::task<bool> moved_handle() {
    weft::task<int> loading = load();
    const weft::task<int> taken = std::move(loading);
    bool refused = false;
    try {
        static_cast<void>(co_await loading);
    } catch (const weft::invalid_operation&) {
        refused = true;
    }
    const int value = co_await taken;
    co_return refused&& value == 7;
}

weft::task<bool> value_task_twice() {
    weft::value_task<int> number(7);
    const int first = co_await std::move(number);
    bool refused = false;
    try {
        static_cast<void>(co_await std::move(number));
    } catch (const weft::invalid_operation&) {
        refused = true;
    }
    weft::task<int> kept =
        weft::value_task<int>(8).as_task();  // the good form: a task may be awaited as often as one likes
    const int second = co_await kept;
    const int third = co_await kept;
    co_return refused&& first == 7 && second == 8 && third == 8;
}

}  // namespace

int main() {
    bool right = async_void_pitfall();
    right = async_void_done_right() && right;
    right = blocking_pitfall() && right;
    right = blocking_done_right() && right;
    right = missing_await_pitfall() && right;
    right = early_result_pitfall() && right;
    right = early_result_done_right() && right;
    right = say("moved handle", "awaiting it throws invalid_operation", weft::block_on(moved_handle())) && right;
    right =
        say("value_task twice", "the second await throws; as_task() is for keeping", weft::block_on(value_task_twice())) &&
        right;
    return right ? 0 : 1;
}
