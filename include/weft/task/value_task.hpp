#pragma once
// <weft/task/value_task.hpp>: a result that is usually there already, awaited once.
// Follows System.Threading.Tasks.ValueTask (semantics 1.3).
// SPDX-License-Identifier: MIT

#include <new>
#include <utility>

#include "weft/task/task.hpp"
#include "weft/task/value_task_source.hpp"

namespace weft::inline WEFT_ABI {

template <class T = void>
class value_task;

namespace detail {

template <class T>
task<T> await_value_task(value_task<T> value);

// What a value_task holds beside its state; void has no value to hold.
template <class T>
struct value_slot {
    using type = T;
};
template <>
struct value_slot<void> {
    using type = char;
};

}  // namespace detail

/// Either a value, a task, or one version of a value_task_source. Move-only; awaited once, as a temporary or by std::move.
///
/// When to use   where the result is usually there, or where a pooled source completes; otherwise task<T>.
/// Allocation    none when the value is there; a coroutine that returns value_task uses a recycled frame.
/// Threads       like any value.
template <class T>
class [[nodiscard("a value_task that is dropped is never observed: co_await it")]] value_task {
    using slot = typename detail::value_slot<T>::type;
    enum class state : std::uint8_t { value, task, source, consumed };

public:
    class promise_type : public detail::task_promise<value_task<T>, T> {};
    using result_type = T;

    /// Completed: without a result, or with a default one (1.3/1).
    value_task() noexcept(std::is_nothrow_default_constructible_v<slot>) : state_(state::value), value_() {}
    /// Completed with `value`.
    template <class U>
        requires(!std::is_void_v<T> && !std::is_same_v<std::remove_cvref_t<U>, value_task> &&
                    !std::is_same_v<std::remove_cvref_t<U>, weft::task<T>> && std::is_convertible_v<U &&, slot>)
    value_task(U&& value) : state_(state::value), value_(static_cast<T>(std::forward<U>(value))) {}
    /// Backed by `handle`. @throws std::invalid_argument  for an empty handle
    value_task(weft::task<T> handle) : state_(state::task), task_(std::move(handle)) {
        if (!task_.valid()) {
            task_.~task();
            throw std::invalid_argument("a value_task needs a task that is not empty");
        }
    }
    /// Backed by `version` of `source`, which must outlive it.
    value_task(value_task_source<T>& source, std::uint16_t version) noexcept
        : state_(state::source), version_(version), source_(&source) {}

    value_task(value_task&& other) noexcept(std::is_nothrow_move_constructible_v<slot>)
        : state_(state::consumed), source_(nullptr) {
        take(other);
    }
    value_task& operator=(value_task&& other) noexcept(std::is_nothrow_move_constructible_v<slot>) {
        if (this != &other) {
            clear();
            take(other);
        }
        return *this;
    }
    ~value_task() { clear(); }

    /// @throws invalid_operation  after it was consumed, as every member below
    [[nodiscard]] bool is_completed() const {
        check();
        if (state_ == state::value) return true;
        if (state_ == state::task) return task_.is_completed();
        return source_->get_status(version_) != value_task_source_status::pending;
    }
    [[nodiscard]] bool is_completed_successfully() const {
        check();
        if (state_ == state::value) return true;
        if (state_ == state::task) return task_.is_completed_successfully();
        return source_->get_status(version_) == value_task_source_status::succeeded;
    }

    /// A task with the same outcome; consumes this. A task-backed one gives that very task (1.3/5).
    [[nodiscard]] weft::task<T> as_task() &&;
    /// Makes a source-backed one keepable by backing it with a task; leaves the others as they are.
    [[nodiscard]] value_task preserve() && {
        if (state_ == state::source) return value_task(std::move(*this).as_task());
        return std::move(*this);
    }
    /// Blocks until done and takes the result. @throws the original exception
    T get() && { return std::move(*this).as_task().get(); }

    /// Does not come back to the captured context when false: `co_await std::move(value).configure_await(false)`.
    value_task&& configure_await(bool continue_on_captured_context) && noexcept {
        capture_ = continue_on_captured_context;
        return std::move(*this);
    }

    // ---- awaiting: once, as an rvalue

    using weft_native = void;
    using weft_single_use = void;

    // The value that is there is the common case: it alone is inlined into the awaiting coroutine.
    [[nodiscard]] bool await_ready() const {
        if (state_ == state::value) [[likely]]
            return true;
        return is_completed_otherwise();
    }
    bool await_suspend(std::coroutine_handle<> self) {
        detail::task_core& awaiter = detail::core_of(self);
        if (state_ == state::task) return detail::suspend_on(awaiter, *task_.core_or_null(), capture_);
        // The continuation may run, and this object die, before on_completed() returns.
        value_task_source<T>* source = source_;
        const std::uint16_t version = version_;
        const detail::suspension before = awaiter.begin_suspend(capture_);
        try {
            source->on_completed(awaiter, version);
        } catch (...) {
            awaiter.undo_suspend(before);
            throw;
        }
        return true;
    }
    T await_resume() {
        if (state_ != state::value) [[unlikely]]
            return take_otherwise();
        if constexpr (std::is_void_v<T>) {
            state_ = state::consumed;
        } else {
            T value = std::move(value_);
            value_.~slot();
            state_ = state::consumed;
            return value;
        }
    }

    /// @internal adopts a coroutine's core
    value_task(detail::task_core* core, detail::adopt_core) noexcept
        : state_(state::task), task_(core, detail::adopt_core{}) {}

private:
    void check() const {
        if (state_ == state::consumed)
            throw invalid_operation("the value_task was consumed already: it may be awaited once, and not kept");
    }
    // The two below are out of line to keep await_ready() and await_resume() small enough to be inlined.
    WEFT_NOINLINE bool is_completed_otherwise() const { return is_completed(); }
    WEFT_NOINLINE T take_otherwise() {
        check();
        if (state_ == state::task) {
            weft::task<T> handle = std::move(task_);
            clear();
            return detail::take_result<T, true>(*handle.core_or_null());
        }
        state_ = state::consumed;
        return source_->get_result(version_);
    }
    void clear() noexcept {
        if (state_ == state::task) task_.~task();
        else if (state_ == state::value) value_.~slot();
        state_ = state::consumed;
    }
    void take(value_task& other) noexcept(std::is_nothrow_move_constructible_v<slot>) {
        if (other.state_ == state::task)
            ::new (static_cast<void*>(std::addressof(task_))) weft::task<T>(std::move(other.task_));
        else if (other.state_ == state::value)
            ::new (static_cast<void*>(std::addressof(value_))) slot(std::move(other.value_));
        else source_ = other.source_;
        version_ = other.version_;
        state_ = other.state_;
        other.clear();
    }

    state state_;
    bool capture_ = true;
    std::uint16_t version_ = 0;
    union {
        slot value_;
        weft::task<T> task_;
        value_task_source<T>* source_;
    };
};

// ---- implementation

namespace detail {

template <class T>
task<T> await_value_task(value_task<T> value) {
    co_return co_await std::move(value).configure_await(false);
}

}  // namespace detail

template <class T>
task<T> value_task<T>::as_task() && {
    check();
    if (state_ != state::task) return detail::await_value_task<T>(std::move(*this));
    weft::task<T> handle = std::move(task_);
    clear();
    return handle;
}

}  // namespace weft::inline WEFT_ABI

template <class T, class... Parameters>
struct std::coroutine_traits<weft::value_task<T>, Parameters...> : weft::detail::coroutine_parameters<Parameters...> {
    using promise_type = typename weft::value_task<T>::promise_type;
};
