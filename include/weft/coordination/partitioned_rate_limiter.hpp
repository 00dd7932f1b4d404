#pragma once
// <weft/coordination/partitioned_rate_limiter.hpp>: a rate limiter for each key: a user, a tenant, an address.
// Follows System.Threading.RateLimiting.PartitionedRateLimiter (semantics 1.22/12, 1.22/14).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weft/base/dispatcher.hpp"
#include "weft/base/error.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/coordination/rate_limiter.hpp"
#include "weft/coordination/timer.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

/// How long a partition stays that nobody uses, and how often that is looked at while there are partitions.
inline constexpr std::chrono::nanoseconds partition_idle_limit = std::chrono::seconds(10);
inline constexpr std::chrono::nanoseconds partition_sweep_period = std::chrono::seconds(1);

}  // namespace detail

/// Gives each key a limiter of its own, made when the key is first asked for, and disposed of when it has been idle for ten seconds.
///
/// The same key shares one limiter. Keys that come with a resource, such as a request, are the caller's business: ask for
/// the key that the resource has.
///
/// Threads   every member may be called from any thread. One thread makes a key's limiter; others that ask for that key wait for
///           it, those that ask for another do not.
/// Lifetime  a resource, immovable. When it goes, waiters of all its limiters get refusals. Leases may outlive it.
template <class Key, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
class partitioned_rate_limiter {
public:
    using limiter_factory = unique_function<std::shared_ptr<rate_limiter>(const Key&)>;

    /// @param factory   makes the limiter of a key; null, as a pointer, is no limit. Called once for a key as long as its limiter
    ///                  stays, by one thread for each key, several for several keys. What it throws leaves the asking call, and it
    ///                  is called again then.
    /// @param provider  whose time idleness is measured in; null for that of the calling thread's runtime
    template <class F>
        requires(std::is_invocable_v<F&, const Key&> &&
            std::is_convertible_v<std::invoke_result_t<F&, const Key&>, std::shared_ptr<rate_limiter>>)
    explicit partitioned_rate_limiter(F factory, time_provider* provider = nullptr)
        : state_(std::make_shared<state>(
              limiter_factory([made = std::move(factory)](const Key& key) mutable -> std::shared_ptr<rate_limiter> {
                  return std::invoke(made, key);
              }),
              provider != nullptr ? *provider : detail::current_dispatcher().time())) {
        state_->sweeper.emplace(
            [weak = std::weak_ptr<state>(state_)] {
                if (const std::shared_ptr<state> self = weak.lock()) self->sweep();
            },
            timer::infinite, timer::infinite, &state_->clock);
    }
    partitioned_rate_limiter(const partitioned_rate_limiter&) = delete;
    partitioned_rate_limiter& operator=(const partitioned_rate_limiter&) = delete;
    ~partitioned_rate_limiter() { dispose(); }

    /// As rate_limiter::attempt_acquire(), of the key's limiter.
    [[nodiscard]] rate_limit_lease attempt_acquire(const Key& key, std::int32_t permits = 1) {
        const use used(*state_, key);
        return used.limiter() != nullptr ? used.limiter()->attempt_acquire(permits) : rate_limit_lease::acquired();
    }
    /// As rate_limiter::acquire(), of the key's limiter.
    [[nodiscard]] value_task<rate_limit_lease> acquire(
        const Key& key, std::int32_t permits = 1, cancellation_token token = {}) {
        const use used(*state_, key);
        if (used.limiter() != nullptr) return used.limiter()->acquire(permits, std::move(token));
        if (token.is_cancellation_requested())
            return value_task<rate_limit_lease>(from_canceled<rate_limit_lease>(std::move(token)));
        return value_task<rate_limit_lease>(rate_limit_lease::acquired());
    }
    /// Of the key's limiter, which is made if it is not there; none for a key without a limit.
    [[nodiscard]] std::optional<rate_limiter_statistics> statistics(const Key& key) {
        const use used(*state_, key);
        if (used.limiter() == nullptr) return std::nullopt;
        return used.limiter()->statistics();
    }
    /// How many keys have a limiter now.
    [[nodiscard]] std::size_t partition_count() const { return state_->count(); }

    /// Disposes of every limiter; later calls throw object_disposed. May be called again.
    void dispose() noexcept { state_->dispose(); }

private:
    struct partition {
        std::mutex making;
        bool is_made = false;                   // under `making`
        std::shared_ptr<rate_limiter> limiter;  // written once, under `making`
        // Under the lock of the state.
        std::size_t users = 0;   // calls that are about to ask the limiter
        std::uint64_t uses = 0;  // all there ever were
        time_point last_use{};
    };
    class state;

    /// A call's hold of a partition: as long as it lasts the partition is not swept away.
    class use {
    public:
        use(state& owner, const Key& key) : owner_(owner), partition_(owner.begin_use(key)) {
            try {
                owner.make(key, *partition_);
            } catch (...) {
                owner.end_use(*partition_);
                throw;
            }
        }
        use(const use&) = delete;
        use& operator=(const use&) = delete;
        ~use() { owner_.end_use(*partition_); }
        [[nodiscard]] rate_limiter* limiter() const noexcept { return partition_->limiter.get(); }

    private:
        state& owner_;
        std::shared_ptr<partition> partition_;
    };

    class state {
    public:
        state(limiter_factory make, time_provider& with) : clock(with), factory_(std::move(make)) {}

        [[nodiscard]] std::shared_ptr<partition> begin_use(const Key& key) {
            const time_point now = clock.now();
            bool is_first = false;
            std::shared_ptr<partition> found;
            {
                const std::lock_guard guard(mutex_);
                if (disposed_) throw object_disposed("partitioned_rate_limiter");
                is_first = partitions_.empty();
                std::shared_ptr<partition>& place = partitions_[key];
                if (place == nullptr) place = std::make_shared<partition>();
                ++place->users;
                ++place->uses;
                place->last_use = now;
                found = place;
            }
            if (is_first) sweeper->change(detail::partition_sweep_period);
            return found;
        }
        /// Sees to it that the partition has its limiter.
        void make(const Key& key, partition& of) {
            const std::lock_guard guard(of.making);
            if (of.is_made) return;
            of.limiter = factory_(key);
            of.is_made = true;
        }
        void end_use(partition& of) noexcept {
            const std::lock_guard guard(mutex_);
            --of.users;
        }
        [[nodiscard]] std::size_t count() const {
            const std::lock_guard guard(mutex_);
            return partitions_.size();
        }
        /// Takes out what has been idle for too long. A limiter is asked without the lock, and stays if it was used meanwhile.
        void sweep() {
            std::vector<std::shared_ptr<partition>> gone;
            for (auto& [key, seen] : snapshot()) {
                if (idle_time(*seen.first) < detail::partition_idle_limit) continue;
                const std::lock_guard guard(mutex_);
                const auto now = partitions_.find(key);
                if (now == partitions_.end() || now->second != seen.first) continue;
                if (seen.first->users > 0 || seen.first->uses != seen.second) continue;
                gone.push_back(std::move(now->second));
                partitions_.erase(now);
            }
            for (const auto& each : gone)
                if (each->limiter != nullptr) each->limiter->dispose();
            if (count() > 0) sweeper->change(detail::partition_sweep_period);
        }
        void dispose() noexcept {
            map all;
            {
                const std::lock_guard guard(mutex_);
                disposed_ = true;
                all.swap(partitions_);
            }
            sweeper->dispose();
            for (auto& [key, each] : all) {
                const std::lock_guard guard(each->making);
                if (each->limiter != nullptr) each->limiter->dispose();
            }
        }

        time_provider& clock;
        std::optional<timer> sweeper;  // set while there are partitions

    private:
        using map = std::unordered_map<Key, std::shared_ptr<partition>, Hash, Equal>;

        std::vector<std::pair<Key, std::pair<std::shared_ptr<partition>, std::uint64_t>>> snapshot() const {
            std::vector<std::pair<Key, std::pair<std::shared_ptr<partition>, std::uint64_t>>> seen;
            const std::lock_guard guard(mutex_);
            for (const auto& [key, each] : partitions_)
                if (each->users == 0) seen.emplace_back(key, std::pair(each, each->uses));
            return seen;
        }
        [[nodiscard]] std::chrono::nanoseconds idle_time(partition& of) {
            const time_point now = clock.now();
            {
                const std::lock_guard guard(of.making);
                if (of.limiter != nullptr) return of.limiter->idle_duration().value_or(std::chrono::nanoseconds::zero());
            }
            const std::lock_guard guard(mutex_);
            return now - of.last_use;
        }

        mutable std::mutex mutex_;
        limiter_factory factory_;
        map partitions_;
        bool disposed_ = false;
    };

    std::shared_ptr<state> state_;
};

/// The same under a shorter name.
template <class Key, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
using partitioned_limiter = partitioned_rate_limiter<Key, Hash, Equal>;

}  // namespace weft::inline WEFT_ABI
