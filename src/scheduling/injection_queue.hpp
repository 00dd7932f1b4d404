#pragma once
// The global queue: first in, first out; where threads that are no workers, and fair posts, leave their items.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <mutex>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"
#include "weft/base/spin_lock.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI::detail {

/// An intrusive list under a spin lock: a section is a few stores, and a batch costs one.
///
/// Threads  any.
template <class Item, class Atomics>
class basic_injection_queue {
public:
    void push(Item& item) noexcept {
        item.next = nullptr;
        const std::lock_guard guard(lock_);
        (tail_ == nullptr ? head_ : tail_->next) = &item;
        tail_ = &item;
        count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }

    /// `count` linked items at once, from `first` to `last`.
    void push_list(Item& first, Item& last, std::size_t count) noexcept {
        last.next = nullptr;
        const std::lock_guard guard(lock_);
        (tail_ == nullptr ? head_ : tail_->next) = &first;
        tail_ = &last;
        count_.store(count_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }

    /// The oldest; null when empty.
    [[nodiscard]] Item* pop() noexcept {
        if (empty()) return nullptr;
        const std::lock_guard guard(lock_);
        return take();
    }

    /// Moves up to `limit` of the oldest into `items`. @returns how many
    [[nodiscard]] std::size_t pop_many(Item** items, std::size_t limit) noexcept {
        if (empty()) return 0;
        const std::lock_guard guard(lock_);
        std::size_t taken = 0;
        while (taken < limit && head_ != nullptr) items[taken++] = take();
        return taken;
    }

    /// A snapshot. Relaxed: who must not miss an item puts a fence before (worker.cpp, parking).
    [[nodiscard]] std::size_t size() const noexcept { return count_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

private:
    Item* take() noexcept {
        Item* item = head_;
        if (item == nullptr) return nullptr;
        head_ = item->next;
        if (head_ == nullptr) tail_ = nullptr;
        count_.store(count_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
        return item;
    }

    basic_spin_lock<Atomics> lock_;
    typename Atomics::template plain<Item*> head_ = nullptr;
    typename Atomics::template plain<Item*> tail_ = nullptr;
    typename Atomics::template atomic<std::size_t> count_{0};
};

using injection_queue = basic_injection_queue<work_item, std_atomics>;

}  // namespace weft::inline WEFT_ABI::detail
