#pragma once
// <weft/task/awaitable.hpp>: what can stand behind co_await.
// SPDX-License-Identifier: MIT

#include <concepts>
#include <coroutine>
#include <utility>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

template <class T>
concept awaiter_shape = requires(T& awaiter, std::coroutine_handle<> handle) {
    { awaiter.await_ready() } -> std::convertible_to<bool>;
    awaiter.await_suspend(handle);
    awaiter.await_resume();
};
template <class T>
concept member_co_await = requires(T&& value) { std::forward<T>(value).operator co_await(); };
template <class T>
concept free_co_await = requires(T&& value) { operator co_await(std::forward<T>(value)); };

/// A type of ours that knows our promises; it says so by `using weft_native = void`.
template <class T>
concept native_awaitable = requires { typename T::weft_native; };
/// task<T> itself.
template <class T>
concept task_type = requires { typename T::weft_task_result; };

/// The awaiter of a foreign awaitable: its own operator co_await's result, or itself.
template <class T>
decltype(auto) get_awaiter(T&& value) {
    if constexpr (member_co_await<T>) return std::forward<T>(value).operator co_await();
    else if constexpr (free_co_await<T>) return operator co_await(std::forward<T>(value));
    else return std::forward<T>(value);
}

}  // namespace detail

/// Anything that `co_await` accepts in a Weft coroutine.
template <class T>
concept awaitable = detail::native_awaitable<std::remove_cvref_t<T>> || detail::task_type<std::remove_cvref_t<T>> ||
    detail::member_co_await<T> || detail::free_co_await<T> || detail::awaiter_shape<std::remove_reference_t<T>>;

namespace detail {
template <class T>
struct await_result_of {
    using type = decltype(get_awaiter(std::declval<T>()).await_resume());
};
template <class T>
    requires task_type<std::remove_cvref_t<T>>
struct await_result_of<T> {
    using type = typename std::remove_cvref_t<T>::weft_task_result;
};
}  // namespace detail

/// What `co_await` of a T gives.
template <awaitable T>
using await_result_t = typename detail::await_result_of<T>::type;

}  // namespace weft::inline WEFT_ABI
