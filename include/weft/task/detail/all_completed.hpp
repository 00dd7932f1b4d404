#pragma once
// <weft/task/detail/all_completed.hpp>: counts a fixed set of tasks down and gathers their failures.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <memory>
#include <vector>

#include "weft/task/detail/awaiter.hpp"

namespace weft::inline WEFT_ABI::detail {

/// @throws std::invalid_argument  naming `function` when `core` is null
void require_handle(const task_core* core, const char* function);

/// One node a task. Lives in the frame of the combinator, which stays until every node has run.
class all_completed {
public:
    explicit all_completed(std::size_t count) : count_(count), nodes_(std::make_unique<node[]>(count)) {}
    ~all_completed() {
        // Only a frame that shutdown destroys while it waits still has nodes in the tasks' lists.
        if (remaining_.load(std::memory_order_relaxed) != 0) abandon();
    }
    all_completed(const all_completed&) = delete;
    all_completed& operator=(const all_completed&) = delete;

    void set(std::size_t index, task_core* core) noexcept {
        nodes_[index].owner = this;
        nodes_[index].watched = core;
    }
    /// Registers everywhere. @returns false when all were complete already
    bool start(task_core& awaiter) noexcept;

    /// Every error of every faulted task, in the order in which the tasks failed; else the first cancellation.
    struct failures {
        std::vector<std::exception_ptr> faults;
        std::exception_ptr cancellation;
    };
    [[nodiscard]] failures take_failures();

    /// The coroutine behind `node`, if it is one of ours: what a chain of waiting tasks goes on with.
    [[nodiscard]] static task_core* awaiter_of(const continuation& node) noexcept {
        return node.run == &on_completed ? static_cast<const all_completed::node&>(node).owner->awaiter_ : nullptr;
    }

private:
    struct node : continuation {
        all_completed* owner = nullptr;
        task_core* watched = nullptr;
        std::size_t order = 0;  // when this task ended among the others
        node() noexcept : continuation(&all_completed::on_completed, place_internal) {}
    };
    static void on_completed(work_item& item) noexcept;
    void abandon() noexcept;

    std::size_t count_;
    std::unique_ptr<node[]> nodes_;
    std::atomic<std::size_t> remaining_{0};
    std::atomic<std::size_t> ended_{0};
    task_core* awaiter_ = nullptr;
};

class all_completed_awaiter {
public:
    using weft_native = void;
    explicit all_completed_awaiter(all_completed& all) noexcept : all_(&all) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> self) noexcept {
        task_core& awaiter = core_of(self);
        const suspension before = awaiter.begin_suspend(false);
        if (all_->start(awaiter)) return true;
        awaiter.undo_suspend(before);
        return false;
    }
    void await_resume() const noexcept {}

private:
    all_completed* all_;
};

/// Throws inside the combinator what its members ended with: all errors (see several_errors), not only the first.
class collect_failures {
public:
    using weft_native = void;
    explicit collect_failures(all_completed& all) noexcept : all_(&all) {}
    [[nodiscard]] bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume();

private:
    all_completed* all_;
};

}  // namespace weft::inline WEFT_ABI::detail
