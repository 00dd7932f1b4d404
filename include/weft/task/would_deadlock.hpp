#pragma once
// <weft/task/would_deadlock.hpp>: a blocking wait that can never end, told instead of hung.
// .NET hangs here; the classic case is `.Result` on a user-interface thread.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string>
#include <utility>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI {

/// Thrown by wait(), get(), result() and block_on() without a time limit, when the calling thread runs a synchronization
/// context that one of the awaited coroutines has to come back to: it lies in that context's queue, which nobody but the blocked
/// thread can serve. The task itself goes on as soon as the thread returns to its loop.
///
/// Found by  contexts that can tell what lies in their queue: event_loop_context, serial_context, the user-interface contexts.
///           A chain through when_any or wait_async is not taken for a deadlock, as something else may end it.
class would_deadlock : public invalid_operation {
public:
    would_deadlock(std::string blocked, std::string awaited)
        : invalid_operation(
              "this thread blocks on a task that needs this thread's synchronization context to go on; await "
              "the task instead, or use configure_await(false) in what it calls\n  the blocked thread: " +
              blocked + "\n  the awaited chain:  " + awaited),
          blocked_(std::move(blocked)),
          awaited_(std::move(awaited)) {}

    /// The functions of the blocked thread, innermost first.
    [[nodiscard]] const std::string& blocked_stack() const noexcept { return blocked_; }
    /// The coroutines from the one that lies in the queue to the one whose task is waited for.
    [[nodiscard]] const std::string& awaited_stack() const noexcept { return awaited_; }

private:
    std::string blocked_;
    std::string awaited_;
};

/// What happens at such a wait.
enum class deadlock_policy : std::uint8_t {
    raise,  ///< would_deadlock is thrown: the default
    log,    ///< its text goes to standard error once, and the thread hangs as it would in .NET
    allow   ///< nothing is looked for
};

/// Sets the policy of the process. @returns the one before. Any thread.
deadlock_policy set_deadlock_policy(deadlock_policy policy) noexcept;

}  // namespace weft::inline WEFT_ABI
