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
    explicit delay_operation(parameters limit) : limit_(limit), wait_(detail::current_time_provider()) {
        detail::check_delay(limit, "delay");
    }
    [[nodiscard]] parameters take_parameters() const noexcept { return limit_; }
    [[nodiscard]] bool await_ready() const noexcept { return limit_ == std::chrono::nanoseconds::zero(); }
    bool start(detail::task_core& awaiter) noexcept {
        if (limit_ != detail::infinite_delay) wait_.start(awaiter, detail::deadline_after(wait_.provider(), limit_));
        return true;
    }
    void await_resume() const noexcept {}

private:
    std::chrono::nanoseconds limit_;
    detail::timer_wait wait_;
};

/// `delay(d, token)`.
class cancelable_delay_operation : public operation<cancelable_delay_operation, void> {
public:
    using parameters = std::pair<std::chrono::nanoseconds, cancellation_token>;
    explicit cancelable_delay_operation(parameters of)
        : limit_(of.first), wait_(detail::current_time_provider(), std::move(of.second)) {
        detail::check_delay(limit_, "delay");
    }
    [[nodiscard]] parameters take_parameters() const { return {limit_, wait_.token()}; }
    [[nodiscard]] bool await_ready() const noexcept {
        return limit_ == std::chrono::nanoseconds::zero() || wait_.token().is_cancellation_requested();
    }
    bool start(detail::task_core& awaiter) noexcept {
        started_ = true;
        return wait_.start(awaiter,
            limit_ == detail::infinite_delay ? time_point::max() : detail::deadline_after(wait_.provider(), limit_));
    }
    void await_resume() {
        const bool canceled = wait_.finish();
        // Never started: a token cancelled beforehand wins even over a delay of zero.
        const bool before = limit_ == std::chrono::nanoseconds::zero() || !started_;
        if (canceled || (before && wait_.token().is_cancellation_requested())) throw task_canceled(wait_.token());
    }

private:
    std::chrono::nanoseconds limit_;
    detail::cancelable_wait wait_;
    bool started_ = false;
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
