#pragma once
// <weft/http/router.hpp>: from method and path to the handler that answers.
// SPDX-License-Identifier: MIT

#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/http/message.hpp"
#include "weft/task/value_task.hpp"

namespace weft::inline WEFT_ABI::http {

/// Answers requests. Called from many threads at once, so what it captures must allow that.
///
/// Lifetime      the request stays until the returned task has ended.
/// Cancellation  the token is cancelled when the client goes away or the server stops without waiting any longer.
using handler = unique_function<value_task<response>(request&, const cancellation_token&)>;

namespace detail {

template <class Result>
value_task<response> to_response(Result&& result) {
    if constexpr (std::is_constructible_v<value_task<response>, Result&&>)
        return value_task<response>(std::forward<Result>(result));
    else return value_task<response>(response(http::content(std::forward<Result>(result))));
}

template <class F>
concept takes_request_and_token = std::invocable<F&, request&, const cancellation_token&>;
template <class F>
concept takes_request = std::invocable<F&, request&>;
template <class F>
concept takes_nothing = std::invocable<F&>;

}  // namespace detail

/// Makes a handler from a function of (request&, cancellation_token), (request&) or (), that returns a response, a content, a
/// text, or a task of a response. A function that needs no waiting and returns a plain response costs no task.
///
/// A coroutine lambda with captures is fine here: the closure stays as long as the handler.
template <class F>
    requires detail::takes_request_and_token<F> || detail::takes_request<F> || detail::takes_nothing<F>
[[nodiscard]] handler make_handler(F function) {
    if constexpr (std::is_same_v<F, handler>) {
        return function;
    } else {
        return handler([function = std::move(function)](
                           request& asked, const cancellation_token& token) mutable -> value_task<response> {
            if constexpr (detail::takes_request_and_token<F>) return detail::to_response(function(asked, token));
            else if constexpr (detail::takes_request<F>) return detail::to_response(function(asked));
            else return detail::to_response(function());
        });
    }
}

/// Routes requests by patterns such as `/users/{id:int}/posts`. A resource: move-only.
///
/// A pattern is split at '/'. A segment is a literal, compared exactly; `{name}`, which takes any one segment that is not
/// empty; `{name:int}`, which takes a decimal integer of 64 bits; or, last, `{*name}`, which takes the rest of the path. Where
/// several patterns fit, each segment prefers the literal, then the integer, then the parameter, then the rest. One slash at
/// the end of a path is ignored. HEAD is answered by the handler of GET unless it has its own. No pattern: 404; a pattern but
/// another method: 405 with Allow.
///
/// Threads  map everything first; then handle() may be called from any threads at once.
class router {
public:
    router();
    router(router&&) noexcept;
    router& operator=(router&&) noexcept;
    ~router();

    /// @throws std::invalid_argument  for a malformed pattern, or one that is mapped for this method already
    template <class F>
    router& map(method which, std::string_view pattern, F function) {
        add(which, pattern, make_handler(std::move(function)));
        return *this;
    }
    template <class F>
    router& map_get(std::string_view pattern, F function) {
        return map(method::get, pattern, std::move(function));
    }
    template <class F>
    router& map_post(std::string_view pattern, F function) {
        return map(method::post, pattern, std::move(function));
    }
    template <class F>
    router& map_put(std::string_view pattern, F function) {
        return map(method::put, pattern, std::move(function));
    }
    template <class F>
    router& map_delete(std::string_view pattern, F function) {
        return map(method::delete_, pattern, std::move(function));
    }
    template <class F>
    router& map_patch(std::string_view pattern, F function) {
        return map(method::patch, pattern, std::move(function));
    }
    /// Answers what no pattern fits, instead of 404.
    template <class F>
    router& map_fallback(F function) {
        set_fallback(make_handler(std::move(function)));
        return *this;
    }

    /// Finds the handler, fills in the route values of `asked` and calls it. @throws what the handler throws synchronously
    [[nodiscard]] value_task<response> handle(request& asked, const cancellation_token& token);

private:
    struct node;

    void add(method which, std::string_view pattern, handler function);
    void set_fallback(handler function);

    std::unique_ptr<node> root_;
    handler fallback_;
};

}  // namespace weft::inline WEFT_ABI::http
