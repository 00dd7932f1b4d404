#pragma once
// The permits of one limiter, the queue of those who wait for them, and the rules of both. What kind of limiter it is decides
// only how permits come back and what a refusal says.
//
// One short lock guards a core. Whatever tells somebody something (granting, refusing, setting the timer) is collected in a
// `notices` and done when the lock has been given back; the clock is read before it is taken, since reading a fake clock
// may fire timers.
//
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "weft/base/time_provider.hpp"
#include "weft/coordination/rate_limiter.hpp"
#include "weft/coordination/timer.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What every kind of limiter is told.
struct limiter_settings {
    std::int32_t permit_limit;
    std::int32_t queue_limit;
    queue_processing_order queue_order;
    time_provider* clock;
};

/// @throws std::invalid_argument  unless `value` is at least `least`
void require_option(std::int64_t value, std::int64_t least, const char* option);
/// @throws std::invalid_argument  unless `value` is positive and no longer than a timer may be set to
void require_period(std::chrono::nanoseconds value, const char* option);

class limiter_core : public std::enable_shared_from_this<limiter_core> {
public:
    explicit limiter_core(const limiter_settings& settings);
    limiter_core(const limiter_core&) = delete;
    limiter_core& operator=(const limiter_core&) = delete;
    virtual ~limiter_core() = default;

    [[nodiscard]] rate_limit_lease attempt(std::int32_t permits);
    [[nodiscard]] value_task<rate_limit_lease> acquire(std::int32_t permits, cancellation_token token);
    [[nodiscard]] rate_limiter_statistics statistics();
    [[nodiscard]] std::optional<std::chrono::nanoseconds> idle_duration();
    void dispose() noexcept;

protected:
    struct waiter {
        explicit waiter(std::int32_t permits) : count(permits) {}
        const std::int32_t count;
        bool is_queued = true;
        std::list<std::shared_ptr<waiter>>::iterator place;
        // A continuation never runs where a permit is given back.
        task_completion_source<rate_limit_lease> answer{creation_options::run_continuations_asynchronously};
        // Once it is out of the queue: what it gets, and who is told after it. Here, so that telling needs no memory.
        std::optional<rate_limit_lease> given;
        std::shared_ptr<waiter> told_next;
    };
    /// What is to be told without the lock. Declared before the lock is taken.
    class notices {
    public:
        notices() = default;
        notices(const notices&) = delete;
        notices& operator=(const notices&) = delete;
        ~notices();
        void answer(std::shared_ptr<waiter> to, rate_limit_lease lease) noexcept {
            to->given.emplace(std::move(lease));
            std::shared_ptr<waiter>& place = last_ == nullptr ? first_ : last_->told_next;
            last_ = to.get();
            place = std::move(to);
        }
        void set_alarm(timer& alarm, std::chrono::nanoseconds due) noexcept {
            alarm_ = &alarm;
            due_ = due;
        }

    private:
        std::shared_ptr<waiter> first_;
        waiter* last_ = nullptr;
        timer* alarm_ = nullptr;
        std::chrono::nanoseconds due_{0};
    };

    // ---- what differs; all are called under the lock

    /// Brings back what is due at `now`, and serves the queue with it.
    virtual void catch_up(time_point now, notices& told) = 0;
    /// Some permits have been taken.
    virtual void took(std::int32_t) {}
    [[nodiscard]] virtual rate_limit_lease grant(std::int32_t permits) = 0;
    [[nodiscard]] virtual rate_limit_lease refuse(std::int32_t permits, time_point now, const char* reason) = 0;
    /// Somebody waits: sees to it that catch_up() comes when there is something to bring.
    virtual void expect(time_point now, notices& told) = 0;
    /// Nobody is to be woken any more. Without the lock.
    virtual void stop() noexcept {}

    // ---- what the kinds use, under the lock

    /// Gives to those in the queue whose turn it is, as long as there is enough.
    void serve(notices& told);
    [[nodiscard]] bool has_waiters() const noexcept { return !queue_.empty(); }
    [[nodiscard]] std::int64_t queued() const noexcept { return queued_; }
    [[nodiscard]] bool is_disposed() const noexcept { return disposed_; }

    std::mutex mutex_;
    const limiter_settings settings_;
    std::int32_t available_;
    std::optional<time_point> idle_since_;  // all permits are here, and nobody waits

private:
    void require_within_limit(std::int32_t permits) const;
    void require_open() const;
    [[nodiscard]] bool try_take(std::int32_t permits);
    void take(std::int32_t permits);
    /// @returns whether the queue has room for `permits`; makes room where the order says so
    [[nodiscard]] bool make_room(std::int32_t permits, time_point now, notices& told);
    std::shared_ptr<waiter> remove(std::list<std::shared_ptr<waiter>>::iterator place) noexcept;
    void cancel(waiter& who, const cancellation_token& token);
    static task<rate_limit_lease> wait_for(
        std::shared_ptr<limiter_core> self, std::shared_ptr<waiter> who, cancellation_token token);

    std::list<std::shared_ptr<waiter>> queue_;  // oldest first
    std::int32_t queued_ = 0;                   // permits that the queue waits for, at most the limit
    std::int64_t granted_ = 0;
    std::int64_t refused_ = 0;
    bool disposed_ = false;
};

/// Permits come back after whole periods.
class replenishing_core : public limiter_core {
public:
    replenishing_core(const limiter_settings& settings, std::chrono::nanoseconds period, bool automatic);
    [[nodiscard]] std::chrono::nanoseconds period() const noexcept { return period_; }
    [[nodiscard]] bool is_automatic() const noexcept { return automatic_; }
    /// @returns false with automatic replenishment
    bool try_replenish();

protected:
    /// `count` periods, at least one, have passed.
    virtual void pass(std::int64_t count) = 0;
    /// After how many periods, at least one, `wanted` permits more have come back in all.
    [[nodiscard]] virtual std::int64_t periods_until(std::int64_t wanted) const = 0;

    void catch_up(time_point now, notices& told) final {
        if (automatic_) replenish(now, told);
    }
    [[nodiscard]] rate_limit_lease grant(std::int32_t permits) final;
    [[nodiscard]] rate_limit_lease refuse(std::int32_t permits, time_point now, const char* reason) final;
    void expect(time_point now, notices& told) final;
    void stop() noexcept final {
        if (alarm_) alarm_->dispose();
    }

private:
    void replenish(time_point now, notices& told);
    void pass_all(std::int64_t count);
    void on_alarm();

    const std::chrono::nanoseconds period_;
    const bool automatic_;
    time_point last_;             // the end of the last period that has been passed
    std::optional<timer> alarm_;  // set only while somebody waits; made under the lock, before dispose()
};

}  // namespace weft::inline WEFT_ABI::detail
