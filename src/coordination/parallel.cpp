// SPDX-License-Identifier: MIT

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "weft/coordination/detail/parallel_loop.hpp"
#include "weft/scheduling/run.hpp"
#include "weft/task/start_new.hpp"

namespace weft::inline WEFT_ABI::detail {

bool worker_turns::try_enter() noexcept {
    const std::lock_guard guard(lock_);
    return !std::exchange(taken_, true);
}

task<> worker_turns::enter() {
    const std::lock_guard guard(lock_);
    if (!std::exchange(taken_, true)) return completed_task();
    // The next worker is posted, not run on the stack of the one that leaves.
    return waiting_.emplace_back(creation_options::run_continuations_asynchronously).task();
}

void worker_turns::leave() {
    std::unique_lock lock(lock_);
    if (waiting_.empty()) {
        taken_ = false;
        return;
    }
    task_completion_source<> next = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    next.set_result();
}

std::size_t processor_count() noexcept { return std::max(1U, std::thread::hardware_concurrency()); }

std::size_t parallel_degree(std::int32_t asked, std::size_t otherwise, const task_scheduler* scheduler) {
    if (asked == 0 || asked < -1)
        throw std::invalid_argument(
            "max_degree_of_parallelism is " + std::to_string(asked) + "; it is positive, or -1 for the default");
    std::size_t degree = asked == -1 ? otherwise : static_cast<std::size_t>(asked);
    const std::int32_t limit = scheduler != nullptr ? scheduler->maximum_concurrency() : 0;
    if (limit > 0) degree = std::min(degree, static_cast<std::size_t>(limit));
    return degree;
}

parallel_loop::parallel_loop(std::size_t degree, task_scheduler* scheduler, cancellation_token user)
    : unstarted_(degree),
      scheduler_(scheduler),
      context_(execution_context::capture()),
      user_(std::move(user)),
      stop_(cancellation_source::linked(user_)),
      token_(stop_.token()) {}

task<> parallel_loop::begin() {
    task<> done = done_.task();
    workers_.store(1, std::memory_order_relaxed);
    --unstarted_;
    try {
        start_worker();
    } catch (...) {
        fail(std::current_exception());
        drop();
        complete();
    }
    return done;
}

void parallel_loop::start_another() noexcept {
    if (unstarted_ == 0) return;
    --unstarted_;
    workers_.fetch_add(1, std::memory_order_relaxed);
    try {
        if (context_.is_captured()) {
            execution_context::run(context_, [this] { start_worker(); });
        } else if (execution_context::is_flow_suppressed()) {
            start_worker();
        } else {
            const auto suppressed = execution_context::suppress_flow();
            start_worker();
        }
    } catch (...) {
        fail(std::current_exception());
        static_cast<void>(leave());  // never the last: the caller is one
    }
}

void parallel_loop::start_worker() {
    auto life = [self = shared_from_this()] {
        try {
            return self->work();
        } catch (...) {
            self->end_without_working(std::current_exception());  // there was no memory for the worker
            return completed_task();
        }
    };
    if (scheduler_ != nullptr) {
        start_new(std::move(life), creation_options::none, scheduler_).forget();
        return;
    }
    const task<> started = run(std::move(life));
    // A worker throws nothing: this is a runtime that shuts down.
    if (started.is_faulted()) started.get();
}

void parallel_loop::fail(std::exception_ptr error) noexcept {
    {
        const std::lock_guard guard(mutex_);
        errors_.push_back(std::move(error));
    }
    try {
        stop_.cancel();
    } catch (...) {
        const std::lock_guard guard(mutex_);
        errors_.push_back(std::current_exception());
    }
}

void parallel_loop::end_without_working(std::exception_ptr error) noexcept {
    fail(std::move(error));
    if (!leave()) return;
    drop();
    complete();
}

void parallel_loop::complete() noexcept {
    stop_.dispose();  // leaves the user's token (1.18/10)
    if (user_.is_cancellation_requested()) done_.set_canceled(user_);
    else if (errors_.empty()) done_.set_result();
    else static_cast<void>(done_.try_set_errors(std::move(errors_)));
}

}  // namespace weft::inline WEFT_ABI::detail
