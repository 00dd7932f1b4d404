#pragma once
// tests/support/manual_scheduler.hpp: a task_scheduler whose work the test runs, one item at a time and in any order.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <vector>

#include "weft/context/task_scheduler.hpp"

namespace weft_test {

class manual_scheduler final : public weft::task_scheduler {
public:
    void queue(weft::work_item& work) override {
        std::lock_guard guard(mutex_);
        items_.push_back(&work);
    }
    bool try_dequeue(weft::work_item& work) override {
        std::lock_guard guard(mutex_);
        return std::erase(items_, &work) == 1;
    }
    /// Refuses unless the test allowed it.
    bool try_execute_inline(weft::work_item& work, bool was_queued) override {
        if (!allow_inline || (was_queued && !try_dequeue(work))) return false;
        try_execute(work);
        return true;
    }

    bool allow_inline = false;

    [[nodiscard]] std::size_t queued() const {
        std::lock_guard guard(mutex_);
        return items_.size();
    }
    /// Runs the item at `position` of the queue. @returns false when there is none
    bool run_one(std::size_t position = 0) {
        weft::work_item* item = nullptr;
        {
            std::lock_guard guard(mutex_);
            if (position >= items_.size()) return false;
            item = items_[position];
            items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(position));
        }
        try_execute(*item);
        return true;
    }
    std::size_t run_all() {
        std::size_t ran = 0;
        while (run_one()) ++ran;
        return ran;
    }

private:
    mutable std::mutex mutex_;
    std::vector<weft::work_item*> items_;
};

}  // namespace weft_test
