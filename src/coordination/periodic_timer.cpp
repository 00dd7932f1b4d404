// SPDX-License-Identifier: MIT

#include "weft/coordination/periodic_timer.hpp"

#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "coordination/time_limits.hpp"
#include "weft/base/error.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

// signaled_ is a tick, a cancellation or the end, until the wait that it completes, or the next one, has taken it; further ones
// meanwhile are the same one. wait_ is there while a wait is pending and not signaled.
class periodic_state {
public:
    explicit periodic_state(std::chrono::nanoseconds period) noexcept : period_(period) {}

    value_task<bool> wait(const std::shared_ptr<periodic_state>& self, cancellation_token token) {
        task<bool> tick;
        {
            const std::lock_guard guard(mutex_);
            if (waiting_) throw invalid_operation("the periodic_timer is being waited for; one wait at a time");
            if (!token.is_cancellation_requested()) {
                if (signaled_) {
                    signaled_ = stopped_;
                    return value_task<bool>(!stopped_);
                }
                waiting_ = true;
                wait_.emplace(creation_options::run_continuations_asynchronously);
                tick = wait_->task();
            }
        }
        if (!tick.valid()) return value_task<bool>(from_canceled<bool>(std::move(token)));
        return value_task<bool>(wait_for(self, std::move(tick), std::move(token)));
    }

    void tick() {
        signal([](auto& wait) { wait.set_result(true); });
    }
    void stop() {
        {
            const std::lock_guard guard(mutex_);
            stopped_ = true;
        }
        signal([](auto& wait) { wait.set_result(false); });
    }
    [[nodiscard]] std::chrono::nanoseconds period() noexcept {
        const std::lock_guard guard(mutex_);
        return period_;
    }
    void set_period(std::chrono::nanoseconds period) noexcept {
        const std::lock_guard guard(mutex_);
        period_ = period;
    }

private:
    /// The end of a wait, however it ended.
    class wait_end {
    public:
        explicit wait_end(periodic_state& state) noexcept : state_(state) {}
        wait_end(const wait_end&) = delete;
        wait_end& operator=(const wait_end&) = delete;
        ~wait_end() {
            const std::lock_guard guard(state_.mutex_);
            state_.waiting_ = false;
            state_.signaled_ = state_.stopped_;
        }

    private:
        periodic_state& state_;
    };

    // Keeps the state until the wait is over, although its timer may be gone.
    static task<bool> wait_for(std::shared_ptr<periodic_state> self, task<bool> tick, cancellation_token token) {
        const wait_end end(*self);
        const cancellation_registration registration = token.unsafe_register(
            [state = self.get(), &token] { state->signal([&token](auto& wait) { wait.set_canceled(token); }); });
        const bool ticked = co_await tick.configure_await(false);
        co_return ticked && !self->has_stopped();
    }
    [[nodiscard]] bool has_stopped() noexcept {
        const std::lock_guard guard(mutex_);
        return stopped_;
    }
    template <class Complete>
    void signal(Complete complete) {
        std::optional<task_completion_source<bool>> pending;
        {
            const std::lock_guard guard(mutex_);
            if (std::exchange(signaled_, true)) return;
            pending.swap(wait_);
        }
        if (pending) complete(*pending);
    }

    std::mutex mutex_;
    std::chrono::nanoseconds period_;
    bool stopped_ = false;
    bool signaled_ = false;
    bool waiting_ = false;
    std::optional<task_completion_source<bool>> wait_;
};

namespace {

void check_period(std::chrono::nanoseconds period) {
    if (period == periodic_timer::infinite) return;
    if (period < std::chrono::milliseconds(1) || period > cancellation_source::longest_delay)
        throw std::invalid_argument("the period of a periodic_timer is from 1 to 2^32 - 2 ms, or -1 ms for no ticks");
}

std::shared_ptr<periodic_state> make_state(std::chrono::nanoseconds period) {
    check_period(period);
    return std::make_shared<periodic_state>(period);
}

/// The clock of a loop has nothing to do with the flow that made it (1.20/7).
timer make_timer(const std::shared_ptr<periodic_state>& state, std::chrono::nanoseconds period, time_provider* provider) {
    return without_flow([&] { return timer([state] { state->tick(); }, period, period, provider); });
}

}  // namespace

}  // namespace detail

periodic_timer::periodic_timer(std::chrono::nanoseconds period, time_provider* provider)
    : state_(detail::make_state(period)), timer_(detail::make_timer(state_, period, provider)) {}

periodic_timer& periodic_timer::operator=(periodic_timer&& other) noexcept {
    if (this != &other) {
        dispose();
        state_ = std::move(other.state_);
        timer_ = std::move(other.timer_);
    }
    return *this;
}

value_task<bool> periodic_timer::wait_for_next_tick(cancellation_token token) {
    return state_->wait(state_, std::move(token));
}

std::chrono::nanoseconds periodic_timer::period() const noexcept { return state_->period(); }

void periodic_timer::set_period(std::chrono::nanoseconds period) {
    detail::check_period(period);
    if (!timer_.change(period, period)) throw object_disposed("periodic_timer");
    state_->set_period(period);
}

void periodic_timer::dispose() noexcept {
    if (state_ == nullptr) return;
    timer_.dispose();
    state_->stop();
}

}  // namespace weft::inline WEFT_ABI
