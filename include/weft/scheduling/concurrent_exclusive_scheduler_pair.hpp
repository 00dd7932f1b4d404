#pragma once
// <weft/scheduling/concurrent_exclusive_scheduler_pair.hpp>: readers and writers as schedulers.
// Follows System.Threading.Tasks.ConcurrentExclusiveSchedulerPair (semantics 1.11/6).
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>

#include "weft/context/task_scheduler.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

/// Two schedulers over the pool: tasks of concurrent() run together, a task of exclusive() runs alone. A waiting exclusive task goes
/// before concurrent ones that have not begun. The exclusion is about running: a coroutine that awaits has left.
///
/// Threads   any.
/// Lifetime  must outlive what is queued to it.
class concurrent_exclusive_scheduler_pair {
public:
    /// @param limit  most concurrent tasks at a time; 0: the number of processors
    explicit concurrent_exclusive_scheduler_pair(std::size_t limit = 0);
    ~concurrent_exclusive_scheduler_pair();
    concurrent_exclusive_scheduler_pair(const concurrent_exclusive_scheduler_pair&) = delete;
    concurrent_exclusive_scheduler_pair& operator=(const concurrent_exclusive_scheduler_pair&) = delete;

    [[nodiscard]] task_scheduler& concurrent() noexcept;
    [[nodiscard]] task_scheduler& exclusive() noexcept;

    /// Refuses what is queued from now on: start_new() then throws task_scheduler_exception. What is queued already runs.
    void complete();
    /// Ends when complete() was called and the last queued task has run.
    [[nodiscard]] task<> completion() const;

private:
    class side;
    class state;
    std::shared_ptr<state> state_;
    std::unique_ptr<side> concurrent_;
    std::unique_ptr<side> exclusive_;
};

}  // namespace weft::inline WEFT_ABI
