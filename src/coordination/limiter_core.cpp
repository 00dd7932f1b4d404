// SPDX-License-Identifier: MIT

#include "coordination/limiter_core.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "coordination/time_limits.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {
constexpr const char* no_permits = "there are not enough permits";
constexpr const char* queue_is_full = "the queue is full";
constexpr const char* limiter_went = "the limiter was disposed of";
}  // namespace

void require_option(std::int64_t value, std::int64_t least, const char* option) {
    if (value < least)
        throw std::invalid_argument(
            std::string("the option '") + option + "' of a rate limiter is at least " + std::to_string(least));
}

void require_period(std::chrono::nanoseconds value, const char* option) {
    if (value <= value.zero() || value > cancellation_source::longest_delay)
        throw std::invalid_argument(
            std::string("the option '") + option + "' of a rate limiter is positive, and at most 2^32 - 2 ms");
}

limiter_core::notices::~notices() {
    while (first_ != nullptr) {
        const std::shared_ptr<waiter> to = std::exchange(first_, std::move(first_->told_next));
        to->answer.set_result(*std::exchange(to->given, std::nullopt));
    }
    if (alarm_ != nullptr) alarm_->change(due_);
}

limiter_core::limiter_core(const limiter_settings& settings)
    : settings_(settings), available_(settings.permit_limit), idle_since_(settings.clock->now()) {}

void limiter_core::require_within_limit(std::int32_t permits) const {
    if (permits > settings_.permit_limit)
        throw std::invalid_argument("a rate limiter of " + std::to_string(settings_.permit_limit) +
            " permits was asked for " + std::to_string(permits));
}

void limiter_core::require_open() const {
    if (disposed_) throw object_disposed("rate_limiter");
}

void limiter_core::take(std::int32_t permits) {
    available_ -= permits;
    ++granted_;
    if (permits == 0) return;
    idle_since_.reset();
    took(permits);
}

bool limiter_core::try_take(std::int32_t permits) {
    // Asking for nothing asks whether there is anything, and takes nothing from those who wait (1.22/3).
    const bool may_take = permits == 0
        ? available_ > 0
        : available_ >= permits && (queue_.empty() || settings_.queue_order == queue_processing_order::newest_first);
    if (may_take) take(permits);
    return may_take;
}

rate_limit_lease limiter_core::attempt(std::int32_t permits) {
    require_within_limit(permits);
    const time_point now = settings_.clock->now();
    notices told;
    const std::lock_guard guard(mutex_);
    require_open();
    catch_up(now, told);
    if (try_take(permits)) return grant(permits);
    ++refused_;
    return refuse(permits, now, no_permits);
}

value_task<rate_limit_lease> limiter_core::acquire(std::int32_t permits, cancellation_token token) {
    require_within_limit(permits);
    if (token.is_cancellation_requested())
        return value_task<rate_limit_lease>(from_canceled<rate_limit_lease>(std::move(token)));
    const time_point now = settings_.clock->now();
    std::shared_ptr<waiter> who;
    {
        notices told;
        const std::lock_guard guard(mutex_);
        require_open();
        catch_up(now, told);
        if (try_take(permits)) return value_task<rate_limit_lease>(grant(permits));
        if (!make_room(permits, now, told)) {
            ++refused_;
            return value_task<rate_limit_lease>(refuse(permits, now, queue_is_full));
        }
        who = std::make_shared<waiter>(permits);
        who->place = queue_.insert(queue_.end(), who);
        queued_ += permits;
        idle_since_.reset();
        try {
            expect(now, told);
        } catch (...) {
            static_cast<void>(remove(who->place));  // nobody would wake it
            throw;
        }
    }
    if (!token.can_be_canceled()) return value_task<rate_limit_lease>(who->answer.task());
    return value_task<rate_limit_lease>(wait_for(shared_from_this(), std::move(who), std::move(token)));
}

bool limiter_core::make_room(std::int32_t permits, time_point now, notices& told) {
    // Subtracted, not added: a sum could overflow (1.22/6).
    if (settings_.queue_limit - queued_ >= permits) return true;
    if (settings_.queue_order == queue_processing_order::oldest_first || permits > settings_.queue_limit) return false;
    while (settings_.queue_limit - queued_ < permits) {
        std::shared_ptr<waiter> oldest = remove(queue_.begin());
        ++refused_;
        rate_limit_lease refusal = refuse(oldest->count, now, queue_is_full);
        told.answer(std::move(oldest), std::move(refusal));
    }
    return true;
}

std::shared_ptr<limiter_core::waiter> limiter_core::remove(std::list<std::shared_ptr<waiter>>::iterator place) noexcept {
    std::shared_ptr<waiter> who = std::move(*place);
    queue_.erase(place);
    queued_ -= who->count;
    who->is_queued = false;
    return who;
}

void limiter_core::serve(notices& told) {
    while (!queue_.empty()) {
        const bool oldest = settings_.queue_order == queue_processing_order::oldest_first;
        const auto next = oldest ? queue_.begin() : std::prev(queue_.end());
        const std::int32_t wanted = (*next)->count;
        if (available_ < std::max(wanted, 1)) return;
        take(wanted);
        std::shared_ptr<waiter> served = remove(next);
        told.answer(std::move(served), grant(wanted));
    }
}

void limiter_core::cancel(waiter& who, const cancellation_token& token) {
    std::shared_ptr<waiter> canceled;
    {
        notices told;
        const std::lock_guard guard(mutex_);
        if (!who.is_queued) return;
        canceled = remove(who.place);
        serve(told);  // those behind it may want less
    }
    canceled->answer.set_canceled(token);
}

task<rate_limit_lease> limiter_core::wait_for(
    std::shared_ptr<limiter_core> self, std::shared_ptr<waiter> who, cancellation_token token) {
    const cancellation_registration registration =
        token.unsafe_register([core = self.get(), waiting = who.get(), &token] { core->cancel(*waiting, token); });
    task<rate_limit_lease> answer = who->answer.task();
    rate_limit_lease lease = co_await std::move(answer).configure_await(false);
    co_return lease;
}

rate_limiter_statistics limiter_core::statistics() {
    const time_point now = settings_.clock->now();
    notices told;
    const std::lock_guard guard(mutex_);
    catch_up(now, told);
    return rate_limiter_statistics{available_, queued_, granted_, refused_};
}

std::optional<std::chrono::nanoseconds> limiter_core::idle_duration() {
    const time_point now = settings_.clock->now();
    notices told;
    const std::lock_guard guard(mutex_);
    catch_up(now, told);
    if (!idle_since_) {
        if (has_waiters() || available_ != settings_.permit_limit) return std::nullopt;
        idle_since_ = now;  // all that was waited for has gone
    }
    return std::max(now - *idle_since_, std::chrono::nanoseconds::zero());
}

void limiter_core::dispose() noexcept {
    {
        notices told;
        const std::lock_guard guard(mutex_);
        disposed_ = true;
        while (!queue_.empty()) {
            ++refused_;
            told.answer(remove(queue_.begin()), rate_limit_lease::refused(limiter_went));
        }
    }
    stop();
}

replenishing_core::replenishing_core(const limiter_settings& settings, std::chrono::nanoseconds period, bool automatic)
    : limiter_core(settings), period_(period), automatic_(automatic), last_(*idle_since_) {}

void replenishing_core::replenish(time_point now, notices& told) {
    if (now - last_ < period_) return;
    std::int64_t count = (now - last_) / period_;
    // One by one while somebody waits, who would have been served in between.
    for (; count > 0 && has_waiters(); --count) {
        pass_all(1);
        serve(told);
    }
    if (count > 0) pass_all(count);
}

void replenishing_core::pass_all(std::int64_t count) {
    const std::int64_t missing = settings_.permit_limit - available_;
    const std::int64_t full_after = missing > 0 ? periods_until(missing) : 0;
    pass(count);
    if (missing > 0 && available_ == settings_.permit_limit && !has_waiters()) idle_since_ = last_ + period_ * full_after;
    last_ += period_ * count;
}

bool replenishing_core::try_replenish() {
    if (automatic_) return false;
    const time_point now = settings_.clock->now();
    notices told;
    const std::lock_guard guard(mutex_);
    if (!is_disposed()) {
        replenish(now, told);
    }
    return true;
}

rate_limit_lease replenishing_core::grant(std::int32_t) { return rate_limit_lease::acquired(); }

rate_limit_lease replenishing_core::refuse(std::int32_t permits, time_point now, const char* reason) {
    const std::int64_t wanted = permits + queued() - available_;
    constexpr auto longest = std::chrono::nanoseconds::max() / 4;
    const std::int64_t periods = periods_until(wanted);
    const auto wait = periods > longest / period_ ? longest : last_ + period_ * periods - now;
    return rate_limit_lease::refused(reason, std::max(wait, std::chrono::nanoseconds::zero()));
}

void replenishing_core::expect(time_point now, notices& told) {
    if (!automatic_) return;
    if (!alarm_) {
        const auto core = std::static_pointer_cast<replenishing_core>(shared_from_this());
        auto ring = [weak = std::weak_ptr<replenishing_core>(core)] {
            if (const std::shared_ptr<replenishing_core> self = weak.lock()) self->on_alarm();
        };
        alarm_.emplace(
            without_flow([&] { return timer(std::move(ring), timer::infinite, timer::infinite, settings_.clock); }));
    }
    told.set_alarm(*alarm_, std::max(last_ + period_ - now, std::chrono::nanoseconds::zero()));
}

void replenishing_core::on_alarm() {
    const time_point now = settings_.clock->now();
    notices told;
    const std::lock_guard guard(mutex_);
    if (is_disposed()) return;
    catch_up(now, told);
    if (has_waiters()) expect(now, told);
}

}  // namespace weft::inline WEFT_ABI::detail
