#pragma once
// <weft/task/wait_async.hpp>: giving up on a task after a time, or by a token, without touching the task.
// Follows Task.WaitAsync (semantics 1.9/14, 1.9/15).
// SPDX-License-Identifier: MIT

#include "weft/task/detail/first_completed.hpp"
#include "weft/task/detail/timed_wait.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// A task that ends at `when`, or as canceled with `token`. (delay() is a room above.)
task<> until(time_point when, cancellation_token token);

enum class wait_end : std::uint8_t { task, timeout, token };
task<wait_end> wait_for_end(task_core& watched, std::chrono::nanoseconds limit, cancellation_token token);

template <class T>
task<T> wait_async_of(task<T> watched, std::chrono::nanoseconds limit, cancellation_token token) {
    // Not in the caller's context: a thread that blocks on this one could never give up.
    task<wait_end> racing = wait_for_end(*watched.core_or_null(), limit, token);
    const wait_end end = co_await racing.configure_await(false);
    if (end == wait_end::timeout) throw timeout_exception();
    if (end == wait_end::token) throw task_canceled(token);
    if constexpr (std::is_void_v<T>) co_await unwrapped_task<T>(std::move(watched));
    else co_return co_await unwrapped_task<T>(std::move(watched));
}

}  // namespace detail

/// Completes as `watched` does, or gives up after `limit` (-1 ms: no limit) with timeout_exception, or with task_canceled when
/// `token` fires. `watched` is not affected. A task that is complete wins over an elapsed limit and a cancelled token.
/// Whatever ends it, nothing stays registered with the task, the token or a timer.
/// @throws std::invalid_argument  at once, for other negative limits and beyond 2^32 - 2 ms
template <class T>
[[nodiscard]] task<T> wait_async(task<T> watched, std::chrono::nanoseconds limit, cancellation_token token = {}) {
    detail::check_delay(limit, "wait_async");
    if (watched.is_completed()) return watched;
    if (token.is_cancellation_requested()) return from_canceled<T>(std::move(token));
    if (limit == std::chrono::nanoseconds::zero()) return from_exception<T>(timeout_exception());
    return detail::wait_async_of(std::move(watched), limit, std::move(token));
}
template <class T>
[[nodiscard]] task<T> wait_async(task<T> watched, cancellation_token token) {
    return wait_async(std::move(watched), detail::infinite_delay, std::move(token));
}

template <class T>
task<T> task<T>::wait_async(std::chrono::nanoseconds limit, cancellation_token token) const {
    return weft::wait_async(*this, limit, std::move(token));
}
template <class T>
task<T> task<T>::wait_async(cancellation_token token) const {
    return weft::wait_async(*this, detail::infinite_delay, std::move(token));
}

}  // namespace weft::inline WEFT_ABI
