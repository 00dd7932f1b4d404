#pragma once
// <weft/task/when_each.hpp>: tasks in the order in which they end.
// Follows Task.WhenEach (semantics 1.9/11).
// SPDX-License-Identifier: MIT

#include <ranges>
#include <utility>
#include <vector>

#include "weft/task/async_stream.hpp"
#include "weft/task/detail/completion_order.hpp"
#include "weft/task/when_any.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

template <class T>
async_stream<task<T>> each_of(std::vector<task<T>> tasks) {
    std::vector<task_core*> cores;
    for (const task<T>& each : tasks) cores.push_back(each.core_or_null());
    completion_order order(std::move(cores));
    for (std::size_t left = tasks.size(); left > 0; --left) {
        const std::size_t index = co_await order.next();
        co_yield std::move(tasks[index]);
    }
}

}  // namespace detail

/// Yields each task once it has ended in any way: those that have ended already in the order of the range, then the others as they
/// end. It never throws their failures. A task that stands in the range twice is yielded twice.
/// @throws std::invalid_argument  for an empty handle
template <std::ranges::input_range Range>
[[nodiscard]] auto when_each(Range&& range) {
    using result = detail::to_task_result<std::ranges::range_value_t<Range>>;
    std::vector<task<result>> tasks;
    for (auto&& each : range) tasks.push_back(detail::to_task(std::forward<decltype(each)>(each)));
    for (const auto& each : tasks) detail::require_handle(each.core_or_null(), "when_each");
    return detail::each_of<result>(std::move(tasks));
}
/// The same for tasks of one type.
template <class T, class... Rest>
    requires(std::is_same_v<Rest, task<T>> && ...)
[[nodiscard]] async_stream<task<T>> when_each(task<T> first, Rest... rest) {
    std::vector<task<T>> tasks;
    tasks.push_back(std::move(first));
    (tasks.push_back(std::move(rest)), ...);
    return when_each(std::move(tasks));
}

}  // namespace weft::inline WEFT_ABI
