#pragma once
// A line of work items that one lock guards, with removal from the middle.
// SPDX-License-Identifier: MIT

#include <cstddef>

#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI::detail {

/// First in, first out. Linked through the items. Not thread-safe.
class item_queue {
public:
    void push(work_item& item) noexcept {
        item.next = nullptr;
        (last_ == nullptr ? first_ : last_->next) = &item;
        last_ = &item;
        ++count_;
    }
    /// The oldest; null when empty.
    [[nodiscard]] work_item* pop() noexcept {
        work_item* item = first_;
        if (item == nullptr) return nullptr;
        first_ = item->next;
        if (first_ == nullptr) last_ = nullptr;
        --count_;
        return item;
    }
    /// O(n). @returns whether it was here
    bool remove(work_item& item) noexcept {
        work_item* before = nullptr;
        for (work_item* each = first_; each != nullptr; before = each, each = each->next) {
            if (each != &item) continue;
            (before == nullptr ? first_ : before->next) = item.next;
            if (last_ == &item) last_ = before;
            --count_;
            return true;
        }
        return false;
    }
    template <class Visit>
    void for_each(Visit visit) const {
        for (work_item* each = first_; each != nullptr; each = each->next) visit(*each);
    }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }

private:
    work_item* first_ = nullptr;
    work_item* last_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace weft::inline WEFT_ABI::detail
