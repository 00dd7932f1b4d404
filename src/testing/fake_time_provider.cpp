// SPDX-License-Identifier: MIT

#include "weft/testing/fake_time_provider.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "weft/base/dispatcher.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

constexpr fake_time_provider::utc_time year_2000 = std::chrono::sys_days{std::chrono::January / 1 / 2000};
// Far from zero, so that a test may subtract from it.
constexpr time_point first_instant{std::chrono::hours(24)};

}  // namespace

struct fake_time_provider::state {
    using key = std::pair<time_point, std::uint32_t>;

    mutable std::mutex mutex;
    time_point instant = first_instant;
    std::chrono::nanoseconds auto_step{0};
    std::map<key, timer_node*> timers;  // in firing order
    std::uint32_t next_sequence = 0;
    bool firing = false;
    time_point fired_at{};  // what the clock showed when the timer that fires was taken out
    utc_time utc_base;      // the wall clock at first_instant

    explicit state(utc_time start) : utc_base(start) {}

    [[nodiscard]] utc_time utc() const noexcept {
        return utc_base + std::chrono::duration_cast<utc_time::duration>(instant - first_instant);
    }

    /// Fires what is due until nothing is, unless another call up the stack or in another thread already does.
    void fire_due() noexcept {
        std::unique_lock lock(mutex);
        if (firing) return;
        firing = true;
        while (!timers.empty() && timers.begin()->first.first <= instant) {
            timer_node& timer = *timers.begin()->second;
            timers.erase(timers.begin());
            timer.slot = timer_node::unarmed;
            fired_at = instant;
            lock.unlock();
            timer.fire(timer);
            lock.lock();
        }
        firing = false;
    }

    /// What a clock shows, and the automatic step after it.
    template <class Reading>
    auto read(Reading reading) noexcept {
        std::unique_lock lock(mutex);
        const auto shown = reading(*this);
        if (auto_step > auto_step.zero()) {
            instant += auto_step;
            lock.unlock();
            fire_due();
        }
        return shown;
    }
};

fake_time_provider::fake_time_provider() : fake_time_provider(year_2000) {}
fake_time_provider::fake_time_provider(utc_time start) : state_(std::make_shared<state>(start)) {}
fake_time_provider::~fake_time_provider() = default;

time_point fake_time_provider::now() noexcept {
    return state_->read([](const state& clock) { return clock.instant; });
}

fake_time_provider::utc_time fake_time_provider::utc_now() noexcept {
    return state_->read([](const state& clock) { return clock.utc(); });
}

void fake_time_provider::arm(timer_node& timer) noexcept {
    bool due = false;
    {
        std::lock_guard guard(state_->mutex);
        timer.sequence = state_->next_sequence++;
        timer.slot = 0;
        state_->timers.emplace(state::key(timer.deadline, timer.sequence), &timer);
        // Whoever fires looks again before it stops.
        due = timer.deadline <= state_->instant && !state_->firing;
    }
    if (!due) return;
    struct firing_item final : work_item {
        explicit firing_item(std::shared_ptr<state> owner) noexcept
            : work_item([](work_item& item) noexcept {
                  const std::unique_ptr<firing_item> self(static_cast<firing_item*>(&item));
                  self->owner_->fire_due();
              }),
              owner_(std::move(owner)) {}
        std::shared_ptr<state> owner_;
    };
    weft::detail::current_dispatcher().post(*new firing_item(state_), post_hint::fair);
}

bool fake_time_provider::disarm(timer_node& timer) noexcept {
    std::lock_guard guard(state_->mutex);
    if (timer.slot == timer_node::unarmed) return false;
    timer.slot = timer_node::unarmed;
    return state_->timers.erase(state::key(timer.deadline, timer.sequence)) == 1;
}

void fake_time_provider::run_callback(dispatcher&, work_item& callback) noexcept { callback.run(callback); }

time_point fake_time_provider::next_period(time_point due, std::chrono::nanoseconds period) noexcept {
    std::lock_guard guard(state_->mutex);
    return (state_->instant == state_->fired_at ? due : state_->instant) + period;
}

void fake_time_provider::advance(std::chrono::nanoseconds step) {
    if (step < step.zero()) throw std::invalid_argument("fake_time_provider::advance: the step is negative");
    {
        std::lock_guard guard(state_->mutex);
        state_->instant += step;
    }
    state_->fire_due();
}

void fake_time_provider::set_utc_now(utc_time target) {
    {
        std::lock_guard guard(state_->mutex);
        if (target < state_->utc())
            throw std::invalid_argument("fake_time_provider::set_utc_now: the target is in the past");
        state_->instant += target - state_->utc();
    }
    state_->fire_due();
}

void fake_time_provider::adjust_time(utc_time target) {
    std::lock_guard guard(state_->mutex);
    state_->utc_base += target - state_->utc();
}

void fake_time_provider::set_auto_advance(std::chrono::nanoseconds step) {
    if (step < step.zero()) throw std::invalid_argument("fake_time_provider::set_auto_advance: the step is negative");
    std::lock_guard guard(state_->mutex);
    state_->auto_step = step;
}

std::size_t fake_time_provider::pending_timers() const noexcept {
    std::lock_guard guard(state_->mutex);
    return state_->timers.size();
}

std::optional<time_point> fake_time_provider::next_deadline() const noexcept {
    std::lock_guard guard(state_->mutex);
    if (state_->timers.empty()) return std::nullopt;
    return state_->timers.begin()->first.first;
}

}  // namespace weft::inline WEFT_ABI::testing
