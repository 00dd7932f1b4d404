#pragma once
// <weft/coordination/async_lazy.hpp>: a value that is made by a task when it is first needed, once.
// Follows System.Lazy<Task<T>> with LazyThreadSafetyMode.ExecutionAndPublication.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/detail/wait_operation.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// What an await of a lazy T gives.
template <class T>
using lazy_result = std::conditional_t<std::is_void_v<T>, void, std::add_lvalue_reference_t<const T>>;

/// Shared by the async_lazy and the factory that runs.
template <class T>
class lazy_state : public wait_queue, public std::enable_shared_from_this<lazy_state<T>> {
public:
    explicit lazy_state(unique_function<task<T>()> factory) noexcept : wait_queue(0), factory_(std::move(factory)) {}

    [[nodiscard]] bool is_started() const noexcept { return started_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool is_done() const noexcept { return (load() & done) != 0; }
    [[nodiscard]] bool has_failed() const noexcept { return is_done() && error_ != nullptr; }

    void start() {
        if (is_started() || started_.exchange(true, std::memory_order_relaxed)) return;
        make(this->shared_from_this()).forget();
    }
    [[nodiscard]] take_answer take(word now) const noexcept {
        return (now & done) != 0 ? take_answer::granted : take_answer::must_wait;
    }
    /// Precondition: done.
    [[nodiscard]] lazy_result<T> get() const {
        if (error_ != nullptr) std::rethrow_exception(error_);
        if constexpr (!std::is_void_v<T>) return *value_;
    }

private:
    static constexpr word done = unit;

    static task<> make(std::shared_ptr<lazy_state> self) {
        try {
            task<T> running = self->factory_();
            if constexpr (std::is_void_v<T>) {
                co_await std::move(running);
            } else {
                T made = co_await std::move(running);
                self->value_.emplace(std::move(made));
            }
        } catch (...) {
            self->error_ = std::current_exception();
        }
        self->factory_ = nullptr;
        static_cast<void>(self->lock_word());
        claimed_list woken;
        self->grant_all(woken);
        self->unlock_word(done);
        woken.resume_all();
    }

    using stored = std::conditional_t<std::is_void_v<T>, bool, T>;
    std::atomic<bool> started_{false};
    // Written by make() before `done`.
    unique_function<task<T>()> factory_;
    std::optional<stored> value_;
    std::exception_ptr error_;
};

template <class T>
struct lazy_request {
    lazy_state<T>* on;
    explicit lazy_request(lazy_state<T>& state) noexcept : on(&state) {}

    static constexpr const char* name = "async_lazy";
    static constexpr left_function left = nullptr;
    template <bool>
    using result = lazy_result<T>;
    [[nodiscard]] wait_queue& line() const noexcept { return *on; }
    [[nodiscard]] bool try_take() const {
        if (on->is_done()) return true;
        on->start();
        return on->is_done();
    }
    [[nodiscard]] take_answer take(wait_queue::word& now, waiter&) const noexcept { return on->take(now); }
    void give_back() const noexcept {}
    template <bool>
    [[nodiscard]] lazy_result<T> deliver(bool) const {
        return on->get();
    }
};
}  // namespace detail

/// Calls its factory when the value is first asked for, once, and gives every caller the same value, or the same failure.
///
/// Use it for what is dear to make and perhaps never needed: a connection, a parsed file. The factory must not ask for the
/// value it makes: that would wait for itself.
///
/// Continuation  the factory runs in the first caller, up to its first suspension, and goes on where that caller's context is.
///               A task that had to wait goes on where its await captured, posted.
/// Threads       every member from any thread at any time.
/// Allocation    one block when it is made; a wait allocates nothing.
/// Lifetime      must outlive the waits on it and the use of the value; its destruction ends waits that are in line with
///               object_disposed,
///               and leaves a factory that runs alone.
template <class T>
class async_lazy {
public:
    using value_operation = detail::untimed_wait<detail::lazy_request<T>>;

    /// @param factory  gives a task (or another awaitable of ours) of a T; kept until that is over, so it may be a lambda
    /// coroutine with
    ///                 captures
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, async_lazy> && std::invocable<std::decay_t<F>&>)
    explicit async_lazy(F&& factory)
        : state_(std::make_shared<detail::lazy_state<T>>(
              [make = std::forward<F>(factory)]() mutable -> task<T> { return detail::to_task(make()); })) {}
    async_lazy(const async_lazy&) = delete;
    async_lazy& operator=(const async_lazy&) = delete;
    ~async_lazy() { state_->dispose_line(); }

    /// The value, made now if nobody has asked before: `const config& c = co_await lazy.value();`
    /// @returns a reference to the value, which lives as long as this object
    /// @throws what the factory threw, every time
    /// Cancellation  before (even when the value is there) or while waiting: task_canceled carrying `token`. Only this wait
    ///               ends: the factory goes on, for the others and for later.
    [[nodiscard]] value_operation value(cancellation_token token = {}) noexcept {
        return value_operation(detail::lazy_request<T>(*state_), std::move(token));
    }
    /// Calls the factory if nobody has asked before, and does not wait.
    void start() { state_->start(); }

    /// Whether the factory has been called.
    [[nodiscard]] bool is_started() const noexcept { return state_->is_started(); }
    /// Whether the value is there: value() will not wait, and will not throw.
    [[nodiscard]] bool is_value_created() const noexcept { return state_->is_done() && !state_->has_failed(); }

private:
    std::shared_ptr<detail::lazy_state<T>> state_;
};

}  // namespace weft::inline WEFT_ABI
