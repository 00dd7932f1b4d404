// SPDX-License-Identifier: MIT

#include "weft/task/detail/completion_order.hpp"

#include <mutex>

namespace weft::inline WEFT_ABI::detail {

completion_order::completion_order(std::vector<task_core*> tasks)
    : tasks_(std::move(tasks)), nodes_(std::make_unique<node[]>(tasks_.size())) {
    line_.reserve(tasks_.size());
    // Those that have ended come first, in the order of the arguments (1.9/11).
    std::vector<std::size_t> pending;
    for (std::size_t index = 0; index < tasks_.size(); ++index) {
        nodes_[index].owner = this;
        nodes_[index].index = index;
        if (tasks_[index]->is_done()) line_.push_back(index);
        else pending.push_back(index);
    }
    for (const std::size_t index : pending) {
        const bool added = tasks_[index]->add_continuation(nodes_[index]);
        const std::lock_guard guard(lock_);
        if (added) ++registered_;
        else line_.push_back(index);
    }
}

completion_order::~completion_order() {
    std::size_t removed = 0;
    for (std::size_t index = 0; index < tasks_.size(); ++index)
        if (tasks_[index] != nullptr && tasks_[index]->remove_continuation(nodes_[index])) ++removed;
    // A completion that was faster runs its node, or is about to.
    for (;;) {
        {
            const std::lock_guard guard(lock_);
            if (ran_ + removed >= registered_) return;
        }
        yield_processor();
    }
}

void completion_order::on_completed(work_item& item) noexcept {
    auto& mine = static_cast<node&>(item);
    completion_order& self = *mine.owner;
    const bool may_inline = (mine.place & place_not_first) == 0 && !self.tasks_[mine.index]->has_flag(flag_run_async);
    task_core* awaiter = nullptr;
    {
        const std::lock_guard guard(self.lock_);
        self.line_.push_back(mine.index);
        awaiter = std::exchange(self.awaiter_, nullptr);
        ++self.ran_;  // after the unlock the frame may go, unless its coroutine is ours to resume
    }
    if (awaiter != nullptr) run_continuation(*awaiter, may_inline);
}

bool completion_order::has_next() noexcept {
    const std::lock_guard guard(lock_);
    return taken_ < line_.size();
}

std::size_t completion_order::take() noexcept {
    const std::lock_guard guard(lock_);
    const std::size_t index = line_[taken_++];
    tasks_[index] = nullptr;  // its handle is given away
    return index;
}

bool completion_order::next_awaiter::await_suspend(std::coroutine_handle<> self) noexcept {
    task_core& awaiter = core_of(self);
    const suspension before = awaiter.begin_suspend(false);
    {
        const std::lock_guard guard(order_->lock_);
        if (order_->taken_ == order_->line_.size()) {
            order_->awaiter_ = &awaiter;
            return true;
        }
    }
    awaiter.undo_suspend(before);
    return false;
}

}  // namespace weft::inline WEFT_ABI::detail
