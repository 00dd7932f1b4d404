// One step at a time: the candidates are the timers that are due and the items that are ready; choose() picks one and it runs
// to its next suspension. Only when there is no candidate does time jump to the next deadline.
// SPDX-License-Identifier: MIT

#include "weft/testing/deterministic_scheduler.hpp"

#include <cstdio>
#include <string>

#include "testing/environment.hpp"
#include "testing/scheduler_state.hpp"
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

/// Repeats a list of answers, then goes on from a seed: 0 is the plain order, any other picks evenly.
class seeded final : public detail::decider {
public:
    seeded(std::span<const choice> answers, std::uint64_t seed) : seed_(seed), bits_(seed) {
        for (const choice& each : answers) replay_.push_back(each.answer);
    }
    std::size_t decide(const detail::decision& what) override {
        if (next_ < replay_.size()) return static_cast<std::size_t>(replay_[next_++]);
        return seed_ == 0 ? 0 : bits_.below(what.options);
    }
    std::optional<std::uint64_t> random() override { return next_ < replay_.size() ? replay_[next_++] : bits_(); }
    // A test of one order knows where its tasks suspend.
    [[nodiscard]] bool preempts() const noexcept override { return false; }

private:
    std::vector<std::uint64_t> replay_;
    std::size_t next_ = 0;
    const std::uint64_t seed_;
    detail::split_mix bits_;
};

}  // namespace

detail::chain_id deterministic_scheduler::state::number_of(weft::detail::task_core& core) {
    const auto [found, fresh] = numbers.try_emplace(core.id(), next_number);
    if (fresh) ++next_number;
    return found->second;
}

detail::chain_id deterministic_scheduler::state::chain_of(work_item& item) {
    weft::detail::task_core* core = weft::detail::task_core::of_node(item);
    if (core == nullptr) return next_number++;
    // Only from task to task, not through when_all() and its like as live_tasks::awaiter_of() goes: tasks that are awaited together
    // run side by side, and so are chains of their own, each with a priority and a number of steps. Who awaits whom is a chain in
    // every sane program; a bound keeps others from holding us up.
    for (int depth = 0; depth < 32; ++depth) {
        weft::detail::task_core* awaiter = nullptr;
        core->visit_continuations([&](weft::detail::continuation& node) {
            if (awaiter == nullptr) awaiter = weft::detail::task_core::of_node(node);
        });
        if (awaiter == nullptr) break;
        core = awaiter;
    }
    return number_of(*core);
}

std::uint64_t seed_from_environment(std::uint64_t fallback) { return detail::environment_number("WEFT_SEED", fallback); }

deterministic_scheduler::deterministic_scheduler(std::uint64_t seed)
    : deterministic_scheduler(std::span<const choice>(), seed) {}

deterministic_scheduler::deterministic_scheduler(std::span<const choice> answers, std::uint64_t seed)
    : deterministic_scheduler(std::make_unique<seeded>(answers, seed), seed) {}

deterministic_scheduler::deterministic_scheduler(std::unique_ptr<detail::decider> decider, std::uint64_t seed)
    : state_(std::make_unique<state>(std::move(decider), seed)) {
    state_->owner = this;
    state_->previous_home = std::exchange(weft::detail::this_thread_block().home, this);
}

deterministic_scheduler::~deterministic_scheduler() {
    state_->events.clear();
    for (std::size_t steps = 0; !state_->abandoned && steps < last_steps && step(jump::no);) ++steps;
    state_->ready.clear();
    {
        const allocations_succeed own;
        weft::detail::live_tasks::destroy_all(*this);
    }
    weft::detail::thread_block& block = weft::detail::this_thread_block();
    WEFT_ASSERT(block.home == this, "a deterministic_scheduler goes on the thread that made it, innermost first");
    block.home = state_->previous_home;
}

std::size_t deterministic_scheduler::choose(const char* kind, std::size_t options) {
    return options <= 1 ? 0 : state_->choose(kind, options, detail::choice_class::value);
}

std::size_t deterministic_scheduler::state::choose(const char* kind, std::size_t options, detail::choice_class what) {
    const allocations_succeed own;
    const std::size_t answer = decide({.kind = kind, .options = options, .what = what, .running = running});
    if (answer != 0 && trace != nullptr)
        trace->note(std::string(kind) + ": " + std::to_string(answer) + " of " + std::to_string(options));
    return answer;
}

std::uint64_t deterministic_scheduler::random() noexcept {
    const std::lock_guard guard(state_->mutex);
    const std::optional<std::uint64_t> chosen = state_->decider->random();
    if (!chosen) return state_->bits();
    const allocations_succeed own;
    state_->made.push_back(choice{"random", 0, *chosen});
    return *chosen;
}

std::span<const choice> deterministic_scheduler::choices() const noexcept { return state_->made; }

std::uint64_t deterministic_scheduler::seed() const noexcept { return state_->seed; }

std::size_t deterministic_scheduler::suspended_tasks() const noexcept { return weft::detail::live_tasks::count(this); }

time_provider& deterministic_scheduler::time() noexcept { return state_->clock; }

void deterministic_scheduler::post(work_item& item, post_hint hint) noexcept {
    const allocations_succeed own;
    state& world = *state_;
    if (world.guest != nullptr) world.guest->posted();
    const detail::chain_id chain = world.decider->looks_at_chains() ? world.chain_of(item) : 0;
    const std::lock_guard guard(world.mutex);
    // Only the plain order sees the difference.
    if (hint == post_hint::next) world.ready.push_front({&item, chain});
    else world.ready.push_back({&item, chain});
}

#if WEFT_EXPLORE
bool deterministic_scheduler::at_await(
    weft::detail::task_core& awaiter, const std::source_location& where, bool ready) noexcept {
    const allocations_succeed own;
    state& world = *state_;
    if (world.trace != nullptr) world.trace->awaits(*this, awaiter, where, ready);
    if (!ready || !world.decider->preempts()) return false;
    // Where a context keeps others out, only its own items could come in between, and they wait for this one to suspend.
    const weft::detail::thread_block& block = weft::detail::this_thread_block();
    if (block.sync != nullptr || block.scheduler != nullptr) return false;
    const bool on_caller = awaiter.has_flag(weft::detail::flag_first_segment);
    if (on_caller ? !world.first_segments : !world.something_else()) return false;
    const bool preempted = world.choose_preemption(awaiter, on_caller);
    if (preempted && world.trace != nullptr) world.trace->stopped(*this, awaiter);
    return preempted;
}
#endif

/// The candidates are the timers that are due, what is ready, a jump to the next deadline when there is neither, the events that
/// may come at any time, and a jump although there is work, as on a slow machine. @returns false when nothing can happen, or
/// nothing without moving time
bool deterministic_scheduler::step(jump may_jump) {
    state& world = *state_;
    std::size_t due = world.clock.due();
    std::size_t ready = world.ready_count();
    const bool settled = due + ready == 0 && !world.when_idle.empty();
    if (settled) {
        if (world.event_breaks_quiet()) return true;
        // Who waits for quiet goes on in it: nothing else happens first.
        for (weft::detail::task_core* waiting : std::exchange(world.when_idle, {})) weft::detail::resume_awaiter(*waiting);
        ready = world.ready_count();
    }
    const auto next = may_jump == jump::yes ? world.clock.next_deadline() : std::nullopt;
    if (++world.steps_here > steps_per_instant && next) {
        world.jump_to(*next);
        due = world.clock.due();
    }
    const bool idle = due + ready == 0;
    const std::size_t certain = idle ? (next ? 1 : 0) : due + ready;
    const bool late = !settled && !idle && due == 0 && next && *next - world.clock.now() <= world.slow_by;
    const std::size_t events = settled || (idle && may_jump == jump::no) ? 0 : world.events.size();
    const std::size_t options = certain + events + (late ? 1 : 0);
    if (options == 0) return false;
    const std::size_t picked = options == 1 ? 0 : world.choose_step(due, certain, options, idle);
    ++world.steps;
    const bool jumps = picked >= certain + events || (idle && picked < certain);
    if (jumps) world.jump_to(*next);
    else if (picked >= certain) world.run_event(picked - certain);
    else if (picked < due) world.fire_timer(picked);
    else world.run_ready(picked - due);
    return true;
}

std::size_t deterministic_scheduler::state::choose_step(
    std::size_t due, std::size_t certain, std::size_t options, bool idle) {
    const allocations_succeed own;
    detail::decision what{.kind = "step",
        .options = options,
        .what = detail::choice_class::step,
        .chains = {},
        .running = running,
        .certain = certain};
    if (decider->looks_at_chains()) {
        candidates.assign(options, 0);
        const std::lock_guard guard(mutex);
        for (std::size_t i = due; !idle && i < certain; ++i) candidates[i] = ready[i - due].chain;
        what.chains = candidates;
    }
    return decide(what);
}

bool deterministic_scheduler::state::choose_preemption(weft::detail::task_core& awaiter, bool on_caller) {
    detail::decision what{
        .kind = "preempt", .options = 2, .what = detail::choice_class::preempt, .chains = {}, .running = running};
    if (decider->looks_at_chains()) {
        const std::lock_guard guard(mutex);
        candidates.clear();
        for (const ready_item& each : ready) candidates.push_back(each.chain);
        if (on_caller) {
            // Who started it would go on in its place.
            candidates.push_back(running);
            what.running = chain_of(awaiter);
        }
        what.chains = candidates;
        what.certain = candidates.size();
    }
    return decide(what) != 0;
}

bool deterministic_scheduler::state::event_breaks_quiet() {
    if (events.empty()) return false;
    const std::size_t picked = choose_step(0, 1, 1 + events.size(), true);
    if (picked == 0) return false;
    ++steps;
    run_event(picked - 1);
    return true;
}

void deterministic_scheduler::state::jump_to(time_point deadline) {
    if (trace != nullptr) {
        const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - clock.now());
        trace->event(std::to_string(passed.count()) + " ms pass");
    }
    clock.move_to(deadline);
    steps_here = 0;
}

void deterministic_scheduler::state::fire_timer(std::size_t position) {
    timer_node& timer = clock.take(position);
    running = 0;
    if (trace != nullptr) trace->event("a timer fires");
    timer.fire(timer);
}

void deterministic_scheduler::state::run_event(std::size_t position) {
    work_item& item = *events[position];
    events.erase(events.begin() + static_cast<std::ptrdiff_t>(position));
    running = 0;
    if (trace != nullptr) trace->event("a cancellation");
    const detail::unlocked_for_item unlocked(guest);
    item.run(item);
}

void deterministic_scheduler::state::run_ready(std::size_t position) {
    const ready_item picked = take(position);
    work_item& item = *picked.item;
    running = picked.chain;
    {
        const allocations_succeed own;
        if (running != 0) {
            if (running >= steps_of_chain.size()) steps_of_chain.resize(running + 1);
            ++steps_of_chain[running];
        }
        if (trace != nullptr) trace->runs(*owner, item);
    }
    // Items run as on a pool: with neither context nor scheduler. A nested run has those of the code below it.
    weft::detail::thread_block& block = weft::detail::this_thread_block();
    synchronization_context* sync = std::exchange(block.sync, nullptr);
    task_scheduler* scheduler = std::exchange(block.scheduler, nullptr);
    const detail::unlocked_for_item unlocked(guest);
    item.run(item);
    block.sync = sync;
    block.scheduler = scheduler;
}

void deterministic_scheduler::run_to(bool (*done)(void*), void* argument) {
    while (!done(argument)) {
        if (step(jump::yes)) continue;
        throw deadlock("deadlock: nothing is ready, no timer is armed, and the awaited task is not done; " +
            std::to_string(suspended_tasks()) + " tasks wait (seed " + std::to_string(seed()) + ", " +
            std::to_string(choices().size()) + " choices)");
    }
}

void deterministic_scheduler::leaves(const char* how) noexcept {
    if (state_->guest != nullptr) state_->guest->leaves(how);
}

bool deterministic_scheduler::run_until(bool (*done)(void*), void* argument) {
    if (state_->guest != nullptr) return state_->guest->run_until(done, argument);
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
