#pragma once
// Which sleeper minds the timers, and until when it means to sleep.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <limits>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// "The timekeeper" of worker.cpp, apart from what a timer is. A moment is a count of ticks.
///
/// Who goes to sleep publishes "any deadline is earlier than mine", fences, and reads the earliest deadline there is; who arms a
/// timer makes it visible, fences, and reads what the keeper published: one of the two sees the other.
template <class Owner, class Atomics>
class basic_timekeeper {
public:
    using ticks = std::int64_t;
    static constexpr ticks never = std::numeric_limits<ticks>::max();

    /// A thread that is about to sleep. @param next_due  the earliest deadline at the moment of the call
    /// @returns until when it may sleep
    template <class NextDue>
    [[nodiscard]] ticks keep(Owner& self, NextDue next_due) noexcept {
        Owner* nobody = nullptr;
        if (!keeper_.compare_exchange_strong(nobody, &self, std::memory_order_acq_rel)) {
            // A running worker arms timers without telling the keeper, who may mean to sleep past them: then this one minds them too.
            Atomics::fence(std::memory_order_seq_cst);
            const ticks due = next_due();
            const ticks kept = deadline_.load(std::memory_order_relaxed);
            return kept == nobody_keeps || due < kept ? due : never;
        }
        deadline_.store(any_deadline, std::memory_order_relaxed);
        Atomics::fence(std::memory_order_seq_cst);  // pairs with earlier()
        const ticks due = next_due();
        deadline_.store(due, std::memory_order_relaxed);
        return due;
    }
    /// The same thread, when it no longer sleeps.
    void leave(Owner& self) noexcept {
        if (keeper_.load(std::memory_order_relaxed) != &self) return;
        deadline_.store(nobody_keeps, std::memory_order_relaxed);
        keeper_.store(nullptr, std::memory_order_release);
    }
    /// A thread that will not look at the timers itself has made `deadline` visible. Calls rouse(keeper) if that one would sleep
    /// past it, nobody() if there is none.
    template <class Rouse, class Nobody>
    void earlier(ticks deadline, Rouse rouse, Nobody nobody) noexcept {
        Atomics::fence(std::memory_order_seq_cst);  // pairs with keep()
        pass_on(deadline, rouse, nobody);
    }
    /// As earlier(), without the fence.
    template <class Rouse, class Nobody>
    void pass_on(ticks deadline, Rouse rouse, Nobody nobody) noexcept {
        if (Owner* keeper = keeper_.load(std::memory_order_acquire)) {
            if (deadline < deadline_.load(std::memory_order_relaxed)) rouse(*keeper);
        } else {
            nobody();
        }
    }

private:
    static constexpr ticks nobody_keeps = std::numeric_limits<ticks>::min();
    static constexpr ticks any_deadline = never;

    typename Atomics::template atomic<Owner*> keeper_{nullptr};
    typename Atomics::template atomic<ticks> deadline_{nobody_keeps};
};

}  // namespace weft::inline WEFT_ABI::detail
