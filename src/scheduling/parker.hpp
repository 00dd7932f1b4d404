#pragma once
// One thread's bed: it sleeps until woken or until a deadline, and a wake that comes first is not lost.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"
#include "weft/base/time_provider.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What a sleeper and its wakers agree by.
///
/// The word goes awake -> asleep -> awake by the sleeper, and to `notified` from either by a waker. Both are read-modify-writes of
/// one word, so one of the two sees the other: a waker that comes first finds `awake` and leaves `notified`, which the
/// sleeper finds instead of lying down; one that comes later finds `asleep`, and owes the system call.
template <class Atomics>
class basic_parking_word {
public:
    enum state : std::uint32_t { awake, notified, asleep };
    using cell = typename Atomics::template atomic<std::uint32_t>;

    /// Sleeper. @returns whether it may sleep, for as long as is_asleep(); false after a wake
    [[nodiscard]] bool lie_down() noexcept {
        std::uint32_t seen = awake;
        return word_.compare_exchange_strong(seen, asleep, std::memory_order_acquire);
    }
    [[nodiscard]] bool is_asleep() const noexcept { return word_.load(std::memory_order_relaxed) == asleep; }
    /// Sleeper, whether it slept or not. @returns whether it was woken
    [[nodiscard]] bool get_up() noexcept {
        // Acquire pairs with wake()'s release: the sleeper sees what the waker wrote before.
        return word_.exchange(awake, std::memory_order_acquire) == notified;
    }
    /// Any thread. @returns whether the sleeper has to be told by the system
    [[nodiscard]] bool wake() noexcept { return word_.exchange(notified, std::memory_order_release) == asleep; }

    /// What the system sleeps on, while it is `asleep`.
    [[nodiscard]] cell& futex() noexcept { return word_; }

private:
    cell word_{awake};
};

/// Sleeps on a futex with an absolute deadline of the monotonic clock.
class parker {
public:
    /// Sleeps until wake() or `deadline` (time_point::max(): none). The owner's thread only. @returns whether it was woken
    bool park(time_point deadline) noexcept;
    /// Ends the present or the next park(). Any thread; a system call only if the owner sleeps.
    void wake() noexcept;

private:
    basic_parking_word<std_atomics> state_;
};

}  // namespace weft::inline WEFT_ABI::detail
