#pragma once
// <weft/context/task_scheduler.hpp>: the interface of what decides when and where delegate tasks and continuations run.
// Follows System.Threading.Tasks.TaskScheduler (semantics 1.11).
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>

#include "weft/base/config.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI {

/// What a scheduler threw when it was asked to queue or to run a task. Follows TaskSchedulerException (1.11/2).
class task_scheduler_exception : public std::runtime_error {
public:
    explicit task_scheduler_exception(std::exception_ptr inner);
    [[nodiscard]] const std::exception_ptr& inner_exception() const noexcept { return inner_; }

private:
    std::exception_ptr inner_;
};

/// Runs work items that were queued to it. Derive to order, limit or redirect work.
///
/// Threads   queue() may be called from any thread.
/// Lifetime  a resource: it must outlive the work queued to it.
class task_scheduler {
public:
    task_scheduler() noexcept;
    virtual ~task_scheduler() = default;
    task_scheduler(const task_scheduler&) = delete;
    task_scheduler& operator=(const task_scheduler&) = delete;

    /// Accepts `work`, which the scheduler must pass to try_execute() exactly once, later or now.
    virtual void queue(work_item& work) = 0;
    /// Whether `work` may run on the calling thread now; runs it if so. The default refuses.
    virtual bool try_execute_inline(work_item& work, bool was_queued);
    /// Takes `work` back out of the queue if it still can. The default cannot.
    virtual bool try_dequeue(work_item& work);
    /// Calls `visit` for each queued item that has not begun to run, for diagnostics. The default knows of none.
    using item_visitor = void (*)(work_item& item, void* argument);
    virtual void scheduled_tasks(item_visitor visit, void* argument);
    /// Advisory upper bound of concurrent work, for parallel loops.
    [[nodiscard]] virtual std::int32_t maximum_concurrency() const noexcept;

    /// A positive number, unique in the process.
    [[nodiscard]] std::int32_t id() const noexcept { return id_; }

    /// The scheduler whose work the calling thread runs; the default one outside any.
    [[nodiscard]] static task_scheduler& current() noexcept;
    /// The thread pool of the default runtime.
    [[nodiscard]] static task_scheduler& default_scheduler() noexcept;
    /// A scheduler that posts to the calling thread's synchronization context, one item at a time (1.5/5).
    /// @throws invalid_operation  if there is none
    [[nodiscard]] static std::unique_ptr<task_scheduler> from_current_synchronization_context();

protected:
    /// Runs `work` with this scheduler as current(). To be called by implementers, once for each queued item.
    /// @returns whether it ran: false when it had run, or had been canceled, before
    /// @throws invalid_operation  when `work` is a task that was queued to another scheduler (1.11/4); it did not run
    bool try_execute(work_item& work);

private:
    std::int32_t id_;
};

}  // namespace weft::inline WEFT_ABI
