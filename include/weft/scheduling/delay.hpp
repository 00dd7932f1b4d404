#pragma once
// <weft/scheduling/delay.hpp>: waiting for time to pass without a thread.
// Follows Task.Delay (semantics 1.9/12, 1.9/13).
// SPDX-License-Identifier: MIT

#include <chrono>

#include "weft/task/detail/timed_wait.hpp"
#include "weft/task/operation.hpp"

namespace weft::inline WEFT_ABI {

/// `delay(d)`.
class delay_operation : public operation<delay_operation, void> {
public:
    using parameters = std::chrono::nanoseconds;
    explicit delay_operation(parameters limit) : wait_(limit) { detail::check_delay(limit, "delay"); }
    [[nodiscard]] parameters take_parameters() const noexcept { return wait_.limit(); }
    [[nodiscard]] bool await_ready() const noexcept { return wait_.limit() == std::chrono::nanoseconds::zero(); }
    bool start(detail::task_core& awaiter) noexcept {
        wait_.start(awaiter);
        return true;
    }
    void await_resume() const noexcept {}

private:
    detail::timer_wait wait_;
};

/// `delay(d, token)`.
class cancelable_delay_operation : public operation<cancelable_delay_operation, void> {
public:
    using parameters = std::pair<std::chrono::nanoseconds, cancellation_token>;
    explicit cancelable_delay_operation(parameters of) : wait_(of.first, std::move(of.second)) {
        detail::check_delay(wait_.limit(), "delay");
    }
    [[nodiscard]] parameters take_parameters() const { return {wait_.limit(), wait_.token()}; }
    [[nodiscard]] bool await_ready() const noexcept {
        return wait_.limit() == std::chrono::nanoseconds::zero() || wait_.token().is_cancellation_requested();
    }
    bool start(detail::task_core& awaiter) noexcept { return wait_.start(awaiter); }
    void await_resume() {
        // A token cancelled beforehand wins even over a delay of zero, which never starts.
        const bool before = !wait_.has_started() && wait_.token().is_cancellation_requested();
        if (wait_.finish() || before) throw task_canceled(wait_.token());
    }

private:
    detail::cancelable_wait wait_;
};

/// Completes after `limit`, never earlier; 0 at once, -1 ms never.
///
/// Continuation  posted to the captured context, else to the pool.
/// Cancellation  the awaiter gets task_canceled carrying `token`; a token cancelled beforehand wins even over a limit of 0.
/// Allocation    none: the timer lives in the awaiting frame.
/// @throws std::invalid_argument  for other negative limits, and beyond 2^32 - 2 ms
[[nodiscard]] inline delay_operation delay(std::chrono::nanoseconds limit) { return delay_operation(limit); }
[[nodiscard]] inline cancelable_delay_operation delay(std::chrono::nanoseconds limit, cancellation_token token) {
    return cancelable_delay_operation(cancelable_delay_operation::parameters(limit, std::move(token)));
}

}  // namespace weft::inline WEFT_ABI
