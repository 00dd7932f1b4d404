// The life of a task that is a function to call: who may run it, where, what flows into it, and what its end waits for.
// SPDX-License-Identifier: MIT

#include "weft/task/detail/delegate.hpp"

#include <algorithm>
#include <memory>

#include "weft/base/dispatcher.hpp"
#include "weft/base/error.hpp"
#include "weft/task/start_new.hpp"

namespace weft::inline WEFT_ABI::detail {

delegate::delegate(creation_options options, task_scheduler* scheduler, cancellation_token token) noexcept
    : work_item(&delegate::run_item),
      options_(options),
      scheduler_(scheduler == &task_scheduler::default_scheduler() ? nullptr : scheduler),
      home_(&current_dispatcher()),
      token_(std::move(token)) {}

void delegate::begin_life(bool cancel_at_once) {
    thread_block& block = this_thread_block();
    locals_ = capture_context(block);
    // Children attach to a delegate that runs, not to a coroutine: run() denies it, as Task.Run does (1.8/1).
    if ((options_ & creation_options::attached_to_parent) && block.current_task != nullptr) {
        delegate* parent = behind(*block.current_task);
        if (parent != nullptr && !(parent->options_ & creation_options::deny_child_attach)) {
            parent_ = parent;
            parent->core().add_ref();
            // The parent is running, so its own share keeps the number above zero.
            parent->unfinished_.fetch_add(1, std::memory_order_relaxed);
        }
    }
    if (!cancel_at_once || !token_.can_be_canceled()) return;
    // The callback may run on another thread, and end the task, before the registration is stored: a share keeps finish() from it.
    unfinished_.fetch_add(1, std::memory_order_relaxed);
    try {
        registration_ = token_.unsafe_register([this] {
            task_core& mine = core();
            mine.add_ref();
            static_cast<void>(cancel_unstarted(std::make_exception_ptr(task_canceled(token_))));
            mine.release();
        });
    } catch (...) {
        // There is no memory for it. Nobody has seen the task, and its parent does not wait for it.
        unfinished_.fetch_sub(1, std::memory_order_relaxed);
        abandon_unstarted();
        throw;
    }
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) finish();
}

bool delegate::claim(phase from, phase to) noexcept {
    // Acquire and release: whoever runs or ends the task sees what its maker and its starter wrote.
    return phase_.compare_exchange_strong(from, to, std::memory_order_acq_rel);
}

// ---- starting

// Release and acquire: a token may end the task while it is being started, and then looks for it in the scheduler's queue.
void delegate::set_scheduler(task_scheduler* scheduler) noexcept {
    scheduler_.store(scheduler == &task_scheduler::default_scheduler() ? nullptr : scheduler, std::memory_order_release);
}

task_scheduler* delegate::target() const noexcept { return scheduler_.load(std::memory_order_acquire); }

void delegate::start(task_scheduler* scheduler) {
    if (is_continuation())
        throw invalid_operation("a continuation cannot be started: it starts when its antecedent has ended");
    if (!claim(phase::created, phase::queued)) throw invalid_operation("the task has been started already, or has ended");
    if (scheduler != nullptr) set_scheduler(scheduler);
    push();
}

void delegate::start_unless_canceled() {
    if (claim(phase::created, phase::queued)) push();
}

void delegate::push() {
    task_core& mine = core();
    mine.clear_flag(flag_cold);
    mine.add_ref();  // the queue's
    try {
        if (target() != nullptr) target()->queue(*this);
        else if (options_ & creation_options::long_running) home_->post_long_running(*this);
        else home_->post(*this, options_ & creation_options::prefer_fairness ? post_hint::fair : post_hint::local);
    } catch (...) {
        mine.release();
        fail_to_queue();
    }
}

void delegate::fail_to_queue() {
    const auto error = std::make_exception_ptr(task_scheduler_exception(std::current_exception()));
    if (claim(phase::queued, phase::ended)) {
        drop();
        core().set_fault(error);
        if (!is_continuation())
            core().mark_observed();  // who starts it is told by the throw below; nobody starts a continuation
        end();
    }
    std::rethrow_exception(error);
}

void delegate::start_continuation(bool inline_allowed) noexcept {
    if (!claim(phase::created, phase::queued)) return;
    task_core& mine = core();
    mine.set_flag(flag_delegate);
    try {
        if (inline_allowed && !this_thread_block().stack_is_low()) {
            mine.clear_flag(flag_cold);
            if (target() == nullptr) {
                mine.add_ref();
                run_item(*this);
                return;
            }
            mine.add_ref();
            bool ran = false;
            try {
                ran = target()->try_execute_inline(*this, false);
            } catch (...) {
                mine.release();
                fail_to_queue();
            }
            if (ran) return;
            mine.release();
        }
        push();
    } catch (...) {
        // It is in the task already (1.10/8).
    }
}

void delegate::run_synchronously(task_scheduler* scheduler) {
    if (is_continuation())
        throw invalid_operation("a continuation cannot be run by hand: it starts when its antecedent has ended");
    if (!claim(phase::created, phase::queued)) throw invalid_operation("the task has been started already, or has ended");
    set_scheduler(scheduler != nullptr ? scheduler : this_thread_block().scheduler);
    task_core& mine = core();
    mine.clear_flag(flag_cold);
    mine.add_ref();
    if (target() == nullptr) {
        run_item(*this);
    } else {
        bool ran = false;
        try {
            ran = target()->try_execute_inline(*this, false);
        } catch (...) {
            mine.release();
            fail_to_queue();
        }
        if (!ran) {
            mine.release();
            push();
        }
    }
    static_cast<void>(mine.wait(nullptr, cancellation_token()));
}

void delegate::try_run_for_waiter() {
    if (target() == nullptr || phase_.load(std::memory_order_acquire) != phase::queued) return;
    if (this_thread_block().stack_is_low()) return;
    try {
        static_cast<void>(target()->try_execute_inline(*this, true));
    } catch (...) {
        throw task_scheduler_exception(std::current_exception());
    }
}

// ---- running

/// Whether a scheduler that this task was not given to passes it on.
bool delegate::runs_elsewhere() const noexcept { return target() != nullptr && this_thread_block().scheduler != target(); }

void delegate::run_item(work_item& item) noexcept {
    auto& self = static_cast<delegate&>(item);
    task_core& mine = self.core();
    if (self.runs_elsewhere()) {
        this_thread_block().refusal = work_refusal::foreign;
        return;  // the reference stays with the queue it lies in
    }
    if (self.claim(phase::queued, phase::running)) self.run_here();
    else this_thread_block().refusal = work_refusal::ended;
    mine.release();
}

void delegate::run_here() noexcept {
    thread_block& block = this_thread_block();
    core().set_flag(flag_running);
    task_core* const outer_task = std::exchange(block.current_task, &core());
    task_scheduler* const outer_scheduler = block.scheduler;
    dispatcher* const outer_home = block.home;
    if (outer_home == nullptr) block.home = home_;
    if (options_ & creation_options::hide_scheduler) block.scheduler = nullptr;
    context_map* const outer_locals = retain_context(block.locals);
    switch_context(block, std::exchange(locals_, nullptr));
    invoke();
    drop();
    switch_context(block, outer_locals);
    block.home = outer_home;
    block.scheduler = outer_scheduler;
    block.current_task = outer_task;
    end();
    block.refusal = work_refusal::none;  // of what the function passed on itself
}

void delegate::invoke() noexcept {
    task_core& mine = core();
    try {
        call();
    } catch (const operation_canceled& error) {
        // Only the task's own token, and only when it is signalled, makes the task canceled (1.1/7).
        const bool ours = token_.can_be_canceled() && error.token() == token_ && token_.is_cancellation_requested();
        if (ours) mine.set_canceled(std::current_exception());
        else mine.set_fault(std::current_exception());
    } catch (...) {
        mine.set_fault(std::current_exception());
    }
}

// ---- ending

bool delegate::cancel_unstarted(std::exception_ptr reason) noexcept {
    if (!claim(phase::created, phase::ended)) {
        if (!claim(phase::queued, phase::ended)) return false;
        if (target() != nullptr && target()->try_dequeue(*this)) core().release();  // never the last: the caller has one
    }
    ended_unstarted();
    drop();
    core().set_canceled(std::move(reason));
    end();
    return true;
}

void delegate::abandon_unstarted() noexcept {
    if (!claim(phase::created, phase::ended)) return;
    drop();
    registration_.dispose();
    token_ = {};
    release_context(std::exchange(locals_, nullptr));
    if (parent_ != nullptr) std::exchange(parent_, nullptr)->child_ended(core());
}

/// The task's own share is over; attached children may have theirs.
void delegate::end() noexcept {
    phase_.store(phase::ended, std::memory_order_release);
    if (unfinished_.load(std::memory_order_acquire) > 1) core().set_flag(flag_cold);  // 1.8/11: its status says so
    // Release: what this thread wrote is seen by the last child; acquire: the last sees everybody's errors.
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) finish();
}

void delegate::take_child_errors() {
    child_error* newest = child_errors_.exchange(nullptr, std::memory_order_acquire);
    if (newest == nullptr) return;
    task_core& mine = core();
    error_list errors;
    while (newest != nullptr) {
        const std::unique_ptr<child_error> each(newest);
        newest = each->next;
        errors.push_back(each->error);
    }
    if (mine.fault != nullptr && mine.ending == task_status::faulted)
        errors.insert(errors.end(), mine.fault->errors.rbegin(), mine.fault->errors.rend());
    else if (mine.fault == nullptr && mine.result_ops->destroy != nullptr)
        mine.result_ops->destroy(reinterpret_cast<char*>(&mine) - mine.result_ops->distance);
    std::reverse(errors.begin(), errors.end());  // its own first, then the children's as they failed
    delete std::exchange(mine.fault, nullptr);
    mine.set_fault(std::move(errors));
}

void delegate::finish() noexcept {
    take_child_errors();
    registration_.dispose();
    token_ = {};
    release_context(std::exchange(locals_, nullptr));
    delegate* const parent = std::exchange(parent_, nullptr);
    task_core& mine = core();
    mine.add_ref();
    mine.complete();
    if (parent != nullptr) parent->child_ended(mine);
    mine.release();
}

void delegate::child_ended(task_core& child) noexcept {
    if (child.is_done() && child.final_status() == task_status::faulted) {
        child.mark_observed();
        child_error* error = nullptr;
        try {
            error = new child_error{std::make_exception_ptr(aggregate_exception(child.fault->errors)), nullptr};
        } catch (const std::bad_alloc&) {
            error = new child_error{child.first_error(), nullptr};  // there is no memory to say whose it was
        }
        error->next = child_errors_.load(std::memory_order_relaxed);
        // Release pairs with take_child_errors().
        while (!child_errors_.compare_exchange_weak(
            error->next, error, std::memory_order_release, std::memory_order_relaxed)) {}
    }
    task_core& mine = core();
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) finish();
    mine.release();  // the child's hold on its parent
}

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI {

std::int32_t this_task::id() noexcept {
    detail::task_core* running = detail::this_thread_block().current_task;
    return running == nullptr ? 0 : running->id();
}

}  // namespace weft::inline WEFT_ABI
