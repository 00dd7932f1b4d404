// One step at a time: the candidates are the timers that are due and the items that are ready; choose() picks one and it runs
// to its next suspension. Only when there is no candidate does time jump to the next deadline.
// SPDX-License-Identifier: MIT

#include "weft/testing/deterministic_scheduler.hpp"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <string>

#include "testing/virtual_clock.hpp"
#include "weft/base/assert.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/task/detail/task_core.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

// After so many steps at one instant the next timer falls due all the same, as it would on a slow machine: a loop that yields
// until some time has passed must end.
constexpr std::size_t steps_per_instant = 100'000;
// What is still ready when the scheduler goes gets so many steps; two tasks that wake each other for ever get no more.
constexpr std::size_t last_steps = 100'000;

/// The generator of Steele, Lea and Flood: every seed is good, and it is the same on every machine.
class split_mix {
public:
    explicit split_mix(std::uint64_t seed) noexcept : state_(seed) {}
    std::uint64_t operator()() noexcept {
        std::uint64_t bits = state_ += 0x9e3779b97f4a7c15u;
        bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
        bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
        return bits ^ (bits >> 31);
    }

private:
    std::uint64_t state_;
};

}  // namespace

class deterministic_scheduler::state {
public:
    state(std::uint64_t with_seed, std::span<const choice> answers)
        : seed(with_seed), replay(answers.begin(), answers.end()), bits(with_seed) {}

    /// @param options  0 for random bits
    std::uint64_t answer(const char* kind, std::uint64_t options) {
        std::uint64_t chosen = 0;
        if (made.size() < replay.size()) chosen = replay[made.size()].answer;
        else if (options == 0 || seed != 0) chosen = bits();
        if (options != 0) chosen %= options;
        made.push_back(choice{kind, options, chosen});
        return chosen;
    }

    [[nodiscard]] std::size_t ready_count() const noexcept {
        const std::lock_guard guard(mutex);
        return ready.size();
    }
    [[nodiscard]] work_item& take(std::size_t position) noexcept {
        const std::lock_guard guard(mutex);
        work_item* item = ready[position];
        ready.erase(ready.begin() + static_cast<std::ptrdiff_t>(position));
        return *item;
    }

    dispatcher* previous_home = nullptr;
    const std::uint64_t seed;
    std::vector<choice> replay;
    std::vector<choice> made;
    split_mix bits;
    virtual_clock clock;
    mutable std::mutex mutex;  // guards ready: other threads may post
    std::deque<work_item*> ready;
    std::size_t steps_here = 0;  // since time last moved
};

std::uint64_t seed_from_environment(std::uint64_t fallback) {
    const char* text = std::getenv("WEFT_SEED");
    return text == nullptr || *text == '\0' ? fallback : std::strtoull(text, nullptr, 10);
}

deterministic_scheduler::deterministic_scheduler(std::uint64_t seed)
    : deterministic_scheduler(std::span<const choice>(), seed) {}

deterministic_scheduler::deterministic_scheduler(std::span<const choice> answers, std::uint64_t seed)
    : state_(std::make_unique<state>(seed, answers)) {
    state_->previous_home = std::exchange(weft::detail::this_thread_block().home, this);
}

deterministic_scheduler::~deterministic_scheduler() {
    for (std::size_t steps = 0; steps < last_steps && step(jump::no);) ++steps;
    state_->ready.clear();
    weft::detail::live_tasks::destroy_all(*this);
    weft::detail::thread_block& block = weft::detail::this_thread_block();
    WEFT_ASSERT(block.home == this, "a deterministic_scheduler goes on the thread that made it, innermost first");
    block.home = state_->previous_home;
}

std::size_t deterministic_scheduler::choose(const char* kind, std::size_t options) {
    return options <= 1 ? 0 : static_cast<std::size_t>(state_->answer(kind, options));
}

std::uint64_t deterministic_scheduler::random() noexcept { return state_->answer("random", 0); }

std::span<const choice> deterministic_scheduler::choices() const noexcept { return state_->made; }

std::uint64_t deterministic_scheduler::seed() const noexcept { return state_->seed; }

std::size_t deterministic_scheduler::suspended_tasks() const noexcept { return weft::detail::live_tasks::count(this); }

time_provider& deterministic_scheduler::time() noexcept { return state_->clock; }

void deterministic_scheduler::post(work_item& item, post_hint hint) noexcept {
    const std::lock_guard guard(state_->mutex);
    // Only the plain order sees the difference.
    if (hint == post_hint::next) state_->ready.push_front(&item);
    else state_->ready.push_back(&item);
}

/// @returns false when nothing can happen, or nothing without moving time
bool deterministic_scheduler::step(jump may_jump) {
    state& world = *state_;
    std::size_t due = world.clock.due();
    std::size_t ready = world.ready_count();
    if (due + ready == 0 || ++world.steps_here > steps_per_instant) {
        const auto next = world.clock.next_deadline();
        if (next && may_jump == jump::yes) {
            world.clock.move_to(*next);
            world.steps_here = 0;
            due = world.clock.due();
        } else if (due + ready == 0) {
            return false;
        }
    }

    const std::size_t picked = choose("step", due + ready);
    if (picked < due) {
        timer_node& timer = world.clock.take(picked);
        timer.fire(timer);
        return true;
    }
    work_item& item = world.take(picked - due);
    // Items run as on a pool: with neither context nor scheduler. A nested run has those of the code below it.
    weft::detail::thread_block& block = weft::detail::this_thread_block();
    synchronization_context* sync = std::exchange(block.sync, nullptr);
    task_scheduler* scheduler = std::exchange(block.scheduler, nullptr);
    item.run(item);
    block.sync = sync;
    block.scheduler = scheduler;
    return true;
}

void deterministic_scheduler::run_to(bool (*done)(void*), void* argument) {
    while (!done(argument)) {
        if (step(jump::yes)) continue;
        throw deadlock("deadlock: nothing is ready, no timer is armed, and the awaited task is not done; " +
            std::to_string(suspended_tasks()) + " tasks wait (seed " + std::to_string(seed()) + ", " +
            std::to_string(choices().size()) + " choices)");
    }
}

bool deterministic_scheduler::run_until(bool (*done)(void*), void* argument) noexcept {
    while (!done(argument)) {
        if (step(jump::yes)) continue;
        std::fprintf(stderr,
            "weft: a blocking wait finds nothing left to run in the deterministic scheduler (seed %llu); "
            "only another thread can end it\n",
            static_cast<unsigned long long>(seed()));
        return false;
    }
    return true;
}

std::size_t deterministic_scheduler::run_ready() {
    std::size_t steps = 0;
    while (step(jump::no)) ++steps;
    return steps;
}

std::size_t deterministic_scheduler::run_until_idle() {
    std::size_t steps = 0;
    while (step(jump::yes)) ++steps;
    return steps;
}

void deterministic_scheduler::advance(std::chrono::nanoseconds step) {
    if (step < step.zero()) throw std::invalid_argument("deterministic_scheduler::advance: the step is negative");
    const time_point target = state_->clock.now() + step;
    for (;;) {
        run_ready();
        const auto next = state_->clock.next_deadline();
        if (!next || *next > target) break;
        state_->clock.move_to(*next);
    }
    state_->clock.move_to(target);
}

}  // namespace weft::inline WEFT_ABI::testing
