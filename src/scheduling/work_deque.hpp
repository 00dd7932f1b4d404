#pragma once
// A worker's queue: the owner pushes and pops at one end without contention, thieves take the oldest from the other.
//
// The algorithm is Chase and Lev's growing circular deque; the owner takes a lone element by the thieves' own exchange. Why the
// orderings suffice:
//
//  1. Cells are used by index modulo the ring's size. `top_` only grows, by one successful compare-exchange for each element
//     that leaves at that end; so each index is taken there by exactly one thread.
//  2. An element's contents are published by the release store of `bottom_` after its cell was written; a thief reads
//     `bottom_` with acquire before it reads the cell. Every store to `bottom_` is a release, so that reading a later value
//     synchronises as well.
//  3. pop() of one among several: the owner lowers `bottom_` to `last`, then reads `top_`, and takes `last` without an exchange
//     only if `top_` is lower still. A thief can take `last` only after it has read top_ == last, and then reads `bottom_`. All
//     four accesses are sequentially consistent, so they have one order: lowering < the owner's look at `top_` < the exchange
//     that made it `last` < the thief's look at `top_` < its look at `bottom_`, which therefore sees the lowered value, and the
//     thief leaves. With anything weaker the owner's look can overtake its store, and both take the same element.
//  4. pop() of a lone element does not lower `bottom_` at all: it competes for `top_` like a thief, by rule 1.
//  5. Growing copies live cells into a larger ring and publishes it with release; a thief that still reads the old ring finds
//     there what it would find in the new one, because the owner never writes to an old ring again. Rings are kept until the
//     deque goes.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Unbounded; push() allocates when it must grow and ends the process when it cannot.
template <class Item, class Atomics, std::int64_t FirstSize = 256>
class basic_work_deque {
public:
    basic_work_deque() : ring_(new ring(FirstSize, nullptr)) {}
    ~basic_work_deque() { delete ring_.load(std::memory_order_relaxed); }
    basic_work_deque(const basic_work_deque&) = delete;
    basic_work_deque& operator=(const basic_work_deque&) = delete;

    /// Owner only.
    void push(Item& item) noexcept {
        const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
        ring* cells = ring_.load(std::memory_order_relaxed);
        if (bottom - top_seen_ >= cells->size) [[unlikely]]
            cells = make_room(bottom, cells);
        cells->at(bottom).store(&item, std::memory_order_relaxed);
        bottom_.store(bottom + 1, std::memory_order_release);  // rule 2
    }

    /// Owner only: the newest, null when empty.
    [[nodiscard]] Item* pop() noexcept {
        const std::int64_t last = bottom_.load(std::memory_order_relaxed) - 1;
        std::int64_t top = top_.load(std::memory_order_relaxed);
        if (last < top) return nullptr;  // top_ only grows: empty for certain
        ring* cells = ring_.load(std::memory_order_relaxed);
        if (last > top) {
            bottom_.store(last, std::memory_order_seq_cst);  // rule 3; pairs with the loads of steal()
            top = top_.load(std::memory_order_seq_cst);
            if (last > top) return cells->at(last).load(std::memory_order_relaxed);
            // Thieves took all but at most one meanwhile. Put the end back, so that it meets `top_` if they win the last one.
            bottom_.store(last + 1, std::memory_order_release);
            if (last < top) return nullptr;
        }
        // Rule 4. Sequentially consistent like the thieves' exchange: both are one total order on `top_`.
        Item* item = cells->at(last).load(std::memory_order_relaxed);
        return top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst, std::memory_order_relaxed) ? item
                                                                                                                : nullptr;
    }

    /// Any thread: the oldest, null when empty. Sets `lost` when another thread was faster and looking again may succeed.
    [[nodiscard]] Item* steal(bool& lost) noexcept {
        std::int64_t top = top_.load(std::memory_order_seq_cst);  // rule 3; pairs with pop()
        if (top >= bottom_.load(std::memory_order_seq_cst)) return nullptr;
        // Acquire pairs with make_room(): the ring's cells are seen as it copied them.
        Item* item = ring_.load(std::memory_order_acquire)->at(top).load(std::memory_order_relaxed);
        if (top_.compare_exchange_strong(top, top + 1, std::memory_order_seq_cst, std::memory_order_relaxed)) return item;
        lost = true;
        return nullptr;
    }

    /// Any thread: a snapshot.
    [[nodiscard]] std::size_t size() const noexcept {
        const std::int64_t bottom = bottom_.load(std::memory_order_relaxed);
        const std::int64_t top = top_.load(std::memory_order_relaxed);
        return bottom > top ? static_cast<std::size_t>(bottom - top) : 0;
    }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

private:
    template <class T>
    using atomic = typename Atomics::template atomic<T>;

    struct ring {
        ring(std::int64_t count, ring* before)
            : size(count), previous(before), cells(new atomic<Item*>[static_cast<std::size_t>(count)]) {}

        atomic<Item*>& at(std::int64_t index) noexcept { return cells[static_cast<std::size_t>(index & (size - 1))]; }

        typename Atomics::template plain<std::int64_t> size;
        std::unique_ptr<ring> previous;
        std::unique_ptr<atomic<Item*>[]> cells;
    };

    WEFT_NOINLINE ring* make_room(std::int64_t bottom, ring* full) noexcept {
        // Acquire: cells up to the real top are the thieves' no more, so they may be overwritten.
        top_seen_ = top_.load(std::memory_order_acquire);
        if (bottom - top_seen_ < full->size) return full;
        ring* larger = new ring(full->size * 2, full);
        for (std::int64_t index = top_seen_; index < bottom; ++index)
            larger->at(index).store(full->at(index).load(std::memory_order_relaxed), std::memory_order_relaxed);
        ring_.store(larger, std::memory_order_release);  // rule 5
        return larger;
    }

    alignas(64) atomic<std::int64_t> top_{0};
    alignas(64) atomic<std::int64_t> bottom_{0};
    atomic<ring*> ring_;
    std::int64_t top_seen_ = 0;  ///< owner only: a top_ of the past, which bounds the free cells from below
};

using work_deque = basic_work_deque<work_item, std_atomics>;

}  // namespace weft::inline WEFT_ABI::detail
