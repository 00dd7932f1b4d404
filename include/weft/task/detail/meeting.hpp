#pragma once
// <weft/task/detail/meeting.hpp>: where the producer of a stream and its consumer meet at the end of a segment: the later goes on.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// One word: nobody, the waiting consumer, `arrived` (the producer was first) or `orphaned` (the handle has gone, and the producer's
/// frame is its own). Each party changes it by one read-modify-write that acquires and releases: the later one sees the earlier's
/// item, or the earlier's place.
template <class Party, class Atomics>
class basic_meeting {
public:
    /// Before a segment, while nobody else has the producer.
    void open() noexcept { word_.store(nobody, std::memory_order_relaxed); }
    /// The consumer has suspended. @returns false when the producer has arrived: go on in place
    [[nodiscard]] bool wait(Party& consumer) noexcept {
        std::uintptr_t seen = nobody;
        return word_.compare_exchange_strong(seen, reinterpret_cast<std::uintptr_t>(&consumer), std::memory_order_acq_rel);
    }
    /// The handle goes. @returns whether the producer has arrived, so that its frame is the caller's
    [[nodiscard]] bool leave() noexcept { return word_.exchange(orphaned, std::memory_order_acq_rel) == arrived; }
    /// The producer, as its last step. @returns the consumer, to be resumed; null when it has not come
    /// @param frame_is_mine  set when the handle has gone: nobody else will destroy the producer's frame
    [[nodiscard]] Party* arrive(bool& frame_is_mine) noexcept {
        const std::uintptr_t seen = word_.exchange(arrived, std::memory_order_acq_rel);
        frame_is_mine = seen == orphaned;
        return frame_is_mine ? nullptr : reinterpret_cast<Party*>(seen);
    }

private:
    static constexpr std::uintptr_t nobody = 0;
    static constexpr std::uintptr_t arrived = 1;
    static constexpr std::uintptr_t orphaned = 2;

    typename Atomics::template atomic<std::uintptr_t> word_{nobody};
};

}  // namespace weft::inline WEFT_ABI::detail
