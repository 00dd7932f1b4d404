// One schedule of a scenario: the calls, the cancellation, and what is looked at when nothing runs any more.
// SPDX-License-Identifier: MIT

#include "weft/testing/linearizability.hpp"

#include <algorithm>
#include <charconv>
#include <exception>
#include <stdexcept>
#include <string_view>

#include "testing/history.hpp"
#include "testing/scheduler_state.hpp"
#include "weft/base/error.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI::testing::detail {

namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);
// Most schedules show what an earlier one has shown; so many of them are remembered.
constexpr std::size_t most_explained = 20'000;

struct planned_call {
    std::size_t operation;
    std::size_t argument;
};

/// A schedule's own.
class scenario_run : public std::enable_shared_from_this<scenario_run> {
public:
    scenario_run(world& here, std::shared_ptr<const scenario_plan> plan)
        : world_(here), scheduler_(here.scheduler()), plan_(std::move(plan)), object_(plan_->make()), stop_(*this) {}
    scenario_run(const scenario_run&) = delete;
    scenario_run& operator=(const scenario_run&) = delete;
    ~scenario_run() { disarm(); }

    task<> go();

private:
    // Comes while the call that may be cancelled waits.
    struct stop_event : work_item {
        explicit stop_event(scenario_run& of) noexcept : work_item(&run_it), owner(of) {}
        static void run_it(work_item& item) noexcept {
            stop_event& self = static_cast<stop_event&>(item);
            self.armed = false;
            self.owner.ask_to_stop();
        }
        scenario_run& owner;
        bool armed = false;
    };

    [[nodiscard]] planned_call parse(const std::string& text);
    void make_plan();
    static task<> caller(std::shared_ptr<scenario_run> self, std::size_t index);
    task<> call(std::size_t caller, planned_call what, std::size_t number);
    void look_when_quiet();

    void arm();
    void disarm();
    void ask_to_stop() noexcept;
    /// Whether `running`, or what it awaits, can go on: it has only been stopped.
    [[nodiscard]] bool is_ready(const weft::detail::task_core& running);
    void note(history_event what, std::size_t call = 0) { history_.entries.push_back({what, call}); }
    [[noreturn]] void fail(const std::string& what, std::size_t marked = none) {
        world_.check(false, what + "\n" + history_.table(*plan_, marked));
        throw check_failed(what);
    }
    void check_registrations(const cancellation_token& token);
    void check_history();
    [[nodiscard]] std::vector<work_item*>& events() { return scheduler_access::of(scheduler_).events; }

    world& world_;
    deterministic_scheduler& scheduler_;  // outlives the world
    std::shared_ptr<const scenario_plan> plan_;
    std::shared_ptr<void> object_;
    stop_event stop_;
    std::vector<std::vector<planned_call>> calls_;
    cancellation_source end_;     // of every call but one
    cancellation_source victim_;  // of that one
    std::size_t victim_place_ = none;
    std::size_t pending_ = 0;
    std::string callback_failure_;
    history history_;
    bool over_ = false;  // nothing is recorded any more
};

planned_call scenario_run::parse(const std::string& text) {
    const std::size_t open = text.find('(');
    const std::string_view name = std::string_view(text).substr(0, open);
    const auto found = std::find_if(plan_->operations.begin(), plan_->operations.end(),
        [&](const checked_operation& each) { return each.name == name; });
    if (found == plan_->operations.end()) throw std::invalid_argument("scenario: there is no operation '" + text + "'");
    planned_call made{static_cast<std::size_t>(found - plan_->operations.begin()), 0};
    if (open != std::string::npos) std::from_chars(text.data() + open + 1, text.data() + text.size(), made.argument);
    else made.argument = world_.choose("argument", found->arguments);
    return made;
}

void scenario_run::make_plan() {
    for (const std::vector<std::string>& of_task : plan_->calls) {
        std::vector<planned_call>& row = calls_.emplace_back();
        for (const std::string& text : of_task) row.push_back(parse(text));
    }
    std::vector<std::size_t> drawn;
    for (std::size_t i = 0; i < plan_->operations.size(); ++i)
        if (plan_->operations[i].drawn) drawn.push_back(i);
    for (std::size_t i = 0; plan_->calls.empty() && i < plan_->tasks; ++i) {
        std::vector<planned_call>& row = calls_.emplace_back();
        for (std::size_t j = 0; j < plan_->length; ++j) {
            const std::size_t operation = drawn[world_.choose("operation", drawn.size())];
            row.push_back({operation, world_.choose("argument", plan_->operations[operation].arguments)});
        }
    }
    // Only what can wait is worth it.
    std::vector<std::size_t> candidates;
    std::size_t place = 0;
    for (const std::vector<planned_call>& row : calls_)
        for (const planned_call& each : row) {
            if (!plan_->operations[each.operation].refusal) candidates.push_back(place);
            ++place;
        }
    if (!plan_->cancels || candidates.empty()) return;
    const std::size_t chosen = world_.choose("cancelled call", candidates.size() + 1);
    if (chosen != 0) victim_place_ = candidates[chosen - 1];
}

void scenario_run::arm() {
    stop_.armed = true;
    events().push_back(&stop_);
}

void scenario_run::disarm() {
    if (stop_.armed) std::erase(events(), &stop_);
    stop_.armed = false;
}

void scenario_run::ask_to_stop() noexcept {
    note(history_event::asked_to_stop, victim_place_);
    try {
        victim_.cancel();
    } catch (...) {
        callback_failure_ = message_of(std::current_exception());
    }
}

bool scenario_run::is_ready(const weft::detail::task_core& running) {
    for (const auto& each : scheduler_access::of(scheduler_).ready)
        for (weft::detail::task_core* core = weft::detail::task_core::of_node(*each.item); core != nullptr;) {
            if (core == &running) return true;
            weft::detail::task_core* awaiter = nullptr;
            core->visit_continuations([&](weft::detail::continuation& node) {
                if (awaiter == nullptr) awaiter = weft::detail::task_core::of_node(node);
            });
            core = awaiter;
        }
    return false;
}

task<> scenario_run::caller(std::shared_ptr<scenario_run> self, std::size_t index) {
    std::size_t number = 0;
    for (std::size_t i = 0; i < index; ++i) number += self->calls_[i].size();
    for (const planned_call& each : self->calls_[index]) {
        if (self->over_) break;
        task<> calling = self->call(index, each, number++);
        co_await calling;
    }
}

task<> scenario_run::call(std::size_t caller, planned_call what, std::size_t number) {
    history_.calls[number] = recorded_call{what.operation, caller, what.argument};
    note(history_event::begins, number);
    ++pending_;
    invocation told;
    told.caller = caller;
    told.number = number;
    told.argument = what.argument;
    told.token = number == victim_place_ ? victim_.token() : end_.token();
    task<std::string> running = plan_->operations[what.operation].run(object_.get(), std::move(told));
    if (!running.is_completed()) {
        if (number == victim_place_) arm();
        const bool stopped = is_ready(*running.core_or_null());
        if (!stopped && plan_->operations[what.operation].waits_in_line) note(history_event::waits, number);
    }
    recorded_call& record = history_.calls[number];
    try {
        // An await of what is complete would be one more choice, and of no use: the object's own come before it.
        if (running.is_completed()) record.result = std::move(running).get();
        else record.result = co_await std::move(running);
        record.end = call_end::returned;
    } catch (const operation_canceled&) {
        record.end = call_end::canceled;
    } catch (const check_failed&) {
        throw;
    } catch (...) {
        record.result = "throws " + message_of(std::current_exception());
        record.end = call_end::returned;
    }
    --pending_;
    if (number == victim_place_) disarm();
    if (!over_) note(history_event::ends, number);
}

task<> scenario_run::go() {
    make_plan();
    std::size_t count = plan_->last.size();
    for (const std::vector<planned_call>& row : calls_) count += row.size();
    history_.calls.resize(count);
    std::vector<task<>> callers;
    callers.reserve(calls_.size());
    for (std::size_t i = 0; i < calls_.size(); ++i)
        callers.push_back(world_.spawn([self = shared_from_this(), i] { return caller(self, i); }));
    co_await world_.settle();
    look_when_quiet();
    if (stop_.armed) {
        // Everybody waits: all that can happen now is the end of this call, and what follows from it.
        disarm();
        ask_to_stop();
        co_await world_.settle();
        look_when_quiet();
    }
    std::size_t number = count - plan_->last.size();
    for (const std::string& text : plan_->last) {
        task<> calling = call(calls_.size(), parse(text), number++);
        co_await calling;
    }
    co_await world_.settle();
    look_when_quiet();
    check_history();
    if (pending_ == 0) check_registrations(end_.token());
    over_ = true;
    end_.cancel();
    co_await world_.settle();
    if (pending_ != 0) fail("a call that was cancelled does not end");
    check_registrations(end_.token());
    check_registrations(victim_.token());
    for (task<>& each : callers) co_await each;
}

void scenario_run::look_when_quiet() {
    note(history_event::rest);
    if (!callback_failure_.empty()) fail("cancelling threw: " + callback_failure_);
    if (!victim_.is_cancellation_requested()) return;
    for (const history::entry& each : history_.entries)
        if (each.what == history_event::ends && each.call == victim_place_) return;
    fail("a call that was cancelled still waits when nothing runs");
}

void scenario_run::check_registrations(const cancellation_token& token) {
    if (token.state()->registrations() != 0) fail("a registration was left on a token");
}

void scenario_run::check_history() {
    std::string key = history_.key();
    if (plan_->explained.contains(key)) return;
    const std::size_t at = first_unexplained(history_, *plan_);
    if (at != history_.entries.size()) fail("no order of the calls explains what they saw, from the marked line on", at);
    if (plan_->explained.size() < most_explained) plan_->explained.insert(std::move(key));
}

}  // namespace

task<> run_scenario(world& here, std::shared_ptr<const scenario_plan> plan) {
    const auto run = std::make_shared<scenario_run>(here, std::move(plan));
    task<> going = run->go();
    co_await going;
}

}  // namespace weft::inline WEFT_ABI::testing::detail
