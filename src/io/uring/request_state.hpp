#pragma once
// src/io/uring/request_state.hpp: who finds that a request is over: its answer, or the answer to the request to cancel it.
//
// A request to cancel goes to the kernel with the operation's address in it, so the operation is over only when both have been
// answered. Each party changes the state by one read-modify-write and decides by what was there before: all of them together are
// in one order, so exactly one finds the operation over, and cancel() sends a letter exactly when somebody will wait for it. All
// acquire and release: who ends the operation sees what the others have written into it.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/io/io_operation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The submitter, after it has filled an entry. @returns false when cancel() came first: the entry must not reach the kernel
template <class Cell>
[[nodiscard]] bool note_issued(Cell& state) noexcept {
    // From here on cancel() sends a letter.
    return (state.fetch_or(io_operation::issued, std::memory_order_acq_rel) & io_operation::cancel_asked) == 0;
}
/// cancel(). @returns whether a letter has to be sent; if not, the operation may be over
template <class Cell>
[[nodiscard]] bool note_cancel(Cell& state) noexcept {
    const std::uint8_t before = state.fetch_or(io_operation::cancel_asked, std::memory_order_acq_rel);
    if ((before & io_operation::cancel_asked) != 0) return false;
    // Not with the kernel yet: whoever brings it there sees the mark. Answered: too late.
    return (before & io_operation::issued) != 0 && (before & io_operation::answered) == 0;
}
/// The operation's answer has come. @returns whether it is over; if not, it ends with the answer to the request to cancel
template <class Cell>
[[nodiscard]] bool note_answer(Cell& state) noexcept {
    const std::uint8_t before = state.fetch_or(io_operation::answered, std::memory_order_acq_rel);
    return (before & io_operation::cancel_asked) == 0 || (before & io_operation::cancel_answered) != 0;
}
/// The answer to the request to cancel has come, or its letter was opened too late to send one. @returns whether the operation is over
template <class Cell>
[[nodiscard]] bool note_cancel_answer(Cell& state) noexcept {
    return (state.fetch_or(io_operation::cancel_answered, std::memory_order_acq_rel) & io_operation::answered) != 0;
}
/// The answer says "again". @returns false when it is being canceled: then it is over
template <class Cell>
[[nodiscard]] bool note_again(Cell& state, bool when_ready) noexcept {
    std::uint8_t seen = state.load(std::memory_order_acquire);
    for (;;) {
        if ((seen & io_operation::cancel_asked) != 0) return false;
        auto next = static_cast<std::uint8_t>(seen & ~(io_operation::issued | io_operation::wait_ready));
        if (when_ready) next = static_cast<std::uint8_t>(next | io_operation::wait_ready);
        // From here on cancel() only leaves its mark, and the next drain sees it.
        if (state.compare_exchange_weak(seen, next, std::memory_order_acq_rel)) return true;
    }
}

}  // namespace weft::inline WEFT_ABI::detail
