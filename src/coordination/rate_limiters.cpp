// SPDX-License-Identifier: MIT

#include "weft/coordination/rate_limiters.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "coordination/limiter_core.hpp"
#include "coordination/time_limits.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

namespace {

template <class Options>
limiter_settings settings_of(const Options& options, std::int32_t limit, time_provider* provider) {
    require_option(options.queue_limit, 0, "queue_limit");
    return limiter_settings{limit, options.queue_limit, options.queue_order, &provider_or_default(provider)};
}

class concurrency_core final : public limiter_core {
public:
    using limiter_core::limiter_core;

private:
    void catch_up(time_point, notices&) override {}
    void expect(time_point, notices&) override {}
    rate_limit_lease grant(std::int32_t permits) override {
        if (permits == 0) return rate_limit_lease::acquired();
        return rate_limit_lease::acquired(
            [self = std::static_pointer_cast<concurrency_core>(shared_from_this()), permits] { self->give_back(permits); });
    }
    rate_limit_lease refuse(std::int32_t, time_point, const char* reason) override {
        return rate_limit_lease::refused(reason);
    }
    void give_back(std::int32_t permits) {
        const time_point now = settings_.clock->now();
        notices told;
        const std::lock_guard guard(mutex_);
        available_ += permits;
        serve(told);
        if (available_ == settings_.permit_limit && !has_waiters()) idle_since_ = now;
    }
};

/// Rounded up. Precondition: `count` is positive.
constexpr std::int64_t parts(std::int64_t count, std::int64_t size) { return (count - 1) / size + 1; }

class fixed_window_core final : public replenishing_core {
public:
    using replenishing_core::replenishing_core;

private:
    void pass(std::int64_t) override { available_ = settings_.permit_limit; }
    [[nodiscard]] std::int64_t periods_until(std::int64_t wanted) const override {
        // The first window brings what is missing, each further one all.
        const std::int64_t missing = settings_.permit_limit - available_;
        return wanted <= missing ? 1 : 1 + parts(wanted - missing, settings_.permit_limit);
    }
};

class sliding_window_core final : public replenishing_core {
public:
    sliding_window_core(
        const limiter_settings& settings, std::chrono::nanoseconds segment, std::int32_t segments, bool automatic)
        : replenishing_core(settings, segment, automatic), taken_(static_cast<std::size_t>(segments)) {}

private:
    void took(std::int32_t permits) override { taken_[current_] += permits; }
    void pass(std::int64_t count) override {
        const auto steps = std::min(count, static_cast<std::int64_t>(taken_.size()));
        for (std::int64_t step = 0; step < steps; ++step) {
            current_ = (current_ + 1) % taken_.size();
            available_ += std::exchange(taken_[current_], 0);
        }
    }
    [[nodiscard]] std::int64_t periods_until(std::int64_t wanted) const override {
        const auto segments = static_cast<std::int64_t>(taken_.size());
        for (std::int64_t step = 1; step <= segments; ++step) {
            wanted -= taken_[(current_ + static_cast<std::size_t>(step)) % taken_.size()];
            if (wanted <= 0) return step;
        }
        // All that is out has come back, and been taken by others: in further windows.
        return segments * (1 + parts(wanted, settings_.permit_limit));
    }

    std::vector<std::int32_t> taken_;  // in each segment of the window
    std::size_t current_ = 0;
};

class token_bucket_core final : public replenishing_core {
public:
    token_bucket_core(
        const limiter_settings& settings, std::chrono::nanoseconds period, std::int32_t tokens, bool automatic)
        : replenishing_core(settings, period, automatic), tokens_(tokens) {}

private:
    void pass(std::int64_t count) override {
        const std::int32_t missing = settings_.permit_limit - available_;
        if (missing == 0) return;
        // Whoever counts the periods first cannot overflow.
        if (count >= parts(missing, tokens_)) available_ = settings_.permit_limit;
        else available_ += static_cast<std::int32_t>(count) * tokens_;
    }
    [[nodiscard]] std::int64_t periods_until(std::int64_t wanted) const override {
        return wanted <= 0 ? 1 : parts(wanted, tokens_);
    }

    const std::int32_t tokens_;
};

std::shared_ptr<replenishing_core> make_limiter(const fixed_window_rate_limiter_options& options, time_provider* provider) {
    require_option(options.permit_limit, 1, "permit_limit");
    require_period(options.window, "window");
    return std::make_shared<fixed_window_core>(
        settings_of(options, options.permit_limit, provider), options.window, options.auto_replenishment);
}

std::shared_ptr<replenishing_core> make_limiter(
    const sliding_window_rate_limiter_options& options, time_provider* provider) {
    require_option(options.permit_limit, 1, "permit_limit");
    require_option(options.segments_per_window, 1, "segments_per_window");
    require_period(options.window / options.segments_per_window, "window");
    require_period(options.window, "window");
    return std::make_shared<sliding_window_core>(settings_of(options, options.permit_limit, provider),
        options.window / options.segments_per_window, options.segments_per_window, options.auto_replenishment);
}

std::shared_ptr<replenishing_core> make_limiter(const token_bucket_rate_limiter_options& options, time_provider* provider) {
    require_option(options.token_limit, 1, "token_limit");
    require_option(options.tokens_per_period, 1, "tokens_per_period");
    require_period(options.replenishment_period, "replenishment_period");
    return std::make_shared<token_bucket_core>(settings_of(options, options.token_limit, provider),
        options.replenishment_period, options.tokens_per_period, options.auto_replenishment);
}

std::shared_ptr<limiter_core> make_limiter(const concurrency_limiter_options& options, time_provider* provider) {
    require_option(options.permit_limit, 1, "permit_limit");
    return std::make_shared<concurrency_core>(settings_of(options, options.permit_limit, provider));
}

}  // namespace

}  // namespace detail

concurrency_limiter::concurrency_limiter(const concurrency_limiter_options& options, time_provider* provider)
    : core_(detail::make_limiter(options, provider)) {}
concurrency_limiter::~concurrency_limiter() { core_->dispose(); }
rate_limiter_statistics concurrency_limiter::statistics() { return core_->statistics(); }
std::optional<std::chrono::nanoseconds> concurrency_limiter::idle_duration() { return core_->idle_duration(); }
void concurrency_limiter::dispose() noexcept { core_->dispose(); }
rate_limit_lease concurrency_limiter::attempt_acquire_core(std::int32_t permits) { return core_->attempt(permits); }
value_task<rate_limit_lease> concurrency_limiter::acquire_core(std::int32_t permits, cancellation_token token) {
    return core_->acquire(permits, std::move(token));
}

replenishing_rate_limiter::replenishing_rate_limiter(std::shared_ptr<detail::replenishing_core> core)
    : core_(std::move(core)) {}
replenishing_rate_limiter::~replenishing_rate_limiter() { core_->dispose(); }
std::chrono::nanoseconds replenishing_rate_limiter::replenishment_period() const noexcept { return core_->period(); }
bool replenishing_rate_limiter::is_auto_replenishing() const noexcept { return core_->is_automatic(); }
bool replenishing_rate_limiter::try_replenish() { return core_->try_replenish(); }
rate_limiter_statistics replenishing_rate_limiter::statistics() { return core_->statistics(); }
std::optional<std::chrono::nanoseconds> replenishing_rate_limiter::idle_duration() { return core_->idle_duration(); }
void replenishing_rate_limiter::dispose() noexcept { core_->dispose(); }
rate_limit_lease replenishing_rate_limiter::attempt_acquire_core(std::int32_t permits) { return core_->attempt(permits); }
value_task<rate_limit_lease> replenishing_rate_limiter::acquire_core(std::int32_t permits, cancellation_token token) {
    return core_->acquire(permits, std::move(token));
}

fixed_window_rate_limiter::fixed_window_rate_limiter(
    const fixed_window_rate_limiter_options& options, time_provider* provider)
    : replenishing_rate_limiter(detail::make_limiter(options, provider)) {}
sliding_window_rate_limiter::sliding_window_rate_limiter(
    const sliding_window_rate_limiter_options& options, time_provider* provider)
    : replenishing_rate_limiter(detail::make_limiter(options, provider)) {}
token_bucket_rate_limiter::token_bucket_rate_limiter(
    const token_bucket_rate_limiter_options& options, time_provider* provider)
    : replenishing_rate_limiter(detail::make_limiter(options, provider)) {}

}  // namespace weft::inline WEFT_ABI
