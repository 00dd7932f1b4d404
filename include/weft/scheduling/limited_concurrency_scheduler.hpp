#pragma once
// <weft/scheduling/limited_concurrency_scheduler.hpp>: at most so many tasks at a time, in order, on the pool.
// Follows LimitedConcurrencyLevelTaskScheduler of .NET's samples (semantics 1.11/5).
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>

#include "weft/context/task_scheduler.hpp"

namespace weft::inline WEFT_ABI {

/// Runs what is queued to it first in, first out, on the pool of the thread that queues, at most `limit` at a time. A limit is about
/// running: a coroutine that awaits is not running, and others may run meanwhile.
///
/// Threads   any.
/// Lifetime  must outlive what is queued to it.
class limited_concurrency_scheduler final : public task_scheduler {
public:
    /// @throws std::invalid_argument  for 0
    explicit limited_concurrency_scheduler(std::size_t limit);
    ~limited_concurrency_scheduler() override;

    void queue(work_item& work) override;
    /// On a thread that runs an item of this scheduler.
    bool try_execute_inline(work_item& work, bool was_queued) override;
    bool try_dequeue(work_item& work) override;
    void scheduled_tasks(item_visitor visit, void* argument) override;
    [[nodiscard]] std::int32_t maximum_concurrency() const noexcept override;

private:
    class state;
    std::shared_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI
