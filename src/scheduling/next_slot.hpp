#pragma once
// The place of the item that a worker runs next: one pointer that its owner fills, and that thieves may empty.
// SPDX-License-Identifier: MIT

#include <atomic>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Only the owner fills it, so an empty slot stays empty until the owner itself stores: it needs no exchange for that. Whoever takes
/// an item does so by an exchange, so it has one taker.
template <class Item, class Atomics>
class basic_next_slot {
public:
    /// Owner. @returns what was there, which the caller must put elsewhere: the newer one is warmer
    [[nodiscard]] Item* put(Item& item) noexcept {
        // Release: who takes the item sees its contents. Acquire for the one that comes out: the owner may have let it be
        // moved by others before.
        if (slot_.load(std::memory_order_relaxed) != nullptr) return slot_.exchange(&item, std::memory_order_acq_rel);
        slot_.store(&item, std::memory_order_release);
        return nullptr;
    }
    /// Any thread. @returns null when it is empty, or another thread was faster
    [[nodiscard]] Item* take() noexcept {
        // Acquire pairs with put(): the item's contents.
        return filled() ? slot_.exchange(nullptr, std::memory_order_acquire) : nullptr;
    }
    /// A snapshot.
    [[nodiscard]] bool filled() const noexcept { return slot_.load(std::memory_order_relaxed) != nullptr; }

private:
    typename Atomics::template atomic<Item*> slot_{nullptr};
};

using next_slot = basic_next_slot<work_item, std_atomics>;

}  // namespace weft::inline WEFT_ABI::detail
