// SPDX-License-Identifier: MIT

#include "weft/task/detail/first_completed.hpp"

#include <stdexcept>

namespace weft::inline WEFT_ABI::detail {

void require_any(std::size_t count) {
    if (count == 0) throw std::invalid_argument("when_any needs at least one task");
}

first_completed::~first_completed() { race_.abandon(remover()); }

bool first_completed::await_ready() noexcept {
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
        if (tasks_[i]->is_done()) {
            race_.set_winner(i);
            return true;
        }
    }
    return false;
}

bool first_completed::await_suspend(std::coroutine_handle<> self) noexcept {
    task_core& awaiter = core_of(self);
    const suspension before = awaiter.begin_suspend(false);
    awaiter_ = &awaiter;
    const bool sleeps = race_.start(
        tasks_.size(),
        [this](std::size_t index) {
            nodes_[index].owner = this;
            nodes_[index].index = index;
            return tasks_[index]->add_continuation(nodes_[index]);
        },
        remover());
    if (sleeps) return true;
    awaiter.undo_suspend(before);
    return false;
}

void first_completed::on_completed(work_item& item) noexcept {
    auto& mine = static_cast<node&>(item);
    first_completed& self = *mine.owner;
    task_core* awaiter = self.awaiter_;
    const bool may_inline = (mine.place & place_not_first) == 0 && !self.tasks_[mine.index]->has_flag(flag_run_async);
    if (self.race_.completed(mine.index, self.remover())) run_continuation(*awaiter, may_inline);
}

}  // namespace weft::inline WEFT_ABI::detail
