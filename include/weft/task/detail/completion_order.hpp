#pragma once
// <weft/task/detail/completion_order.hpp>: the order in which the tasks of a set end, one at a time.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>
#include <vector>

#include "weft/base/spin_lock.hpp"
#include "weft/task/detail/awaiter.hpp"

namespace weft::inline WEFT_ABI::detail {

/// One node a task, and a line of those that have ended. Lives in the frame of when_each(), which keeps the tasks alive. One
/// coroutine takes from the line.
class completion_order {
public:
    explicit completion_order(std::vector<task_core*> tasks);
    /// Takes the nodes out of tasks that have not ended.
    ~completion_order();
    completion_order(const completion_order&) = delete;
    completion_order& operator=(const completion_order&) = delete;

    /// `co_await order.next()` gives the index of the next one. Precondition: not all have been taken.
    class next_awaiter {
    public:
        using weft_native = void;
        explicit next_awaiter(completion_order& order) noexcept : order_(&order) {}
        [[nodiscard]] bool await_ready() const noexcept { return order_->has_next(); }
        bool await_suspend(std::coroutine_handle<> self) noexcept;
        [[nodiscard]] std::size_t await_resume() const noexcept { return order_->take(); }

    private:
        completion_order* order_;
    };
    [[nodiscard]] next_awaiter next() noexcept { return next_awaiter(*this); }

    /// The coroutine behind `node`, if it is one of ours and waits just now.
    [[nodiscard]] static task_core* awaiter_of(const continuation& node) noexcept {
        return node.run == &on_completed ? static_cast<const completion_order::node&>(node).owner->awaiter_ : nullptr;
    }

private:
    struct node : continuation {
        completion_order* owner = nullptr;
        std::size_t index = 0;
        node() noexcept : continuation(&completion_order::on_completed, place_internal) {}
    };

    static void on_completed(work_item& item) noexcept;
    [[nodiscard]] bool has_next() noexcept;
    [[nodiscard]] std::size_t take() noexcept;

    std::vector<task_core*> tasks_;
    std::unique_ptr<node[]> nodes_;
    spin_lock lock_;
    std::vector<std::size_t> line_;  ///< room for all from the beginning, so that adding never allocates
    std::size_t taken_ = 0;
    std::size_t registered_ = 0;
    std::size_t ran_ = 0;  ///< nodes that completion has run
    task_core* awaiter_ = nullptr;
};

}  // namespace weft::inline WEFT_ABI::detail
