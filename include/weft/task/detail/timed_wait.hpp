#pragma once
// <weft/task/detail/timed_wait.hpp>: waiting for an instant, a cancellation, or both; the node lives in the awaiting frame.
//
// Timer and cancellation race through disarm(): whoever takes the timer out of the provider has won and completes. Because
// either may win while start() is still setting the other up, completing takes two: the winner and the end of start().
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>

#include "weft/base/start_and_end.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/detail/awaiter.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The time provider of the calling thread's runtime.
[[nodiscard]] time_provider& current_time_provider();

/// `deadline_after(limit)`, without overflow: a limit beyond the clock's range never comes.
[[nodiscard]] time_point deadline_after(time_provider& provider, std::chrono::nanoseconds limit) noexcept;

/// Refuses negative limits but -1 ms, and those beyond cancellation_source::longest_delay. @throws std::invalid_argument
void check_delay(std::chrono::nanoseconds limit, const char* function);

inline constexpr std::chrono::nanoseconds infinite_delay = std::chrono::milliseconds(-1);

/// The time provider of the runtime that `awaiter` was started in. Precondition: it has suspended.
[[nodiscard]] inline time_provider& provider_of(const task_core& awaiter) noexcept { return awaiter.home->time(); }

/// A timer alone. Small, as a sleeping coroutine is little else: until it starts, `deadline` holds the limit.
class timer_wait : timer_node {
public:
    explicit timer_wait(std::chrono::nanoseconds limit) noexcept { deadline = time_point(limit); }
    ~timer_wait() {
        // Only a frame that shutdown destroys while it waits still has an armed timer.
        if (slot != unarmed) provider_of(*awaiter_).disarm(*this);
    }
    timer_wait(const timer_wait&) = delete;
    timer_wait& operator=(const timer_wait&) = delete;

    /// Precondition: not started.
    [[nodiscard]] std::chrono::nanoseconds limit() const noexcept { return deadline.time_since_epoch(); }

    void start(task_core& awaiter) noexcept {
        awaiter_ = &awaiter;
        if (limit() == infinite_delay) return;
        time_provider& provider = provider_of(awaiter);
        deadline = deadline_after(provider, limit());
        fire = [](timer_node& node) noexcept { resume_awaiter(*static_cast<timer_wait&>(node).awaiter_); };
        provider.arm(*this);
    }

private:
    task_core* awaiter_ = nullptr;
};

/// A timer and a token; either may be absent.
class cancelable_wait : timer_node, cancellation_node {
public:
    cancelable_wait(std::chrono::nanoseconds limit, cancellation_token token) noexcept : token_(std::move(token)) {
        deadline = time_point(limit);
    }
    ~cancelable_wait() {
        remove_and_wait(*this);
        if (slot != unarmed) provider_of(*awaiter_).disarm(*this);
    }
    cancelable_wait(const cancelable_wait&) = delete;
    cancelable_wait& operator=(const cancelable_wait&) = delete;

    /// Precondition: not started.
    [[nodiscard]] std::chrono::nanoseconds limit() const noexcept { return deadline.time_since_epoch(); }

    /// Waits for the limit, from now on. @returns false when it is over already
    [[nodiscard]] bool start(task_core& awaiter) noexcept {
        return start(
            awaiter, limit() == infinite_delay ? time_point::max() : deadline_after(provider_of(awaiter), limit()));
    }
    /// Waits for an instant; time_point::max() never comes. @returns false when it is over already
    [[nodiscard]] bool start(task_core& awaiter, time_point when) noexcept;
    /// Whether it has been started.
    [[nodiscard]] bool has_started() const noexcept { return awaiter_ != nullptr; }
    /// To be called by the resumed awaiter. @returns whether the token ended the wait
    [[nodiscard]] bool finish() noexcept {
        remove_and_wait(*this);
        return canceled_;
    }
    [[nodiscard]] const cancellation_token& token() const noexcept { return token_; }

private:
    static void on_timer(timer_node& node) noexcept;
    static void on_cancel(cancellation_node& node);
    [[nodiscard]] bool take_timer() noexcept;
    void end() noexcept;

    task_core* awaiter_ = nullptr;
    cancellation_token token_;
    start_and_end phase_;
    bool has_timer_ = false;
    std::atomic<bool> taken_{false};  // without a timer: who ends the wait
    bool canceled_ = false;
};

}  // namespace weft::inline WEFT_ABI::detail
