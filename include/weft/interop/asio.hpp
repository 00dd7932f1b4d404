#pragma once
// <weft/interop/asio.hpp>: use_task, a completion token that makes any Boost.Asio operation a task.
// Needs the target weft::asio (Boost 1.81 or later). Where Qt is used too, include this first, or define QT_NO_KEYWORDS: Asio has a
// function named emit, which Qt makes a macro.
// SPDX-License-Identifier: MIT

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

/// `co_await socket.async_read_some(buffer, use_task)`, `…, use_task(token))`.
///
/// The task's result is what the handler would be given, without a leading error_code or exception_ptr: nothing, the value, or
/// a tuple. The operation begins at once, as a task's does.
///
/// Continuation  of the task: as for any task, so back in the awaiting context, or on Weft's pool, not on Asio's thread.
/// Cancellation  the token asks the operation to stop by Asio's cancellation slot, on the operation's executor; a task that
///               ends with operation_aborted then is canceled.
/// Throws        boost::system::system_error, or the exception itself, through the task.
class use_task_t {
public:
    constexpr use_task_t() noexcept = default;

    class with_token {
    public:
        explicit with_token(cancellation_token token) noexcept : token_(std::move(token)) {}
        [[nodiscard]] const cancellation_token& token() const noexcept { return token_; }

    private:
        cancellation_token token_;
    };
    [[nodiscard]] with_token operator()(cancellation_token token) const noexcept { return with_token(std::move(token)); }
};
inline constexpr use_task_t use_task;

namespace detail {

template <class... Values>
struct asio_result {
    using type = std::tuple<std::decay_t<Values>...>;
};
template <>
struct asio_result<> {
    using type = void;
};
template <class Value>
struct asio_result<Value> {
    using type = std::decay_t<Value>;
};
template <class... Args>
struct asio_signature : asio_result<Args...> {};
template <class... Args>
struct asio_signature<boost::system::error_code, Args...> : asio_result<Args...> {};
template <class... Args>
struct asio_signature<std::exception_ptr, Args...> : asio_result<Args...> {};

/// Shared by the handler and the cancellation: the signal must be emitted where the operation runs, and while it runs.
struct asio_cancellation {
    boost::asio::cancellation_signal signal;
    cancellation_token token;
    cancellation_registration registration;
};

template <class T>
class asio_handler {
public:
    using cancellation_slot_type = boost::asio::cancellation_slot;

    asio_handler(task_completion_source<T> source, std::shared_ptr<asio_cancellation> cancellation)
        : source_(std::make_shared<task_completion_source<T>>(std::move(source))), cancellation_(std::move(cancellation)) {}

    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept {
        return cancellation_ == nullptr ? cancellation_slot_type() : cancellation_->signal.slot();
    }

    template <class... Values>
    void operator()(boost::system::error_code error, Values&&... values) {
        if (!error) {
            succeed(std::forward<Values>(values)...);
        } else if (error == boost::asio::error::operation_aborted && is_canceled()) {
            source_->set_canceled(cancellation_->token);
        } else {
            source_->set_exception(boost::system::system_error(error));
        }
    }
    template <class... Values>
    void operator()(std::exception_ptr error, Values&&... values) {
        if (error != nullptr) source_->set_exception(std::move(error));
        else succeed(std::forward<Values>(values)...);
    }
    template <class... Values>
        requires(!std::is_same_v<std::tuple_element_t<0, std::tuple<std::decay_t<Values>..., void>>,
                     boost::system::error_code> &&
            !std::is_same_v<std::tuple_element_t<0, std::tuple<std::decay_t<Values>..., void>>, std::exception_ptr>)
    void operator()(Values&&... values) {
        succeed(std::forward<Values>(values)...);
    }

private:
    [[nodiscard]] bool is_canceled() const noexcept {
        return cancellation_ != nullptr && cancellation_->token.is_cancellation_requested();
    }
    template <class... Values>
    void succeed(Values&&... values) {
        if constexpr (std::is_void_v<T>) source_->set_result();
        else if constexpr (sizeof...(Values) == 1) source_->set_result(std::forward<Values>(values)...);
        else source_->set_result(T(std::forward<Values>(values)...));
    }

    std::shared_ptr<task_completion_source<T>> source_;  // shared, because Asio may copy handlers
    std::shared_ptr<asio_cancellation> cancellation_;
};

template <class T, class Initiation, class... Args>
task<T> start_asio(cancellation_token token, Initiation&& initiation, Args&&... args) {
    if (token.is_cancellation_requested()) return from_canceled<T>(std::move(token));
    // Asynchronously: Asio's thread is not to run what awaits the task.
    task_completion_source<T> source(creation_options::run_continuations_asynchronously);
    task<T> result = source.task();
    std::shared_ptr<asio_cancellation> cancellation;
    if (token.can_be_canceled()) {
        cancellation = std::make_shared<asio_cancellation>();
        cancellation->token = token;
    }
    if constexpr (requires { initiation.get_executor(); }) {
        auto executor = initiation.get_executor();
        std::forward<Initiation>(initiation)(asio_handler<T>(std::move(source), cancellation), std::forward<Args>(args)...);
        if (cancellation != nullptr && !result.is_completed())
            cancellation->registration = token.unsafe_register([executor, weak = std::weak_ptr(cancellation)] {
                boost::asio::post(executor, [weak] {
                    if (const auto live = weak.lock()) live->signal.emit(boost::asio::cancellation_type::terminal);
                });
            });
    } else {
        std::forward<Initiation>(initiation)(asio_handler<T>(std::move(source), cancellation), std::forward<Args>(args)...);
    }
    return result;
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI

template <class R, class... Args>
class boost::asio::async_result<weft::use_task_t, R(Args...)> {
    using value = typename weft::detail::asio_signature<std::decay_t<Args>...>::type;

public:
    using return_type = weft::task<value>;

    template <class Initiation, class... InitiationArgs>
    [[nodiscard]] static return_type initiate(Initiation&& initiation, weft::use_task_t, InitiationArgs&&... args) {
        return weft::detail::start_asio<value>(
            {}, std::forward<Initiation>(initiation), std::forward<InitiationArgs>(args)...);
    }
};

template <class R, class... Args>
class boost::asio::async_result<weft::use_task_t::with_token, R(Args...)> {
    using value = typename weft::detail::asio_signature<std::decay_t<Args>...>::type;

public:
    using return_type = weft::task<value>;

    template <class Initiation, class... InitiationArgs>
    [[nodiscard]] static return_type initiate(
        Initiation&& initiation, weft::use_task_t::with_token options, InitiationArgs&&... args) {
        return weft::detail::start_asio<value>(
            options.token(), std::forward<Initiation>(initiation), std::forward<InitiationArgs>(args)...);
    }
};
