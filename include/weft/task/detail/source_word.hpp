#pragma once
// <weft/task/detail/source_word.hpp>: the meeting of a reusable completion and its one continuation.
//
// 0: pending; done: completed; otherwise the registered node. Registration and completion are one read-modify-write each, so the
// second of the two sees the first, and what it wrote: both acquire and release.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

template <class Node, class Atomics>
class basic_source_word {
public:
    enum class answer : std::uint8_t { waits, done, taken };

    [[nodiscard]] bool is_done() const noexcept {
        // Acquire pairs with complete(): the result was written before.
        return word_.load(std::memory_order_acquire) == done;
    }
    [[nodiscard]] answer add(Node& node) noexcept {
        std::uintptr_t now = 0;
        if (word_.compare_exchange_strong(
                now, reinterpret_cast<std::uintptr_t>(&node), std::memory_order_acq_rel, std::memory_order_acquire))
            return answer::waits;
        return now == done ? answer::done : answer::taken;
    }
    /// Reserves the completion. @returns false when somebody has
    [[nodiscard]] bool claim() noexcept { return !claimed_.exchange(true, std::memory_order_acq_rel); }
    /// After it the consumer may reset and reuse the word. @returns the node to run; null when none waits
    [[nodiscard]] Node* complete() noexcept {
        return reinterpret_cast<Node*>(word_.exchange(done, std::memory_order_acq_rel));
    }
    /// The consumer's, when it is done.
    void reset() noexcept {
        word_.store(0, std::memory_order_relaxed);
        // Last, and with release: a completer that was late for this version claims the next, and must find it begun.
        claimed_.store(false, std::memory_order_release);
    }

private:
    static constexpr std::uintptr_t done = 1;

    typename Atomics::template atomic<std::uintptr_t> word_{0};
    typename Atomics::template atomic<bool> claimed_{false};
};

}  // namespace weft::inline WEFT_ABI::detail
