// A timer's node lies in a state that the timer shares with every call of its function.
//
// Races. The provider takes a node out before it calls `fire`, so between the two disarm() fails and the node may not be armed:
// `armed_` stays true until `fire` has come. A change() that meets this leaves its wish in next_deadline_ for `fire` to arm; then
// the old deadline calls nothing. An armed state keeps itself alive.
//
// SPDX-License-Identifier: MIT

#include "weft/coordination/timer.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <vector>

#include "coordination/time_limits.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/work_item.hpp"
#include "weft/context/execution_context.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

class timer_state final : timer_node, public std::enable_shared_from_this<timer_state> {
public:
    timer_state(unique_function<void()> call, time_provider* provider)
        : call_(std::move(call)),
          home_(current_dispatcher()),
          provider_(provider != nullptr ? provider : &home_.time()),
          context_(execution_context::capture()) {
        timer_node::fire = &on_fire;
    }

    bool change(std::chrono::nanoseconds due, std::chrono::nanoseconds period) {
        check_timer_limit(due, "timer");
        check_timer_limit(period, "timer");
        time_provider* const clock = provider();
        // Not under the lock: a fake clock may fire timers when it is read.
        const auto when = clock == nullptr || due == timer::infinite ? time_point::max() : instant_after(*clock, due);
        std::shared_ptr<timer_state> released;
        const std::lock_guard guard(mutex_);
        if (disposed_) return false;
        ++generation_;
        period_ = period == timer::infinite ? period.zero() : period;
        const bool firing = armed_ && !disarm(released);
        if (firing) next_deadline_ = when;
        else arm(when);
        return true;
    }

    void dispose() noexcept {
        std::shared_ptr<timer_state> released;
        const std::lock_guard guard(mutex_);
        disposed_ = true;
        ++generation_;
        if (armed_) static_cast<void>(disarm(released));
    }

    task<> no_call_runs() {
        const std::lock_guard guard(mutex_);
        if (running_ == 0) return completed_task();
        return waiting_.emplace_back(creation_options::run_continuations_asynchronously).task();
    }

private:
    /// One call that is to be made. The first lies in the state, those that overlap with it are made as needed.
    struct call_item final : work_item {
        explicit call_item(bool lies_in_state) noexcept : work_item(&run_call), in_state(lies_in_state) {}
        std::shared_ptr<timer_state> state;
        bool in_state;
        bool used = false;
    };

    [[nodiscard]] time_provider* provider() {
        const std::lock_guard guard(mutex_);
        return disposed_ ? nullptr : provider_;
    }
    // Both under the lock.
    void arm(time_point when) {
        if (when == time_point::max()) return;
        keep_ = shared_from_this();
        armed_ = true;
        deadline = when;
        provider_->arm(*this);
    }
    /// @returns false when `fire` is about to be called
    bool disarm(std::shared_ptr<timer_state>& released) noexcept {
        if (!provider_->disarm(*this)) return false;
        armed_ = false;
        released = std::move(keep_);
        return true;
    }

    static void on_fire(timer_node& node) noexcept { static_cast<timer_state&>(node).fire_now(); }
    void fire_now() noexcept {
        std::shared_ptr<timer_state> self;
        call_item* item = nullptr;
        std::uint64_t generation = 0;
        time_point due;
        {
            const std::lock_guard guard(mutex_);
            self = std::move(keep_);
            armed_ = false;
            if (slot == orphaned) disposed_ = true;  // its clock is gone
            if (disposed_) return;
            if (next_deadline_) {
                arm(*std::exchange(next_deadline_, std::nullopt));
                return;
            }
            ++running_;
            generation = generation_;
            due = deadline;  // another thread may arm the node when the lock is free
            item = own_item_.used ? new (std::nothrow) call_item(false) : &own_item_;
            if (item != nullptr) {
                item->used = true;
                item->state = self;
            } else {
                --running_;  // the calls overlap, and there is no memory for one more: this one is left out
            }
        }
        if (item != nullptr) provider_->run_callback(home_, *item);
        repeat(due, generation);
    }
    /// Arms the next period, unless a change() has come meanwhile.
    void repeat(time_point due, std::uint64_t generation) noexcept {
        std::chrono::nanoseconds period;
        {
            const std::lock_guard guard(mutex_);
            if (disposed_ || generation != generation_ || period_ == period_.zero()) return;
            period = period_;
        }
        const time_point when = provider_->next_period(due, period);
        const std::lock_guard guard(mutex_);
        if (!disposed_ && generation == generation_) arm(when);
    }

    static void run_call(work_item& work) noexcept {
        auto& item = static_cast<call_item&>(work);
        const std::shared_ptr<timer_state> self = std::move(item.state);
        const bool in_state = item.in_state;
        if (!in_state) delete &item;
        if (self->begin_call(in_state)) {
            if (self->context_.is_captured()) execution_context::run(self->context_, [&self] { self->call_(); });
            else self->call_();
        }
        self->end_call();
    }
    [[nodiscard]] bool begin_call(bool in_state) noexcept {
        const std::lock_guard guard(mutex_);
        if (in_state) own_item_.used = false;
        return !disposed_;
    }
    void end_call() noexcept {
        std::vector<task_completion_source<>> ended;
        {
            const std::lock_guard guard(mutex_);
            if (--running_ == 0) ended.swap(waiting_);
        }
        for (task_completion_source<>& each : ended) each.set_result();
    }

    unique_function<void()> call_;
    dispatcher& home_;
    time_provider* provider_;
    execution_context context_;

    std::mutex mutex_;                         // guards what follows and the node; held while the provider is called
    std::chrono::nanoseconds period_{0};       // zero: none
    std::optional<time_point> next_deadline_;  // of a change() that came between taking out and `fire`
    std::uint64_t generation_ = 0;             // of the times
    bool armed_ = false;
    bool disposed_ = false;
    std::shared_ptr<timer_state> keep_;  // while armed
    call_item own_item_{true};
    std::size_t running_ = 0;  // calls posted or running
    std::vector<task_completion_source<>> waiting_;
};

}  // namespace detail

timer::timer(unique_function<void()> call, std::chrono::nanoseconds due, std::chrono::nanoseconds period,
    time_provider* provider, int)
    : state_(std::make_shared<detail::timer_state>(std::move(call), provider)) {
    state_->change(due, period);
}

bool timer::change(std::chrono::nanoseconds due, std::chrono::nanoseconds period) {
    return state_ != nullptr && state_->change(due, period);
}

void timer::dispose() noexcept {
    if (state_ != nullptr) state_->dispose();
}

task<> timer::dispose_async() {
    dispose();
    return state_ != nullptr ? state_->no_call_runs() : completed_task();
}

namespace {

task<> wait_on(std::chrono::nanoseconds limit, time_provider* provider, cancellation_token token) {
    const auto ended = std::make_shared<task_completion_source<>>(creation_options::run_continuations_asynchronously);
    const timer alarm([ended] { ended->try_set_result(); }, limit, timer::infinite, provider);
    const cancellation_registration registration =
        token.unsafe_register([ended, token] { ended->try_set_canceled(token); });
    const task<> waiting = ended->task();
    co_await waiting.configure_await(false);
}

}  // namespace

task<> delay(std::chrono::nanoseconds limit, time_provider& provider, cancellation_token token) {
    detail::check_timer_limit(limit, "delay");
    if (token.is_cancellation_requested()) return from_canceled(std::move(token));
    if (limit == limit.zero()) return completed_task();
    return wait_on(limit, &provider, std::move(token));
}

}  // namespace weft::inline WEFT_ABI
