#pragma once
// <weft/scheduling/yield.hpp>: letting others run first.
// Follows Task.Yield (semantics 1.2/15).
// SPDX-License-Identifier: MIT

#include "weft/task/operation.hpp"

namespace weft::inline WEFT_ABI {

/// `yield()`.
class yield_operation : public operation<yield_operation, void> {
public:
    struct parameters {};
    explicit yield_operation(parameters = {}) noexcept {}
    [[nodiscard]] parameters take_parameters() const noexcept { return {}; }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool start(detail::task_core& awaiter) noexcept {
        detail::enqueue(awaiter, post_hint::fair);
        return true;
    }
    void await_resume() const noexcept {}
};

/// Continues behind everything that is ready now: posted to the captured context, else behind the pool's global queue.
[[nodiscard]] inline yield_operation yield() noexcept { return yield_operation(); }

}  // namespace weft::inline WEFT_ABI
