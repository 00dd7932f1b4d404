#pragma once
// <weft/coordination/rate_limiters.hpp>: limits of what happens at the same time, and of what happens in a span of time.
// Follows System.Threading.RateLimiting (semantics 1.22).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>

#include "weft/base/time_provider.hpp"
#include "weft/coordination/rate_limiter.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {
class limiter_core;
class replenishing_core;
}  // namespace detail

/// How a concurrency_limiter works.
struct concurrency_limiter_options {
    std::int32_t permit_limit = 0;  ///< permits; must be given, positive
    std::int32_t queue_limit = 0;   ///< most permits that may be waited for, together
    queue_processing_order queue_order = queue_processing_order::oldest_first;
};
static_assert(std::is_trivially_destructible_v<concurrency_limiter_options>);

/// Bounds how much happens at the same time: a permit is out until its lease goes.
class concurrency_limiter final : public rate_limiter {
public:
    /// @param provider  the clock of idle_duration(); null for that of the calling thread's runtime
    /// @throws std::invalid_argument  for a limit that is not positive, or a negative queue_limit
    explicit concurrency_limiter(const concurrency_limiter_options& options, time_provider* provider = nullptr);
    ~concurrency_limiter() override;

    [[nodiscard]] rate_limiter_statistics statistics() override;
    [[nodiscard]] std::optional<std::chrono::nanoseconds> idle_duration() override;
    void dispose() noexcept override;

protected:
    rate_limit_lease attempt_acquire_core(std::int32_t permits) override;
    value_task<rate_limit_lease> acquire_core(std::int32_t permits, cancellation_token token) override;

private:
    std::shared_ptr<detail::limiter_core> core_;
};

/// What the limiters have in common whose permits come back with time. A refusal says when to ask again.
///
/// Nothing ticks while nobody waits: what the time has brought is reckoned when the limiter is asked.
class replenishing_rate_limiter : public rate_limiter {
public:
    ~replenishing_rate_limiter() override;

    /// How often permits come back.
    [[nodiscard]] std::chrono::nanoseconds replenishment_period() const noexcept;
    [[nodiscard]] bool is_auto_replenishing() const noexcept;
    /// Without auto_replenishment: brings back what is due after the whole periods that have passed since the last time.
    /// @returns false, having done nothing, with auto_replenishment
    bool try_replenish();

    [[nodiscard]] rate_limiter_statistics statistics() override;
    [[nodiscard]] std::optional<std::chrono::nanoseconds> idle_duration() override;
    void dispose() noexcept override;

protected:
    explicit replenishing_rate_limiter(std::shared_ptr<detail::replenishing_core> core);
    rate_limit_lease attempt_acquire_core(std::int32_t permits) override;
    value_task<rate_limit_lease> acquire_core(std::int32_t permits, cancellation_token token) override;

private:
    std::shared_ptr<detail::replenishing_core> core_;
};

/// How a fixed_window_rate_limiter works.
struct fixed_window_rate_limiter_options {
    std::int32_t permit_limit = 0;       ///< permits of one window; must be given, positive
    std::chrono::nanoseconds window{0};  ///< must be given; positive, at most 2^32 - 2 ms
    std::int32_t queue_limit = 0;        ///< most permits that may be waited for, together
    queue_processing_order queue_order = queue_processing_order::oldest_first;
    bool auto_replenishment = true;  ///< false: only try_replenish() does
};
static_assert(std::is_trivially_destructible_v<fixed_window_rate_limiter_options>);

/// So many permits in each window of time; all come back when the next one begins.
class fixed_window_rate_limiter final : public replenishing_rate_limiter {
public:
    /// @param provider  whose time; null for that of the calling thread's runtime. It must outlive the limiter and its waiters.
    /// @throws std::invalid_argument  for options out of range
    explicit fixed_window_rate_limiter(const fixed_window_rate_limiter_options& options, time_provider* provider = nullptr);
};

/// How a sliding_window_rate_limiter works.
struct sliding_window_rate_limiter_options {
    std::int32_t permit_limit = 0;         ///< permits of any window; must be given, positive
    std::chrono::nanoseconds window{0};    ///< must be given, positive
    std::int32_t segments_per_window = 1;  ///< into how many parts a window is divided, positive
    std::int32_t queue_limit = 0;          ///< most permits that may be waited for, together
    queue_processing_order queue_order = queue_processing_order::oldest_first;
    bool auto_replenishment = true;  ///< false: only try_replenish() does
};
static_assert(std::is_trivially_destructible_v<sliding_window_rate_limiter_options>);

/// So many permits in any window of time, in steps of a segment: what was taken in a segment comes back when it leaves the window.
class sliding_window_rate_limiter final : public replenishing_rate_limiter {
public:
    /// As fixed_window_rate_limiter.
    explicit sliding_window_rate_limiter(
        const sliding_window_rate_limiter_options& options, time_provider* provider = nullptr);
};

/// How a token_bucket_rate_limiter works.
struct token_bucket_rate_limiter_options {
    std::int32_t token_limit = 0;                      ///< the most a bucket holds; must be given, positive
    std::int32_t tokens_per_period = 0;                ///< what a period adds; must be given, positive
    std::chrono::nanoseconds replenishment_period{0};  ///< must be given, positive
    std::int32_t queue_limit = 0;                      ///< most tokens that may be waited for, together
    queue_processing_order queue_order = queue_processing_order::oldest_first;
    bool auto_replenishment = true;  ///< false: only try_replenish() does
};
static_assert(std::is_trivially_destructible_v<token_bucket_rate_limiter_options>);

/// A bucket that is full at first and gets some tokens each period, until it is full again: a steady rate that allows bursts.
class token_bucket_rate_limiter final : public replenishing_rate_limiter {
public:
    /// As fixed_window_rate_limiter.
    explicit token_bucket_rate_limiter(const token_bucket_rate_limiter_options& options, time_provider* provider = nullptr);
};

/// The same under shorter names.
using fixed_window_limiter = fixed_window_rate_limiter;
using sliding_window_limiter = sliding_window_rate_limiter;
using token_bucket_limiter = token_bucket_rate_limiter;

}  // namespace weft::inline WEFT_ABI
