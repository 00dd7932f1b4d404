#pragma once
// <weft/interop/apm.hpp>: begin/end pairs as tasks, and tasks as begin/end pairs.
// Follows System.IAsyncResult, TaskFactory.FromAsync and TaskToAsyncResult (semantics 1.28).
// SPDX-License-Identifier: MIT

#include <any>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_awaiter.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

/// What a begin function returns: the operation under way. Derive from it to write a begin/end pair of your own.
///
/// Threads  every member may be called from any thread.
class async_result : public std::enable_shared_from_this<async_result> {
public:
    async_result(const async_result&) = delete;
    async_result& operator=(const async_result&) = delete;
    virtual ~async_result() = default;

    /// What the caller of begin gave.
    [[nodiscard]] virtual const std::any& async_state() const noexcept = 0;
    [[nodiscard]] virtual bool is_completed() const noexcept = 0;
    /// Whether it was complete when begin returned.
    [[nodiscard]] virtual bool completed_synchronously() const noexcept = 0;
    /// Blocks until it is complete (the wait handle of .NET, made when it is first asked for). Throws nothing of the operation.
    virtual void wait() const = 0;
    /// As wait(), for at most `limit`. @returns whether it is complete
    virtual bool wait(std::chrono::nanoseconds limit) const = 0;

    /// Calls `function` once it is complete, possibly inside this call. The default blocks a thread of run_blocking() in wait()
    /// for each call; a result that knows when it ends overrides it.
    virtual void when_completed(unique_function<void()> function);

protected:
    async_result() = default;
};

/// What begin calls when the operation has ended.
using async_callback = unique_function<void(const std::shared_ptr<async_result>&)>;

namespace detail {

/// The result of as_async_result(). Marks the task's failure as observed: End may never be called (1.28/7).
class task_async_result_base : public async_result {
public:
    [[nodiscard]] const std::any& async_state() const noexcept final { return state_; }
    [[nodiscard]] bool completed_synchronously() const noexcept final { return synchronous_; }

protected:
    explicit task_async_result_base(std::any state) noexcept : state_(std::move(state)) {}

    bool synchronous_ = false;

private:
    std::any state_;
};

template <class T>
class task_async_result final : public task_async_result_base {
public:
    task_async_result(weft::task<T> operation, std::any state)
        : task_async_result_base(std::move(state)), operation_(std::move(operation)) {
        synchronous_ = operation_.is_completed();
    }

    [[nodiscard]] const weft::task<T>& operation() const noexcept { return operation_; }
    [[nodiscard]] bool is_completed() const noexcept override { return operation_.core_or_null()->is_done(); }
    void wait() const override { operation_.core_or_null()->wait(nullptr, cancellation_token()); }
    bool wait(std::chrono::nanoseconds limit) const override {
        return operation_.core_or_null()->wait(&limit, cancellation_token());
    }
    void when_completed(unique_function<void()> function) override {
        if (is_completed()) function();
        else call_when_done<T>(operation_, std::move(function), false).forget();
    }

    void start(async_callback callback) {
        auto self = std::static_pointer_cast<task_async_result>(shared_from_this());
        auto finish = [self, notify = std::move(callback)]() mutable {
            self->operation_.core_or_null()->mark_observed();
            if (notify) notify(self);
        };
        if (synchronous_) finish();
        else call_when_done<T>(operation_, std::move(finish), false).forget();
    }

private:
    weft::task<T> operation_;
};

/// A from_async() under way. The first of "the callback came" and "begin returned a finished one" ends it.
class async_result_arrival {
public:
    void arrive(std::shared_ptr<async_result> result) { static_cast<void>(arrived_.try_set_result(std::move(result))); }
    [[nodiscard]] task<std::shared_ptr<async_result>> arrived() const { return arrived_.task(); }

private:
    task_completion_source<std::shared_ptr<async_result>> arrived_;
};

template <class R, class End>
task<R> end_when_arrived(std::shared_ptr<async_result_arrival> arrival, End end) {
    task<std::shared_ptr<async_result>> arrived = arrival->arrived();
    std::shared_ptr<async_result> result = co_await arrived.configure_await(false);
    if constexpr (std::is_void_v<R>) end(result);
    else co_return end(result);
}

[[noreturn]] void throw_not_of_a_task();

}  // namespace detail

/// A task for a begin/end pair. Calls `begin(args..., callback, state)` once, on this thread; when the operation is over `end`
/// is called once with its async_result, and what it returns or throws is the task's. `state` comes back as async_state().
///
/// Continuation  `end` runs where the callback is called, or on the pool when that thread has a synchronization context.
/// Throws        what `begin` throws, at once: there is no task then (1.28/1).
/// Cancellation  an operation_canceled that `end` throws makes the task canceled, with that exception (1.28/2).
template <class Begin, class End, class... Args>
[[nodiscard]] auto from_async(std::any state, Begin&& begin, End&& end, Args&&... args) {
    using result = std::invoke_result_t<std::decay_t<End>&, const std::shared_ptr<async_result>&>;
    auto arrival = std::make_shared<detail::async_result_arrival>();
    // Only an operation that ends later is ended by its callback; one that ended inside begin, below (its callback may come
    // before begin has returned).
    async_callback callback([arrival](const std::shared_ptr<async_result>& ended) {
        if (!ended->completed_synchronously()) arrival->arrive(ended);
    });
    std::shared_ptr<async_result> begun = begin(std::forward<Args>(args)..., std::move(callback), std::move(state));
    if (begun != nullptr && begun->completed_synchronously()) arrival->arrive(std::move(begun));
    return detail::end_when_arrived<result, std::decay_t<End>>(std::move(arrival), std::forward<End>(end));
}

/// The same without a state object.
template <class Begin, class End, class... Args>
    requires(!std::is_same_v<std::remove_cvref_t<Begin>, std::any> &&
        !std::is_convertible_v<Begin, std::shared_ptr<async_result>>)
[[nodiscard]] auto from_async(Begin&& begin, End&& end, Args&&... args) {
    return from_async(std::any(), std::forward<Begin>(begin), std::forward<End>(end), std::forward<Args>(args)...);
}
/// The same for an operation that has begun already: waits for it, and calls `end` exactly once.
/// @throws std::invalid_argument  for null
template <class End>
[[nodiscard]] auto from_async(std::shared_ptr<async_result> begun, End&& end) {
    using result = std::invoke_result_t<std::decay_t<End>&, const std::shared_ptr<async_result>&>;
    if (begun == nullptr) throw std::invalid_argument("from_async needs an async_result, not null");
    auto arrival = std::make_shared<detail::async_result_arrival>();
    async_result& watched = *begun;
    watched.when_completed([arrival, begun]() mutable { arrival->arrive(std::move(begun)); });
    return detail::end_when_arrived<result, std::decay_t<End>>(std::move(arrival), std::forward<End>(end));
}

/// What a begin function that is implemented by a task returns.
///
/// Continuation  `callback` (may be empty) runs inside this call when the task is complete already, and
///               completed_synchronously() is true then; else where the task completes, never inside this call.
/// Throws        `callback` must not: with nobody to catch it, that ends the process when it is called later.
/// @throws invalid_operation  for an empty handle
template <class T>
[[nodiscard]] std::shared_ptr<async_result> as_async_result(
    task<T> operation, async_callback callback = {}, std::any state = {}) {
    if (!operation.valid()) detail::throw_empty_handle();
    auto result = std::make_shared<detail::task_async_result<T>>(std::move(operation), std::move(state));
    result->start(std::move(callback));
    return result;
}

/// The task that as_async_result<T>() was given. @throws std::invalid_argument  for anything else
template <class T>
[[nodiscard]] task<T> unwrap_async_result(const std::shared_ptr<async_result>& result) {
    const auto* ours = dynamic_cast<const detail::task_async_result<T>*>(result.get());
    if (ours == nullptr) detail::throw_not_of_a_task();
    return ours->operation();
}

/// What the matching end function does: blocks until the task is done and gives its result.
/// @throws the task's original exception; std::invalid_argument  for what as_async_result<T>() did not make
template <class T = void>
T end_async_result(const std::shared_ptr<async_result>& result) {
    task<T> operation = unwrap_async_result<T>(result);
    return std::move(operation).get();
}

}  // namespace weft::inline WEFT_ABI
