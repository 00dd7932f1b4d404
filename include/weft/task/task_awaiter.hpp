#pragma once
// <weft/task/task_awaiter.hpp>: the awaiter of a task as an object, for those who drive it by hand.
// Follows System.Runtime.CompilerServices.TaskAwaiter (semantics 1.2).
// SPDX-License-Identifier: MIT

#include <coroutine>
#include <utility>

#include "weft/base/unique_function.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// Awaited: suspends until `awaited` is done, also when it is done already, and does not look at how it ended.
template <class T>
class completion_of {
public:
    using weft_native = void;

    completion_of(const task<T>& awaited, bool capture_context, bool flow) noexcept
        : awaited_(awaited.core_or_null()), capture_(capture_context), flow_(flow) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> self) noexcept {
        task_core& awaiter = core_of(self);
        static_cast<void>(awaiter.begin_suspend(capture_));
        if (!flow_) release_context(std::exchange(awaiter.locals, nullptr));
        awaiter.awaiting = awaited_;
        if (!awaited_->add_continuation(awaiter)) enqueue(awaiter, post_hint::local);
        return true;
    }
    void await_resume() const noexcept {}

private:
    task_core* awaited_;
    bool capture_;
    bool flow_;
};

/// Calls `function` once `awaited` is done, never inside this call. What it throws ends the process.
template <class T>
task<> call_when_done(task<T> awaited, unique_function<void()> function, bool capture_context, bool flow = true) {
    co_await completion_of<T>(awaited, capture_context, flow);
    [&]() noexcept { function(); }();
}

}  // namespace detail

/// What `t.get_awaiter()` returns: the same steps that `co_await t` takes, for code that is no coroutine.
///
/// Continuation  on_completed() captures what an await would: the synchronization_context, else the scheduler, in force now.
/// Threads       any.
/// Allocation    one recycled block a registration.
/// Lifetime      holds the operation as a handle does.
template <class T = void>
class task_awaiter {
public:
    /// @param continue_on_captured_context  false: as the awaiter of `t.configure_await(false)`
    /// @throws invalid_operation  for an empty handle
    explicit task_awaiter(task<T> awaited, bool continue_on_captured_context = true)
        : awaited_(std::move(awaited)), capture_(continue_on_captured_context) {
        if (!awaited_.valid()) detail::throw_empty_handle();
    }

    [[nodiscard]] bool is_completed() const { return awaited_.is_completed(); }

    /// Calls `continuation` when the task is done, with the async-local values of this call. A task that is done already
    /// makes it run soon, never inside this call (1.2/9). Each registration is called once.
    /// @param continuation  must not throw: there is nobody to catch it, so that ends the process
    void on_completed(unique_function<void()> continuation) const {
        detail::call_when_done<T>(awaited_, std::move(continuation), capture_, !execution_context::is_flow_suppressed())
            .forget();
    }
    /// As on_completed(), without taking the async-local values along.
    void unsafe_on_completed(unique_function<void()> continuation) const {
        detail::call_when_done<T>(awaited_, std::move(continuation), capture_, false).forget();
    }

    /// The result; blocks while the task runs (1.2/10). @throws the original exception
    decltype(auto) get_result() const { return awaited_.get(); }

private:
    task<T> awaited_;
    bool capture_;
};

template <class T>
task_awaiter<T> task<T>::get_awaiter() const {
    return task_awaiter<T>(*this);
}

}  // namespace weft::inline WEFT_ABI
