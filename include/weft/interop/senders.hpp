#pragma once
// <weft/interop/senders.hpp>: senders of the C++26 shape awaited, and tasks as senders.
// Follows std::execution of C++26 ([exec.snd], [exec.recv], [exec.opstate]) as far as connect, start and the three completions.
// SPDX-License-Identifier: MIT

#include <concepts>
#include <exception>
#include <optional>
#include <stop_token>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/interop/stop_token.hpp"
#include "weft/task/operation.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_awaiter.hpp"
#include "weft/task/wait_async.hpp"

namespace weft::inline WEFT_ABI::senders {

/// The tags and completion signatures of the standard, under its names: no library that we build with has them yet. A sender
/// names `sender_concept` and `completion_signatures`, and has `connect(receiver)`; an operation state has `start()`.
struct sender_t {};
struct receiver_t {};
struct operation_state_t {};
struct set_value_t {};
struct set_error_t {};
struct set_stopped_t {};

/// `completion_signatures<set_value_t(int), set_error_t(std::exception_ptr), set_stopped_t()>`.
template <class... Signatures>
struct completion_signatures {};

template <class R>
concept receiver =
    std::move_constructible<std::remove_cvref_t<R>> && requires { typename std::remove_cvref_t<R>::receiver_concept; };
template <class S>
concept sender = std::move_constructible<std::remove_cvref_t<S>> && requires {
    typename std::remove_cvref_t<S>::sender_concept;
    typename std::remove_cvref_t<S>::completion_signatures;
};
template <class S, class R>
concept sender_to = sender<S> && receiver<R> && requires(S&& source, R&& target) {
    { std::forward<S>(source).connect(std::forward<R>(target)).start() };
};

/// The query that a receiver's environment may answer: `receiver.get_env().query(get_stop_token)` is a std::stop_token.
struct get_stop_token_t {};
inline constexpr get_stop_token_t get_stop_token;

namespace detail {

/// A receiver without an environment, or whose environment knows of no stop token, never asks to stop.
template <class R>
[[nodiscard]] std::stop_token stop_token_of(const R& target) {
    if constexpr (requires { std::stop_token(target.get_env().query(get_stop_token)); })
        return target.get_env().query(get_stop_token);
    else return {};
}

template <class... Values>
struct value_list {
    using type = std::tuple<Values...>;
};
template <>
struct value_list<> {
    using type = void;
};
template <class Value>
struct value_list<Value> {
    using type = std::decay_t<Value>;
};

template <class Signature>
struct value_of {
    using lists = std::tuple<>;
};
template <class... Values>
struct value_of<set_value_t (*)(Values...)> {
    using lists = std::tuple<value_list<Values...>>;
};

template <class Lists>
struct single_value {
    static_assert(std::tuple_size_v<Lists> == 1,
        "a sender that is awaited completes with exactly one set_value signature: adapt it to one first");
};
template <class List>
struct single_value<std::tuple<List>> {
    using type = typename List::type;
};
template <class Signatures>
struct value_of_all;
template <class... Signatures>
struct value_of_all<completion_signatures<Signatures...>> {
    using type = typename single_value<decltype(std::tuple_cat(
        std::declval<typename value_of<std::add_pointer_t<Signatures>>::lists>()...))>::type;
};

template <class Error>
std::exception_ptr to_exception(Error&& error) {
    using plain = std::remove_cvref_t<Error>;
    if constexpr (std::is_same_v<plain, std::exception_ptr>) return std::forward<Error>(error);
    else if constexpr (std::is_same_v<plain, std::error_code>) return std::make_exception_ptr(std::system_error(error));
    else return std::make_exception_ptr(std::forward<Error>(error));
}

}  // namespace detail

/// What awaiting a sender gives: void, its value, or a tuple of its values.
template <sender S>
using value_t = typename detail::value_of_all<typename std::remove_cvref_t<S>::completion_signatures>::type;

/// `from_sender(s)`.
template <class S>
class sender_operation : public operation<sender_operation<S>, value_t<S>> {
    using value = value_t<S>;
    using stored = std::conditional_t<std::is_void_v<value>, char, value>;

public:
    struct parameters {
        S source;
        cancellation_token token;
    };
    explicit sender_operation(parameters made_of) : source_(std::move(made_of.source)), token_(std::move(made_of.token)) {}
    [[nodiscard]] parameters take_parameters() { return parameters{std::move(source_), std::move(token_)}; }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool start(weft::detail::task_core& awaiter) {
        awaiter_ = &awaiter;
        if (token_.can_be_canceled()) stop_.emplace(token_);
        state_.emplace(connector{*this});
        state_->value.start();  // may complete inside: nothing of this is touched after it
        return true;
    }
    value await_resume() {
        state_.reset();
        stop_.reset();
        if (error_ != nullptr) std::rethrow_exception(error_);
        if (!result_.has_value()) throw task_canceled(token_.is_cancellation_requested() ? token_ : cancellation_token());
        if constexpr (!std::is_void_v<value>) return std::move(*result_);
    }

private:
    class completion {
    public:
        using receiver_concept = receiver_t;

        explicit completion(sender_operation& owner) noexcept : owner_(&owner) {}
        template <class... Values>
        void set_value(Values&&... values) noexcept {
            try {
                owner_->result_.emplace(std::forward<Values>(values)...);
            } catch (...) {
                owner_->error_ = std::current_exception();
            }
            owner_->finish();
        }
        template <class Error>
        void set_error(Error&& error) noexcept {
            owner_->error_ = detail::to_exception(std::forward<Error>(error));
            owner_->finish();
        }
        void set_stopped() noexcept { owner_->finish(); }

        struct environment {
            [[nodiscard]] std::stop_token query(get_stop_token_t) const noexcept { return stop; }
            std::stop_token stop;
        };
        [[nodiscard]] environment get_env() const noexcept {
            return {owner_->stop_.has_value() ? owner_->stop_->token() : std::stop_token()};
        }

    private:
        sender_operation* owner_;
    };
    using state = decltype(std::declval<S>().connect(std::declval<completion>()));

    // An operation state does not move: connect() makes it where it stays.
    struct connector {
        sender_operation& owner;
    };
    struct holder {
        explicit holder(connector from) : value(std::move(from.owner.source_).connect(completion(from.owner))) {}
        state value;
    };

    void finish() noexcept { weft::detail::resume_awaiter(*awaiter_); }

    S source_;
    cancellation_token token_;
    std::optional<linked_stop> stop_;  ///< what the receiver's environment answers with
    std::optional<holder> state_;
    std::optional<stored> result_;
    std::exception_ptr error_;
    weft::detail::task_core* awaiter_ = nullptr;
};

/// `co_await from_sender(s, token)`: starts the sender and gives its value.
///
/// Continuation  on the captured context, else on the pool; never inside the sender's set_value().
/// Cancellation  a signalled `token` asks the sender to stop, by the stop token of its receiver's environment; the sender decides.
/// Throws        what set_error() was given (an error_code as std::system_error); task_canceled after set_stopped().
/// Allocation    none of ours: the operation state lives in the awaiting frame.
template <sender S>
[[nodiscard]] sender_operation<std::remove_cvref_t<S>> from_sender(S&& source, cancellation_token token = {}) {
    using made = sender_operation<std::remove_cvref_t<S>>;
    return made(typename made::parameters{std::forward<S>(source), std::move(token)});
}

/// A task as a sender. Connecting and starting it several times is fine: the task has begun already and has one result.
///
/// Continuation  the receiver completes where the task does, or on the pool where that thread has a context.
/// Cancellation  set_stopped() when the task ends as canceled, or as soon as the receiver's stop token asks: the task, which others
///               may await, goes on, so give it a cancellation_token too when you start it.
template <class T>
class task_sender {
public:
    using sender_concept = sender_t;
    using completion_signatures = senders::completion_signatures<
        std::conditional_t<std::is_void_v<T>, set_value_t(), set_value_t(std::conditional_t<std::is_void_v<T>, char, T>)>,
        set_error_t(std::exception_ptr), set_stopped_t()>;

    explicit task_sender(task<T> operation) noexcept : operation_(std::move(operation)) {}

    template <receiver R>
    class operation_state {
    public:
        using operation_state_concept = operation_state_t;

        operation_state(task<T> operation, R target) : operation_(std::move(operation)), target_(std::move(target)) {}
        operation_state(operation_state&&) = delete;
        void start() noexcept { deliver(std::move(operation_), target_).forget(); }

    private:
        // The receiver lives until it is completed, which may destroy the operation state.
        static task<> deliver(task<T> operation, R& target) {
            if (!operation.is_completed()) {
                auto end = weft::detail::wait_end::task;
                {
                    // The link goes before the receiver, whose token it follows, is completed.
                    const linked_cancellation stop(detail::stop_token_of(target));
                    if (stop.token().can_be_canceled()) {
                        task<weft::detail::wait_end> first = weft::detail::wait_for_end(
                            *operation.core_or_null(), weft::detail::infinite_delay, stop.token());
                        end = co_await first.configure_await(false);
                    } else {
                        co_await weft::detail::completion_of<T>(operation, false, false);
                    }
                }
                if (end == weft::detail::wait_end::token) {
                    std::move(target).set_stopped();
                    co_return;
                }
            }
            outcome<T> end = weft::detail::take_outcome<T, true>(*operation.core_or_null());
            if (end.is_canceled()) std::move(target).set_stopped();
            else if (!end.has_value()) std::move(target).set_error(end.error());
            else if constexpr (std::is_void_v<T>) std::move(target).set_value();
            else std::move(target).set_value(std::move(end).value());
        }

        task<T> operation_;
        R target_;
    };

    template <receiver R>
    [[nodiscard]] operation_state<std::remove_cvref_t<R>> connect(R&& target) const {
        return operation_state<std::remove_cvref_t<R>>(operation_, std::forward<R>(target));
    }

private:
    task<T> operation_;
};

}  // namespace weft::inline WEFT_ABI::senders

namespace weft::inline WEFT_ABI {

using senders::from_sender;

/// See senders::task_sender. @throws invalid_operation  for an empty handle
template <class T>
[[nodiscard]] senders::task_sender<T> as_sender(task<T> operation) {
    if (!operation.valid()) detail::throw_empty_handle();
    return senders::task_sender<T>(std::move(operation));
}

}  // namespace weft::inline WEFT_ABI
