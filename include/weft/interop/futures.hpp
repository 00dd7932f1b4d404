#pragma once
// <weft/interop/futures.hpp>: std::future and task, each as the other.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <exception>
#include <future>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/scheduling/run_blocking.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_awaiter.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

template <class T>
task<> fulfil(std::promise<T> promise, task<T> operation) {
    // In no context: whoever blocks in the future may be the thread of one.
    if (!operation.is_completed()) co_await completion_of<T>(operation, false, false);
    outcome<T> end = take_outcome<T, true>(*operation.core_or_null());
    if (!end.has_value()) {
        promise.set_exception(end.error());
    } else if constexpr (std::is_void_v<T>) {
        promise.set_value();
    } else {
        promise.set_value(std::move(end).value());
    }
}

}  // namespace detail

/// A std::future for a task. No thread stands behind it: the task's completion makes it ready.
///
/// A thread that blocks in it is not known to the runtime, as one that blocks in task::wait() is: never get() it on a pool
/// thread or in a context that the task needs.
template <class T>
[[nodiscard]] std::future<T> as_future(task<T> operation) {
    std::promise<T> promise;
    std::future<T> future = promise.get_future();
    detail::fulfil<T>(std::move(promise), std::move(operation)).forget();
    return future;
}

/// A task for a future, `std::future<T>` or `std::shared_future<T>`. The standard gives no notice of readiness, so unless it is
/// ready now, one thread of run_blocking() waits in it; a deferred one is evaluated there.
///
/// Cancellation  none: a future cannot be asked to stop; use `.wait_async(token)` to give up on the task.
/// Throws        through the task, what the future holds. @throws std::future_error  for one without a state, at once
template <class Future>
    requires requires(Future& future) {
        future.wait_for(std::chrono::seconds(0));
        future.get();
    }
[[nodiscard]] auto from_future(Future future) {
    using result = std::remove_cvref_t<decltype(future.get())>;
    if (!future.valid()) throw std::future_error(std::future_errc::no_state);
    const bool ready = future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    if (!ready) return run_blocking([](Future waited) -> result { return waited.get(); }, std::move(future));
    task_completion_source<result> source;
    try {
        if constexpr (std::is_void_v<result>) {
            future.get();
            source.set_result();
        } else {
            source.set_result(future.get());
        }
    } catch (const operation_canceled& error) {
        source.set_canceled(error.token());
    } catch (...) {
        source.set_exception(std::current_exception());
    }
    return source.task();
}

}  // namespace weft::inline WEFT_ABI
