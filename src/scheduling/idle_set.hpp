#pragma once
// Which workers sleep and how many search: the one word that a post looks at, and the list behind it.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <mutex>

#include "scheduling/worker.hpp"
#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"
#include "weft/base/spin_lock.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Sleepers are woken last in, first out: the thread that slept least has the warmest cache. Injected ones lie at the bottom,
/// so that permanent workers, which carry I/O, come first.
///
/// Every change of the word is a sequentially consistent read-modify-write: it is one side of the protocol in worker.cpp.
template <class Worker, class Atomics>
class basic_idle_set {
public:
    struct counts {
        std::uint32_t sleeping;
        std::uint32_t searching;
    };

    /// A snapshot. Relaxed: the caller has put a sequentially consistent fence before it.
    [[nodiscard]] counts look() const noexcept {
        const std::uint64_t word = word_.load(std::memory_order_relaxed);
        return {static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
    }

    /// Counts the caller among the searchers unless half of `runnable` threads search already.
    bool begin_search(Worker& self, unsigned runnable) noexcept {
        if (2 * look().searching >= runnable) return false;
        word_.fetch_add(one_searching, std::memory_order_seq_cst);
        self.searching = true;
        return true;
    }
    /// @returns whether the caller was the last searcher
    bool end_search(Worker& self) noexcept {
        self.searching = false;
        return word_.fetch_sub(one_searching, std::memory_order_seq_cst) >> 32 == 1;
    }

    /// Puts the caller among the sleepers; it no longer searches.
    void lie_down(Worker& self) noexcept {
        const std::lock_guard guard(lock_);
        link(self);
        word_.fetch_add(self.searching ? one_sleeping - one_searching : one_sleeping, std::memory_order_seq_cst);
        self.searching = false;
    }

    /// Takes the caller out again, if nobody has. After it, the caller searches if it was woken to. @returns whether it was woken
    bool get_up(Worker& self) noexcept {
        const std::lock_guard guard(lock_);
        if (self.listed) {
            unlink(self);
            word_.fetch_sub(one_sleeping, std::memory_order_seq_cst);
            return false;
        }
        self.searching = true;  // wake_one() has counted it
        return true;
    }

    /// Takes the sleeper that lay down last and counts it as a searcher. Null if there is none, or somebody searches already.
    [[nodiscard]] Worker* wake_one() noexcept {
        const std::lock_guard guard(lock_);
        if (top_ == nullptr || look().searching > 0) return nullptr;
        Worker* chosen = top_;
        unlink(*chosen);
        word_.fetch_add(one_searching - one_sleeping, std::memory_order_seq_cst);
        return chosen;
    }

    // The two sides of "parking without losing a wake-up" (worker.cpp), apart from what is queued and how one sleeps.

    /// A post, once its item is visible: rouse(worker) if somebody must come, nobody() if nobody sleeps or searches. Without a
    /// fence before it this may miss one who is lying down right now.
    template <class Rouse, class Nobody>
    void call_helper(Rouse rouse, Nobody nobody) noexcept {
        const auto [sleeping, searching] = look();
        if (searching > 0) return;  // a searcher looks at every queue again before it sleeps
        if (sleeping == 0) nobody();
        else if (Worker* sleeper = wake_one()) rouse(*sleeper);
    }
    /// As call_helper(), and misses nobody.
    template <class Rouse, class Nobody>
    void call_helper_surely(Rouse rouse, Nobody nobody) noexcept {
        // Pairs with the fences below: the item was queued before, their state is read after. With anything weaker the item
        // could be missed by both sides (store then load).
        Atomics::fence(std::memory_order_seq_cst);
        call_helper(rouse, nobody);
    }
    /// Steps 1 and 2 of parking. @returns whether the caller must not sleep, because visible() work waits that nobody searches
    template <class Visible>
    bool lie_down_and_look(Worker& self, Visible visible) noexcept {
        lie_down(self);
        Atomics::fence(std::memory_order_seq_cst);  // pairs with call_helper_surely()
        return look().searching == 0 && visible();
    }
    /// A searcher has found something. @returns whether the caller must call a helper: the posts that saw it woke nobody
    template <class Visible>
    bool end_search_and_look(Worker& self, Visible visible) noexcept {
        if (!end_search(self)) return false;
        Atomics::fence(std::memory_order_seq_cst);  // pairs with call_helper_surely()
        return visible();
    }

private:
    static constexpr std::uint64_t one_sleeping = 1;
    static constexpr std::uint64_t one_searching = std::uint64_t{1} << 32;

    void link(Worker& self) noexcept {
        Worker* above = self.injected ? bottom_ : nullptr;  // goes right below `above`; null: on top
        Worker* below = self.injected ? nullptr : top_;
        self.previous_sleeper = above;
        self.next_sleeper = below;
        (above == nullptr ? top_ : above->next_sleeper) = &self;
        (below == nullptr ? bottom_ : below->previous_sleeper) = &self;
        self.listed = true;
    }
    void unlink(Worker& self) noexcept {
        (self.previous_sleeper == nullptr ? top_ : self.previous_sleeper->next_sleeper) = self.next_sleeper;
        (self.next_sleeper == nullptr ? bottom_ : self.next_sleeper->previous_sleeper) = self.previous_sleeper;
        self.listed = false;
    }

    alignas(64) typename Atomics::template atomic<std::uint64_t> word_{0};
    alignas(64) basic_spin_lock<Atomics> lock_;
    typename Atomics::template plain<Worker*> top_ = nullptr;
    typename Atomics::template plain<Worker*> bottom_ = nullptr;
};

using idle_set = basic_idle_set<worker, std_atomics>;

/// A thread that blocks, or ends, no longer counts among the `running` ones, and looks for queued work itself: step 1 in
/// pool_core.cpp. A post that came before is visible() here, one that comes after sees the count.
template <class Atomics, class Counter, class Visible, class Notify>
void leave_running(Counter& running, Visible visible, Notify notify) noexcept {
    running.fetch_sub(1, std::memory_order_seq_cst);
    Atomics::fence(std::memory_order_seq_cst);  // pairs with call_helper_surely()
    if (visible()) notify();
}

}  // namespace weft::inline WEFT_ABI::detail
