// SPDX-License-Identifier: MIT

#include "weft/testing/world.hpp"

#include <algorithm>
#include <stdexcept>

#include "testing/world_state.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/scheduling/yield.hpp"
#include "weft/task/operation.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

// A program's planted faults are on in half of the schedules, and then strike about once in so many times.
constexpr std::size_t buggify_rate = 4;

thread_local world* explored = nullptr;

/// Suspends until the world is idle at this instant.
class settle_operation : public operation<settle_operation, void> {
public:
    using parameters = deterministic_scheduler*;
    explicit settle_operation(parameters where) noexcept : where_(where) {}
    [[nodiscard]] parameters take_parameters() const noexcept { return where_; }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool start(weft::detail::task_core& awaiter) {
        detail::scheduler_access::of(*where_).when_idle.push_back(&awaiter);
        return true;
    }
    void await_resume() const noexcept {}

private:
    parameters where_;
};

}  // namespace

world::world(deterministic_scheduler& scheduler) : state_(std::make_unique<state>(scheduler)) { explored = this; }
world::~world() { explored = nullptr; }

world& world::current() {
    if (explored == nullptr) throw invalid_operation("no exploration runs on this thread");
    return *explored;
}
world* world::current_or_null() noexcept { return explored; }

std::size_t world::choose(const char* label, std::size_t options) { return state_->scheduler.choose(label, options); }

bool world::chance(const char* label, std::size_t one_in) {
    return one_in <= 1 ||
        detail::scheduler_access::choose(state_->scheduler, label, one_in, detail::choice_class::chance) == 1;
}

bool world::buggify(const char* label) {
    const auto [found, fresh] = state_->planted.try_emplace(label, false);
    if (fresh) found->second = choose(label, 2) == 1;
    return found->second && chance(label, buggify_rate);
}

cancellation_token world::cancel_any_time() {
    auto& made = state_->cancellations.emplace_back(std::make_unique<detail::pending_cancellation>());
    detail::scheduler_access::of(state_->scheduler).events.push_back(made.get());
    return made->source.token();
}

task<> world::point() {
#if WEFT_EXPLORE
    // That the caller awaits this is the choice; but inside a context such an await is none.
    const weft::detail::thread_block& block = weft::detail::this_thread_block();
    const bool in_context = block.sync != nullptr || block.scheduler != nullptr;
    if (!in_context && detail::scheduler_access::of(state_->scheduler).first_segments) co_return;
#endif
    if (choose("point", 2) == 1) co_await yield();
}

task<> world::settle() {
    // An event may have come between the moment when nothing ran and this task's turn.
    do co_await settle_operation(&state_->scheduler);
    while (detail::scheduler_access::of(state_->scheduler).has_ready());
}

task<> world::eventually(std::function<bool()> holds, std::chrono::nanoseconds limit, std::source_location where) {
    const time_point last = clock().now() + limit;
    std::chrono::nanoseconds step = std::chrono::milliseconds(1);
    for (;;) {
        co_await settle();
        if (holds()) co_return;
        const time_point now = clock().now();
        if (now >= last) break;
        // What a live system waits for comes with its timers, near or far.
        co_await delay(std::min<std::chrono::nanoseconds>(step, last - now));
        step *= 2;
    }
    check(false, "what shall eventually hold does not", where);
}

void world::probe(const char* label) { ++state_->probes[label]; }

void world::check(bool holds, std::string_view what, std::source_location where) {
    if (holds) return;
    std::string_view file = where.file_name();
    file.remove_prefix(file.rfind('/') == std::string_view::npos ? 0 : file.rfind('/') + 1);
    std::string message =
        "check failed at " + std::string(file) + ":" + std::to_string(where.line()) + ": " + std::string(what);
    // Wherever the exception ends up, the schedule has failed.
    if (state_->failed.empty()) state_->failed = message;
    throw check_failed(message);
}

deterministic_scheduler& world::scheduler() noexcept { return state_->scheduler; }
void world::advance(std::chrono::nanoseconds step) {
    if (step < step.zero()) throw std::invalid_argument("world::advance: the step is negative");
    auto& scheduler = detail::scheduler_access::of(state_->scheduler);
    scheduler.jump_to(scheduler.clock.now() + step);
}
time_provider& world::clock() noexcept { return state_->scheduler.time(); }
void world::step_wall(std::chrono::nanoseconds step) noexcept {
    detail::scheduler_access::of(state_->scheduler).clock.step_wall(step);
}
std::uint64_t world::seed() const noexcept { return state_->scheduler.seed(); }

}  // namespace weft::inline WEFT_ABI::testing
