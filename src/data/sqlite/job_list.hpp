#pragma once
// data/sqlite/job_list.hpp: jobs in line, any of which can leave.
// SPDX-License-Identifier: MIT

#include <cstddef>

#include "weft/data/detail/engine.hpp"

namespace weft::inline WEFT_ABI::data::detail {

/// Threads  guarded by the engine's lock.
class job_list {
public:
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    void push(job& work) noexcept {
        work.next = nullptr;
        work.prev = last_;
        (last_ != nullptr ? last_->next : first_) = &work;
        last_ = &work;
        ++size_;
    }
    void remove(job& work) noexcept {
        (work.prev != nullptr ? work.prev->next : first_) = work.next;
        (work.next != nullptr ? work.next->prev : last_) = work.prev;
        work.next = work.prev = nullptr;
        --size_;
    }
    /// @returns null when there is none
    [[nodiscard]] job* pop() noexcept {
        job* oldest = first_;
        if (oldest != nullptr) remove(*oldest);
        return oldest;
    }

private:
    job* first_ = nullptr;
    job* last_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace weft::inline WEFT_ABI::data::detail
