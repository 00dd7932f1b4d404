#pragma once
// <weft/task/detail/promise.hpp>: what a coroutine of a task type does at its start, at each await and at its end.
// SPDX-License-Identifier: MIT

#include <coroutine>
#if WEFT_EXPLORE
#include <source_location>
#endif
#include <utility>

#include "weft/base/assert.hpp"
#include "weft/task/awaitable.hpp"
#include "weft/task/detail/awaiter.hpp"
#include "weft/task/detail/explored_awaiter.hpp"
#include "weft/task/detail/foreign_awaiter.hpp"
#include "weft/task/detail/task_core.hpp"

namespace weft::inline WEFT_ABI {
template <class T>
class task;
}  // namespace weft::inline WEFT_ABI

namespace weft::inline WEFT_ABI::detail {

/// The last suspension. A coroutine that never suspended flows off its end, and its caller finds a finished task.
struct final_awaiter {
    bool synchronous;

    explicit final_awaiter(task_core& core) noexcept : synchronous(core.has_flag(flag_first_segment)) {
        if (synchronous) core.finish_first_segment();
    }
    [[nodiscard]] bool await_ready() const noexcept { return synchronous; }
    // Destroys the frame this awaiter lives in: out of line, so that nothing of it can be kept in registers or spilled there.
    [[nodiscard]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> self) const noexcept {
        return task_core::finish_frame(self.address());
    }
    void await_resume() const noexcept {}
};

/// The parts of a promise that do not depend on the result type.
class promise_base {
public:
    std::suspend_never initial_suspend() const noexcept { return {}; }

#if WEFT_EXPLORE
    template <class Awaitable>
    auto await_transform(Awaitable&& awaitable, const std::source_location& where = std::source_location::current()) {
        using inner = decltype(awaiter_for(std::forward<Awaitable>(awaitable)));
        return explored_awaiter<inner>{awaiter_for(std::forward<Awaitable>(awaitable)), where};
    }
#else
    template <class Awaitable>
    decltype(auto) await_transform(Awaitable&& awaitable) {
        return awaiter_for(std::forward<Awaitable>(awaitable));
    }
#endif

protected:
    promise_base() = default;

    template <class Awaitable>
    static auto awaiter_for(Awaitable&& awaitable) {
        using plain = std::remove_cvref_t<Awaitable>;
        if constexpr (task_type<plain>) {
            return task_awaiter<typename plain::weft_task_result, !std::is_lvalue_reference_v<Awaitable>>(
                awaitable.core_or_null());
        } else if constexpr (native_awaitable<plain>) {
            static_assert(
                !std::is_lvalue_reference_v<Awaitable> || !requires { typename plain::weft_single_use; },
                "a value_task is awaited once: write `co_await std::move(value)`, or keep a task<T> of it");
            static_assert(
                !std::is_lvalue_reference_v<Awaitable> || requires { typename plain::weft_single_use; },
                "an operation is awaited where it is made (`co_await delay(1s)`); to keep it, store it as a task<T>");
            return native_awaiter<plain>(awaitable);
        } else {
            static_assert(weft::awaitable<Awaitable>,
                "co_await needs a task, an operation, or a type with await_ready/await_suspend/await_resume or "
                "operator co_await");
            return foreign_awaiter<Awaitable>(std::forward<Awaitable>(awaitable));
        }
    }
};

/// The promise of a coroutine that returns `Task` and produces T.
template <class Task, class T>
class task_promise_base : public promise_base {
public:
    static void* operator new(std::size_t size) {
        thread_block& block = this_thread_block();
        task_core* core = make_core_on(block, result_traits<T>::operations, size, flag_first_segment | flag_frame);
        core->begin_first_segment(block);
#if WEFT_FRAME_GUARD
        block.last_frame = core->frame();
#endif
        return core->frame();
    }
    static void operator delete(void* frame, std::size_t size) noexcept {
        task_core& core = task_core::of(frame);
        if (core.has_flag(flag_first_segment)) [[unlikely]] {
            // It has neither ended nor suspended: a parameter's copy constructor threw, and there is no task.
            release_context(core.locals);
            free_unowned(core);
        } else {
            poison_frame(core, size);
        }
    }

    Task get_return_object() noexcept {
#if WEFT_FRAME_GUARD
        WEFT_ASSERT(this_thread_block().last_frame ==
                std::coroutine_handle<typename Task::promise_type>::from_promise(
                    static_cast<typename Task::promise_type&>(*this))
                    .address(),
            "GCC 12 shifted this coroutine's frame: it awaits in a condition and declares no local variable; name "
            "the awaited result in a variable first (docs/gcc12.md)");
#endif
        return Task(&core(), adopt_core{});
    }
    final_awaiter final_suspend() noexcept { return final_awaiter(core()); }
    void unhandled_exception() noexcept { core().set_current_exception(); }

    [[nodiscard]] task_core& core() noexcept {
        return task_core::of(std::coroutine_handle<typename Task::promise_type>::from_promise(
            static_cast<typename Task::promise_type&>(*this))
                .address());
    }
};

template <class Task, class T>
class task_promise : public task_promise_base<Task, T> {
public:
    template <class U = T>
        requires(std::is_convertible_v<U &&, T>)
    void return_value(U&& value) {
        if constexpr (std::is_reference_v<T>)
            ::new (static_cast<void*>(this->core().template result<std::remove_reference_t<T>*>()))
                std::remove_reference_t<T>*(std::addressof(static_cast<T>(value)));
        // Explicit, or a compiler that warns of conversions would warn here, of the user's `co_return 1;`.
        else ::new (static_cast<void*>(this->core().template result<T>())) T(static_cast<T>(std::forward<U>(value)));
    }
};
template <class Task>
class task_promise<Task, void> : public task_promise_base<Task, void> {
public:
    void return_void() noexcept {}
};

/// Refuses what a coroutine cannot keep: an rvalue reference names a temporary of the caller, which is gone after the first
/// suspension.
template <class... Parameters>
struct coroutine_parameters {
    static_assert((!std::is_rvalue_reference_v<Parameters> && ...),
        "a coroutine's parameter may not be an rvalue reference: take it by value, the coroutine then owns it");
};

}  // namespace weft::inline WEFT_ABI::detail
