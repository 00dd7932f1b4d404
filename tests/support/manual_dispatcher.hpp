#pragma once
// tests/support/manual_dispatcher.hpp: a runtime of one thread that runs what was posted only when the test asks.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

#include "weft/base/dispatcher.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/testing/fake_time_provider.hpp"

namespace weft_test {

/// Keeps posted items in order; the clock is a fake one. The thread that makes it belongs to it until it goes.
class manual_dispatcher final : public weft::dispatcher {
public:
    manual_dispatcher() noexcept : previous_(weft::detail::this_thread_block().home) {
        weft::detail::this_thread_block().home = this;
    }
    ~manual_dispatcher() {
        run_all();
        weft::detail::this_thread_block().home = previous_;
    }

    void post(weft::work_item& item, weft::post_hint hint) noexcept override {
        std::lock_guard guard(mutex_);
        if (hint == weft::post_hint::next) items_.push_front(&item);
        else items_.push_back(&item);
        last_hint_ = hint;
    }
    [[nodiscard]] weft::testing::fake_time_provider& time() noexcept override { return clock_; }
    void blocking_began() noexcept override { ++blocking_; }
    void blocking_ended() noexcept override { --blocking_; }
    [[nodiscard]] std::uint64_t random() noexcept override { return ++random_; }
    bool run_until(bool (*done)(void*), void* argument) noexcept override {
        while (!done(argument)) {
            if (!run_one()) return false;
        }
        return true;
    }
    [[nodiscard]] weft::runtime* owner() noexcept override { return nullptr; }

    /// @returns false when nothing was queued
    bool run_one() noexcept {
        weft::work_item* item = nullptr;
        {
            std::lock_guard guard(mutex_);
            if (items_.empty()) return false;
            item = items_.front();
            items_.pop_front();
        }
        item->run(*item);
        return true;
    }
    /// Runs until the queue is empty. @returns how many items ran
    std::size_t run_all() noexcept {
        std::size_t ran = 0;
        while (run_one()) ++ran;
        return ran;
    }

    [[nodiscard]] std::size_t queued() const noexcept {
        std::lock_guard guard(mutex_);
        return items_.size();
    }
    [[nodiscard]] weft::post_hint last_hint() const noexcept { return last_hint_; }

private:
    weft::dispatcher* previous_;
    mutable std::mutex mutex_;
    std::deque<weft::work_item*> items_;
    weft::testing::fake_time_provider clock_;
    weft::post_hint last_hint_ = weft::post_hint::local;
    int blocking_ = 0;
    std::uint64_t random_ = 0;
};

}  // namespace weft_test
