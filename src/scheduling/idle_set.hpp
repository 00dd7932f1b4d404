#pragma once
// Which workers sleep and how many search: the one word that a post looks at, and the list behind it.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <mutex>

#include "scheduling/worker.hpp"
#include "weft/base/config.hpp"
#include "weft/base/spin_lock.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Sleepers are woken last in, first out: the thread that slept least has the warmest cache. Injected ones lie at the bottom,
/// so that permanent workers, which carry I/O, come first.
///
/// Every change of the word is a sequentially consistent read-modify-write: it is one side of the protocol in worker.cpp.
class idle_set {
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
    bool begin_search(worker& self, unsigned runnable) noexcept {
        if (2 * look().searching >= runnable) return false;
        word_.fetch_add(one_searching, std::memory_order_seq_cst);
        self.searching = true;
        return true;
    }
    /// @returns whether the caller was the last searcher
    bool end_search(worker& self) noexcept {
        self.searching = false;
        return word_.fetch_sub(one_searching, std::memory_order_seq_cst) >> 32 == 1;
    }

    /// Puts the caller among the sleepers; it no longer searches.
    void lie_down(worker& self) noexcept {
        const std::lock_guard guard(lock_);
        link(self);
        word_.fetch_add(self.searching ? one_sleeping - one_searching : one_sleeping, std::memory_order_seq_cst);
        self.searching = false;
    }

    /// Takes the caller out again, if nobody has. After it, the caller searches if it was woken to. @returns whether it was woken
    bool get_up(worker& self) noexcept {
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
    [[nodiscard]] worker* wake_one() noexcept {
        const std::lock_guard guard(lock_);
        if (top_ == nullptr || look().searching > 0) return nullptr;
        worker* chosen = top_;
        unlink(*chosen);
        word_.fetch_add(one_searching - one_sleeping, std::memory_order_seq_cst);
        return chosen;
    }

private:
    static constexpr std::uint64_t one_sleeping = 1;
    static constexpr std::uint64_t one_searching = std::uint64_t{1} << 32;

    void link(worker& self) noexcept {
        worker* above = self.injected ? bottom_ : nullptr;  // goes right below `above`; null: on top
        worker* below = self.injected ? nullptr : top_;
        self.previous_sleeper = above;
        self.next_sleeper = below;
        (above == nullptr ? top_ : above->next_sleeper) = &self;
        (below == nullptr ? bottom_ : below->previous_sleeper) = &self;
        self.listed = true;
    }
    void unlink(worker& self) noexcept {
        (self.previous_sleeper == nullptr ? top_ : self.previous_sleeper->next_sleeper) = self.next_sleeper;
        (self.next_sleeper == nullptr ? bottom_ : self.next_sleeper->previous_sleeper) = self.previous_sleeper;
        self.listed = false;
    }

    alignas(64) std::atomic<std::uint64_t> word_{0};
    alignas(64) spin_lock lock_;
    worker* top_ = nullptr;
    worker* bottom_ = nullptr;
};

}  // namespace weft::inline WEFT_ABI::detail
