#pragma once
// <weft/scheduling/run.hpp>: work on the thread pool.
// Follows Task.Run (semantics 1.8/1-4, 1.1/7).
// SPDX-License-Identifier: MIT

#include <functional>
#include <type_traits>
#include <utility>

#include "weft/task/operation.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// Continues as a delegate task on the pool of the current runtime; gives the coroutine's own core.
class start_on_pool {
public:
    using weft_native = void;

    explicit start_on_pool(bool delegate, creation_options options = creation_options::none) noexcept
        : options_(options), delegate_(delegate) {}
    [[nodiscard]] bool await_ready() const {
        current_dispatcher().require_open();
        return false;
    }
    bool await_suspend(std::coroutine_handle<> self) noexcept {
        task_core& core = core_of(self);
        core_ = &core;
        if (delegate_) core.set_flag(flag_delegate);
        static_cast<void>(core.begin_suspend(false));
        enqueue(core, options_ & creation_options::prefer_fairness ? post_hint::fair : post_hint::local);
        return true;
    }
    task_core& await_resume() const noexcept {
        core_->set_flag(flag_running);
        this_thread_block().current_task = core_;
        return *core_;
    }

private:
    task_core* core_ = nullptr;
    creation_options options_;
    bool delegate_;
};

/// An operation_canceled of a foreign token, or of one that is not signalled, is a fault of a delegate task (1.1/7).
inline void judge_cancellation(task_core& self, const operation_canceled& error, const cancellation_token& token) noexcept {
    const bool ours = token.can_be_canceled() && error.token() == token && token.is_cancellation_requested();
    if (!ours) self.set_flag(flag_strict_cancel);
}

template <class F, class... Args>
struct run_traits {
    static constexpr bool takes_token = std::is_invocable_v<F, Args..., cancellation_token>;
    template <class G = F>
    static auto call(G&& function, cancellation_token token, Args... args) {
        if constexpr (takes_token) return std::invoke(std::forward<G>(function), std::move(args)..., std::move(token));
        else return std::invoke(std::forward<G>(function), std::move(args)...);
    }
};

template <class Returned>
struct run_result {
    using type = Returned;
    static constexpr bool asynchronous = false;
};
template <class T>
struct run_result<task<T>> {
    using type = T;
    static constexpr bool asynchronous = true;
};
template <class T>
struct run_result<value_task<T>> {
    using type = T;
    static constexpr bool asynchronous = true;
};

template <class R, class F, class... Args>
task<R> run_delegate(cancellation_token token, F function, Args... args) {
    task_core& self = co_await start_on_pool(true);
    token.throw_if_cancellation_requested();
    try {
        if constexpr (std::is_void_v<R>) {
            run_traits<F, Args...>::call(std::move(function), token, std::move(args)...);
            co_return;
        } else {
            co_return run_traits<F, Args...>::call(std::move(function), token, std::move(args)...);
        }
    } catch (const operation_canceled& error) {
        judge_cancellation(self, error, token);
        throw;
    }
}

// The closure stays in this frame until the inner task is done: a capturing lambda coroutine is safe here.
template <class R, class F, class... Args>
task<R> run_asynchronous(cancellation_token token, F function, Args... args) {
    co_await start_on_pool(false);
    token.throw_if_cancellation_requested();
    auto inner = run_traits<F&, Args...>::call(function, token, std::move(args)...);
    if constexpr (!task_type<decltype(inner)>) {
        if constexpr (std::is_void_v<R>) co_await std::move(inner);
        else co_return co_await std::move(inner);
    } else {
        if (!inner.valid()) throw task_canceled();  // 1.8/4
        if constexpr (std::is_void_v<R>) co_await unwrapped_task<R>(std::move(inner));
        else co_return co_await unwrapped_task<R>(std::move(inner));
    }
}

template <class F, class... Args>
auto run_on_pool(cancellation_token token, F function, Args... args) {
    using returned = decltype(run_traits<F&, Args...>::call(function, token, std::move(args)...));
    using traits = run_result<returned>;
    if (token.is_cancellation_requested()) return from_canceled<typename traits::type>(std::move(token));
    if constexpr (traits::asynchronous)
        return run_asynchronous<typename traits::type, F, Args...>(
            std::move(token), std::move(function), std::move(args)...);
    else return run_delegate<typename traits::type, F, Args...>(std::move(token), std::move(function), std::move(args)...);
}

template <class F>
concept not_a_token = !std::is_same_v<std::remove_cvref_t<F>, cancellation_token>;

}  // namespace detail

/// Runs `function(args...)` on the thread pool. A function that returns a task is unwrapped: the result completes with it.
///
/// The operation owns the callable and its arguments until it is over, so a capturing lambda coroutine is safe here. (With
/// GCC 12 name a lambda that captures objects before a co_await, or pass them as arguments: docs/gcc12.md.)
///
/// Continuation  of the result: as for any task. The function itself runs with no synchronization context.
/// Cancellation  with a token already cancelled the function is never called and the task is canceled; later the function
///               decides. It receives the token as its last argument if it can take one.
/// Throws        what the function throws, through the task; object_disposed, through the task, from outside a runtime that
///               shuts down.
template <detail::not_a_token F, class... Args>
[[nodiscard]] auto run(F&& function, Args&&... args) {
    return detail::run_on_pool(
        cancellation_token(), std::decay_t<F>(std::forward<F>(function)), std::decay_t<Args>(std::forward<Args>(args))...);
}
template <class F, class... Args>
[[nodiscard]] auto run(cancellation_token token, F&& function, Args&&... args) {
    return detail::run_on_pool(
        std::move(token), std::decay_t<F>(std::forward<F>(function)), std::decay_t<Args>(std::forward<Args>(args))...);
}

}  // namespace weft::inline WEFT_ABI
