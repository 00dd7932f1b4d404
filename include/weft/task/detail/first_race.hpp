#pragma once
// <weft/task/detail/first_race.hpp>: the race of several completions for the first place, against their registration.
//
// A count of users has each registered node and the thread that registers them. A completion claims the win, or not, and gives
// its own count back. The registering thread, once it has registered all (or stopped early because somebody won), publishes how
// many there are and, if there is a winner, takes that number back and removes the losers. A winner that comes later takes it and
// removes them itself: exactly one of the two does, because each writes its own word and then reads the other's, in one order of
// all four accesses. Every removal gives a count back; whoever brings the count to zero resumes the awaiter.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

template <class Atomics>
class basic_first_race {
public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    /// Who won: for the awaiter, when it goes on.
    [[nodiscard]] std::size_t winner() const noexcept { return winner_.load(std::memory_order_acquire); }
    /// Without a race: while nobody is registered.
    void set_winner(std::size_t index) noexcept { winner_.store(index, std::memory_order_relaxed); }

    /// Registers nodes 0 to `count` - 1: add(i) says whether node i waits now (if not, its task is done), remove(i) whether it
    /// was taken out. After the last access the awaiter may go on elsewhere. @returns whether it sleeps; if not, there is a winner
    template <class Add, class Remove>
    [[nodiscard]] bool start(std::size_t count, Add add, Remove remove) noexcept {
        users_.store(count + 1, std::memory_order_relaxed);  // each node is published by its registration
        std::size_t added = 0;
        while (added < count && winner_.load(std::memory_order_acquire) == none) {
            if (!add(added)) {
                std::size_t expected = none;
                winner_.compare_exchange_strong(expected, added, std::memory_order_acq_rel);
                break;
            }
            ++added;
        }
        std::size_t give_back = count - added + 1;
        registered_.store(added + 1, std::memory_order_seq_cst);
        if (winner_.load(std::memory_order_seq_cst) != none && registered_.exchange(0, std::memory_order_seq_cst) != 0)
            give_back += removed(added, remove);
        return users_.fetch_sub(give_back, std::memory_order_acq_rel) != give_back;
    }
    /// The task of node `index` has completed. @returns whether the caller resumes the awaiter; if not, the race may be gone
    template <class Remove>
    [[nodiscard]] bool completed(std::size_t index, Remove remove) noexcept {
        std::size_t give_back = 1;
        std::size_t expected = none;
        if (winner_.compare_exchange_strong(expected, index, std::memory_order_seq_cst)) {
            // 0 means that registration has not ended yet (it will see our win) or that it has removed the losers.
            const std::size_t registered = registered_.exchange(0, std::memory_order_seq_cst);
            if (registered != 0) give_back += removed(registered - 1, remove);
        }
        // Release and acquire: who resumes comes after every other use of the race.
        return users_.fetch_sub(give_back, std::memory_order_acq_rel) == give_back;
    }
    /// For a frame that shutdown destroys while it waits: removes the nodes that are still there.
    template <class Remove>
    void abandon(Remove remove) noexcept {
        if (users_.load(std::memory_order_relaxed) == 0) return;
        const std::size_t registered = registered_.load(std::memory_order_relaxed);
        if (registered != 0) static_cast<void>(removed(registered - 1, remove));
    }

private:
    template <class Remove>
    [[nodiscard]] static std::size_t removed(std::size_t registered, Remove& remove) noexcept {
        std::size_t count = 0;
        for (std::size_t index = 0; index < registered; ++index)
            if (remove(index)) ++count;
        return count;
    }

    template <class T>
    using atomic = typename Atomics::template atomic<T>;

    atomic<std::size_t> winner_{none};
    atomic<std::size_t> users_{0};  // registered nodes, and the registering thread; zero resumes the awaiter
    atomic<std::size_t> registered_{
        0};  // one more than the nodes, once registration has ended; taken by who removes the losers
};

}  // namespace weft::inline WEFT_ABI::detail
