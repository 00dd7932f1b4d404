// The interface's own part: ids, which scheduler is current, and the two schedulers that need no queue of their own.
// SPDX-License-Identifier: MIT

#include "weft/context/task_scheduler.hpp"

#include <atomic>
#include <cstddef>
#include <limits>
#include <new>
#include <utility>

#include "weft/base/dispatcher.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/synchronization_context.hpp"

namespace weft::inline WEFT_ABI {

namespace {

std::int32_t next_id() noexcept {
    static constinit std::atomic<std::int32_t> made{0};
    return made.fetch_add(1, std::memory_order_relaxed) + 1;  // uniqueness only: publishes nothing
}

/// Runs `work` with `scheduler` as the thread's. An item never throws, so putting it back needs no guard.
void run_under(task_scheduler* scheduler, work_item& work) noexcept {
    detail::thread_block& block = detail::this_thread_block();
    task_scheduler* previous = std::exchange(block.scheduler, scheduler);
    work.run(work);
    block.scheduler = previous;
}

/// The pool of the calling thread's runtime. Null in the thread block means this one, so awaits need not know it.
class pool_scheduler final : public task_scheduler {
public:
    void queue(work_item& work) override { detail::current_dispatcher().post(work, post_hint::local); }

    bool try_execute_inline(work_item& work, bool was_queued) override {
        if (was_queued) return false;  // the pool's queues give nothing back
        run_under(nullptr, work);
        return true;
    }
};

class context_scheduler final : public task_scheduler {
public:
    explicit context_scheduler(synchronization_context& context) noexcept : context_(context) {}

    void queue(work_item& work) override {
        context_.post([this, &work] { try_execute(work); });
    }

    bool try_execute_inline(work_item& work, bool was_queued) override {
        // What was posted cannot be taken back, and would run a second time.
        if (was_queued || synchronization_context::current() != &context_) return false;
        try_execute(work);
        return true;
    }

    [[nodiscard]] std::int32_t maximum_concurrency() const noexcept override { return 1; }

private:
    synchronization_context& context_;
};

}  // namespace

task_scheduler::task_scheduler() noexcept : id_(next_id()) {}

bool task_scheduler::try_execute_inline(work_item&, bool) { return false; }

bool task_scheduler::try_dequeue(work_item&) { return false; }

std::int32_t task_scheduler::maximum_concurrency() const noexcept { return std::numeric_limits<std::int32_t>::max(); }

task_scheduler& task_scheduler::current() noexcept {
    task_scheduler* scheduler = detail::this_thread_block().scheduler;
    return scheduler != nullptr ? *scheduler : default_scheduler();
}

task_scheduler& task_scheduler::default_scheduler() noexcept {
    // Never destroyed: work may be queued from static destructors and from threads that outlive main().
    alignas(pool_scheduler) static std::byte room[sizeof(pool_scheduler)];
    static task_scheduler* const instance = ::new (static_cast<void*>(room)) pool_scheduler;
    return *instance;
}

std::unique_ptr<task_scheduler> task_scheduler::from_current_synchronization_context() {
    synchronization_context* context = synchronization_context::current();
    if (context == nullptr) {
        throw invalid_operation("from_current_synchronization_context: the calling thread has no synchronization context");
    }
    return std::make_unique<context_scheduler>(*context);
}

void task_scheduler::scheduled_tasks(item_visitor, void*) {}

bool task_scheduler::try_execute(work_item& work) {
    using detail::work_refusal;
    detail::thread_block& block = detail::this_thread_block();
    block.refusal = work_refusal::none;
    run_under(this, work);
    const work_refusal refusal = std::exchange(block.refusal, work_refusal::none);
    if (refusal == work_refusal::foreign)
        throw invalid_operation("task_scheduler::try_execute was given a task that was queued to another scheduler");
    return refusal == work_refusal::none;
}

task_scheduler_exception::task_scheduler_exception(std::exception_ptr inner)
    : std::runtime_error("a task scheduler failed: " + message_of(inner)), inner_(std::move(inner)) {}

}  // namespace weft::inline WEFT_ABI
