#pragma once
// src/io/sleep_state.hpp: whether the owner of a ring or an epoll set sleeps in the kernel, and who has to tell it to wake up.
// SPDX-License-Identifier: MIT

#include <atomic>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The owner marks itself asleep and then looks for what others left (letters, work); others leave it and then wake() the owner.
/// Each side writes its own word and then reads the other's, so every access here, and those of the mailbox, are sequentially
/// consistent: one of the two sees the other. A wake-up that comes before the sleep is remembered in the word, one that
/// comes after it in the kernel, by the writer that wake() asks for.
template <class Atomics>
class basic_sleep_state {
public:
    /// Owner. @returns false after a wake-up, which this takes: it may not sleep. get_up() follows in either case
    [[nodiscard]] bool fall_asleep() noexcept {
        int expected = awake;
        return state_.compare_exchange_strong(expected, asleep, std::memory_order_seq_cst);
    }
    /// Owner, when it no longer sleeps.
    void get_up() noexcept { state_.store(awake, std::memory_order_seq_cst); }
    /// Any thread. @returns whether the caller has to wake the owner in the kernel: only a sleeper needs that, and only the first of
    /// several wakers does it
    [[nodiscard]] bool wake() noexcept { return state_.exchange(notified, std::memory_order_seq_cst) == asleep; }
    /// For who has just left something; if not, the owner will see it.
    [[nodiscard]] bool is_asleep() const noexcept { return state_.load(std::memory_order_seq_cst) == asleep; }

private:
    enum value : int { awake, asleep, notified };
    typename Atomics::template atomic<int> state_{awake};
};

using sleep_state = basic_sleep_state<std_atomics>;

}  // namespace weft::inline WEFT_ABI::detail
