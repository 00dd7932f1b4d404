#pragma once
// What a deterministic scheduler holds: the ready items, the events that may come, the clock, and the choices made so far.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "testing/decider.hpp"
#include "testing/trace.hpp"
#include "testing/virtual_clock.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/task/detail/task_core.hpp"
#include "weft/testing/allocation_failure.hpp"
#include "weft/testing/deterministic_scheduler.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace detail {

/// Who has put an ordinary test into a world (WEFT_SIM=1), and is told what the test does.
class visitor {
public:
    visitor() = default;
    visitor(const visitor&) = delete;
    visitor& operator=(const visitor&) = delete;

    /// A blocking wait of the test.
    virtual bool run_until(bool (*done)(void*), void* argument) = 0;
    virtual void leaves(const char* how) noexcept = 0;
    /// An item is about to be posted, by whichever thread.
    virtual void posted() noexcept = 0;

    std::recursive_mutex stepping;  // held while a step is chosen and while a timer fires, not while an item runs

protected:
    virtual ~visitor() = default;
};

/// Lets go of the lock of steps while an item runs.
class unlocked_for_item {
public:
    explicit unlocked_for_item(visitor* guest) noexcept : guest_(guest) {
        if (guest_ != nullptr) guest_->stepping.unlock();
    }
    ~unlocked_for_item() {
        if (guest_ != nullptr) guest_->stepping.lock();
    }
    unlocked_for_item(const unlocked_for_item&) = delete;
    unlocked_for_item& operator=(const unlocked_for_item&) = delete;

private:
    visitor* guest_;
};

}  // namespace detail

class deterministic_scheduler::state {
public:
    struct ready_item {
        work_item* item;
        detail::chain_id chain;
    };

    state(std::unique_ptr<detail::decider> with, std::uint64_t with_seed)
        : decider(std::move(with)), seed(with_seed), bits(with_seed ^ 0x5eed) {}

    /// Asks the decider, and records the answer.
    std::size_t decide(const detail::decision& what) {
        const allocations_succeed own;
        const std::size_t answer = decider->decide(what) % what.options;
        made.push_back(choice{what.kind, what.options, answer});
        return answer;
    }

    [[nodiscard]] bool has_ready() const noexcept {
        const std::lock_guard guard(mutex);
        return !ready.empty();
    }
    /// Whether anything but the running task can happen next.
    [[nodiscard]] bool something_else() noexcept {
        if (has_ready() || !events.empty()) return true;
        const auto next = slow_by.count() < 0 ? std::nullopt : clock.next_deadline();
        return next && *next - clock.now() <= slow_by;
    }
    [[nodiscard]] std::size_t ready_count() const noexcept {
        const std::lock_guard guard(mutex);
        return ready.size();
    }
    [[nodiscard]] ready_item take(std::size_t position) noexcept {
        const std::lock_guard guard(mutex);
        const ready_item item = ready[position];
        ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(position));
        return item;
    }
    /// The chain that `item` belongs to: its outermost awaiter's. What is no task is a chain of its own.
    [[nodiscard]] detail::chain_id chain_of(work_item& item);
    /// A small number for a task, the same in every run.
    [[nodiscard]] detail::chain_id number_of(weft::detail::task_core& core);

    // The parts of a step.
    [[nodiscard]] std::size_t choose(const char* kind, std::size_t options, detail::choice_class what);
    [[nodiscard]] std::size_t choose_step(std::size_t due, std::size_t certain, std::size_t options, bool idle);
    [[nodiscard]] bool choose_preemption(weft::detail::task_core& awaiter, bool on_caller);
    /// Nothing can happen at this instant, and somebody waits for that; an event may come all the same. @returns whether one did
    [[nodiscard]] bool event_breaks_quiet();
    void jump_to(time_point deadline);
    void fire_timer(std::size_t position);
    void run_event(std::size_t position);
    void run_ready(std::size_t position);

    deterministic_scheduler* owner = nullptr;
    dispatcher* previous_home = nullptr;
    std::unique_ptr<detail::decider> decider;
    const std::uint64_t seed;
    detail::split_mix bits;
    std::vector<choice> made;
    virtual_clock clock;
    mutable std::mutex mutex;  // guards ready: other threads may post
    std::deque<ready_item> ready;
    std::vector<work_item*> events;                   // may run at any time, or never (cancel_any_time)
    std::vector<weft::detail::task_core*> when_idle;  // run when nothing else can happen at this instant (settle)
    std::vector<detail::chain_id> candidates;         // of the present step; kept for its memory
    std::vector<std::size_t> steps_of_chain;
    std::unordered_map<std::int32_t, detail::chain_id> numbers;
    detail::chain_id next_number = 1;
    detail::chain_id running = 0;
    std::size_t steps = 0;
    std::size_t steps_here = 0;            // since time last moved
    std::chrono::nanoseconds slow_by{-1};  // a timer that is due so soon may fire although there is work
    bool first_segments = false;           // preempt also what runs on its caller's stack
    bool abandoned = false;                // nothing runs when the scheduler goes: frames are destroyed where they stand
    detail::trace* trace = nullptr;
    detail::visitor* guest = nullptr;  // who holds its lock of steps around each
};

namespace detail {

/// The explorer's way in.
struct scheduler_access {
    using state = deterministic_scheduler::state;
    [[nodiscard]] static state& of(deterministic_scheduler& scheduler) noexcept { return *scheduler.state_; }
    /// As deterministic_scheduler::choose(). @param options  at least 2
    static std::size_t choose(
        deterministic_scheduler& scheduler, const char* kind, std::size_t options, choice_class what) {
        return scheduler.state_->choose(kind, options, what);
    }
    /// @returns false when nothing can happen, or nothing without moving time
    static bool step(deterministic_scheduler& scheduler, bool may_jump) {
        return scheduler.step(may_jump ? deterministic_scheduler::jump::yes : deterministic_scheduler::jump::no);
    }
    [[nodiscard]] static std::unique_ptr<deterministic_scheduler> make(std::unique_ptr<decider> with, std::uint64_t seed) {
        return std::unique_ptr<deterministic_scheduler>(new deterministic_scheduler(std::move(with), seed));
    }
};

}  // namespace detail

}  // namespace weft::inline WEFT_ABI::testing
