#pragma once
// <weft/task/task.hpp>: task<T>, a hot asynchronous operation and the handle to it.
// Follows System.Threading.Tasks.Task (semantics 1.1, 1.2).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <span>

#include "weft/task/detail/promise.hpp"
#include "weft/task/detail/task_core.hpp"
#include "weft/task/outcome.hpp"

namespace weft::inline WEFT_ABI {

enum class continuation_options : std::uint32_t;
template <class T>
class configured_task;
template <class T>
class outcome_awaitable;
template <class T>
class task_awaiter;

/// The result of a coroutine: a handle to an operation that has already begun.
///
/// Calling a coroutine that returns `task<T>` runs its body on the caller's thread until the first await of something
/// incomplete; only then does the caller get the handle back. Copies share the operation; it may be awaited any number of
/// times, from any threads, before and after completion.
///
/// `co_await t` on a handle you keep gives `const T&`; on a temporary (or `std::move(t)`) it gives a T: moved out when the
/// temporary is the only handle, or when T is move-only (other handles then see what a move leaves), else copied. The same holds
/// for as_outcome(), configure_await() and the combinators, which hold handles of their own.
///
/// Continuation  the synchronization_context, else the task_scheduler, in force at the await; else wherever the task
///               completed, or the pool of the runtime the awaiting coroutine was started in.
/// Threads       distinct handles may be used from any threads; one handle object is like any value.
/// Allocation    one recycled block a coroutine; none for suspending.
/// Lifetime      dropping every handle does not stop the operation. A parameter taken by reference must outlive the operation.
/// Cancellation  by a token the operation was given; an operation_canceled that leaves the body ends the task as canceled.
template <class T = void>
class [[nodiscard(
    "a task that is dropped is neither awaited nor observed: co_await it, keep it, or call .forget()")]] task {
public:
    class promise_type : public detail::task_promise<task<T>, T> {};
    using weft_task_result = T;

    /// An empty handle: refers to no operation; awaiting it throws invalid_operation.
    task() noexcept = default;
    task(const task& other) noexcept : core_(other.core_) {
        if (core_ != nullptr) core_->add_ref();
    }
    task(task&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    task& operator=(task other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~task() {
        if (core_ != nullptr) core_->release();
    }

    /// Whether this refers to an operation.
    [[nodiscard]] bool valid() const noexcept { return core_ != nullptr; }

    /// @throws invalid_operation  on an empty handle, as every member below
    [[nodiscard]] task_status status() const { return core().status(); }
    [[nodiscard]] bool is_completed() const { return core().is_done(); }
    [[nodiscard]] bool is_completed_successfully() const { return has_ended(task_status::ran_to_completion); }
    [[nodiscard]] bool is_faulted() const { return has_ended(task_status::faulted); }
    [[nodiscard]] bool is_canceled() const { return has_ended(task_status::canceled); }
    /// Unique and positive; given on first demand.
    [[nodiscard]] std::int32_t id() const { return core().id(); }

    /// Every error of a faulted task, null otherwise (also when canceled). Counts as observing them.
    /// Lifetime  as long as a handle lives.
    [[nodiscard]] const aggregate_exception* exception() const { return core().exception(); }

    /// Blocks until the task is done. @throws aggregate_exception  with every error, or the one cancellation
    void wait() const {
        core().wait(nullptr, cancellation_token());
        core().throw_aggregate_if_failed();
    }
    /// Blocks for at most `limit` (negative: without limit). @returns whether the task is done
    /// @throws aggregate_exception  as wait(); operation_canceled  when `token` fires first (the task goes on)
    bool wait(std::chrono::nanoseconds limit, cancellation_token token = {}) const;
    /// Blocks until done. @throws aggregate_exception  as wait()
    decltype(auto) result() const {
        wait();
        return detail::take_result<T, false>(core());
    }
    /// Blocks until done. @throws the original exception
    decltype(auto) get() const& {
        core().wait(nullptr, cancellation_token());
        return detail::take_result<T, false>(core());
    }
    T get() && {
        core().wait(nullptr, cancellation_token());
        return detail::take_result<T, true>(core());
    }

    /// Awaits without coming back to the captured context (false), or as a plain await (true).
    [[nodiscard]] configured_task<T> configure_await(bool continue_on_captured_context) const&;
    [[nodiscard]] configured_task<T> configure_await(bool continue_on_captured_context) &&;
    [[nodiscard]] configured_task<T> configure_await(configure_await_options options) const&;
    [[nodiscard]] configured_task<T> configure_await(configure_await_options options) &&;

    /// Awaits without throwing: gives an outcome<T>. Counts as observing a failure.
    [[nodiscard]] outcome_awaitable<T> as_outcome() const&;
    [[nodiscard]] outcome_awaitable<T> as_outcome() &&;

    /// See <weft/task/task_awaiter.hpp>.
    [[nodiscard]] task_awaiter<T> get_awaiter() const;

    /// See <weft/task/wait_async.hpp>.
    [[nodiscard]] task wait_async(std::chrono::nanoseconds limit, cancellation_token token = {}) const;
    [[nodiscard]] task wait_async(cancellation_token token) const;

    /// See <weft/continue_with.hpp>, which must be included to call it.
    template <class F>
    auto continue_with(F&& function, continuation_options options = {}, task_scheduler* scheduler = nullptr,
        cancellation_token token = {}) const;

    /// Lets the operation go on with nobody waiting. Its failure still reaches on_unobserved_task_exception().
    void forget() const noexcept {}

    /// Whether two handles share one operation.
    [[nodiscard]] friend bool operator==(const task& a, const task& b) noexcept { return a.core_ == b.core_; }

    /// @internal adopts one reference
    task(detail::task_core* core, detail::adopt_core) noexcept : core_(core) {}
    /// @internal
    [[nodiscard]] detail::task_core* core_or_null() const noexcept { return core_; }

private:
    [[nodiscard]] detail::task_core& core() const {
        if (core_ == nullptr) detail::throw_empty_handle();
        return *core_;
    }
    [[nodiscard]] bool has_ended(task_status how) const { return core().is_done() && core().final_status() == how; }

    detail::task_core* core_ = nullptr;
};

/// Lets an operation go on with nobody waiting; for plain statements: `forget(send(message));`.
template <class T>
void forget(const task<T>& handle) noexcept {
    handle.forget();
}

// ---- implementation

namespace detail {

/// Blocks as task::wait(limit, token).
bool wait_for(task_core& core, std::chrono::nanoseconds limit, const cancellation_token& token);

}  // namespace detail

/// What configure_await() returns; await it where it is made.
template <class T>
class [[nodiscard]] configured_task {
public:
    using weft_native = void;

    configured_task(task<T> handle, configure_await_options options) : handle_(std::move(handle)), options_(options) {
        if (!handle_.valid()) detail::throw_empty_handle();
        if (!std::is_void_v<T> && (options & configure_await_options::suppress_throwing))
            throw std::invalid_argument(
                "suppress_throwing needs a task without a result: there would be no value to return");
    }
    [[nodiscard]] bool await_ready() const noexcept {
        return !(options_ & configure_await_options::force_yielding) && handle_.core_or_null()->is_done();
    }
    bool await_suspend(std::coroutine_handle<> self) noexcept {
        detail::task_core& awaiter = detail::core_of(self);
        const bool capture = options_ & configure_await_options::continue_on_captured_context;
        if (!(options_ & configure_await_options::force_yielding))
            return detail::suspend_on(awaiter, *handle_.core_or_null(), capture);
        static_cast<void>(awaiter.begin_suspend(capture));
        awaiter.awaiting = handle_.core_or_null();
        if (!handle_.core_or_null()->add_continuation(awaiter)) detail::enqueue(awaiter, post_hint::local);
        return true;
    }
    T await_resume() {
        detail::task_core& core = *handle_.core_or_null();
        if (options_ & configure_await_options::suppress_throwing) {
            core.mark_observed();
            if constexpr (std::is_void_v<T>) return;
        }
        // A handle that the caller keeps shares the task with ours: copy, as the caller may look again.
        return detail::take_result<T, true>(core);
    }

private:
    task<T> handle_;
    configure_await_options options_;
};

/// What as_outcome() returns; await it where it is made.
template <class T>
class [[nodiscard]] outcome_awaitable {
public:
    using weft_native = void;

    explicit outcome_awaitable(task<T> handle) : handle_(std::move(handle)) {
        if (!handle_.valid()) detail::throw_empty_handle();
    }
    [[nodiscard]] bool await_ready() const noexcept { return handle_.core_or_null()->is_done(); }
    bool await_suspend(std::coroutine_handle<> self) noexcept {
        return detail::suspend_on(detail::core_of(self), *handle_.core_or_null(), true);
    }
    outcome<T> await_resume() { return detail::take_outcome<T, true>(*handle_.core_or_null()); }

private:
    task<T> handle_;
};

namespace detail {

/// Awaited by a proxy, in no context: throws every error of the task it stands for, not only the first (1.8/4).
template <class T>
class unwrapped_task {
public:
    using weft_native = void;

    explicit unwrapped_task(task<T> inner) noexcept : inner_(std::move(inner)) {}
    [[nodiscard]] bool await_ready() const noexcept { return inner_.core_or_null()->is_done(); }
    bool await_suspend(std::coroutine_handle<> self) noexcept {
        return suspend_on(core_of(self), *inner_.core_or_null(), false);
    }
    T await_resume() {
        inner_.core_or_null()->rethrow_every();
        return take_result<T, true>(*inner_.core_or_null());
    }

private:
    task<T> inner_;
};

}  // namespace detail

template <class T>
bool task<T>::wait(std::chrono::nanoseconds limit, cancellation_token token) const {
    return detail::wait_for(core(), limit, token);
}
template <class T>
configured_task<T> task<T>::configure_await(bool continue_on_captured_context) const& {
    return task(*this).configure_await(continue_on_captured_context);
}
template <class T>
configured_task<T> task<T>::configure_await(bool continue_on_captured_context) && {
    return std::move(*this).configure_await(continue_on_captured_context
            ? configure_await_options::continue_on_captured_context
            : configure_await_options::none);
}
template <class T>
configured_task<T> task<T>::configure_await(configure_await_options options) const& {
    return task(*this).configure_await(options);
}
template <class T>
configured_task<T> task<T>::configure_await(configure_await_options options) && {
    return configured_task<T>(std::move(*this), options);
}
template <class T>
outcome_awaitable<T> task<T>::as_outcome() const& {
    return outcome_awaitable<T>(*this);
}
template <class T>
outcome_awaitable<T> task<T>::as_outcome() && {
    return outcome_awaitable<T>(std::move(*this));
}

}  // namespace weft::inline WEFT_ABI

template <class T, class... Parameters>
struct std::coroutine_traits<weft::task<T>, Parameters...> : weft::detail::coroutine_parameters<Parameters...> {
    using promise_type = typename weft::task<T>::promise_type;
};
