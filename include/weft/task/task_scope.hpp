#pragma once
// <weft/task/task_scope.hpp>: structured concurrency: children that nobody outlives, deadlines that flow, races that are joined.
// Not in .NET. The names are those of the field: a scope is a nursery, or a task group.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/base/error.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/detail/timed_wait.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"
#include "weft/task/when_any.hpp"

namespace weft::inline WEFT_ABI {

namespace this_task {

/// The token of the innermost scope, race or deadline that this flow of control runs in; one that never cancels outside any.
[[nodiscard]] cancellation_token token();
/// When the innermost deadline that this flow runs under is over, on the runtime's clock; empty when there is none.
[[nodiscard]] std::optional<time_point> deadline();

}  // namespace this_task

namespace detail {

/// Makes `token`, and `deadline` if it is given, the ambient ones of this flow. To be called in a coroutine: its caller keeps its own.
void set_ambient(cancellation_token token, std::optional<time_point> deadline);

/// What a scope and its children share.
class scope_state {
public:
    explicit scope_state(const cancellation_token& parent) : source(cancellation_source::linked(parent)), parent_(parent) {}

    /// @returns false when the scope is joined and its last child has ended
    [[nodiscard]] bool child_started() noexcept;
    void child_ended(std::exception_ptr failure, bool canceled) noexcept;
    /// Whether no child runs.
    [[nodiscard]] bool has_ended() const noexcept {
        return running_.load(std::memory_order_acquire) == (joining_.load(std::memory_order_acquire) ? 0 : 1);
    }
    /// The scope's own share ends: the returned task is done when the last child is.
    [[nodiscard]] task<> all_ended() noexcept;
    [[nodiscard]] std::vector<std::exception_ptr> take_failures();
    /// Whether a child has, other than by a cancellation.
    [[nodiscard]] bool has_failed() noexcept {
        const lock_scope guard(lock_);
        return failures_ != nullptr;
    }
    /// Throws what join() throws when every child has ended.
    void throw_failures();

    cancellation_source source;

private:
    std::atomic<std::size_t> running_{1};  ///< children, and the scope until join()
    std::atomic<bool> joining_{false};
    task_completion_source<> done_;
    spin_lock lock_;
    struct failure : kept_in_error_memory {
        failure(std::exception_ptr what, std::unique_ptr<failure> before) noexcept
            : error(std::move(what)), next(std::move(before)) {}
        std::exception_ptr error;
        std::unique_ptr<failure> next;
    };
    std::unique_ptr<failure> failures_;  ///< newest first; faults only
    std::exception_ptr cancellation_;    ///< of a child that nobody had asked, or that the parent's token asked
    cancellation_token parent_;
};

template <class F, class... Args>
auto call_with_token(F& function, const cancellation_token& token, Args&... args) {
    if constexpr (std::is_invocable_v<F&, Args..., cancellation_token>)
        return std::invoke(function, std::move(args)..., token);
    else return std::invoke(function, std::move(args)...);
}
template <class F, class... Args>
using called_task =
    decltype(call_with_token(std::declval<F&>(), std::declval<const cancellation_token&>(), std::declval<Args&>()...));

/// A child: owns its function and runs under the scope's token.
template <class T, class F, class... Args>
task<T> run_child(cancellation_token token, F function, Args... args) {
    set_ambient(token, std::nullopt);
    task<T> running = call_with_token(function, token, args...);
    if constexpr (std::is_void_v<T>) co_await std::move(running);
    else co_return co_await std::move(running);
}
/// The same task as one whose result does not matter.
template <class T>
task<> task_of_unknown_result(const task<T>& child) noexcept {
    child.core_or_null()->add_ref();
    return task<>(child.core_or_null(), adopt_core{});
}
/// Starts a child and tells the scope when it has ended: from outside, so that it has ended when join() returns. The other way
/// round a child could run that nobody watches, for want of memory.
/// @param started  is set before this suspends, or stays empty when the child could not be started
template <class T, class F, class... Args>
task<> start_and_watch(std::shared_ptr<scope_state> scope, task<T>& started, F function, Args... args) {
    task<> child;
    {
        task<T> fresh = run_child<T, F, Args...>(scope->source.token(), std::move(function), std::move(args)...);
        child = task_of_unknown_result(fresh);
        started = std::move(fresh);
    }
    co_await child.configure_await(configure_await_options::suppress_throwing);
    task_core& core = *child.core_or_null();
    scope->child_ended(core.first_error(), core.final_status() == task_status::canceled);
}

template <class T, class F>
task<T> scoped(cancellation_token parent, F body);

}  // namespace detail

/// A place for child tasks: none outlives it, the first failure cancels the others, join() waits for all.
///
///     task_scope scope;
///     task<int> a = scope.spawn(load, 1);
///     task<int> b = scope.spawn(load, 2);
///     co_await scope.join();               // both have ended, or it throws
///
/// with_scope() joins by itself, also when its body throws: prefer it.
///
/// Threads       any; children may spawn siblings until join() has returned.
/// Cancellation  children see token() as this_task::token(), and as their last argument if they take one.
/// Lifetime      a resource. Destroying it while children run ends the process with a sentence: they might use what goes with it.
class task_scope {
public:
    /// @param parent  cancels the scope, too; by default the token of the scope this one is made in
    explicit task_scope(const cancellation_token& parent = this_task::token());
    ~task_scope();
    task_scope(const task_scope&) = delete;
    task_scope& operator=(const task_scope&) = delete;

    /// Starts `function(args...)`, which gives a task, as a child. Its handle may be awaited, or dropped by forget().
    /// @throws invalid_operation  after join()
    template <class F, class... Args>
    [[nodiscard]] auto spawn(F function, Args... args) {
        using result = typename detail::called_task<F, Args...>::weft_task_result;
        begin_child();
        try {
            task<result> child;
            task<> watching =
                detail::start_and_watch<result, F, Args...>(state_, child, std::move(function), std::move(args)...);
            if (child.core_or_null() == nullptr) watching.get();  // throws
            watching.forget();
            return child;
        } catch (...) {
            state_->child_ended(nullptr, false);  // there is no child: an argument threw on its way, or there was no memory
            throw;
        }
    }

    /// Waits for every child. @throws the failure when there was one; aggregate_exception for several; task_canceled when nothing
    /// failed but a child was canceled by itself or by the parent's token. Cancellations that the scope caused do not count.
    [[nodiscard]] task<> join();
    /// Asks the children to end.
    void cancel() { state_->source.cancel(); }
    [[nodiscard]] cancellation_token token() const { return state_->source.token(); }

private:
    template <class T, class F>
    friend task<T> detail::scoped(cancellation_token parent, F body);

    void begin_child();
    static task<> join_all(std::shared_ptr<detail::scope_state> state);

    std::shared_ptr<detail::scope_state> state_;
};

namespace detail {

/// Of a scope or a source: what a callback of the token throws must not keep anybody from the join that comes next.
template <class Cancels>
void cancel_to_join(Cancels& which) noexcept {
    try {
        which.cancel();
    } catch (...) {
        // How the task ended that made us cancel is the one to report.
    }
}

template <class T, class F>
task<T> scoped(cancellation_token parent, F body) {
    task_scope scope(parent);
    set_ambient(scope.token(), std::nullopt);
    task<T> running;
    std::exception_ptr thrown;
    try {
        running = std::invoke(body, scope);
    } catch (...) {
        thrown = std::current_exception();
    }
    // Nothing up to the end of the children may fail: they use what goes with this frame.
    std::optional<outcome<T>> ended;
    if (thrown == nullptr) {
        outcome<T> whole = co_await running.as_outcome();
        if (!whole.has_value()) thrown = whole.error();
        ended.emplace(std::move(whole));
    }
    const bool was_canceled = ended.has_value() && ended->is_canceled();
    if (thrown != nullptr) cancel_to_join(scope);
    const task<> last = scope.state_->all_ended();
    co_await last;
    // A failed child is the cause when the body was only canceled for it.
    if (thrown != nullptr && !(was_canceled && scope.state_->has_failed())) std::rethrow_exception(thrown);
    scope.state_->throw_failures();
    if constexpr (!std::is_void_v<T>) co_return std::move(*ended).value();
}

template <class T, class F>
task<T> limited(std::chrono::nanoseconds limit, F function) {
    time_provider& clock = current_time_provider();
    const time_point mine = deadline_after(clock, limit);
    const std::optional<time_point> outer = this_task::deadline();
    const bool outer_is_earlier = outer.has_value() && *outer < mine;
    cancellation_source source = cancellation_source::linked(this_task::token());
    if (!outer_is_earlier) source.cancel_after(limit);
    set_ambient(source.token(), outer_is_earlier ? *outer : mine);
    task<T> running;
    std::exception_ptr thrown;
    try {
        running = call_with_token(function, source.token());
    } catch (...) {
        thrown = std::current_exception();
    }
    if (thrown != nullptr) running = from_exception<T>(thrown);
    outcome<T> ended = co_await running.as_outcome();
    if (ended.is_canceled() && !outer_is_earlier && clock.now() >= mine) throw timeout_exception("the deadline is over");
    if constexpr (std::is_void_v<T>) ended.value();
    else co_return std::move(ended).value();
}

template <class T, class F>
task<T> racer(cancellation_token token, F function) {
    set_ambient(token, std::nullopt);
    task<T> running = call_with_token(function, token);
    if constexpr (std::is_void_v<T>) co_await std::move(running);
    else co_return co_await std::move(running);
}

template <class T, class... Fs>
task<T> race_of(Fs... functions) {
    cancellation_source stop = cancellation_source::linked(this_task::token());
    std::vector<task<T>> racing;
    racing.reserve(sizeof...(Fs));
    task<when_any_result<T>> first;
    std::exception_ptr failed;  // for want of memory; those who run are joined all the same
    std::size_t winner = sizeof...(Fs);
    try {
        (racing.push_back(racer<T, Fs>(stop.token(), std::move(functions))), ...);
        first = when_any(racing);
        const when_any_result<T>& won = co_await first;
        winner = won.index;
    } catch (...) {
        failed = std::current_exception();
    }
    cancel_to_join(stop);
    for (std::size_t index = 0; index < racing.size(); ++index) {
        if (index == winner) continue;
        outcome<T> lost = co_await racing[index].as_outcome();  // joined; how it ended is of no interest
        static_cast<void>(lost);
    }
    if (failed != nullptr) std::rethrow_exception(failed);
    first = {};
    if constexpr (std::is_void_v<T>) co_await racing[winner];
    else co_return co_await std::move(racing[winner]);
}

}  // namespace detail

/// Runs `body(scope)`, which gives a task, and joins the scope whatever happens: when the body fails, its children are cancelled and
/// waited for. The result is the body's. @throws as task_scope::join(), else what the body throws
template <class F>
[[nodiscard]] auto with_scope(F body, cancellation_token parent = this_task::token()) {
    using result = typename std::invoke_result_t<F&, task_scope&>::weft_task_result;
    return detail::scoped<result>(std::move(parent), std::move(body));
}

/// Runs `function()`, or `function(token)`, under a limit of time: the token, which is this_task::token() in all it calls, is cancelled
/// when `limit` is over. A limit inside another can only be shorter.
/// @throws timeout_exception  when it ended canceled because of this limit; a function that ignores its token is waited for
template <class F>
[[nodiscard]] auto with_deadline(std::chrono::nanoseconds limit, F function) {
    detail::check_delay(limit, "with_deadline");
    using result = typename detail::called_task<F>::weft_task_result;
    return detail::limited<result>(limit, std::move(function));
}

/// Starts every function, each with a token if it takes one, ends as the first to end does, and before that cancels the others and
/// waits for them. Their failures are observed, and dropped.
template <class F, class... Fs>
[[nodiscard]] auto race(F first, Fs... rest) {
    using result = typename detail::called_task<F>::weft_task_result;
    static_assert((std::is_same_v<result, typename detail::called_task<Fs>::weft_task_result> && ...),
        "the functions of a race give tasks of one type");
    return detail::race_of<result>(std::move(first), std::move(rest)...);
}

}  // namespace weft::inline WEFT_ABI
