// SPDX-License-Identifier: MIT

#include "weft/task/task_scope.hpp"

#include <algorithm>
#include <mutex>

#include "weft/base/assert.hpp"
#include "weft/context/aggregate_exception.hpp"
#include "weft/context/async_local.hpp"

namespace weft::inline WEFT_ABI {

namespace {

struct ambient {
    cancellation_token token;
    std::optional<time_point> deadline;
};
constinit async_local<ambient> current_ambient;

}  // namespace

cancellation_token this_task::token() {
    const ambient* mine = current_ambient.value();
    return mine == nullptr ? cancellation_token() : mine->token;
}

std::optional<time_point> this_task::deadline() {
    const ambient* mine = current_ambient.value();
    return mine == nullptr ? std::nullopt : mine->deadline;
}

namespace detail {

void set_ambient(cancellation_token token, std::optional<time_point> deadline) {
    if (!deadline.has_value()) deadline = this_task::deadline();
    current_ambient.set(ambient{std::move(token), deadline});
}

bool scope_state::child_started() noexcept {
    std::size_t running = running_.load(std::memory_order_relaxed);
    do {
        if (running == 0) return false;
    } while (!running_.compare_exchange_weak(running, running + 1, std::memory_order_relaxed));
    return true;
}

void scope_state::child_ended(std::exception_ptr error, bool canceled) noexcept {
    if (error != nullptr) {
        const bool by_itself = !source.is_cancellation_requested();
        auto made = canceled ? nullptr : std::make_unique<failure>(error, nullptr);
        {
            const std::lock_guard guard(lock_);
            if (made != nullptr) {
                made->next = std::move(failures_);
                failures_ = std::move(made);
            } else if (cancellation_ == nullptr && (by_itself || parent_.is_cancellation_requested())) {
                cancellation_ = error;
            }
        }
        try {
            source.cancel();
        } catch (...) {
            // A callback of the token threw: the failure that made the scope cancel is the one to report.
        }
    }
    // Release: join() sees the failure.
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) done_.set_result();
}

task<> scope_state::all_ended() noexcept {
    if (!joining_.exchange(true, std::memory_order_relaxed) && running_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        done_.set_result();
    return done_.task();
}

std::vector<std::exception_ptr> scope_state::take_failures() {
    std::vector<std::exception_ptr> all;
    const std::lock_guard guard(lock_);
    for (const failure* each = failures_.get(); each != nullptr; each = each->next.get()) all.push_back(each->error);
    std::reverse(all.begin(), all.end());
    if (all.empty() && cancellation_ != nullptr) all.push_back(cancellation_);
    return all;
}

void scope_state::throw_failures() {
    std::vector<std::exception_ptr> failures = take_failures();
    if (failures.size() == 1) std::rethrow_exception(failures.front());
    if (!failures.empty()) throw aggregate_exception(std::move(failures));
}

}  // namespace detail

task_scope::task_scope(const cancellation_token& parent) : state_(std::make_shared<detail::scope_state>(parent)) {}

task_scope::~task_scope() {
    WEFT_ASSERT(
        state_->has_ended(), "a task_scope was destroyed while children run; await join() first, or use with_scope()");
}

void task_scope::begin_child() {
    if (!state_->child_started())
        throw invalid_operation("task_scope::spawn: every child has ended and the scope is joined");
}

task<> task_scope::join() { return join_all(state_); }

task<> task_scope::join_all(std::shared_ptr<detail::scope_state> state) {
    co_await state->all_ended();
    state->throw_failures();
}

}  // namespace weft::inline WEFT_ABI
