#pragma once
// <weft/task/task_completion_source.hpp>: a task that is completed by hand.
// Follows System.Threading.Tasks.TaskCompletionSource (semantics 1.7).
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <exception>
#include <utility>
#include <vector>

#include "weft/base/unique_function.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

/// Options of a completion source and of start_new(). Flags.
enum class creation_options : std::uint8_t {
    none = 0,
    prefer_fairness = 1,
    long_running = 2,
    attached_to_parent = 4,
    deny_child_attach = 8,
    hide_scheduler = 16,
    run_continuations_asynchronously = 64,
    break_promise_on_drop =
        128  ///< of a source: dropped unset, it faults its task with broken_promise; not in .NET (1.7/9)
};
constexpr creation_options operator|(creation_options a, creation_options b) noexcept {
    return static_cast<creation_options>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool operator&(creation_options a, creation_options b) noexcept {
    return (static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b)) != 0;
}

/// What a task ends with whose source was made with break_promise_on_drop and went unset.
class broken_promise : public invalid_operation {
public:
    broken_promise() : invalid_operation("the completion source was dropped before it completed its task") {}
};

/// Calls `handler` with the id of a task that can never end: its source was dropped unset while somebody still has the task. .NET says
/// nothing then. On the dropping thread; a handler must not throw. @returns a function that removes the handler
[[nodiscard("call it to remove the handler")]] unique_function<void()> on_abandoned_source(
    unique_function<void(std::int32_t task_id)> handler);

namespace detail {

/// What does not depend on the result type.
class completion_source_base {
public:
    completion_source_base(completion_source_base&& other) noexcept
        : core_(std::exchange(other.core_, nullptr)), break_on_drop_(other.break_on_drop_) {}
    completion_source_base& operator=(completion_source_base&& other) noexcept {
        std::swap(core_, other.core_);
        std::swap(break_on_drop_, other.break_on_drop_);
        return *this;
    }
    ~completion_source_base() {
        if (core_ == nullptr) return;
        if (!core_->is_done() && !core_->sole_owner()) [[unlikely]]
            drop_unset();
        core_->release();
    }

    /// Ends the task as faulted, also with an operation_canceled (1.7/5).
    /// @throws invalid_operation  when it has ended already; std::invalid_argument  for a null or empty error
    void set_exception(std::exception_ptr error);
    void set_exception(std::vector<std::exception_ptr> errors);
    template <class E>
        requires std::derived_from<std::remove_cvref_t<E>, std::exception>
    void set_exception(E&& error) {
        set_exception(std::make_exception_ptr(std::forward<E>(error)));
    }
    /// As set_exception(). @returns whether this call ended the task
    bool try_set_exception(std::exception_ptr error);
    bool try_set_exception(std::vector<std::exception_ptr> errors);
    /// The library's own try_set_exception(): takes a list that was kept where memory could not run out.
    bool try_set_errors(error_list errors);

    /// Ends the task as canceled; a wait throws task_canceled with `token`. @throws invalid_operation  when it has ended
    void set_canceled(cancellation_token token = {});
    bool try_set_canceled(cancellation_token token = {});

protected:
    completion_source_base(const result_operations& operations, creation_options options);
    [[nodiscard]] task_core& core() const;
    [[noreturn]] static void throw_completed();
    /// Copies the ending of a finished task whose result, if any, the caller has constructed.
    bool try_copy_failure(task_core& from);

    task_core* core_ = nullptr;

private:
    void drop_unset() noexcept;

    bool break_on_drop_ = false;
};

}  // namespace detail

/// Owns the right to complete one task. A resource: move-only; task() hands out any number of handles.
///
/// Continuation  set_*() runs the first continuation inline on the calling thread, subject to semantics 1.2, unless the
///               source was made with run_continuations_asynchronously; the others are queued.
/// Threads       any; of several racing try_set_*() exactly one returns true.
/// Lifetime      dropping a source unset leaves its waiters pending for ever (1.7/9), and on_abandoned_source() tells; with
///               break_promise_on_drop they get broken_promise instead.
template <class T = void>
class task_completion_source : public detail::completion_source_base {
public:
    /// @throws std::invalid_argument  for options other than run_continuations_asynchronously and attached_to_parent
    explicit task_completion_source(creation_options options = creation_options::none)
        : completion_source_base(detail::result_traits<T>::operations, options) {}

    [[nodiscard]] weft::task<T> task() const {
        core().add_ref();
        return weft::task<T>(core_, detail::adopt_core{});
    }

    /// @throws invalid_operation  when the task has ended already
    template <class U = T>
        requires(!std::is_void_v<T> && std::is_constructible_v<T, U &&>)
    void set_result(U&& value) {
        if (!try_set_result(std::forward<U>(value))) throw_completed();
    }
    void set_result()
        requires(std::is_void_v<T>)
    {
        if (!try_set_result()) throw_completed();
    }
    /// @returns whether this call ended the task. When constructing the value throws, the task ends as faulted with that.
    template <class U = T>
        requires(!std::is_void_v<T> && std::is_constructible_v<T, U &&>)
    bool try_set_result(U&& value) {
        if (!core().try_claim()) return false;
        weft::task<T> keep = task();
        try {
            if constexpr (std::is_reference_v<T>)
                ::new (static_cast<void*>(core_->result<std::remove_reference_t<T>*>()))
                    std::remove_reference_t<T>*(std::addressof(value));
            else ::new (static_cast<void*>(core_->result<T>())) T(static_cast<T>(std::forward<U>(value)));
        } catch (...) {
            core_->set_current_exception();
        }
        keep.core_or_null()->complete();
        return true;
    }
    bool try_set_result()
        requires(std::is_void_v<T>)
    {
        if (!core().try_claim()) return false;
        weft::task<T> keep = task();
        keep.core_or_null()->complete();
        return true;
    }

    /// Ends this task as `finished` ended. @throws std::invalid_argument  when `finished` is not complete
    void set_from_task(const weft::task<T>& finished) {
        if (!try_set_from_task(finished)) throw_completed();
    }
    bool try_set_from_task(const weft::task<T>& finished) {
        if (!finished.is_completed()) throw std::invalid_argument("set_from_task needs a completed task");
        if (!finished.is_completed_successfully()) return try_copy_failure(*finished.core_or_null());
        if constexpr (std::is_void_v<T>) return try_set_result();
        else return try_set_result(finished.get());
    }
};

/// A completed task. One allocation-free copy of a shared handle.
[[nodiscard]] task<> completed_task();

/// A task that has ended with `value`.
template <class T>
[[nodiscard]] task<std::decay_t<T>> from_result(T&& value) {
    using result = std::decay_t<T>;
    detail::task_core* core = detail::make_core(detail::result_traits<result>::operations, 0, 0);
    task<result> handle(core, detail::adopt_core{});
    ::new (static_cast<void*>(core->template result<result>())) result(std::forward<T>(value));
    core->complete();
    return handle;
}

/// A task that has ended with `error`. @throws std::invalid_argument  for null
template <class T = void>
[[nodiscard]] task<T> from_exception(std::exception_ptr error) {
    task_completion_source<T> source;
    source.set_exception(std::move(error));
    return source.task();
}
template <class T = void, class E>
    requires std::derived_from<std::remove_cvref_t<E>, std::exception>
[[nodiscard]] task<T> from_exception(E&& error) {
    return from_exception<T>(std::make_exception_ptr(std::forward<E>(error)));
}

/// A canceled task. @throws std::invalid_argument  when `token` is not cancelled
template <class T = void>
[[nodiscard]] task<T> from_canceled(cancellation_token token) {
    if (!token.is_cancellation_requested()) throw std::invalid_argument("from_canceled needs a token that is cancelled");
    task_completion_source<T> source;
    source.set_canceled(std::move(token));
    return source.task();
}

}  // namespace weft::inline WEFT_ABI
