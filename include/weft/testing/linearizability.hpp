#pragma once
// <weft/testing/linearizability.hpp>: checks a shared object against a sequential model of it, under many schedules.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/task.hpp"
#include "weft/testing/explore.hpp"
#include "weft/testing/world.hpp"

namespace weft::inline WEFT_ABI::testing {

/// One call of an operation of the object.
struct invocation {
    std::size_t caller = 0;    ///< the task that calls, from 0
    std::size_t number = 0;    ///< among all calls of the scenario: no two have the same
    std::size_t argument = 0;  ///< below modelled_operation::arguments
    cancellation_token token;  ///< to be given to the object; default-made in the model
    /// The model's own: kept from joins() to step() and leaves() of the same call. A negative one does not stand in line.
    std::int64_t ticket = 0;
    std::size_t way = 0;  ///< in step(): which of modelled_operation::ways is tried
};

/// An operation: how to call it, and what it does to the model.
///
/// The model says what a call does when nothing else happens. A call that step() does not let through waits, in line, and goes
/// through as soon as it is at the head of its line and step() lets it. A call that is cancelled has no effect.
/// @tparam Object  what is tested
/// @tparam Model   its state: a copyable type with ==
template <class Object, class Model>
struct modelled_operation {
    std::string name;
    /// Calls the object. What it returns is the result, as text. An operation_canceled is a call that was cancelled; any other
    /// exception is the result "throws" and its message. Called as a coroutine: it must not capture what does not outlive it.
    std::function<task<std::string>(Object&, invocation)> run;
    /// Lets the call through: changes the model and returns the result; or none, and then changes nothing.
    std::function<std::optional<std::string>(Model&, invocation&)> step;
    /// Arguments to draw from: 0 to this, excluded.
    std::size_t arguments = 1;
    /// Waiters of one line go through in the order they came. Those of any_order do not.
    int line = 0;
    /// Whether a call that suspends stands in line then. false: it may wait for something else first.
    bool waits_in_line = true;
    /// Whether the call may go through some time after step() lets it, as when somebody else works for it first; it must before the
    /// world is quiet.
    bool may_be_late = false;
    /// Of an operation that never waits: the result when it cannot go through at once, or others are before it in line.
    std::optional<std::string> refusal = std::nullopt;
    /// Whether it is among those that scenario::draw() draws from.
    bool drawn = true;
    /// In how many ways the model may let the call through; any of them explains it.
    std::size_t ways = 1;
    /// What the call does when it begins to wait or goes through at once, before step(); and when it is cancelled after that.
    std::function<void(Model&, invocation&)> joins = {};
    std::function<void(Model&, invocation&)> leaves = {};
};

/// A line of its own for each waiter.
inline constexpr int any_order = -1;

namespace detail {

/// A state of the model, with its type erased.
class sequential_model {
public:
    sequential_model() = default;
    sequential_model(const sequential_model&) = default;
    sequential_model& operator=(const sequential_model&) = delete;
    virtual ~sequential_model() = default;
    [[nodiscard]] virtual std::unique_ptr<sequential_model> copy() const = 0;
    [[nodiscard]] virtual bool equals(const sequential_model& other) const = 0;
    virtual void joins(std::size_t operation, invocation& call) = 0;
    [[nodiscard]] virtual std::optional<std::string> step(std::size_t operation, invocation& call) = 0;
    virtual void leaves(std::size_t operation, invocation& call) = 0;
};

/// What the checker needs to know of an operation.
struct checked_operation {
    std::string name;
    std::size_t arguments;
    int line;
    std::size_t ways;
    bool drawn;
    bool waits_in_line;
    bool may_be_late;
    std::optional<std::string> refusal;
    std::function<task<std::string>(void*, invocation)> run;
};

/// A scenario with its types erased.
struct scenario_plan {
    std::function<std::shared_ptr<void>()> make;
    std::unique_ptr<sequential_model> initial;
    std::vector<checked_operation> operations;
    std::vector<std::vector<std::string>> calls;  ///< of each task; empty: drawn
    std::vector<std::string> last;
    std::size_t tasks = 3;
    std::size_t length = 2;
    bool cancels = true;
    mutable std::unordered_set<std::string> explained;  ///< histories that were found to be right
};

[[nodiscard]] task<> run_scenario(world& here, std::shared_ptr<const scenario_plan> plan);

template <class Object, class Model>
class typed_model final : public sequential_model {
public:
    using operations = std::vector<modelled_operation<Object, Model>>;
    typed_model(std::shared_ptr<const operations> of, Model state) : operations_(std::move(of)), state_(std::move(state)) {}
    [[nodiscard]] std::unique_ptr<sequential_model> copy() const override { return std::make_unique<typed_model>(*this); }
    [[nodiscard]] bool equals(const sequential_model& other) const override {
        return state_ == static_cast<const typed_model&>(other).state_;
    }
    void joins(std::size_t operation, invocation& call) override {
        if (const auto& change = (*operations_)[operation].joins) change(state_, call);
    }
    [[nodiscard]] std::optional<std::string> step(std::size_t operation, invocation& call) override {
        return (*operations_)[operation].step(state_, call);
    }
    void leaves(std::size_t operation, invocation& call) override {
        if (const auto& change = (*operations_)[operation].leaves) change(state_, call);
    }

private:
    std::shared_ptr<const operations> operations_;
    Model state_;
};

}  // namespace detail

/// Several tasks call the operations of one object; what they see must be explained by some order of the calls, one after the
/// other, each between its beginning and its end (Herlihy and Wing's linearizability), with those that wait in line.
///
/// A schedule fails when no such order exists; when a call still waits although the model lets it through (a lost wake-up); when a
/// call that was cancelled does not end before the world is quiet; when a registration stays on a token; and as in explore().
/// In one schedule at most one call is cancelled, while it waits, at a moment of the schedule's choice. When all tasks are done or
/// wait, the calls of at_rest() are made, one after the other; then what still waits is cancelled and must end.
///
/// The search follows Wing and Gong, "Testing and verifying concurrent objects", in the order of Lowe's just-in-time variant: it is
/// meant for a few calls.
///
///     scenario<async_semaphore, int> gate([] { return std::make_shared<async_semaphore>(1); }, 1);
///     gate.operation({.name = "wait", .run = call_wait, .step = take_one});
///     gate.operation({.name = "release", .run = call_release, .step = give_one});
///     exploration done = explore({.schedules = 10'000}, gate.body());
template <class Object, class Model>
class scenario {
public:
    /// @param make     a new object for each schedule  @param initial  the model of a new object
    scenario(std::function<std::shared_ptr<Object>()> make, Model initial)
        : plan_(std::make_shared<detail::scenario_plan>()),
          operations_(std::make_shared<std::vector<modelled_operation<Object, Model>>>()) {
        plan_->make = [make = std::move(make)]() -> std::shared_ptr<void> { return make(); };
        plan_->initial = std::make_unique<detail::typed_model<Object, Model>>(operations_, std::move(initial));
    }

    scenario& operation(modelled_operation<Object, Model> of) {
        plan_->operations.push_back({of.name, of.arguments, of.line, of.ways, of.drawn, of.waits_in_line, of.may_be_late,
            of.refusal,
            [run = of.run](void* object, invocation call) { return run(*static_cast<Object*>(object), std::move(call)); }});
        operations_->push_back(std::move(of));
        return *this;
    }
    /// So many tasks make so many calls each, drawn from the world. Without it: three tasks with two.
    scenario& draw(std::size_t tasks, std::size_t calls) {
        plan_->tasks = tasks;
        plan_->length = calls;
        return *this;
    }
    /// The calls of each task instead: "read" or, with its argument, "write(2)".
    scenario& calls(std::vector<std::vector<std::string>> of_tasks) {
        plan_->calls = std::move(of_tasks);
        return *this;
    }
    /// Calls to be made at the end, to look at what is left; they must not wait.
    scenario& at_rest(std::vector<std::string> last) {
        plan_->last = std::move(last);
        return *this;
    }
    scenario& without_cancellation() {
        plan_->cancels = false;
        return *this;
    }

    /// For explore(). The scenario may go before it.
    [[nodiscard]] std::function<task<>(world&)> body() const {
        return [plan = std::shared_ptr<const detail::scenario_plan>(plan_)](
                   world& here) { return detail::run_scenario(here, plan); };
    }

private:
    std::shared_ptr<detail::scenario_plan> plan_;
    std::shared_ptr<std::vector<modelled_operation<Object, Model>>> operations_;
};

}  // namespace weft::inline WEFT_ABI::testing
