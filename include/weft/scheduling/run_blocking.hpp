#pragma once
// <weft/scheduling/run_blocking.hpp>: calls that block, on threads made for them: the one door for blocking work.
// SPDX-License-Identifier: MIT

#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// Runs `function` on a blocking thread of the current runtime, with the caller's async-local values; under the deterministic
/// scheduler as one step of it.
void post_blocking(unique_function<void()> function);

template <class R, class F, class Tuple>
class blocking_call {
public:
    blocking_call(cancellation_token token, F function, Tuple arguments)
        : token_(std::move(token)), function_(std::move(function)), arguments_(std::move(arguments)) {}

    [[nodiscard]] task<R> task_of_result() const { return source_.task(); }

    void operator()() {
        try {
            token_.throw_if_cancellation_requested();
            if constexpr (std::is_void_v<R>) {
                std::apply(std::move(function_), std::move(arguments_));
                source_.set_result();
            } else {
                source_.set_result(std::apply(std::move(function_), std::move(arguments_)));
            }
        } catch (const operation_canceled& error) {
            source_.set_canceled(error.token());
        } catch (...) {
            source_.set_exception(std::current_exception());
        }
    }

private:
    // Asynchronously: what awaits the call must not go on a thread that is meant to block.
    task_completion_source<R> source_{creation_options::run_continuations_asynchronously};
    cancellation_token token_;
    F function_;
    Tuple arguments_;
};

template <class F, class... Args>
auto start_blocking(cancellation_token token, F function, Args... args) {
    using result = std::invoke_result_t<F, Args...>;
    if (token.is_cancellation_requested()) return from_canceled<result>(std::move(token));
    blocking_call<result, F, std::tuple<Args...>> call(
        std::move(token), std::move(function), std::tuple<Args...>(std::move(args)...));
    task<result> started = call.task_of_result();
    post_blocking(std::move(call));
    return started;
}

}  // namespace detail

/// Runs `function(args...)` on a thread that may block, and gives a task for its result. Threads are made when none is free, up
/// to runtime_options::max_blocking_threads; further calls wait their turn.
///
/// Continuation  of the result: on the captured context, else on the pool; never on the blocking thread.
/// Cancellation  with a token already cancelled, or cancelled before a thread begins with it, the function is never called.
/// Throws        what the function throws, through the task.
template <class F, class... Args>
    requires(!std::is_same_v<std::remove_cvref_t<F>, cancellation_token>)
[[nodiscard]] auto run_blocking(F&& function, Args&&... args) {
    return detail::start_blocking<std::decay_t<F>, std::decay_t<Args>...>(
        cancellation_token(), std::forward<F>(function), std::forward<Args>(args)...);
}
template <class F, class... Args>
[[nodiscard]] auto run_blocking(cancellation_token token, F&& function, Args&&... args) {
    return detail::start_blocking<std::decay_t<F>, std::decay_t<Args>...>(
        std::move(token), std::forward<F>(function), std::forward<Args>(args)...);
}

}  // namespace weft::inline WEFT_ABI
