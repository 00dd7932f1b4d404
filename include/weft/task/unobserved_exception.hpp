#pragma once
// <weft/task/unobserved_exception.hpp>: the event of faults that nobody looked at.
// Follows TaskScheduler.UnobservedTaskException (semantics 1.8/12).
// SPDX-License-Identifier: MIT

#include <exception>
#include <span>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"

namespace weft::inline WEFT_ABI {

namespace detail {
struct fault_info;
}

/// What a handler is given.
class unobserved_task_exception {
public:
    /// Every error of the task, at least one.
    [[nodiscard]] std::span<const std::exception_ptr> errors() const noexcept { return errors_; }

private:
    friend void raise_unobserved_for(std::span<const std::exception_ptr> errors) noexcept;
    explicit unobserved_task_exception(std::span<const std::exception_ptr> errors) noexcept : errors_(errors) {}
    std::span<const std::exception_ptr> errors_;
};

/// Adds a handler, called once for each faulted task whose last handle goes before anyone waited, awaited or read its
/// exception. Canceled tasks never raise it. The process goes on; without a handler one line goes to standard error.
///
/// Continuation  the thread that dropped the last handle, or ended the task after all handles were gone.
/// Threads       may be called from any thread. What a handler throws is discarded.
/// @returns a function that removes the handler
unique_function<void()> on_unobserved_task_exception(unique_function<void(const unobserved_task_exception&)> handler);

void raise_unobserved_for(std::span<const std::exception_ptr> errors) noexcept;

namespace detail {
void raise_unobserved(fault_info& fault) noexcept;
}

}  // namespace weft::inline WEFT_ABI
