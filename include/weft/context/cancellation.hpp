#pragma once
// <weft/context/cancellation.hpp>: asking operations to stop: source, token and registration.
// Follows System.Threading.CancellationTokenSource and CancellationToken (semantics 1.13).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <concepts>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/detail/cancellation_state.hpp"

namespace weft::inline WEFT_ABI {

template <class T>
class task;  // cancel_async() and dispose_async() return one; the room above defines both

class cancellation_source;
class cancellation_registration;

/// How an operation learns that it should stop. Pass it by value, as the last parameter.
///
/// A value of one pointer. A default one never cancels and costs nothing; tokens of one source are equal.
///
/// Threads   every member may be called from any thread at any time.
/// Lifetime  keeps the source's state alive, not the source: with every source gone it just never cancels.
class cancellation_token {
public:
    /// A token that is never cancelled.
    cancellation_token() noexcept = default;
    /// A token that is cancelled from the start, or never. @param canceled  which of the two
    explicit cancellation_token(bool canceled) noexcept
        : state_(canceled ? detail::retain_state(&detail::canceled_state()) : nullptr) {}

    cancellation_token(const cancellation_token& other) noexcept : state_(detail::retain_state(other.state_)) {}
    cancellation_token(cancellation_token&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    cancellation_token& operator=(cancellation_token other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~cancellation_token() {
        if (state_ != nullptr) detail::release_state(state_);
    }

    /// Whether cancellation has been asked for. One load; true already while the callbacks run.
    [[nodiscard]] bool is_cancellation_requested() const noexcept { return state_ != nullptr && state_->is_canceled(); }
    /// Whether it ever can be: false for a default token.
    [[nodiscard]] bool can_be_canceled() const noexcept { return state_ != nullptr; }
    /// @throws operation_canceled  carrying this token, when cancellation has been asked for
    void throw_if_cancellation_requested() const {
        if (is_cancellation_requested()) [[unlikely]]
            throw_canceled();
    }

    /// Calls `callback` when the source is cancelled: on the cancelling thread, newest registration first, under the
    /// async-local values of this call. Already cancelled: calls it now, and what it throws leaves here.
    ///
    /// @param use_captured_context  run it by send() of the synchronization_context that is current now (1.13/17)
    /// Allocation  one block, none for a token that cannot be cancelled
    [[nodiscard]] cancellation_registration register_callback(
        unique_function<void()> callback, bool use_captured_context = false) const;
    /// As register_callback(), without taking the async-local values along.
    [[nodiscard]] cancellation_registration unsafe_register(unique_function<void()> callback) const;

    /// Whether both belong to one source; default tokens are equal to each other.
    friend bool operator==(const cancellation_token& left, const cancellation_token& right) noexcept {
        return left.state_ == right.state_;
    }

    /// For awaiters, see detail/cancellation_state.hpp; null when it cannot be cancelled.
    [[nodiscard]] detail::cancellation_state* state() const noexcept { return state_; }

private:
    friend class cancellation_source;
    explicit cancellation_token(detail::cancellation_state* retained) noexcept : state_(retained) {}
    [[noreturn]] void throw_canceled() const;

    detail::cancellation_state* state_ = nullptr;
};
static_assert(sizeof(cancellation_token) == sizeof(void*));

/// An operation stopped because it was asked to. It ends an async function's task as canceled, not faulted.
/// Follows System.OperationCanceledException.
class operation_canceled : public std::exception {
public:
    explicit operation_canceled(cancellation_token token = {}) noexcept : token_(std::move(token)) {}
    explicit operation_canceled(std::string message, cancellation_token token = {})
        : message_(std::make_shared<const std::string>(std::move(message))), token_(std::move(token)) {}

    [[nodiscard]] const char* what() const noexcept override {
        return message_ != nullptr ? message_->c_str() : "the operation was canceled";
    }
    /// The token that asked; a default one when unknown.
    [[nodiscard]] const cancellation_token& token() const noexcept { return token_; }

protected:
    [[nodiscard]] bool has_message() const noexcept { return message_ != nullptr; }

private:
    std::shared_ptr<const std::string> message_;  // shared, so that copying the exception never throws
    cancellation_token token_;
};

/// What awaiting a canceled task throws when no other exception said why. Follows TaskCanceledException.
class task_canceled : public operation_canceled {
public:
    explicit task_canceled(cancellation_token token = {}) noexcept : operation_canceled(std::move(token)) {}
    explicit task_canceled(std::string message, cancellation_token token = {})
        : operation_canceled(std::move(message), std::move(token)) {}

    [[nodiscard]] const char* what() const noexcept override {
        return has_message() ? operation_canceled::what() : "a task was canceled";
    }
};

/// A registered callback. Destroying it unregisters, and waits for a callback that is just running on another thread.
///
/// A resource: move-only. An empty one stands for a callback that already ran or never can.
///
/// Lifetime  as long as the callback should be able to run: keep it in a named variable.
class [[nodiscard(
    "the callback is unregistered when the registration goes: keep it in a variable")]] cancellation_registration {
public:
    cancellation_registration() noexcept = default;
    cancellation_registration(cancellation_registration&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
    cancellation_registration& operator=(cancellation_registration&& other) noexcept {
        if (this != &other) {
            dispose();
            node_ = std::exchange(other.node_, nullptr);
        }
        return *this;
    }
    ~cancellation_registration() { dispose(); }

    /// Takes the callback away without waiting. @returns true when it had not begun and now never will; exactly one of
    /// "returned true" and "the callback ran" holds.
    bool unregister() noexcept;
    /// As unregister(), and after it the callback is not running on another thread. Inside the callback it does not wait.
    void dispose() noexcept;
    /// As dispose(), waiting without blocking a thread. The registration is empty at once.
    [[nodiscard]] task<void> dispose_async();
    /// Whether the callback is running on another thread right now, so that dispose() would wait.
    [[nodiscard]] bool is_running_elsewhere() const noexcept;

    /// The token it was registered on; a default one for an empty registration.
    [[nodiscard]] cancellation_token token() const noexcept;

private:
    friend class cancellation_token;
    explicit cancellation_registration(detail::callback_node* node) noexcept : node_(node) {}

    detail::callback_node* node_ = nullptr;
};

/// Asks operations to stop, through the tokens it gives out.
///
/// A handle: copies are the same source. Dropping the last one neither cancels nor disposes; a timer that was set still fires
/// as long as a token lives.
///
/// Threads      every member may be called from any thread, except that try_reset() must not race with the use of the token.
/// Continuation nothing that awaits continues inside cancel(); only registered callbacks run there.
class cancellation_source {
public:
    /// Longest time a timer may be set to; longer is a mistake in the caller's arithmetic.
    static constexpr std::chrono::milliseconds longest_delay{0xfffffffe};
    /// As a time limit: none.
    static constexpr std::chrono::milliseconds infinite{-1};

    cancellation_source();
    /// Cancels itself after `timeout`: zero is cancelled from the start, `infinite` never.
    /// @param provider  whose time; null for that of the calling thread's runtime. It must outlive the timer.
    /// @throws std::invalid_argument  if `timeout` is negative or over longest_delay
    explicit cancellation_source(std::chrono::nanoseconds timeout, time_provider* provider = nullptr);

    cancellation_source(const cancellation_source& other) noexcept : state_(detail::retain_state(other.state_)) {}
    cancellation_source(cancellation_source&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    cancellation_source& operator=(cancellation_source other) noexcept {
        std::swap(state_, other.state_);
        return *this;
    }
    ~cancellation_source() {
        if (state_ != nullptr) detail::release_state(state_);
    }

    /// A source that is cancelled as soon as one of `parents` is, or already is. Cancelling it does not touch them.
    [[nodiscard]] static cancellation_source linked(std::span<const cancellation_token> parents);
    template <class... Tokens>
        requires(std::same_as<std::remove_cvref_t<Tokens>, cancellation_token> && ...)
    [[nodiscard]] static cancellation_source linked(const Tokens&... parents) {
        const cancellation_token tokens[] = {parents..., cancellation_token()};
        return linked(std::span<const cancellation_token>(tokens, sizeof...(parents)));
    }

    /// @throws object_disposed  after dispose()
    [[nodiscard]] cancellation_token token() const;
    [[nodiscard]] bool is_cancellation_requested() const noexcept { return state_ != nullptr && state_->is_canceled(); }

    /// Marks the source cancelled and runs every registered callback, newest first, on this thread. A second call does
    /// nothing and does not wait for the first.
    ///
    /// @param throw_on_first  let the first exception out at once and skip the remaining callbacks
    /// @throws aggregate_exception  with what the callbacks threw, in order, after all have run
    /// @throws object_disposed      after dispose()
    void cancel(bool throw_on_first = false);
    /// As cancel(): marks the source now, runs the callbacks on the pool; the task ends after the last one.
    [[nodiscard]] task<void> cancel_async();

    /// Cancels after `delay`, instead of any earlier time set; `infinite` stops the timer. Nothing on a cancelled source.
    /// What callbacks throw when the timer fires ends the process, as in .NET: nobody is there to catch it.
    /// @throws std::invalid_argument, object_disposed
    void cancel_after(std::chrono::nanoseconds delay);

    /// Makes an uncancelled source as new: no registrations, no timer. @returns false when cancellation was requested or
    /// the timer may have fired; then get another source. @throws object_disposed
    bool try_reset();

    /// Stops the timer and leaves the parents of a linked source. Does not cancel; existing tokens stay usable, and
    /// registering on them gives an empty registration. May be called again.
    void dispose();

    /// Whether both are the same source.
    friend bool operator==(const cancellation_source& left, const cancellation_source& right) noexcept {
        return left.state_ == right.state_;
    }

private:
    explicit cancellation_source(detail::cancellation_state* retained) noexcept : state_(retained) {}
    [[nodiscard]] detail::cancellation_state& live_state() const;

    detail::cancellation_state* state_;
};

// ---- implementation for awaiters: no allocation, no exception

namespace detail {

/// Adds `node`, whose `fire` is set, to what `token` will call when cancelled. The caller keeps `token` until the node is
/// removed or has fired. @returns false when the token is already cancelled; the node is then not registered.
[[nodiscard]] inline bool add_registration(const cancellation_token& token, cancellation_node& node) noexcept {
    return token.state() == nullptr || token.state()->add(node);
}

/// @returns true when `node` was registered and now never fires; false when it fired, is firing, or was not registered.
/// Does not wait: the node must stay where it is while it may be firing.
inline bool remove_registration(cancellation_node& node) noexcept {
    return node.owner != nullptr && node.owner->remove(node);
}

/// As remove_registration(), and on return the callback is not running, so the node may go. From inside the callback
/// itself it returns at once.
inline bool remove_and_wait(cancellation_node& node) noexcept {
    return node.owner != nullptr && node.owner->remove_and_wait(node);
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
