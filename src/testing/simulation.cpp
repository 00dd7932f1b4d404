// SPDX-License-Identifier: MIT

#include "weft/testing/simulation.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "testing/environment.hpp"
#include "testing/replay.hpp"
#include "testing/rerun.hpp"
#include "testing/shrink.hpp"
#include "testing/simulation_state.hpp"
#include "testing/strategies.hpp"
#include "weft/base/thread_block.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t usual_schedules = 20;
// A test that does without its world for so long, although there is work, waits in a way of its own.
constexpr auto patience = 1s;
// Making a failure short takes no longer than this, and no more runs of the program.
constexpr auto longest_shortening = 10s;
constexpr std::size_t most_reruns = 400;
// So long may a step of the clock take in real time once the test has left the simulation.
constexpr auto longest_pause = 20ms;

std::atomic<std::size_t> in_force{0};

/// Threads of the process; 0 where the system does not say.
std::size_t count_threads() {
    std::error_code none;
    std::size_t count = 0;
    for (auto each = std::filesystem::directory_iterator("/proc/self/task", none);
        !none && each != std::filesystem::directory_iterator(); each.increment(none))
        ++count;
    return count;
}

/// What earlier schedules of each test were like.
detail::profile& profile_of(const std::string& test) {
    static std::map<std::string, detail::profile> known;
    return known[test];
}

/// Worlds that something outside may still use.
std::vector<std::unique_ptr<deterministic_scheduler>>& kept_worlds() {
    static auto* const worlds = new std::vector<std::unique_ptr<deterministic_scheduler>>;
    return *worlds;
}

}  // namespace

bool simulation_requested() noexcept {
    const char* text = std::getenv("WEFT_SIM");
    return text != nullptr && *text != '\0' && std::string_view(text) != "0";
}

std::size_t simulated_schedules() {
    const bool one = std::getenv("WEFT_SEED") != nullptr || !detail::environment("WEFT_REPLAY").empty();
    return detail::environment_number("WEFT_SCHEDULES", one ? 1 : usual_schedules);
}

// ---- the world around one test --------------------------------------------------------------------------------------

simulated_test::state::state(std::string test, std::size_t number)
    : name(std::move(test)),
      schedule(number),
      limit_(std::chrono::seconds(detail::environment_number("WEFT_SIM_LIMIT", 60))) {
    auto decider = std::make_unique<detail::leaving_decider>(choose_decider(), left);
    scheduler = detail::scheduler_access::make(std::move(decider), seed_);
    detail::scheduler_access::state& world = detail::scheduler_access::of(*scheduler);
    world.first_segments = false;
    if (!detail::environment("WEFT_REPLAY").empty()) notes = std::make_unique<detail::trace>();
    world.trace = notes.get();
    last_progress_ = std::chrono::steady_clock::now();
    guard_ = std::thread([this] { watch(); });
    threads_at_first_ = count_threads();
    world.guest = this;
}

std::unique_ptr<detail::decider> simulated_test::state::choose_decider() {
    if (const std::string text = detail::environment("WEFT_REPLAY"); !text.empty()) {
        detail::replayed told = detail::from_replay(text);
        seed_ = told.seed;
        found_by = "replay";
        return detail::make_replay(std::move(told.answers));
    }
    const std::string wanted = detail::environment("WEFT_STRATEGY");
    const strategy how =
        detail::strategy_of_schedule(wanted.empty() ? strategy::portfolio : detail::strategy_named(wanted), schedule);
    seed_ = detail::split_mix(detail::environment_number("WEFT_SEED", 1) + schedule)();
    found_by = name_of(how);
    return detail::make_decider(how, seed_, profile_of(name), explore_options().unfair_steps);
}

simulated_test::state::~state() {
    // The guard may be in the middle of an item that needs what only this thread can run.
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    const auto begun = std::chrono::steady_clock::now();
    while (!guard_gone_.load(std::memory_order_acquire)) {
        if (left.load(std::memory_order_relaxed) && step() == outcome::stepped) continue;
        if (std::chrono::steady_clock::now() - begun > limit_) give_up();
        std::this_thread::yield();
    }
    guard_.join();
    detail::scheduler_access::state& world = detail::scheduler_access::of(*scheduler);
    world.guest = nullptr;
    world.trace = nullptr;
    profile_of(name).learn(world.made.size(), world.steps_of_chain);
    if (!left) return;
    // Other threads may still bring something to tasks that wait here.
    scheduler->run_ready();
    if (scheduler->suspended_tasks() == 0) return;
    weft::detail::this_thread_block().home = world.previous_home;
    kept_worlds().push_back(std::move(scheduler));
}

void simulated_test::state::leaves(const char* how) noexcept {
    if (left.exchange(true, std::memory_order_relaxed)) return;
    const std::lock_guard lock(saying);
    reason = how;
    static std::map<std::string, bool> told;
    if (!std::exchange(told[name], true))
        std::fprintf(stderr, "weft: test %s %s: that runs outside the simulation, and the run cannot be repeated\n",
            name.c_str(), how);
}

void simulated_test::state::posted() noexcept {
    const std::thread::id self = std::this_thread::get_id();
    if (self != owner_ && self != guard_.get_id()) leaves("is woken by another thread");
    if (!left.load(std::memory_order_relaxed)) return;
    {
        const std::lock_guard lock(mutex_);
        news_ = true;
    }
    changed_.notify_all();
}

/// Takes a step. Outside the simulation time does not jump.
simulated_test::state::outcome simulated_test::state::step() {
    const std::lock_guard lock(stepping);
    detail::scheduler_access::state& world = detail::scheduler_access::of(*scheduler);
    const bool ready = world.has_ready() || world.clock.due() != 0 || !world.when_idle.empty();
    if (!ready && !left.load(std::memory_order_relaxed) && count_threads() > threads_at_first_)
        leaves("has threads of its own");
    const bool outside = left.load(std::memory_order_relaxed);
    if (detail::scheduler_access::step(*scheduler, !outside)) {
        ++progress_;
        return outcome::stepped;
    }
    return outside && world.clock.next_deadline() ? outcome::early : outcome::idle;
}

/// Lets real time pass until something is posted, and moves the clock by as much.
void simulated_test::state::pause(std::chrono::nanoseconds longest) {
    const auto begun = std::chrono::steady_clock::now();
    {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, longest, [this] { return news_ || ending_; });
        news_ = false;
    }
    const std::lock_guard lock(stepping);
    virtual_clock& clock = detail::scheduler_access::of(*scheduler).clock;
    clock.move_to(clock.now() + (std::chrono::steady_clock::now() - begun));
}

/// Notes the blocking waits that lie on the stack of the test's thread, one inside the other.
class simulated_test::state::wait_in_force {
public:
    wait_in_force(state& of, const std::pair<bool (*)(void*), void*>& wait) : of_(of) {
        if (std::this_thread::get_id() == of_.owner_) of_.waits_.push_back(wait);
    }
    ~wait_in_force() {
        if (std::this_thread::get_id() == of_.owner_) of_.waits_.pop_back();
    }
    wait_in_force(const wait_in_force&) = delete;
    wait_in_force& operator=(const wait_in_force&) = delete;

private:
    state& of_;
};

/// Whether threads that were there before the test, those of the default runtime, end a wait for which nothing is left here.
bool simulated_test::state::others_help(bool (*done)(void*), void* argument) {
    constexpr std::size_t own_threads = 2;  // the test's and the guard's
    if (done(argument)) return true;
    if (count_threads() <= own_threads) return false;
    const auto begun = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begun < patience) {
        std::this_thread::sleep_for(100us);
        if (!done(argument) && !detail::scheduler_access::of(*scheduler).has_ready()) continue;
        leaves("waits for threads that were there before it");
        return true;
    }
    return false;
}

bool simulated_test::state::run_until(bool (*done)(void*), void* argument) {
    const std::pair here(done, argument);
    const wait_in_force entered(*this, here);
    for (;;) {
        if (done(argument)) return true;
        switch (step()) {
            case outcome::stepped: continue;
            case outcome::early: pause(longest_pause); continue;
            case outcome::idle: break;
        }
        // Another thread will end the wait, or nobody.
        if (left.load(std::memory_order_relaxed)) return false;
        if (others_help(done, argument)) continue;
        if (std::ranges::any_of(waits_, [](const auto& each) { return each.first(each.second); }))
            throw deadlock(
                "deadlock: a task blocks the thread on which the test would go on; let it await instead of get() or "
                "wait()");
        throw deadlock("deadlock: the test waits, and nothing is left that could end that; " +
            std::to_string(scheduler->suspended_tasks()) + " tasks wait");
    }
}

// ---- the guard ------------------------------------------------------------------------------------------------------

void simulated_test::state::watch() {
    // The thread works for this world, and goes with it.
    while (true) {
        const std::uint64_t seen = progress_.load(std::memory_order_relaxed);
        {
            std::unique_lock lock(mutex_);
            const auto nap = left.load(std::memory_order_relaxed) ? 1ms : 100ms;
            if (changed_.wait_for(lock, nap, [this] { return ending_; })) break;
        }
        look_for_a_hang(seen);
    }
    guard_gone_.store(true, std::memory_order_release);
}

void simulated_test::state::look_for_a_hang(std::uint64_t seen) {
    const auto now = std::chrono::steady_clock::now();
    if (progress_.load(std::memory_order_relaxed) != seen || detail::busy_elsewhere::count.load() != 0) {
        last_progress_ = now;
        return;
    }
    const bool outside = left.load(std::memory_order_relaxed);
    if (outside || now - last_progress_ > patience) help();
    if (now - last_progress_ > limit_) give_up();
}

/// Runs what is ready while the test does something else.
void simulated_test::state::help() {
    {
        const std::unique_lock lock(stepping, std::try_to_lock);
        if (!lock.owns_lock()) return;
        detail::scheduler_access::state& world = detail::scheduler_access::of(*scheduler);
        if (!left.load(std::memory_order_relaxed)) {
            if (!world.has_ready() && !world.clock.next_deadline()) return;
            leaves("waits in a way of its own");
            world.trace = nullptr;
        }
    }
    weft::detail::thread_block& block = weft::detail::this_thread_block();
    block.home = scheduler.get();
    for (bool goes_on = true; goes_on;) {
        switch (step()) {
            case outcome::stepped: break;
            case outcome::early:
            case outcome::idle: goes_on = false;
        }
        const std::lock_guard lock(mutex_);
        if (ending_) goes_on = false;
    }
    pause(1ms);
    block.home = nullptr;
}

void simulated_test::state::give_up() noexcept {
    std::fprintf(stderr,
        "weft: test %s: nothing has happened for %lld s; it waits for what the simulation cannot bring. "
        "Run it without WEFT_SIM, or give it longer by WEFT_SIM_LIMIT.\n",
        name.c_str(), static_cast<long long>(std::chrono::duration_cast<std::chrono::seconds>(limit_).count()));
    std::fflush(nullptr);
    std::_Exit(1);
}

// ---- the face -------------------------------------------------------------------------------------------------------

simulated_test::simulated_test(std::string name, std::size_t schedule)
    : state_(std::make_unique<state>(std::move(name), schedule)) {
    in_force.store(schedule, std::memory_order_relaxed);
}
simulated_test::~simulated_test() { in_force.store(0, std::memory_order_relaxed); }

std::size_t simulated_test::schedule_in_force() noexcept { return in_force.load(std::memory_order_relaxed); }

namespace {

/// The schedule as short as it can be made; as it was when another process of the program does not fail by it.
detail::answer_list shortened(const detail::answer_list& found, std::uint64_t seed, const detail::rerun& again) {
    const auto last = std::chrono::steady_clock::now() + longest_shortening;
    const auto fails = [&](const detail::answer_list& answers) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(last - std::chrono::steady_clock::now());
        return left > 0ms && again.fails(detail::to_replay(seed, answers), left);
    };
    return fails(found) ? detail::shrink(found, fails, most_reruns) : found;
}

}  // namespace

std::string simulated_test::report(const std::string& arguments, const std::string& sign) const {
    std::string text = "weft: " + state_->name + " failed under simulation, schedule " + std::to_string(state_->schedule) +
        " (" + state_->found_by + ")\n";
    if (state_->notes != nullptr && !state_->left) text += "\n" + state_->notes->to_string() + "\n";
    if (const std::string how = left_by(); !how.empty())
        return text + "weft: it " + how + ", so this run cannot be repeated exactly\n";
    detail::answer_list answers;
    for (const choice& each : state_->scheduler->choices()) answers.push_back(each.answer);
    const std::uint64_t seed = state_->scheduler->seed();
    const std::size_t before = detail::departures(answers);
    // A schedule that is repeated is as short as somebody wants it.
    if (!sign.empty() && state_->notes == nullptr && before != 0) {
        const detail::busy_elsewhere busy;
        answers = shortened(answers, seed, detail::rerun{.arguments = arguments, .sign = sign});
        text += "weft: " + std::to_string(detail::departures(answers)) + " choices differ from the plain order (" +
            std::to_string(before) + " as found)\n";
    }
    return text + "weft: to repeat it: WEFT_SIM=1 WEFT_REPLAY=" + detail::to_replay(seed, answers) + " " +
        program_invocation_name + " " + arguments;
}

std::string simulated_test::left_by() const {
    const std::lock_guard lock(state_->saying);
    return state_->reason;
}

}  // namespace weft::inline WEFT_ABI::testing
