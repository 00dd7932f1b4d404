#pragma once
// <weft/coordination/rate_limiter.hpp>: what every rate limiter offers, the leases it gives, and limiters in a row.
// The limiters themselves are in <weft/rate_limiters.hpp>.
// Follows System.Threading.RateLimiting: RateLimiter, RateLimitLease, RateLimiter.CreateChained (semantics 1.22).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/base/unique_function.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/value_task.hpp"

namespace weft::inline WEFT_ABI {

/// The answer of a limiter: permits, or none. Asking is no error, so a refusal is a lease, too.
///
/// Lifetime  a resource, move-only. The permits of a concurrency_limiter go back, once, when it goes or by dispose(); those of the
///           other limiters come back with time. It may outlive its limiter.
class [[nodiscard("a lease that is dropped gives its permits back at once")]] rate_limit_lease {
public:
    /// Refused, without a word.
    rate_limit_lease() noexcept = default;
    /// Acquired. @param release  called once, when the lease goes; may be empty; must not throw
    [[nodiscard]] static rate_limit_lease acquired(unique_function<void()> release = {}) noexcept;
    /// Refused. @param reason  lives as long as the program  @param retry_after  when asking again makes sense
    [[nodiscard]] static rate_limit_lease refused(
        std::string_view reason, std::optional<std::chrono::nanoseconds> retry_after = std::nullopt) noexcept;

    rate_limit_lease(rate_limit_lease&& other) noexcept = default;
    rate_limit_lease& operator=(rate_limit_lease&& other) noexcept;
    ~rate_limit_lease() { dispose(); }

    /// Whether there are permits. It stays what it is after dispose().
    [[nodiscard]] bool is_acquired() const noexcept { return acquired_; }
    /// Of a refusal by a limiter that replenishes: how long to wait before asking again.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> retry_after() const noexcept { return retry_after_; }
    /// Of a refusal: why; may be empty.
    [[nodiscard]] std::string_view reason_phrase() const noexcept { return reason_; }

    /// Gives the permits back, the first time.
    void dispose() noexcept;

private:
    bool acquired_ = false;
    std::optional<std::chrono::nanoseconds> retry_after_;
    std::string_view reason_;
    unique_function<void()> release_;
};

/// A snapshot; out of date when it is read.
struct rate_limiter_statistics {
    std::int64_t current_available_permits = 0;
    std::int64_t current_queued_count = 0;  ///< permits that are waited for, not waiters
    std::int64_t total_successful_leases = 0;
    std::int64_t total_failed_leases = 0;
};
static_assert(std::is_trivially_destructible_v<rate_limiter_statistics>);

/// Whom a limiter's queue serves, and what becomes of those for whom it has no room.
enum class queue_processing_order : std::uint8_t {
    oldest_first,  ///< nobody overtakes; a full queue refuses the newcomer
    newest_first   ///< newcomers take what is free and are served first; a full queue refuses the oldest waiters
};

/// Says who may go on, and who is to wait. Derive to write another limiter.
///
/// Continuation  of acquire(): posted to the captured context, else to the pool; never inside dispose() of a lease or a limiter.
/// Threads       every member may be called from any thread.
/// Lifetime      a resource, immovable; when it goes, waiters get refusals.
class rate_limiter {
public:
    rate_limiter(const rate_limiter&) = delete;
    rate_limiter& operator=(const rate_limiter&) = delete;
    virtual ~rate_limiter() = default;

    /// Permits at once, or a refusal.
    /// @param permits  0: succeeds if any permit is free, and takes none
    /// @throws std::invalid_argument  for a negative number, and one above the limit; object_disposed
    [[nodiscard]] rate_limit_lease attempt_acquire(std::int32_t permits = 1);
    /// Permits as soon as there are some, or a refusal, when the queue is full or the limiter goes.
    ///
    /// Cancellation  takes the caller out of the queue and ends as canceled with `token`; permits granted first win, and belong to
    ///               the caller. A token cancelled beforehand takes no permits.
    /// @throws as attempt_acquire()
    [[nodiscard]] value_task<rate_limit_lease> acquire(std::int32_t permits = 1, cancellation_token token = {});

    [[nodiscard]] virtual rate_limiter_statistics statistics() = 0;
    /// How long all permits have been free; none while some are out or waited for.
    [[nodiscard]] virtual std::optional<std::chrono::nanoseconds> idle_duration() = 0;
    /// Refuses whoever waits, and throws object_disposed at later calls. Leases stay valid. May be called again.
    virtual void dispose() noexcept = 0;

protected:
    rate_limiter() = default;
    /// As the public ones; `permits` is not negative.
    virtual rate_limit_lease attempt_acquire_core(std::int32_t permits) = 0;
    virtual value_task<rate_limit_lease> acquire_core(std::int32_t permits, cancellation_token token) = 0;
};

/// Asks each of `limiters`, from left to right: all must grant. When one refuses, what the earlier ones granted goes back, and
/// its refusal is the answer. Statistics: the least that is available, the sum of the queues and refusals, the successes of
/// the last. Disposing of the whole leaves the limiters alone, which may be used elsewhere, too.
/// @throws std::invalid_argument  for none, and for a null one
[[nodiscard]] std::unique_ptr<rate_limiter> chained(std::vector<std::shared_ptr<rate_limiter>> limiters);
template <class... Limiters>
    requires(std::is_convertible_v<Limiters, std::shared_ptr<rate_limiter>> && ...)
[[nodiscard]] std::unique_ptr<rate_limiter> chained(std::shared_ptr<rate_limiter> first, Limiters... others) {
    std::vector<std::shared_ptr<rate_limiter>> limiters;
    limiters.push_back(std::move(first));
    (limiters.push_back(std::move(others)), ...);
    return chained(std::move(limiters));
}

}  // namespace weft::inline WEFT_ABI
