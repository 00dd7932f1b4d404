#pragma once
// <weft/task/when_any.hpp>: the first of several tasks to complete.
// Follows Task.WhenAny (semantics 1.9/7-10).
// SPDX-License-Identifier: MIT

#include <ranges>
#include <tuple>
#include <vector>

#include "weft/task/detail/first_completed.hpp"
#include "weft/task/operation.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

/// Which task of a range was first, and the task itself.
template <class T>
struct when_any_result {
    std::size_t index;
    weft::task<T> task;
};

/// Which task of a pack was first, and all of them.
template <class... Ts>
struct when_any_pack_result {
    std::size_t index;
    std::tuple<task<Ts>...> tasks;
};

namespace detail {

template <class T>
task<when_any_result<T>> when_any_of(std::vector<task<T>> tasks) {
    std::vector<task_core*> cores;
    cores.reserve(tasks.size());
    for (const task<T>& each : tasks) cores.push_back(each.core_or_null());
    const std::size_t index = co_await first_completed(std::move(cores));
    when_any_result<T> first{index, tasks[index]};
    co_return first;
}

template <class... Ts>
task<when_any_pack_result<Ts...>> when_any_pack(task<Ts>... tasks) {
    std::vector<task_core*> cores;
    (cores.push_back(tasks.core_or_null()), ...);
    const std::size_t index = co_await first_completed(std::move(cores));
    when_any_pack_result<Ts...> first{index, std::tuple<task<Ts>...>(tasks...)};
    co_return first;
}

}  // namespace detail

/// Completes, always successfully, when the first of the tasks has completed in any way; its failure is not observed here.
///
/// Order         of several complete ones the earliest in argument order.
/// Cancellation  the others are not cancelled, and nothing stays registered with them.
/// @throws std::invalid_argument  for an empty range or an empty handle
template <std::ranges::input_range Range>
[[nodiscard]] auto when_any(Range&& range) {
    using result = detail::to_task_result<std::ranges::range_value_t<Range>>;
    std::vector<task<result>> tasks;
    if constexpr (std::ranges::sized_range<Range>) tasks.reserve(std::ranges::size(range));
    for (auto&& each : range) tasks.push_back(detail::to_task(std::forward<decltype(each)>(each)));
    detail::require_any(tasks.size());
    for (const auto& each : tasks) detail::require_handle(each.core_or_null(), "when_any");
    return detail::when_any_of<result>(std::move(tasks));
}

/// The same for a fixed set of tasks or operations, of any types.
template <class... Awaitables>
    requires(sizeof...(Awaitables) > 0 && (requires(Awaitables a) { detail::to_task(std::forward<Awaitables>(a)); } && ...))
[[nodiscard]] auto when_any(Awaitables&&... awaitables) {
    std::tuple<task<detail::to_task_result<Awaitables>>...> started{
        detail::to_task(std::forward<Awaitables>(awaitables))...};
    return std::apply(
        [](auto&... tasks) {
            (detail::require_handle(tasks.core_or_null(), "when_any"), ...);
            return detail::when_any_pack<detail::to_task_result<Awaitables>...>(std::move(tasks)...);
        },
        started);
}

}  // namespace weft::inline WEFT_ABI
