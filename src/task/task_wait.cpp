// Observing a task from outside a coroutine: blocking waits, errors, aggregates.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "awaiting_chain.hpp"
#include "weft/context/synchronization_context.hpp"
#include "weft/task/detail/delegate.hpp"
#include "weft/task/detail/task_core.hpp"
#include "weft/task/wait_all.hpp"
#include "weft/task/would_deadlock.hpp"

namespace weft::inline WEFT_ABI::detail {
namespace {

// One blocked thread. The completer signals under the mutex, so the waiter cannot leave, and its stack frame die, before the
// completer has let go of the condition variable.
struct blocked_thread : continuation {
    std::mutex mutex;
    std::condition_variable changed;
    bool completed = false;
    bool canceled = false;

    blocked_thread() noexcept : continuation(&on_completed, place_internal) {}

    static void on_completed(work_item& item) noexcept {
        auto& self = static_cast<blocked_thread&>(item);
        std::lock_guard lock(self.mutex);
        self.completed = true;
        self.changed.notify_all();
    }
    void on_canceled() noexcept {
        std::lock_guard lock(mutex);
        canceled = true;
        changed.notify_all();
    }
    void await_signal(const std::chrono::nanoseconds* limit) {
        std::unique_lock lock(mutex);
        auto signalled = [this] { return completed || canceled; };
        if (limit == nullptr) changed.wait(lock, signalled);
        else changed.wait_for(lock, *limit, signalled);
    }
    /// As await_signal(), for no longer than `limit`. @returns whether there was one
    bool await_signal_for(std::chrono::milliseconds limit) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, limit, [this] { return completed || canceled; });
    }
    // Completion has taken the node and will signal in a moment.
    void await_completer() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return completed; });
    }
};

// Tells the runtime that its thread blocks, so that it can put another one to work meanwhile (1.8/9).
class blocking_notice {
public:
    explicit blocking_notice(dispatcher* home) noexcept : home_(home) {
        if (home_ != nullptr) home_->blocking_began();
    }
    ~blocking_notice() {
        if (home_ != nullptr) home_->blocking_ended();
    }
    blocking_notice(const blocking_notice&) = delete;
    blocking_notice& operator=(const blocking_notice&) = delete;

private:
    dispatcher* home_;
};

/// A wait where one thread runs everything: that thread goes on running the world, in whose time a limit is measured.
class wait_in_world : timer_node {
public:
    wait_in_world(std::span<task_core* const> awaited, const cancellation_token& token) noexcept
        : awaited_(awaited), token_(token) {
        fire = [](timer_node& node) noexcept {
            static_cast<wait_in_world&>(node).late_.store(true, std::memory_order_release);
        };
    }
    wait_in_world(const wait_in_world&) = delete;
    wait_in_world& operator=(const wait_in_world&) = delete;

    /// @returns false when nothing is left to run and the wait has not ended
    bool run(dispatcher& world, const std::chrono::nanoseconds* limit) {
        if (limit == nullptr) return world.run_until(&wait_in_world::has_ended, this);
        deadline = world.time().now() + *limit;
        world.time().arm(*this);
        const timer_of_wait armed{*this, world.time()};
        return world.run_until(&wait_in_world::has_ended, this);
    }

private:
    struct timer_of_wait {
        wait_in_world& self;
        time_provider& clock;
        ~timer_of_wait() {
            if (clock.disarm(self)) return;
            // It has fired, or is about to on another thread of a test that has left its simulation.
            while (!self.late_.load(std::memory_order_acquire)) std::this_thread::yield();
        }
    };

    static bool has_ended(void* argument) {
        const auto& self = *static_cast<wait_in_world*>(argument);
        return self.late_.load(std::memory_order_relaxed) || self.token_.is_cancellation_requested() ||
            std::ranges::any_of(self.awaited_, [](const task_core* each) { return each->is_done(); });
    }

    std::span<task_core* const> awaited_;
    const cancellation_token& token_;
    std::atomic<bool> late_{false};
};

std::atomic<deadlock_policy> policy_in_force{deadlock_policy::raise};

/// The coroutine that lies in the queue of the context this thread runs, and that `waiter` waits for; empty when there is none.
std::vector<task_core*> chain_through_own_context(synchronization_context& context, const continuation& waiter) {
    struct search {
        const continuation* waiter;
        std::vector<task_core*> chain;
        static void look(work_item& item, void* argument) {
            auto& self = *static_cast<search*>(argument);
            task_core* core = task_core::of_node(item);
            if (core != nullptr && self.chain.empty()) self.chain = chain_to(*core, *self.waiter);
        }
    } looking{&waiter, {}};
    context.visit_queued(&search::look, &looking);
    return std::move(looking.chain);
}

/// Blocks a thread that runs a context, and looks now and then whether it blocks itself. Looking again is needed: the coroutine
/// may come to the queue at any time. @returns what to throw, if anything
std::unique_ptr<would_deadlock> await_signal_in_context(blocked_thread& waiter, synchronization_context& context) {
    constexpr std::chrono::milliseconds longest(500);
    std::chrono::milliseconds pause(0);
    while (!waiter.await_signal_for(pause)) {
        pause = std::min(longest, pause * 2 + std::chrono::milliseconds(5));
        const std::vector<task_core*> chain = chain_through_own_context(context, waiter);
        if (chain.empty()) continue;
        auto error = std::make_unique<would_deadlock>(names_of_this_stack(), names_of(chain));
        if (policy_in_force.load(std::memory_order_relaxed) == deadlock_policy::raise) return error;
        std::fprintf(stderr, "weft: %s\n", error->what());
        waiter.await_signal(nullptr);
        break;
    }
    return nullptr;
}

}  // namespace

bool task_core::wait(const std::chrono::nanoseconds* limit, const cancellation_token& token) {
    if (is_done()) return true;
    token.throw_if_cancellation_requested();
    if (delegate* queued = delegate::behind(*this)) {
        queued->try_run_for_waiter();
        if (is_done()) return true;
    }
    dispatcher* runner = this_thread_block().home;
    if (runner != nullptr && runner->run_until([](void*) { return true; }, nullptr)) {
        task_core* const only = this;
        wait_in_world waiting(std::span(&only, 1), token);
        if (waiting.run(*runner, limit)) {
            if (is_done()) return true;
            token.throw_if_cancellation_requested();
            return false;
        }
    }
    blocked_thread waiter;
    std::unique_ptr<would_deadlock> hopeless;
    {
        // Before the node is published: registering may throw, and nothing of this frame may then be in the task's list.
        cancellation_registration registration = token.unsafe_register([&waiter] { waiter.on_canceled(); });
        if (!add_continuation(waiter)) return true;
        blocking_notice notice(runner);
        synchronization_context* own = capturable(this_thread_block().sync);
        const bool may_give_up = limit != nullptr || token.can_be_canceled();
        if (own == nullptr || may_give_up || policy_in_force.load(std::memory_order_relaxed) == deadlock_policy::allow)
            waiter.await_signal(limit);
        else hopeless = await_signal_in_context(waiter, *own);
    }
    // Never by a look at `completed`: the completer may have written it and still hold the mutex.
    if (!remove_continuation(waiter)) {
        waiter.await_completer();
        return true;
    }
    if (hopeless != nullptr) throw would_deadlock(*hopeless);
    token.throw_if_cancellation_requested();
    return false;
}

namespace {

void require_handles(std::span<task_core* const> tasks, const char* function) {
    for (const task_core* each : tasks)
        if (each == nullptr) throw std::invalid_argument(std::string(function) + " was given an empty task handle");
}

/// A thread that blocks for the first of several tasks. As with one, whoever signals does so under the mutex.
struct blocked_for_any {
    struct node : continuation {
        blocked_for_any* owner = nullptr;
        node() noexcept : continuation(&on_completed, place_internal) {}
        static void on_completed(work_item& item) noexcept { static_cast<node&>(item).owner->signal(true); }
    };

    void signal(bool a_node) noexcept {
        const std::lock_guard lock(mutex);
        signalled = true;
        if (a_node) ++nodes_run;
        changed.notify_all();
    }

    std::mutex mutex;
    std::condition_variable changed;
    bool signalled = false;
    std::size_t nodes_run = 0;
};

std::ptrdiff_t first_done(std::span<task_core* const> tasks) noexcept {
    const auto found = std::ranges::find_if(tasks, [](const task_core* each) { return each->is_done(); });
    return found == tasks.end() ? -1 : found - tasks.begin();
}

/// Blocks until one is done, the limit, or the token; nothing stays registered.
void block_for_any(
    std::span<task_core* const> tasks, const std::chrono::nanoseconds* limit, const cancellation_token& token) {
    blocked_for_any blocked;
    const auto nodes = std::make_unique<blocked_for_any::node[]>(tasks.size());
    cancellation_registration registration = token.unsafe_register([&blocked] { blocked.signal(false); });
    std::size_t added = 0;
    for (; added < tasks.size(); ++added) {
        nodes[added].owner = &blocked;
        if (!tasks[added]->add_continuation(nodes[added])) break;  // done already
    }
    if (added == tasks.size()) {
        const blocking_notice notice(this_thread_block().home);
        std::unique_lock lock(blocked.mutex);
        const auto over = [&] { return blocked.signalled; };
        if (limit == nullptr) blocked.changed.wait(lock, over);
        else blocked.changed.wait_for(lock, *limit, over);
    }
    std::size_t taken = 0;  // by completions, which have signalled or will in a moment
    for (std::size_t index = 0; index < added; ++index)
        if (!tasks[index]->remove_continuation(nodes[index])) ++taken;
    std::unique_lock lock(blocked.mutex);
    blocked.changed.wait(lock, [&] { return blocked.nodes_run == taken; });
}

}  // namespace

bool wait_for_all(std::span<task_core* const> tasks, std::chrono::nanoseconds limit, const cancellation_token& token) {
    require_handles(tasks, "wait_all");
    check_delay(limit, "wait_all");
    time_provider& clock = current_time_provider();
    const time_point end = limit == infinite_delay ? time_point::max() : deadline_after(clock, limit);
    for (task_core* each : tasks) {
        if (each->is_done()) continue;
        const auto left = std::max(end - clock.now(), std::chrono::nanoseconds::zero());
        if (!each->wait(limit == infinite_delay ? nullptr : &left, token)) return false;
    }
    std::vector<std::exception_ptr> errors;
    for (task_core* each : tasks) {
        if (each->fault == nullptr) continue;
        each->mark_observed();
        errors.insert(errors.end(), each->fault->errors.begin(), each->fault->errors.end());
    }
    if (!errors.empty()) throw aggregate_exception(std::move(errors));
    return true;
}

std::ptrdiff_t wait_for_any(
    std::span<task_core* const> tasks, std::chrono::nanoseconds limit, const cancellation_token& token) {
    if (tasks.empty()) throw std::invalid_argument("wait_any needs at least one task");
    require_handles(tasks, "wait_any");
    check_delay(limit, "wait_any");
    if (const std::ptrdiff_t done = first_done(tasks); done >= 0) return done;
    token.throw_if_cancellation_requested();
    const std::chrono::nanoseconds* const bound = limit == infinite_delay ? nullptr : &limit;
    dispatcher* const runner = this_thread_block().home;
    bool over = false;
    if (runner != nullptr && runner->run_until([](void*) { return true; }, nullptr))
        over = wait_in_world(tasks, token).run(*runner, bound);
    if (!over) block_for_any(tasks, bound, token);
    const std::ptrdiff_t done = first_done(tasks);
    if (done < 0) token.throw_if_cancellation_requested();
    return done;
}

std::exception_ptr task_core::first_error() const noexcept { return fault == nullptr ? nullptr : fault->errors.front(); }

std::exception_ptr task_core::observe_first_error() noexcept {
    mark_observed();
    return fault->errors.front();
}

void task_core::rethrow_every() {
    if (fault == nullptr) return;
    if (fault->errors.size() == 1) std::rethrow_exception(observe_first_error());
    mark_observed();
    throw several_errors{fault->errors};
}

const aggregate_exception* task_core::exception() {
    if (!is_done() || final_status() != task_status::faulted) return nullptr;
    mark_observed();
    aggregate_exception* made = fault->aggregate.load(std::memory_order_acquire);
    if (made == nullptr) {
        auto fresh = std::make_unique<aggregate_exception>(fault->errors);
        // Whoever loses the race uses the winner's object: the pointer handed out stays valid as long as the task.
        if (fault->aggregate.compare_exchange_strong(made, fresh.get(), std::memory_order_acq_rel)) made = fresh.release();
    }
    return made;
}

void task_core::throw_aggregate_if_failed() {
    if (fault == nullptr) return;
    mark_observed();
    throw aggregate_exception(fault->errors);
}

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI {

deadlock_policy set_deadlock_policy(deadlock_policy policy) noexcept {
    return detail::policy_in_force.exchange(policy, std::memory_order_relaxed);
}

}  // namespace weft::inline WEFT_ABI
