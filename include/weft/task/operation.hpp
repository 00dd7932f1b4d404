#pragma once
// <weft/task/operation.hpp>: what delay, yield and the waits of I/O and primitives return: awaited in place, no task of its own.
// SPDX-License-Identifier: MIT

#include <coroutine>
#include <type_traits>
#include <utility>

#include "weft/task/detail/awaiter.hpp"
#include "weft/task/task.hpp"
#include "weft/task/value_task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {
template <class T, class Derived>
task<T> run_operation(typename Derived::parameters parameters);
}

/// Base of every operation. Its node lives in the awaiting frame, so waiting allocates nothing; it cannot be moved and is
/// awaited where it is made: `co_await delay(1s)`. Stored or combined it becomes a task, and starts then:
/// `task<> pause = delay(1s);`.
///
/// To write one, derive and supply (accessible to this class):
///   `using parameters`                       what it is made of, movable
///   `explicit Derived(parameters)`           an operation is never an aggregate (docs/gcc12.md)
///   `parameters take_parameters()`           for the conversion to a task
///   `bool await_ready()`                     true: complete at once
///   `bool start(detail::task_core& awaiter)` publish; true: it will complete later, by detail::resume_awaiter(awaiter),
///                                            exactly once; nothing of the operation may be touched after publishing.
///                                            false: it completed synchronously
///   `T await_resume()`                       the result, or an exception
template <class Derived, class T>
class [[nodiscard("an operation that is dropped never starts: co_await it, or store it as a task")]] operation {
public:
    using weft_native = void;
    using result_type = T;

    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    bool await_suspend(std::coroutine_handle<> self) {
        detail::task_core& awaiter = detail::core_of(self);
        const detail::suspension before = awaiter.begin_suspend(capture_);
        if (derived().start(awaiter)) return true;
        awaiter.undo_suspend(before);
        return false;
    }

    /// Does not come back to the captured context when false.
    Derived&& configure_await(bool continue_on_captured_context) && noexcept {
        capture_ = continue_on_captured_context;
        return static_cast<Derived&&>(*this);
    }

    /// Starts the operation as a task of its own.
    operator task<T>() && { return detail::run_operation<T, Derived>(derived().take_parameters()); }
    operator value_task<T>() &&
        requires(!std::is_reference_v<T>) {
            return value_task<T>(detail::run_operation<T, Derived>(derived().take_parameters()));
        }
        /// The same, by name.
        [[nodiscard]] task<T> as_task() && {
        return detail::run_operation<T, Derived>(derived().take_parameters());
    }

protected:
    operation() noexcept = default;
    ~operation() = default;

private:
    Derived& derived() noexcept { return static_cast<Derived&>(*this); }
    bool capture_ = true;
};

namespace detail {

template <class T, class Derived>
task<T> run_operation(typename Derived::parameters parameters) {
    co_return co_await Derived(std::move(parameters)).configure_await(false);
}

/// A task, or an operation made into one: what combinators take.
template <class T>
task<T> to_task(task<T> handle) {
    return handle;
}
template <class Operation>
    requires requires { typename Operation::result_type; }
auto to_task(Operation&& operation) {
    return std::forward<Operation>(operation).as_task();
}
template <class T>
task<T> to_task(value_task<T>&& value) {
    return std::move(value).as_task();
}
template <class A>
using to_task_result = typename decltype(to_task(std::declval<A>()))::weft_task_result;

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
