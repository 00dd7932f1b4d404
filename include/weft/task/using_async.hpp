#pragma once
// <weft/task/using_async.hpp>: cleanup that is awaited: using_async(), try_finally(); and the plain scope_exit().
// Follows await using and IAsyncDisposable (semantics 1.16). C++ forbids co_await in a handler and in a destructor.
// SPDX-License-Identifier: MIT

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "weft/task/operation.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

/// Something whose end is awaited: `co_await resource.dispose()`. Disposing twice should be harmless (1.16/3).
template <class R>
concept async_disposable = requires(R& resource) {
    { resource.dispose() } -> awaitable;
};

namespace detail {

// In both, what the cleanup throws replaces an exception in flight (1.16/2): it leaves before that is thrown again.

template <class T, class Body, class Cleanup>
task<T> run_and_clean(Body body, Cleanup cleanup) {
    task<T> running;
    std::exception_ptr thrown;
    try {
        running = std::invoke(body);
    } catch (...) {
        thrown = std::current_exception();  // a plain function that throws instead of giving a task
    }
    if (thrown != nullptr) {
        co_await std::invoke(cleanup);
        std::rethrow_exception(thrown);
    }
    outcome<T> ended = co_await running.as_outcome();
    running = task<T>();
    co_await std::invoke(cleanup);
    if constexpr (std::is_void_v<T>) ended.value();
    else co_return std::move(ended).value();
}

template <class T, class R, class Body>
task<T> run_with(R resource, Body body) {
    task<T> running;
    std::exception_ptr thrown;
    try {
        running = std::invoke(body, resource);
    } catch (...) {
        thrown = std::current_exception();
    }
    if (thrown != nullptr) {
        co_await resource.dispose();
        std::rethrow_exception(thrown);
    }
    outcome<T> ended = co_await running.as_outcome();
    running = task<T>();
    co_await resource.dispose();
    if constexpr (std::is_void_v<T>) ended.value();
    else co_return std::move(ended).value();
}

}  // namespace detail

/// Runs `body()`, which gives a task, and then `cleanup()`, which gives something to await, on return, exception and cancellation
/// alike. Owns both. The result is the body's; what the cleanup throws replaces an exception of the body.
template <class Body, class Cleanup>
[[nodiscard]] auto try_finally(Body body, Cleanup cleanup) {
    using result = typename std::invoke_result_t<Body&>::weft_task_result;
    return detail::run_and_clean<result>(std::move(body), std::move(cleanup));
}

/// Runs `body(resource)`, which gives a task, and then awaits `resource.dispose()`, however the body ended. Owns both; nested calls
/// dispose in reverse order. The result is the body's; what dispose() throws replaces an exception of the body (1.16/2).
template <async_disposable R, class Body>
[[nodiscard]] auto using_async(R resource, Body body) {
    using result = typename std::invoke_result_t<Body&, R&>::weft_task_result;
    return detail::run_with<result>(std::move(resource), std::move(body));
}

/// Calls a function at the end of a scope: synchronous cleanup, also when a frame is destroyed while suspended.
/// (Not on_exit: the C library has a function of that name in the global namespace.)
template <std::invocable F>
class [[nodiscard("the function would run at once")]] scope_exit {
public:
    explicit scope_exit(F function) : function_(std::move(function)) {}
    ~scope_exit() { std::invoke(function_); }
    scope_exit(const scope_exit&) = delete;
    scope_exit& operator=(const scope_exit&) = delete;

private:
    F function_;
};

}  // namespace weft::inline WEFT_ABI
