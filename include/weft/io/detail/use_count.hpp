#pragma once
// <weft/io/detail/use_count.hpp>: how many operations use a descriptor, and what is left to do when one of them ends.
//
// One word: the count of users, close() among them, and three marks. No operation enters once `closing` is set, so from then on
// the count only falls, and exactly one party brings it to where the closer goes on, or to where the state ends. Every change is a
// read-modify-write that acquires and releases: who ends it sees what every user did before it left.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

template <class Atomics>
class basic_use_count {
public:
    /// What the caller of leave() or abandon() has to do.
    enum class duty : std::uint8_t {
        none,         ///< the state may be gone
        wake_closer,  ///< close() sleeps, and is the last user now
        end,          ///< nobody else has the state: close the descriptor and destroy it
        interrupt     ///< abandon() only: make the users end, then leave()
    };

    /// An operation begins. @returns false when the descriptor is closed or closing
    [[nodiscard]] bool enter() noexcept {
        std::uint32_t seen = word_.load(std::memory_order_relaxed);
        do {
            if ((seen & closing) != 0) [[unlikely]]
                return false;
        } while (!word_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
        return true;
    }
    /// A user is done.
    [[nodiscard]] duty leave() noexcept {
        const std::uint32_t before = word_.fetch_sub(1, std::memory_order_acq_rel);
        if ((before & closing) == 0) [[likely]]
            return duty::none;
        if ((before & count) == 2 && (before & sleeping) != 0) return duty::wake_closer;
        if ((before & count) == 1 && (before & abandoned) != 0) return duty::end;
        return duty::none;
    }
    [[nodiscard]] bool is_closing() const noexcept { return (word_.load(std::memory_order_acquire) & closing) != 0; }

    /// close(): marks, and becomes a user. @returns false when it was marked before
    [[nodiscard]] bool begin_close(bool& others) noexcept {
        std::uint32_t seen = word_.load(std::memory_order_relaxed);
        do {
            if ((seen & closing) != 0) return false;
        } while (
            !word_.compare_exchange_weak(seen, (seen | closing) + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
        others = (seen & count) != 0;
        return true;
    }
    /// The closer: whether it is the only user.
    [[nodiscard]] bool is_last() const noexcept { return (word_.load(std::memory_order_acquire) & count) == 1; }
    /// The closer, after it has said where it waits. @returns false when it is the only user meanwhile, and need not sleep
    [[nodiscard]] bool sleep() noexcept {
        // Release pairs with leave(): the last operation finds the closer. Whoever sees two users and the mark is the last.
        return (word_.fetch_or(sleeping, std::memory_order_acq_rel) & count) != 1;
    }
    /// The object that holds the state goes. With `interrupt` the caller is a user too: the last operation may leave meanwhile.
    [[nodiscard]] duty abandon() noexcept {
        std::uint32_t seen = word_.load(std::memory_order_relaxed);
        std::uint32_t next = 0;
        duty found = duty::none;
        do {
            if ((seen & count) == 0) found = duty::end;
            else found = (seen & closing) == 0 ? duty::interrupt : duty::none;
            next = (seen | closing | abandoned) + (found == duty::interrupt ? 1 : 0);
        } while (!word_.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_relaxed));
        return found;
    }

private:
    // Marks beside the count: close() or abandon() was called; nobody holds the object any more; close() sleeps.
    static constexpr std::uint32_t closing = 0x20000000;
    static constexpr std::uint32_t abandoned = 0x40000000;
    static constexpr std::uint32_t sleeping = 0x80000000;
    static constexpr std::uint32_t count = closing - 1;

    typename Atomics::template atomic<std::uint32_t> word_{0};
};

using use_count = basic_use_count<std_atomics>;

}  // namespace weft::inline WEFT_ABI::detail
