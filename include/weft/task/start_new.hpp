#pragma once
// <weft/task/start_new.hpp>: functions as tasks with every option: start_new(), cold_task, unwrap(), this_task::id().
// Follows TaskFactory.StartNew, new Task, TaskExtensions.Unwrap (semantics 1.8, 1.11).
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "weft/task/detail/delegate.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

template <class F>
using delegate_result = std::invoke_result_t<std::decay_t<F>&>;

/// A delegate that somebody starts.
class startable : public delegate {
public:
    startable(creation_options options, task_scheduler* scheduler, cancellation_token token) noexcept
        : delegate(options, scheduler, std::move(token)) {}
    using delegate::begin_life;
};

/// @returns a delegate that owns one reference of its task
template <class R, class F>
delegate& make_cold(F&& function, creation_options options, task_scheduler* scheduler, cancellation_token token) {
    constexpr std::uint8_t flags = flag_delegate | flag_cold;
    const bool run_async = options & creation_options::run_continuations_asynchronously;
    auto& made = typed_delegate<R, std::decay_t<F>, startable>::make(
        static_cast<std::uint8_t>(flags | (run_async ? flag_run_async : 0)), std::forward<F>(function), options, scheduler,
        std::move(token));
    made.begin_life(true);
    return made;
}

}  // namespace detail

/// A task that has not begun: a function, to be started once or never. Most programs want run() instead.
///
/// Threads       any; of several racing start() one succeeds.
/// Lifetime      a resource, move-only. When it goes unstarted the function is destroyed, and task() never ends.
/// Cancellation  a token that is signalled before the start ends the task as canceled without running it.
template <class T = void>
class cold_task {
public:
    /// @param function  gives T; called without arguments, once, on a thread of the scheduler
    /// @param options   attached_to_parent takes effect here, in the task that makes this one
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, cold_task> && std::is_invocable_r_v<T, std::decay_t<F>&>)
    explicit cold_task(F&& function, creation_options options = creation_options::none, cancellation_token token = {})
        : delegate_(&detail::make_cold<T>(std::forward<F>(function), options, nullptr, std::move(token))),
          handle_(&delegate_->core(), detail::adopt_core{}) {}
    cold_task(cold_task&& other) noexcept
        : delegate_(std::exchange(other.delegate_, nullptr)), handle_(std::move(other.handle_)) {}
    cold_task& operator=(cold_task&& other) noexcept {
        std::swap(delegate_, other.delegate_);
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~cold_task() {
        if (delegate_ != nullptr) delegate_->abandon_unstarted();
    }

    /// The handle to await, before or after the start.
    [[nodiscard]] const weft::task<T>& task() const noexcept { return handle_; }
    /// Queues the function to `scheduler`; null: task_scheduler::current().
    /// @throws invalid_operation  when it has been started or canceled; task_scheduler_exception  when the scheduler refuses
    void start(task_scheduler* scheduler = nullptr) {
        reach().start(scheduler != nullptr ? scheduler : detail::this_thread_block().scheduler);
    }
    /// Runs the function on this thread if `scheduler` (null: the current one) lets it, else queues it and blocks until it is done.
    /// What the function throws is in the task. @throws as start()
    void run_synchronously(task_scheduler* scheduler = nullptr) { reach().run_synchronously(scheduler); }

private:
    detail::delegate& reach() const {
        if (delegate_ == nullptr) detail::throw_empty_handle();
        return *delegate_;
    }

    detail::delegate* delegate_;
    weft::task<T> handle_;
};
template <class F, class... Rest>
cold_task(F, Rest...) -> cold_task<std::invoke_result_t<F&>>;

/// Starts `function` as a task, with all options: run() for those who need a scheduler, attached children or a thread of their own.
/// A function that returns a task gives a task of a task; unwrap() flattens it.
///
/// Unlike run(), it uses task_scheduler::current() when `scheduler` is null, and lets children attach (1.8/1).
/// Continuation  of the result: as for any task.
/// Cancellation  `token` signalled before the function begins ends the task as canceled; later the function decides.
/// Throws        task_scheduler_exception when the scheduler refuses the task; what the function throws is in the task.
template <class F>
[[nodiscard]] auto start_new(F&& function, creation_options options = creation_options::none,
    task_scheduler* scheduler = nullptr, cancellation_token token = {}) -> task<detail::delegate_result<F>> {
    using result = detail::delegate_result<F>;
    task_scheduler* const chosen = scheduler != nullptr ? scheduler : detail::this_thread_block().scheduler;
    detail::delegate& made = detail::make_cold<result>(std::forward<F>(function), options, chosen, std::move(token));
    task<result> handle(&made.core(), detail::adopt_core{});
    made.start_unless_canceled();
    return handle;
}

/// The inner task as one: ends as it does, with all its errors; canceled when there is no inner task, as the outer one when that fails.
template <class T>
[[nodiscard]] task<T> unwrap(task<task<T>> outer) {
    task<T> inner = co_await detail::unwrapped_task<task<T>>(std::move(outer));
    if (!inner.valid()) throw task_canceled();
    if constexpr (std::is_void_v<T>) co_await detail::unwrapped_task<T>(std::move(inner));
    else co_return co_await detail::unwrapped_task<T>(std::move(inner));
}

namespace this_task {

/// The id of the task whose function runs on this thread; 0 outside any, and in a coroutine after its first suspension not
/// meaningful. Follows Task.CurrentId (1.1/12).
[[nodiscard]] std::int32_t id() noexcept;

}  // namespace this_task

}  // namespace weft::inline WEFT_ABI
