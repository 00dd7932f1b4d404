#pragma once
// <weft/task/async_void.hpp>: a coroutine that nobody can wait for: the handler of an event.
// Follows async void (semantics 1.4).
// SPDX-License-Identifier: MIT

#include <exception>
#include <utility>

#include "weft/context/synchronization_context.hpp"
#include "weft/task/detail/promise.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// Posts a rethrow of `error` to `context`; without one it leaves on a pool thread, unhandled, and ends the process (1.4/2).
void throw_in_context(synchronization_context* context, std::exception_ptr error) noexcept;

}  // namespace detail

/// The result of a coroutine that is started and left alone: an event handler. Prefer task<>, whose caller can await it and gets
/// its exceptions; an async_void is for callers that want neither, such as a signal of a user interface.
///
/// The body runs on the caller's thread until its first incomplete await. The synchronization context that is current at the call
/// is told `operation_started()`, and `operation_completed()` once when the body has ended in whatever way.
///
/// Continuation  as in any coroutine.
/// Throws        nothing to the caller, not even what is thrown before the first await: the exception, a cancellation included, is
///               posted to that context and thrown there; without a context it is thrown on a pool thread and ends the process.
/// Lifetime      the operation keeps itself alive; the context must live until it has ended.
class async_void {
public:
    class promise_type;

    /// @internal adopts one reference; a suspended frame has one of its own
    async_void(detail::task_core* core, detail::adopt_core) noexcept : core_(core) {}
    async_void(async_void&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    async_void& operator=(async_void&&) = delete;
    /// Lets go of the operation, which runs on.
    ~async_void() {
        if (core_ != nullptr) core_->release();
    }

    /// For the caller that owns the coroutine's closure, such as an event: a task that ends, always successfully, when this has
    /// ended. What the body threw went to its context.
    [[nodiscard]] task<> completion() const noexcept {
        core_->add_ref();
        return task<>(core_, detail::adopt_core{});
    }

private:
    detail::task_core* core_;
};

/// What the compiler needs of an async_void.
class async_void::promise_type : public detail::task_promise<async_void, void> {
public:
    promise_type() noexcept : context_(synchronization_context::current()) {
        if (context_ != nullptr) context_->operation_started();
    }
    promise_type(const promise_type&) = delete;
    promise_type& operator=(const promise_type&) = delete;

    void unhandled_exception() noexcept { detail::throw_in_context(context_, std::current_exception()); }
    detail::final_awaiter final_suspend() noexcept {
        if (context_ != nullptr) context_->operation_completed();
        return detail::task_promise<async_void, void>::final_suspend();
    }

private:
    synchronization_context* context_;
};

}  // namespace weft::inline WEFT_ABI

template <class... Parameters>
struct std::coroutine_traits<weft::async_void, Parameters...> : weft::detail::coroutine_parameters<Parameters...> {
    using promise_type = weft::async_void::promise_type;
};
