#pragma once
// <weft/coordination/detail/wait_line.hpp>: the word and the line of wait_queue.hpp, and how a claimer and a timer part.
//
// Why the orders of the word suffice:
//
//  1. What one holder of the resource wrote is seen by the next: change_to_leave() and unlock_word() release, change_to_enter()
//     and lock_word() acquire. Every change in between is a read-modify-write or a releasing store by one who had acquired, so
//     the chain never breaks.
//  2. The line and the states of its waiters are touched under `locked` only, which is taken with acquire and opened with release.
//     While it is set nobody else writes the word, so opening it is a plain store.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What has become of a waiter. Written under the line's lock, or before anybody else knows the waiter.
enum class wait_state : std::uint8_t {
    idle,       ///< not in the line, and nothing has happened
    queued,     ///< in the line
    granted,    ///< the resource is its own; await_resume() will deliver it
    canceled,   ///< its token fired first
    timed_out,  ///< its timer fired first
    disposed,   ///< the primitive went, or was disposed of, first
    over        ///< the awaiter has its answer
};

/// `Waiter` has `state`, the links `ahead` and `behind`, and is_going(): whether its frame is about to be destroyed.
template <class Waiter, class Atomics>
class basic_wait_line {
public:
    using word = std::uint64_t;
    static constexpr word locked = 1;
    static constexpr word waiting = 2;  ///< the line is not empty; kept by unlock_word()
    static constexpr word busy = locked | waiting;
    static constexpr word unit = 4;  ///< the lowest bit that belongs to the primitive

    explicit basic_wait_line(word initial) noexcept : word_(initial) {}
    basic_wait_line(const basic_wait_line&) = delete;
    basic_wait_line& operator=(const basic_wait_line&) = delete;

    // ---- without the lock

    [[nodiscard]] word load() const noexcept { return word_.load(std::memory_order_acquire); }
    /// Acquire: pairs with change_to_leave() and unlock_word() of who gave back what is taken here.
    [[nodiscard]] bool change_to_enter(word& seen, word desired) noexcept {
        return word_.compare_exchange_strong(seen, desired, std::memory_order_acquire, std::memory_order_relaxed);
    }
    /// Release: pairs with change_to_enter() and lock_word() of who takes it next.
    [[nodiscard]] bool change_to_leave(word& seen, word desired) noexcept {
        return word_.compare_exchange_strong(seen, desired, std::memory_order_release, std::memory_order_relaxed);
    }

    // ---- the lock

    /// @returns the word, without `locked`
    [[nodiscard]] word lock_word() noexcept {
        word seen = word_.load(std::memory_order_relaxed);
        if ((seen & locked) != 0 ||
            !word_.compare_exchange_weak(seen, seen | locked, std::memory_order_acquire, std::memory_order_relaxed))
            return lock_slowly();
        return seen;
    }
    /// Makes `now`, whose two low bits do not matter, the word. The last touch of this object.
    void unlock_word(word now) noexcept {
        word_.store((now & ~busy) | (first_ != nullptr ? waiting : 0), std::memory_order_release);
    }

    // ---- under the lock

    /// The first in the line who can still run; drops those in front whose frames are about to be destroyed.
    [[nodiscard]] Waiter* front() noexcept {
        while (first_ != nullptr && first_->is_going()) [[unlikely]]
            drop_front();
        return first_;
    }
    void push_back(Waiter& one) noexcept {
        one.behind = nullptr;
        one.ahead = last_;
        (last_ == nullptr ? first_ : last_->behind) = &one;
        last_ = &one;
    }
    void remove(Waiter& one) noexcept {
        (one.ahead == nullptr ? first_ : one.ahead->behind) = one.behind;
        (one.behind == nullptr ? last_ : one.behind->ahead) = one.ahead;
    }
    /// Claims the first in the line. @returns false when there is none
    template <class Claimed>
    bool grant_front(Claimed& to) noexcept {
        Waiter* const one = front();
        if (one == nullptr) return false;
        remove(*one);
        one->state = wait_state::granted;
        to.add(*one);
        return true;
    }
    template <class Claimed>
    void grant_all(Claimed& to) noexcept {
        while (grant_front(to)) {}
    }

protected:
    ~basic_wait_line() = default;
    /// Not under the lock: for the destructor.
    [[nodiscard]] bool somebody_waits() const noexcept { return first_ != nullptr; }

private:
    WEFT_NOINLINE word lock_slowly() noexcept {
        for (int tries = 0;;) {
            word seen = word_.load(std::memory_order_relaxed);
            if ((seen & locked) == 0 &&
                word_.compare_exchange_weak(seen, seen | locked, std::memory_order_acquire, std::memory_order_relaxed))
                return seen;
            if (++tries < 64) Atomics::pause();
            else Atomics::yield();
        }
    }
    // What shutdown frees by destroying one frame must not go to another that it destroys later: the primitive may go in between.
    WEFT_NOINLINE void drop_front() noexcept {
        Waiter& one = *first_;
        remove(one);
        one.state = wait_state::disposed;
    }

    typename Atomics::template atomic<word> word_;
    typename Atomics::template plain<Waiter*> first_ = nullptr;
    typename Atomics::template plain<Waiter*> last_ = nullptr;
};

/// How the claimer of a waiter and its timer, when that can no longer be disarmed, agree on who resumes the awaiter.
///
/// Such a timer is firing, here or on another thread, or is about to. When it has not come to its callback the claimer leaves the
/// awaiter to it: waiting could be for ever, as this very thread may have it next. Inside the callback it runs no code but ours, so
/// waiting is short. Both change one word, with acquire and release on both sides: the second sees what the first has written, and
/// the frame goes only when neither touches it any more.
template <class Atomics>
class basic_timer_parting {
public:
    /// Claimer. @returns whether it resumes the awaiter; the timer touches the line no more. Otherwise the timer resumes
    [[nodiscard]] bool claim() noexcept {
        const std::uint8_t seen = parties_.fetch_or(claimer_done, std::memory_order_acq_rel);
        if ((seen & timer_entered) == 0) return false;
        for (int tries = 0; (parties_.load(std::memory_order_acquire) & timer_done) == 0;) {
            if (++tries < 64) Atomics::pause();
            else Atomics::yield();
        }
        return true;
    }
    /// Timer. @returns whether it may touch the line; otherwise the waiter is claimed, and the timer resumes
    [[nodiscard]] bool enter() noexcept {
        return (parties_.fetch_or(timer_entered, std::memory_order_acq_rel) & claimer_done) == 0;
    }
    /// Timer that has entered and found the waiter claimed: its last touch of waiter and line.
    void leave() noexcept { parties_.fetch_or(timer_done, std::memory_order_release); }

private:
    static constexpr std::uint8_t claimer_done = 1;   ///< the timer must not touch the line any more, and resumes
    static constexpr std::uint8_t timer_entered = 2;  ///< the timer may be at the line now; the claimer waits and resumes
    static constexpr std::uint8_t timer_done = 4;     ///< the timer touches nothing any more

    typename Atomics::template atomic<std::uint8_t> parties_{0};
};

}  // namespace weft::inline WEFT_ABI::detail
