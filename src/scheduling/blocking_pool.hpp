#pragma once
// Threads for calls that block: made on demand, up to a limit, kept for a while.
// SPDX-License-Identifier: MIT

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>

#include "weft/base/config.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/base/unique_function.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Order    first come, first served.
/// Threads  any.
class blocking_pool {
public:
    blocking_pool(dispatcher& home, std::size_t limit) noexcept : home_(home), limit_(limit) {}
    blocking_pool(const blocking_pool&) = delete;
    blocking_pool& operator=(const blocking_pool&) = delete;

    /// @throws std::system_error  when there is no thread and the system refuses one; `function` is then not queued
    void post(unique_function<void()> function);

    [[nodiscard]] std::size_t thread_count() const noexcept;
    /// Functions queued or running.
    [[nodiscard]] std::size_t pending() const noexcept;

    /// Lets the threads end when the queue is empty. @returns how many were still busy at `deadline`
    std::size_t stop(time_point deadline) noexcept;

private:
    void run(unique_function<void()> first) noexcept;

    dispatcher& home_;
    const std::size_t limit_;
    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable ended_;
    std::deque<unique_function<void()>> queue_;
    std::size_t threads_ = 0;
    std::size_t idle_ = 0;
    bool stopping_ = false;
};

}  // namespace weft::inline WEFT_ABI::detail
