// A runtime's life. Shutdown goes in this order:
//
//  1. no new work: what comes from outside is refused (object_disposed); running tasks may still start others;
//  2. shutdown_token() is signalled, and delays, waits and I/O that hold it end;
//  3. until the deadline, running work is left to finish;
//  4. what the kernel still holds is cancelled, and its answers are awaited: no frame goes while the kernel has its buffers;
//  5. the report is made;
//  6. the threads end, each after its present item;
//  7. the frames still suspended are destroyed, newest first.
//
// A thread that does not come back from a callback keeps all of it alive: 7 is left out and the memory stays.
// SPDX-License-Identifier: MIT

#include "weft/scheduling/runtime.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

#include "scheduling/default_runtime.hpp"
#include "scheduling/environment.hpp"
#include "scheduling/parking_driver.hpp"
#include "scheduling/runtime_state.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/task/detail/task_core.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {

namespace {

std::unique_ptr<driver> make_driver(const runtime_options& options) {
    const driver_factory factory = current_driver_factory();
    if (options.driver == "parking") return make_parking_driver();
    if (factory != nullptr) return factory(options);
    if (!options.driver.empty() && options.driver != "auto")
        throw std::invalid_argument("runtime_options::driver is '" + std::string(options.driver) +
            "': this program has no I/O driver, link weft::io");
    return make_parking_driver();
}

// How long the kernel may take to answer a cancellation, and a thread to return, beyond the caller's deadline.
constexpr auto grace = std::chrono::seconds(1);
constexpr std::size_t most_kinds_reported = 100;

}  // namespace

runtime_state::runtime_state(runtime& owner, const runtime_options& options)
    : pool(owner, options, make_driver(options)), blocking(pool, options.max_blocking_threads) {}

void runtime_state::refuse_when_stopping() const {
    if (stopping.load(std::memory_order_relaxed) && this_thread_block().home != &pool) throw object_disposed("runtime");
}

bool runtime_state::drained() noexcept {
    return core().quiet() && blocking.pending() == 0 && core().long_running_count() == 0 && live_tasks::count(&pool) == 0 &&
        no_operations() && core().quiet();
}

bool runtime_state::wait_until(time_point deadline, bool (runtime_state::*condition)() noexcept) noexcept {
    auto pause = std::chrono::microseconds(50);
    for (;;) {
        if ((this->*condition)()) return true;
        const auto now = std::chrono::steady_clock::now();
        if (now >= deadline) return false;
        std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(pause, deadline - now));
        pause = std::min(pause * 2, std::chrono::microseconds(5000));
    }
}

shutdown_report runtime_state::shutdown(std::chrono::nanoseconds limit) {
    shutdown_report report;
    if (this_thread_block().home == &pool)
        throw invalid_operation("runtime::shutdown was called on one of the runtime's own threads");
    if (stopping.exchange(true, std::memory_order_relaxed)) return report;
    const auto begun = std::chrono::steady_clock::now();
    const auto deadline = limit > time_point::max() - begun - grace ? time_point::max() - grace : begun + limit;

    try {
        stop_source.cancel();
    } catch (...) {
        // A callback of the token threw. Shutdown goes on; the report says so.
        report.left.push_back("a callback of the shutdown token failed: " + message_of(std::current_exception()));
    }
    report.drained = wait_until(deadline, &runtime_state::drained);
    if (!report.drained) {
        core().io().cancel_all();
        const auto last = std::max(deadline, std::chrono::steady_clock::now()) + grace;
        report.operations_left = !wait_until(last, &runtime_state::no_operations);
    }
    report.pending_items = pool.pending_work_items();

    const auto last = std::max(deadline, std::chrono::steady_clock::now()) + grace;
    report.running_threads = core().stop(last) + blocking.stop(last);
    threads_left = report.running_threads > 0 || report.operations_left;
    if (report.running_threads > 0)
        report.left.push_back(std::to_string(report.running_threads) + " threads did not return from their callbacks");
    if (report.operations_left)
        report.left.push_back("the kernel still holds operations of driver '" + std::string(core().io().name()) + "'");
    if (report.pending_items > 0)
        report.left.push_back(std::to_string(report.pending_items) + " queued items were not run");

    report.suspended_tasks = live_tasks::count(&pool);
    if (report.suspended_tasks > 0) {
        report.left.push_back(std::to_string(report.suspended_tasks) + " tasks were suspended and did not finish");
        if (!threads_left)
            std::ranges::move(live_tasks::describe(pool, most_kinds_reported), std::back_inserter(report.left));
    }
    if (!threads_left) live_tasks::destroy_all(pool);
    return report;
}

void runtime_state::stop_threads(std::chrono::nanoseconds limit) noexcept {
    // The threads stayed in the parent of a forked child: there is nobody to wait for.
    if (!core().in_own_process() || stopping.exchange(true, std::memory_order_relaxed)) return;
    const auto deadline = std::chrono::steady_clock::now() + limit;
    threads_left = true;
    core().stop(deadline);
    blocking.stop(deadline);
}

void runtime_exit::stop_threads(runtime& which, std::chrono::nanoseconds limit) noexcept {
    which.state_->stop_threads(limit);
}

}  // namespace detail

std::string shutdown_report::to_string() const {
    std::string text = drained ? "drained\n" : "not drained\n";
    for (const std::string& line : left) text += line + "\n";
    return text;
}

runtime::runtime(const runtime_options& options)
    : state_(std::make_unique<detail::runtime_state>(*this, detail::resolve_options(options))) {
    if (dispatcher* home = detail::this_thread_block().home) home->leaves("makes a runtime of its own");
}

runtime::~runtime() {
    if (!state_->stopping.load(std::memory_order_relaxed)) {
        try {
            static_cast<void>(state_->shutdown(std::chrono::nanoseconds(0)));
        } catch (...) {
            // Destroyed on one of its own threads, or no memory for the report: nothing may be freed under what still runs.
            state_->threads_left = true;
        }
    }
    if (!state_->threads_left) return;
    // A thread that never came back goes on using the state. The list says to leak checkers that it is kept on purpose.
    static constinit std::atomic<detail::runtime_state*> abandoned{nullptr};
    detail::runtime_state* state = state_.release();
    state->next_abandoned = abandoned.load(std::memory_order_relaxed);
    while (!abandoned.compare_exchange_weak(state->next_abandoned, state, std::memory_order_release)) {}
}

runtime& runtime::current() {
    dispatcher* home = detail::this_thread_block().home;
    runtime* owner = home != nullptr ? home->owner() : nullptr;
    return owner != nullptr ? *owner : default_runtime();
}

thread_pool& runtime::pool() noexcept { return state_->pool; }
driver& runtime::io_driver() noexcept { return state_->core().io(); }
time_provider& runtime::time() noexcept { return state_->pool.time(); }
std::uint64_t runtime::random() noexcept { return state_->pool.random(); }
std::uint64_t runtime::next_id() noexcept { return state_->last_id.fetch_add(1, std::memory_order_relaxed) + 1; }
cancellation_token runtime::shutdown_token() const noexcept { return state_->stop_source.token(); }

shutdown_report runtime::shutdown(std::chrono::nanoseconds deadline) { return state_->shutdown(deadline); }

void runtime::post_blocking(unique_function<void()> function) {
    state_->refuse_when_stopping();
    state_->blocking.post(std::move(function));
}

runtime::thread_counts runtime::threads() const noexcept {
    thread_counts counts;
    auto& core = state_->core();
    counts.workers = core.owner_count();
    counts.injected = core.thread_count() - std::min(core.thread_count(), counts.workers);
    counts.monitor = 1;
    counts.long_running = core.long_running_count();
    counts.blocking = state_->blocking.thread_count();
    counts.dedicated = state_->dedicated.load(std::memory_order_relaxed);
    return counts;
}

}  // namespace weft::inline WEFT_ABI
