#pragma once
// <weft/task/wait_all.hpp>: blocking until all, or one, of several tasks have ended. In a coroutine use when_all() and when_any().
// Follows Task.WaitAll and WaitAny (semantics 1.8/10).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <concepts>
#include <cstddef>
#include <ranges>
#include <span>
#include <vector>

#include "weft/task/detail/timed_wait.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// @throws aggregate_exception; operation_canceled  when the token fired first
bool wait_for_all(std::span<task_core* const> tasks, std::chrono::nanoseconds limit, const cancellation_token& token);
/// @returns the index of one that has ended, or -1
std::ptrdiff_t wait_for_any(
    std::span<task_core* const> tasks, std::chrono::nanoseconds limit, const cancellation_token& token);

template <class Range>
concept range_of_tasks =
    std::ranges::input_range<Range> && task_type<std::remove_cvref_t<std::ranges::range_reference_t<Range>>> &&
    std::is_lvalue_reference_v<std::ranges::range_reference_t<Range>>;

template <class Range>
std::vector<task_core*> cores_of_range(Range& tasks) {
    std::vector<task_core*> cores;
    for (auto& each : tasks) cores.push_back(each.core_or_null());
    return cores;
}

}  // namespace detail

/// Blocks until every task of `tasks` has ended, for at most `limit` (-1 ms: without limit). @returns whether they have
///
/// @throws aggregate_exception    with every error of every task, cancellations included, once all have ended
/// @throws operation_canceled     when `token` fires first; the tasks go on
/// @throws std::invalid_argument  for an empty handle or a limit out of range
template <detail::range_of_tasks Range>
bool wait_all(
    const Range& tasks, std::chrono::nanoseconds limit = detail::infinite_delay, const cancellation_token& token = {}) {
    return detail::wait_for_all(detail::cores_of_range(tasks), limit, token);
}
template <class... Ts>
void wait_all(const task<Ts>&... tasks) {
    const std::vector<detail::task_core*> cores{tasks.core_or_null()...};
    static_cast<void>(detail::wait_for_all(cores, detail::infinite_delay, {}));
}

/// Blocks until one of `tasks` has ended, however it did. @returns its index, -1 when `limit` (-1 ms: none) is over before.
/// Several ended: the first of them. Nothing stays registered with the others.
///
/// @throws operation_canceled     when `token` fires first
/// @throws std::invalid_argument  for no task, an empty handle or a limit out of range
template <detail::range_of_tasks Range>
[[nodiscard]] std::ptrdiff_t wait_any(
    const Range& tasks, std::chrono::nanoseconds limit = detail::infinite_delay, const cancellation_token& token = {}) {
    return detail::wait_for_any(detail::cores_of_range(tasks), limit, token);
}
template <class... Ts>
[[nodiscard]] std::ptrdiff_t wait_any(const task<Ts>&... tasks) {
    const std::vector<detail::task_core*> cores{tasks.core_or_null()...};
    return detail::wait_for_any(cores, detail::infinite_delay, {});
}

}  // namespace weft::inline WEFT_ABI
