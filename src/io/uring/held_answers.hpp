#pragma once
// src/io/uring/held_answers.hpp: answers that a kernel_shim lets nobody see for a while. Empty and untouched in production.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// @tparam Answer  copyable
template <class Answer>
class held_answers {
public:
    [[nodiscard]] bool empty() const noexcept { return count_.load(std::memory_order_acquire) == 0; }

    /// Until the `looks`-th release().
    void hold(const Answer& what, unsigned looks) {
        const std::lock_guard lock(mutex_);
        held_.push_back({what, looks});
        count_.store(held_.size(), std::memory_order_release);
    }

    /// One look: @returns those whose time has come, the last held first.
    [[nodiscard]] std::vector<Answer> release() {
        const std::lock_guard lock(mutex_);
        std::vector<Answer> due;
        for (auto one = held_.rbegin(); one != held_.rend(); ++one) {
            if (--one->looks == 0) due.push_back(one->what);
        }
        std::erase_if(held_, [](const entry& one) { return one.looks == 0; });
        count_.store(held_.size(), std::memory_order_release);
        return due;
    }

private:
    struct entry {
        Answer what;
        unsigned looks;
    };

    std::mutex mutex_;
    std::vector<entry> held_;
    std::atomic<std::size_t> count_{0};
};

}  // namespace weft::inline WEFT_ABI::detail
