#pragma once
// <weft/task/when_all.hpp>: one task for the completion of many.
// Follows Task.WhenAll (semantics 1.9/1-6).
// SPDX-License-Identifier: MIT

#include <ranges>
#include <tuple>
#include <variant>
#include <vector>

#include "weft/task/detail/all_completed.hpp"
#include "weft/task/operation.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

template <class T>
using member_result = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
member_result<T> member_value(task<T>& handle) {
    if constexpr (std::is_void_v<T>) return std::monostate{};
    else {
        // The combinator's handle may be the only one left: then the value can move.
        return take_result<T, true>(*handle.core_or_null());
    }
}

template <class T>
struct all_results {
    using type = std::vector<T>;
};
template <>
struct all_results<void> {
    using type = void;
};

template <class T>
task<typename all_results<T>::type> when_all_of(std::vector<task<T>> tasks) {
    all_completed everything(tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) everything.set(i, tasks[i].core_or_null());
    co_await all_completed_awaiter(everything);
    co_await collect_failures(everything);
    if constexpr (!std::is_void_v<T>) {
        std::vector<T> results;
        results.reserve(tasks.size());
        for (task<T>& each : tasks) results.push_back(member_value(each));
        co_return results;
    }
}

template <class... Ts>
task<std::tuple<member_result<Ts>...>> when_all_pack(task<Ts>... tasks) {
    all_completed everything(sizeof...(Ts));
    std::size_t i = 0;
    (everything.set(i++, tasks.core_or_null()), ...);
    co_await all_completed_awaiter(everything);
    co_await collect_failures(everything);
    co_return std::tuple<member_result<Ts>...>(member_value(tasks)...);
}

template <class... Ts>
task<> when_all_void(task<Ts>... tasks) {
    all_completed everything(sizeof...(Ts));
    std::size_t i = 0;
    (everything.set(i++, tasks.core_or_null()), ...);
    co_await all_completed_awaiter(everything);
    co_await collect_failures(everything);
}

}  // namespace detail

/// Completes when every task has completed, also after failures.
///
/// Result    a vector in argument order; `task<>` for tasks without a result. The range is iterated once, so a lazy view of
///           calls starts each of them once.
/// Throws    any fault makes it faulted with every error of every failed task (awaiting throws the first); otherwise any
///           cancellation makes it canceled. An empty range completes at once.
/// @throws std::invalid_argument  for an empty handle
template <std::ranges::input_range Range>
[[nodiscard]] auto when_all(Range&& range) {
    using result = detail::to_task_result<std::ranges::range_value_t<Range>>;
    std::vector<task<result>> tasks;
    if constexpr (std::ranges::sized_range<Range>) tasks.reserve(static_cast<std::size_t>(std::ranges::size(range)));
    for (auto&& each : range) tasks.push_back(detail::to_task(std::forward<decltype(each)>(each)));
    for (const auto& each : tasks) detail::require_handle(each.core_or_null(), "when_all");
    return detail::when_all_of<result>(std::move(tasks));
}

/// The same for a fixed set of tasks or operations, of any types. Gives a std::tuple in which a task without a result counts
/// as std::monostate; `task<>` when none has a result.
template <class... Awaitables>
    requires(sizeof...(Awaitables) > 0 && (requires(Awaitables a) { detail::to_task(std::forward<Awaitables>(a)); } && ...))
[[nodiscard]] auto when_all(Awaitables&&... awaitables) {
    // Braces order the conversions from left to right: each operation starts in argument order.
    std::tuple<task<detail::to_task_result<Awaitables>>...> started{
        detail::to_task(std::forward<Awaitables>(awaitables))...};
    return std::apply(
        [](auto&... tasks) {
            (detail::require_handle(tasks.core_or_null(), "when_all"), ...);
            if constexpr ((std::is_void_v<detail::to_task_result<Awaitables>> && ...))
                return detail::when_all_void<detail::to_task_result<Awaitables>...>(std::move(tasks)...);
            else return detail::when_all_pack<detail::to_task_result<Awaitables>...>(std::move(tasks)...);
        },
        started);
}

}  // namespace weft::inline WEFT_ABI
