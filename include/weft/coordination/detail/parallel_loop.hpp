#pragma once
// <weft/coordination/detail/parallel_loop.hpp>: the workers of a parallel loop, without what they work on.
//
// A loop starts with one worker. Each worker that has taken its first item starts the next one, up to the degree, so a short
// source makes few workers. A worker takes items until there are none, something failed or the token says stop; the last one to
// leave disposes of the source and completes the loop's task.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <vector>

#include "weft/base/spin_lock.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/context/execution_context.hpp"
#include "weft/context/task_scheduler.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Lets one worker at a time to the source, in the order in which they came.
class worker_turns {
public:
    /// @returns whether the caller has the turn now, because nobody had it
    [[nodiscard]] bool try_enter() noexcept;
    /// Ends when it is the caller's turn.
    [[nodiscard]] task<> enter();
    void leave();

private:
    spin_lock lock_;  // sections are short, but for a block of the queue now and then
    bool taken_ = false;
    std::deque<task_completion_source<>> waiting_;
};

/// A turn that was entered; leaves it.
class worker_turn {
public:
    explicit worker_turn(worker_turns& turns) noexcept : turns_(turns) {}
    worker_turn(const worker_turn&) = delete;
    worker_turn& operator=(const worker_turn&) = delete;
    ~worker_turn() { turns_.leave(); }

private:
    worker_turns& turns_;
};

/// The smaller of what was asked for and what the scheduler offers. @param otherwise  for -1
/// @throws std::invalid_argument  for 0 and below -1
[[nodiscard]] std::size_t parallel_degree(std::int32_t asked, std::size_t otherwise, const task_scheduler* scheduler);
/// How many processors this process may use.
[[nodiscard]] std::size_t processor_count() noexcept;

class parallel_loop : public std::enable_shared_from_this<parallel_loop> {
public:
    parallel_loop(const parallel_loop&) = delete;
    parallel_loop& operator=(const parallel_loop&) = delete;
    virtual ~parallel_loop() = default;

    /// Starts the first worker. @returns the loop's task, which is not done yet
    [[nodiscard]] task<> begin();

protected:
    parallel_loop(std::size_t degree, task_scheduler* scheduler, cancellation_token user);

    /// A worker's life. It throws nothing.
    virtual task<> work() = 0;
    /// Destroys the source and the body; nobody uses them any more.
    virtual void drop() noexcept = 0;

    [[nodiscard]] const cancellation_token& token() const noexcept { return token_; }
    [[nodiscard]] bool is_stopping() const noexcept { return token_.is_cancellation_requested(); }
    /// To be called once by each worker, before its first item runs.
    void start_another() noexcept;
    /// Notes the error and asks everybody to stop.
    void fail(std::exception_ptr error) noexcept;
    /// The worker has taken its last item. @returns whether it was the last worker, and so must call drop() and complete()
    [[nodiscard]] bool leave() noexcept { return workers_.fetch_sub(1, std::memory_order_acq_rel) == 1; }
    void complete() noexcept;

private:
    void start_worker();
    /// In place of a worker's life, when that could not begin.
    void end_without_working(std::exception_ptr error) noexcept;

    std::size_t unstarted_;  // only the newest worker looks at it
    std::atomic<std::size_t> workers_{0};
    task_scheduler* scheduler_;
    execution_context context_;  // of the caller: every worker has it (1.18/9)
    cancellation_token user_;
    cancellation_source stop_;
    const cancellation_token
        token_;  // of stop_; made once, because all workers count at one place when they make their own
    std::mutex mutex_;
    error_list errors_;  // that of a worker never fails to be recorded
    task_completion_source<> done_;
};

}  // namespace weft::inline WEFT_ABI::detail
