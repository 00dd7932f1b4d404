#pragma once
// <weft/scheduling/block_on.hpp>: from a plain function into tasks: block_on() and run_main().
// SPDX-License-Identifier: MIT

#include <concepts>
#include <functional>
#include <span>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/task/operation.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// Makes the calling thread start tasks in `home` for a scope.
class home_scope {
public:
    explicit home_scope(dispatcher& home) noexcept : previous_(std::exchange(this_thread_block().home, &home)) {}
    ~home_scope() { this_thread_block().home = previous_; }
    home_scope(const home_scope&) = delete;
    home_scope& operator=(const home_scope&) = delete;

private:
    dispatcher* previous_;
};

/// Calls `body`, which gives the exit status, reports what it throws, and stops the default runtime.
int run_main_body(unique_function<int()> body) noexcept;

template <class F>
int start_main(F& main, int argc, char** argv) {
    const auto call = [&] {
        if constexpr (std::is_invocable_v<F&, int, char**>) return std::invoke(main, argc, argv);
        else if constexpr (std::is_invocable_v<F&, std::span<char*>>)
            return std::invoke(main, std::span<char*>(argv, static_cast<std::size_t>(argc)));
        else {
            static_assert(std::is_invocable_v<F&>, "run_main takes a function of (), (int, char**) or (std::span<char*>)");
            return std::invoke(main);
        }
    };
    auto running = call();
    using result = decltype(std::move(running).get());
    static_assert(std::is_void_v<result> || std::is_convertible_v<result, int>,
        "the main task gives an exit status: task<int>, or task<> for 0");
    if constexpr (std::is_void_v<result>) {
        std::move(running).get();
        return 0;
    } else {
        return std::move(running).get();
    }
}

}  // namespace detail

/// Blocks the calling thread until `operation` is done. @returns its result. @throws the original exception
///
/// On a pool thread this costs a thread meanwhile, as any blocking wait; inside a coroutine use co_await.
template <class T>
T block_on(task<T> operation) {
    return std::move(operation).get();
}
/// The same for an operation or a value_task: `block_on(delay(1s))`.
template <class Awaited>
    requires(!detail::task_type<Awaited> && requires(Awaited awaited) { detail::to_task(std::move(awaited)); })
auto block_on(Awaited&& awaited) {
    return detail::to_task(std::forward<Awaited>(awaited)).get();
}
/// The same; says which runtime the operation is meant to run on. A task stays where it was started: to start it there, pass
/// the function instead.
template <class T>
T block_on(runtime&, task<T> operation) {
    return std::move(operation).get();
}
/// Calls `start(args...)`, which returns a task, on the calling thread as if it belonged to `where`, and blocks until it is done.
/// @throws object_disposed  when `where` has begun to shut down
template <class F, class... Args>
    requires std::invocable<F, Args...>
auto block_on(runtime& where, F&& start, Args&&... args) {
    dispatcher& home = where.pool();
    home.require_open();
    auto operation = [&] {
        const detail::home_scope scope(home);
        return std::invoke(std::forward<F>(start), std::forward<Args>(args)...);
    }();
    return std::move(operation).get();
}

/// Runs an asynchronous main function on the default runtime: `int main(int c, char** v) { return run_main(async_main, c, v); }`.
///
/// `main` returns task<int> or task<> and takes nothing, (int, char**) or std::span<char*>. It runs without a synchronization
/// context. Afterwards the default runtime shuts down: what is still suspended a moment later is destroyed.
///
/// @returns the task's value; 0 for task<>; 1 when it failed, with "unhandled exception in main: …" on standard error
template <class F>
int run_main(F&& main, int argc = 0, char** argv = nullptr) {
    return detail::run_main_body([&] { return detail::start_main(main, argc, argv); });
}

}  // namespace weft::inline WEFT_ABI
