#pragma once
// <weft/interop/eap.hpp>: operations that report progress and completion by events.
// Follows System.ComponentModel.AsyncOperationManager, AsyncOperation, AsyncCompletedEventArgs and BackgroundWorker (semantics
// 1.29).
// SPDX-License-Identifier: MIT

#include <any>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/error.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/synchronization_context.hpp"
#include "weft/coordination/event.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

/// An event-based operation failed; its own error is inner(), and nested. Follows System.Reflection.TargetInvocationException.
class target_invocation_exception : public std::runtime_error, public std::nested_exception {
public:
    /// @param inner  what happened; not null
    explicit target_invocation_exception(std::exception_ptr inner);

    [[nodiscard]] const std::exception_ptr& inner() const noexcept { return inner_; }

private:
    std::exception_ptr inner_;
};

/// The lifetime of one event-based operation, tied to the context in which it was created. A handle: copies are the same one.
///
/// Continuation  everything posted runs in that context; without one, on the pool.
/// Threads       any.
/// Lifetime      when the last handle goes before completion, the operation completes itself, without an event (1.29/3). The
///               context must outlive it.
class async_operation {
public:
    using callback = unique_function<void()>;

    /// What was given to create_operation().
    [[nodiscard]] const std::any& user_supplied_state() const noexcept;
    [[nodiscard]] weft::synchronization_context& synchronization_context() const noexcept;

    /// Runs `function` in the operation's context.
    /// @throws std::invalid_argument  if it is empty; invalid_operation  when the operation is complete
    void post(callback function) const;
    /// Posts `function`, and completes: the context is told, and nothing can be posted any more.
    /// @throws as post()
    void post_operation_completed(callback function) const;
    /// Completes without a callback. @throws invalid_operation  when the operation is complete
    void operation_completed() const;

private:
    friend class async_operation_manager;
    class state;
    explicit async_operation(std::shared_ptr<state> of) noexcept : state_(std::move(of)) {}

    std::shared_ptr<state> state_;
};

/// Makes async_operations.
class async_operation_manager {
public:
    async_operation_manager() = delete;

    /// An operation of the calling thread's context, which is told that one has started. A thread without a context gets one of
    /// exactly the base class, which posts to the pool, and keeps it.
    [[nodiscard]] static async_operation create_operation(std::any user_supplied_state = {});
    /// The calling thread's context, installed as above when there is none.
    [[nodiscard]] static weft::synchronization_context& synchronization_context();
};

/// What a completed-event is raised with: how the operation ended. A value.
template <class T = void>
class async_completed_event_args {
    using stored = std::conditional_t<std::is_void_v<T>, char, T>;

public:
    /// A failure, or a cancellation.
    async_completed_event_args(std::exception_ptr error, bool cancelled, std::any user_state = {})
        : error_(std::move(error)), user_state_(std::move(user_state)), cancelled_(cancelled) {}
    /// A success.
    template <class U>
        requires(!std::is_void_v<T> && std::is_constructible_v<stored, U>)
    explicit async_completed_event_args(std::in_place_t, U&& result, std::any user_state = {})
        : result_(std::in_place, std::forward<U>(result)), user_state_(std::move(user_state)) {}

    /// Null after a success and a cancellation.
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }
    [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }
    [[nodiscard]] const std::any& user_state() const noexcept { return user_state_; }

    /// The result. @throws invalid_operation  of a cancelled operation; target_invocation_exception  with the error of a failed
    std::add_lvalue_reference_t<const T> result() const {
        raise_exception_if_necessary();
        if constexpr (!std::is_void_v<T>) return *result_;
    }
    /// Throws what result() throws of an operation that did not succeed.
    void raise_exception_if_necessary() const {
        if (error_ != nullptr) throw target_invocation_exception(error_);
        if (cancelled_) throw invalid_operation("the operation was cancelled: it has no result");
    }

private:
    std::optional<stored> result_;
    std::exception_ptr error_;
    std::any user_state_;
    bool cancelled_ = false;
};

namespace detail {

/// A completed-event on its way to be a task: the handler is removed when the event comes.
template <class T>
class completed_event_wait {
public:
    task_completion_source<T> source;

    /// Holds the subscription until the event has come, which may have been before this call.
    void keep(subscription handler) {
        const std::lock_guard lock(mutex_);
        if (!over_) handler_ = std::move(handler);
    }
    void end() {
        subscription gone;
        const std::lock_guard lock(mutex_);
        over_ = true;
        gone = std::move(handler_);
    }

private:
    std::mutex mutex_;
    subscription handler_;
    bool over_ = false;
};

}  // namespace detail

/// A task for an event-based operation: subscribes to `completed`, calls `start()`, and ends as the first event says. The handler
/// is removed then; an event that comes inside `start()` is not lost (1.29/6).
/// @throws what `start` throws, with the handler removed
template <class T, class Start>
[[nodiscard]] task<T> from_completed_event(event<const async_completed_event_args<T>&>& completed, Start&& start) {
    auto wait = std::make_shared<detail::completed_event_wait<T>>();
    task<T> result = wait->source.task();
    wait->keep(completed.subscribe([wait](const async_completed_event_args<T>& args) {
        wait->end();
        if (args.cancelled()) static_cast<void>(wait->source.try_set_canceled());
        else if (args.error() != nullptr) static_cast<void>(wait->source.try_set_exception(args.error()));
        else if constexpr (std::is_void_v<T>) static_cast<void>(wait->source.try_set_result());
        else static_cast<void>(wait->source.try_set_result(args.result()));
    }));
    try {
        std::forward<Start>(start)();
    } catch (...) {
        wait->end();
        throw;
    }
    return result;
}

/// What background_worker::do_work is raised with; lives as long as the call.
class do_work_event_args {
public:
    explicit do_work_event_args(std::any given) noexcept : argument(std::move(given)) {}

    std::any argument;    ///< what run_worker_async() was given
    std::any result;      ///< what the completed-event will carry
    bool cancel = false;  ///< set it to end as cancelled
};

/// What background_worker::progress_changed is raised with.
class progress_changed_event_args {
public:
    progress_changed_event_args(int percentage, std::any user_state) noexcept
        : percentage_(percentage), user_state_(std::move(user_state)) {}
    [[nodiscard]] int progress_percentage() const noexcept { return percentage_; }
    [[nodiscard]] const std::any& user_state() const noexcept { return user_state_; }

private:
    int percentage_;
    std::any user_state_;
};

/// Runs plain, possibly long work on the pool and reports to the context in which it was started. Prefer run() and progress<T> in
/// new code.
///
/// Continuation  do_work runs on the pool; the other events in the context of run_worker_async().
/// Threads       any; the events of one run come one after another when the context keeps an order.
/// Lifetime      a run that is under way goes on when this is destroyed, and raises nothing more here.
class background_worker {
public:
    background_worker();
    ~background_worker();
    background_worker(const background_worker&) = delete;
    background_worker& operator=(const background_worker&) = delete;

    /// The work; its handlers are plain functions. What they throw is the completion's error.
    [[nodiscard]] event<do_work_event_args&>& do_work() noexcept;
    [[nodiscard]] event<const progress_changed_event_args&>& progress_changed() noexcept;
    [[nodiscard]] event<const async_completed_event_args<std::any>&>& run_worker_completed() noexcept;

    /// Both are false unless set.
    void set_worker_supports_cancellation(bool supports) noexcept;
    void set_worker_reports_progress(bool reports) noexcept;
    [[nodiscard]] bool worker_supports_cancellation() const noexcept;
    [[nodiscard]] bool worker_reports_progress() const noexcept;

    /// Whether a run is under way; false again when its completed-event is raised.
    [[nodiscard]] bool is_busy() const noexcept;
    /// For the work to look at.
    [[nodiscard]] bool cancellation_pending() const noexcept;

    /// Starts. @throws invalid_operation  while a run is under way
    void run_worker_async(std::any argument = {});
    /// Asks the work to stop. @throws invalid_operation  when it does not support cancellation
    void cancel_async();
    /// From the work: raises progress_changed. @throws invalid_operation  when it does not report progress, or no run is under way
    void report_progress(int percentage, std::any user_state = {});

private:
    class state;
    std::shared_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI
