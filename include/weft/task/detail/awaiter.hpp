#pragma once
// <weft/task/detail/awaiter.hpp>: how a coroutine waits for a task: eight bytes beside the continuation in its own core.
// SPDX-License-Identifier: MIT

#include <coroutine>
#include <type_traits>
#include <utility>

#include "weft/base/error.hpp"
#include "weft/task/detail/task_core.hpp"
#include "weft/task/outcome.hpp"

namespace weft::inline WEFT_ABI {

/// How an await continues. Flags. Follows System.Threading.Tasks.ConfigureAwaitOptions (1.2/14).
enum class configure_await_options : std::uint8_t {
    none = 0,                          ///< as configure_await(false)
    continue_on_captured_context = 1,  ///< as configure_await(true)
    suppress_throwing = 2,             ///< a failed task counts as completed, and as observed; only for task<>
    force_yielding = 4                 ///< suspend even when the task is complete
};
constexpr configure_await_options operator|(configure_await_options a, configure_await_options b) noexcept {
    return static_cast<configure_await_options>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool operator&(configure_await_options a, configure_await_options b) noexcept {
    return (static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b)) != 0;
}

}  // namespace weft::inline WEFT_ABI

namespace weft::inline WEFT_ABI::detail {

struct adopt_core {};

[[noreturn]] void throw_empty_handle();

/// The core behind one of our coroutine handles.
inline task_core& core_of(std::coroutine_handle<> handle) noexcept { return task_core::of(handle.address()); }

/// Suspends `awaiter` until `awaited` is done. @returns false when it is already: continue in place.
inline bool suspend_on(task_core& awaiter, task_core& awaited, bool capture_context) noexcept {
    const suspension before = awaiter.begin_suspend(capture_context);
    awaiter.awaiting = &awaited;
    if (awaited.add_continuation(awaiter)) return true;
    awaiter.undo_suspend(before);
    return false;
}

/// Takes a finished task's value: by reference for a handle somebody keeps, by move for a temporary that owns it alone.
template <class T, bool Temporary>
decltype(auto) take_result(task_core& core) {
    core.rethrow_if_failed();
    if constexpr (std::is_void_v<T>) return;
    else if constexpr (std::is_reference_v<T>) return static_cast<T>(**core.result<std::remove_reference_t<T>*>());
    else if constexpr (!Temporary) return static_cast<const T&>(*core.result<T>());
    else if constexpr (std::is_trivially_copy_constructible_v<T>) return T(*core.result<T>());
    else {
        if (core.sole_owner()) return T(std::move(*core.result<T>()));
        if constexpr (std::is_copy_constructible_v<T>) return T(*core.result<T>());
        // The other reference may only be the ending task's own, about to be dropped on another thread.
        else return T(std::move(*core.result<T>()));
    }
}

template <class T, bool Temporary>
outcome<T> take_outcome(task_core& core) {
    if (core.fault != nullptr) {
        core.mark_observed();
        return outcome<T>(core.first_error(), core.final_status() == task_status::canceled);
    }
    if constexpr (std::is_void_v<T>) return outcome<T>();
    else if constexpr (std::is_reference_v<T>)
        return outcome<T>(std::in_place, *core.result<std::remove_reference_t<T>*>());
    else return outcome<T>(std::in_place, take_result<T, Temporary>(core));
}

/// `co_await task`.
template <class T, bool Temporary>
class task_awaiter {
public:
    explicit task_awaiter(task_core* core) : core_(core) {
        if (core == nullptr) throw_empty_handle();
    }
    [[nodiscard]] bool await_ready() const noexcept { return core_->is_done(); }
    bool await_suspend(std::coroutine_handle<> self) noexcept { return suspend_on(core_of(self), *core_, true); }
    decltype(auto) await_resume() { return take_result<T, Temporary>(*core_); }

private:
    task_core* core_;
};

/// Forwards to an awaiter of ours that lives to the end of the full expression. A pointer, because GCC 12 copies whatever
/// await_transform returns by reference into a second slot of the frame, and an operation must not move.
template <class Awaitable>
class native_awaiter {
public:
    explicit native_awaiter(Awaitable& awaitable) noexcept : awaitable_(&awaitable) {}
    [[nodiscard]] bool await_ready() { return awaitable_->await_ready(); }
    decltype(auto) await_suspend(std::coroutine_handle<> self) { return awaitable_->await_suspend(self); }
    decltype(auto) await_resume() { return awaitable_->await_resume(); }

private:
    Awaitable* awaitable_;
};

}  // namespace weft::inline WEFT_ABI::detail
