// A thread is made when a function comes and no thread is free for it; until then the queue is empty, so a function waits only
// when the limit is reached. Threads are detached: thread_count() reaching zero, under the mutex, is their end.
// SPDX-License-Identifier: MIT

#include "scheduling/blocking_pool.hpp"

#include <chrono>

#include "scheduling/pool_core.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/context/execution_context.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {
constexpr auto idle_limit = std::chrono::seconds(10);
}

void blocking_pool::post(unique_function<void()> function) {
    std::unique_lock lock(mutex_);
    if (idle_ > queue_.size() || threads_ == limit_) {
        queue_.push_back(std::move(function));
        work_.notify_one();
        return;
    }
    ++threads_;
    try {
        start_thread([this, first = std::move(function)]() mutable { run(std::move(first)); }).detach();
    } catch (...) {
        --threads_;
        throw;
    }
}

void blocking_pool::run(unique_function<void()> first) noexcept {
    thread_block& block = this_thread_block();
    block.home = &home_;
    name_this_thread("weft-blocking");
    auto function = std::move(first);
    for (;;) {
        run_raw_callback(function, "of a blocking thread");
        function = nullptr;
        block.sync = nullptr;
        block.scheduler = nullptr;
        block.flow_suppressed = false;
        switch_context(block, nullptr);

        std::unique_lock lock(mutex_);
        ++idle_;
        work_.wait_for(lock, idle_limit, [&] { return !queue_.empty() || stopping_; });
        --idle_;
        if (queue_.empty()) {
            block.home = nullptr;
            --threads_;
            ended_.notify_all();
            return;
        }
        function = std::move(queue_.front());
        queue_.pop_front();
    }
}

std::size_t blocking_pool::thread_count() const noexcept {
    const std::lock_guard lock(mutex_);
    return threads_;
}

std::size_t blocking_pool::pending() const noexcept {
    const std::lock_guard lock(mutex_);
    return threads_ - idle_ + queue_.size();
}

std::size_t blocking_pool::stop(time_point deadline) noexcept {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    work_.notify_all();
    ended_.wait_until(lock, deadline, [&] { return threads_ == 0; });
    return threads_;
}

}  // namespace weft::inline WEFT_ABI::detail
