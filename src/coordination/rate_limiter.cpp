// SPDX-License-Identifier: MIT

#include "weft/coordination/rate_limiter.hpp"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI {

rate_limit_lease rate_limit_lease::acquired(unique_function<void()> release) noexcept {
    rate_limit_lease lease;
    lease.acquired_ = true;
    lease.release_ = std::move(release);
    return lease;
}

rate_limit_lease rate_limit_lease::refused(
    std::string_view reason, std::optional<std::chrono::nanoseconds> retry_after) noexcept {
    rate_limit_lease lease;
    lease.reason_ = reason;
    lease.retry_after_ = retry_after;
    return lease;
}

rate_limit_lease& rate_limit_lease::operator=(rate_limit_lease&& other) noexcept {
    if (this != &other) {
        dispose();
        acquired_ = other.acquired_;
        retry_after_ = other.retry_after_;
        reason_ = other.reason_;
        release_ = std::move(other.release_);
    }
    return *this;
}

void rate_limit_lease::dispose() noexcept {
    unique_function<void()> release = std::move(release_);
    if (release) release();
}

namespace {

void require_count(std::int32_t permits) {
    if (permits < 0) throw std::invalid_argument("a rate limiter was asked for a negative number of permits");
}

/// Leases that go together, the last one first.
class held_leases {
public:
    held_leases() = default;
    held_leases(held_leases&&) noexcept = default;
    held_leases& operator=(held_leases&&) = delete;
    ~held_leases() { release(); }

    void add(rate_limit_lease lease) { leases_.push_back(std::move(lease)); }
    void release() noexcept {
        while (!leases_.empty()) leases_.pop_back();
    }

private:
    std::vector<rate_limit_lease> leases_;
};

rate_limit_lease lease_of(held_leases held) {
    return rate_limit_lease::acquired([leases = std::move(held)]() mutable { leases.release(); });
}

using limiter_list = std::vector<std::shared_ptr<rate_limiter>>;

task<rate_limit_lease> acquire_all(limiter_list limiters, std::int32_t permits, cancellation_token token) {
    held_leases held;
    for (const std::shared_ptr<rate_limiter>& each : limiters) {
        value_task<rate_limit_lease> asking = each->acquire(permits, token);
        rate_limit_lease lease = co_await std::move(asking).configure_await(false);
        if (!lease.is_acquired()) {
            held.release();
            co_return lease;
        }
        held.add(std::move(lease));
    }
    co_return lease_of(std::move(held));
}

class chained_rate_limiter final : public rate_limiter {
public:
    explicit chained_rate_limiter(limiter_list limiters) : limiters_(std::move(limiters)) {}

    rate_limiter_statistics statistics() override {
        rate_limiter_statistics sum = limiters_.front()->statistics();
        for (auto each = std::next(limiters_.begin()); each != limiters_.end(); ++each) {
            const rate_limiter_statistics its = (*each)->statistics();
            sum.current_available_permits = std::min(sum.current_available_permits, its.current_available_permits);
            sum.current_queued_count += its.current_queued_count;
            sum.total_failed_leases += its.total_failed_leases;
            sum.total_successful_leases = its.total_successful_leases;
        }
        return sum;
    }
    std::optional<std::chrono::nanoseconds> idle_duration() override {
        std::optional<std::chrono::nanoseconds> shortest;
        for (const auto& each : limiters_) {
            const auto its = each->idle_duration();
            if (!its) return std::nullopt;
            shortest = shortest ? std::min(*shortest, *its) : *its;
        }
        return shortest;
    }
    void dispose() noexcept override { disposed_.store(true, std::memory_order_relaxed); }

protected:
    rate_limit_lease attempt_acquire_core(std::int32_t permits) override {
        require_open();
        held_leases held;
        for (const auto& each : limiters_) {
            rate_limit_lease lease = each->attempt_acquire(permits);
            if (!lease.is_acquired()) return lease;
            held.add(std::move(lease));
        }
        return lease_of(std::move(held));
    }
    value_task<rate_limit_lease> acquire_core(std::int32_t permits, cancellation_token token) override {
        require_open();
        return value_task<rate_limit_lease>(acquire_all(limiters_, permits, std::move(token)));
    }

private:
    void require_open() const {
        // Relaxed: a flag that publishes nothing.
        if (disposed_.load(std::memory_order_relaxed)) throw object_disposed("rate_limiter");
    }

    limiter_list limiters_;
    std::atomic<bool> disposed_{false};
};

}  // namespace

rate_limit_lease rate_limiter::attempt_acquire(std::int32_t permits) {
    require_count(permits);
    return attempt_acquire_core(permits);
}

value_task<rate_limit_lease> rate_limiter::acquire(std::int32_t permits, cancellation_token token) {
    require_count(permits);
    return acquire_core(permits, std::move(token));
}

std::unique_ptr<rate_limiter> chained(std::vector<std::shared_ptr<rate_limiter>> limiters) {
    if (limiters.empty() || std::ranges::any_of(limiters, [](const auto& each) { return each == nullptr; }))
        throw std::invalid_argument("chained() takes at least one rate limiter, and none that is null");
    return std::make_unique<chained_rate_limiter>(std::move(limiters));
}

}  // namespace weft::inline WEFT_ABI
