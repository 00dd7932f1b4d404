#pragma once
// <weft/task/continue_with.hpp>: a function that runs when a task has ended, as a task of its own.
// Follows Task.ContinueWith (semantics 1.10). In a coroutine co_await is simpler and does the same.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

#include "weft/task/detail/delegate.hpp"

namespace weft::inline WEFT_ABI {

/// When and how a continuation runs. Flags. Follows TaskContinuationOptions.
enum class continuation_options : std::uint32_t {
    none = 0,
    prefer_fairness = 1,                    ///< behind everything that is queued
    long_running = 2,                       ///< on a thread of its own
    attached_to_parent = 4,                 ///< the task whose function registers it waits for it
    deny_child_attach = 8,                  ///< no child attaches to it
    hide_scheduler = 16,                    ///< inside, the current scheduler is the default one
    lazy_cancellation = 32,                 ///< a cancellation waits for the antecedent to end
    run_continuations_asynchronously = 64,  ///< its own continuations never run inline
    not_on_ran_to_completion = 0x10000,
    not_on_faulted = 0x20000,
    not_on_canceled = 0x40000,
    only_on_canceled = not_on_ran_to_completion | not_on_faulted,
    only_on_faulted = not_on_ran_to_completion | not_on_canceled,
    only_on_ran_to_completion = not_on_faulted | not_on_canceled,
    execute_synchronously = 0x80000  ///< a request: on the thread on which the antecedent ends
};
constexpr continuation_options operator|(continuation_options a, continuation_options b) noexcept {
    return static_cast<continuation_options>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr bool operator&(continuation_options a, continuation_options b) noexcept {
    return (static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b)) != 0;
}

namespace detail {

/// A delegate that starts when another task has ended. While it waits, its node in that task's list owns one reference of its task.
class continuation_delegate : public delegate {
public:
    /// @throws std::invalid_argument  for options that contradict each other (1.10/7)
    continuation_delegate(
        task_core& antecedent, continuation_options options, task_scheduler* scheduler, cancellation_token token);
    /// Registers with the antecedent, and with the token unless that is to wait. Once, after construction.
    void wait_for_antecedent();

protected:
    void ended_unstarted() noexcept override;
    [[nodiscard]] bool is_continuation() const noexcept override { return true; }

private:
    struct antecedent_node : continuation {
        explicit antecedent_node(continuation_delegate& of) noexcept : owner(&of) {}
        continuation_delegate* owner;
    };
    enum class link : std::uint8_t { registered = 1, canceled = 2 };
    static void on_ended(work_item& item) noexcept;
    void leave_if_ended(link mine) noexcept;
    void antecedent_ended() noexcept;
    [[nodiscard]] bool is_wanted() const noexcept;

    task_core* antecedent_;  ///< kept alive by the function, which holds a handle
    std::atomic<std::uint8_t> links_{0};
    continuation_options wanted_;
    cancellation_token late_token_;  ///< with lazy_cancellation: looked at when the antecedent has ended
    antecedent_node node_;
};

/// The function with its antecedent.
template <class T, class F>
struct bound_continuation {
    task<T> antecedent;
    F function;
    decltype(auto) operator()() { return std::invoke(function, antecedent); }
};

}  // namespace detail

/// Runs `function(antecedent)` when `antecedent` has ended in whatever way, unless options exclude that way: then the result is
/// canceled. The function looks at the handle it gets; a failure of the antecedent does not pass on by itself.
///
/// @param function   takes const task<T>&; what it returns is the result, a task included: see unwrap()
/// @param scheduler  null: task_scheduler::current() of this call (1.10/1)
/// @param token      signalled before the function begins, it ends the result as canceled
/// @throws std::invalid_argument  for an empty handle, and for options that contradict each other
template <class T, class F>
[[nodiscard]] auto continue_with(const task<T>& antecedent, F&& function,
    continuation_options options = continuation_options::none, task_scheduler* scheduler = nullptr,
    cancellation_token token = {}) {
    using kept = std::decay_t<F>;
    using result = std::invoke_result_t<kept&, task<T>&>;
    using made_type = detail::typed_delegate<result, detail::bound_continuation<T, kept>, detail::continuation_delegate>;
    detail::task_core* const core = antecedent.core_or_null();
    if (core == nullptr) throw std::invalid_argument("continue_with was given an empty task handle");
    task_scheduler* const chosen = scheduler != nullptr ? scheduler : detail::this_thread_block().scheduler;
    const bool run_async = options & continuation_options::run_continuations_asynchronously;
    auto& made = made_type::make(static_cast<std::uint8_t>(run_async ? detail::flag_run_async : 0),
        detail::bound_continuation<T, kept>{antecedent, std::forward<F>(function)}, *core, options, chosen,
        std::move(token));
    task<result> handle(&made.core(), detail::adopt_core{});
    made.wait_for_antecedent();
    return handle;
}
template <class T, class F>
[[nodiscard]] auto continue_with(const task<T>& antecedent, F&& function, cancellation_token token) {
    return continue_with(antecedent, std::forward<F>(function), continuation_options::none, nullptr, std::move(token));
}

template <class T>
template <class F>
auto task<T>::continue_with(
    F&& function, continuation_options options, task_scheduler* scheduler, cancellation_token token) const {
    return weft::continue_with(*this, std::forward<F>(function), options, scheduler, std::move(token));
}

}  // namespace weft::inline WEFT_ABI
