// The race of a winner against registration. users_ counts the nodes that are registered plus one for the thread that
// registers them. A completion claims the win, or not, and gives its own count back. The registering thread, once it has
// registered all (or stopped early because somebody won), sets registered_ and, if there is a winner, removes the losers.
// A winner that comes later removes them itself: exactly one of the two sees the other (both use seq_cst on winner_ and
// registered_). Every removal gives a count back; whoever brings users_ to zero resumes the awaiter.
// SPDX-License-Identifier: MIT

#include "weft/task/detail/first_completed.hpp"

#include <stdexcept>

namespace weft::inline WEFT_ABI::detail {

void require_any(std::size_t count) {
    if (count == 0) throw std::invalid_argument("when_any needs at least one task");
}

first_completed::~first_completed() {
    if (users_.load(std::memory_order_relaxed) == 0) return;
    // Only a frame that shutdown destroys while it waits still has nodes in the tasks' lists.
    const std::size_t registered = registered_.load(std::memory_order_relaxed);
    if (registered != 0) static_cast<void>(remove_losers(registered - 1));
}

bool first_completed::await_ready() noexcept {
    for (std::size_t i = 0; i < tasks_.size(); ++i) {
        if (tasks_[i]->is_done()) {
            winner_.store(i, std::memory_order_relaxed);
            return true;
        }
    }
    return false;
}

std::size_t first_completed::remove_losers(std::size_t registered) noexcept {
    std::size_t removed = 0;
    for (std::size_t i = 0; i < registered; ++i)
        if (tasks_[i]->remove_continuation(nodes_[i])) ++removed;
    return removed;
}

bool first_completed::await_suspend(std::coroutine_handle<> self) noexcept {
    task_core& awaiter = core_of(self);
    const suspension before = awaiter.begin_suspend(false);
    awaiter_ = &awaiter;
    users_.store(tasks_.size() + 1, std::memory_order_relaxed);
    std::size_t added = 0;
    while (added < tasks_.size() && winner_.load(std::memory_order_acquire) == none) {
        nodes_[added].owner = this;
        nodes_[added].index = added;
        if (!tasks_[added]->add_continuation(nodes_[added])) {
            static_cast<void>(claim(added));
            break;
        }
        ++added;
    }
    std::size_t give_back = tasks_.size() - added + 1;
    // Seq_cst store, then load: the winner stores winner_, then reads registered_ (store-load on both sides).
    registered_.store(added + 1, std::memory_order_seq_cst);
    if (winner_.load(std::memory_order_seq_cst) != none && registered_.exchange(0, std::memory_order_seq_cst) != 0)
        give_back += remove_losers(added);
    if (users_.fetch_sub(give_back, std::memory_order_acq_rel) != give_back) return true;
    awaiter.undo_suspend(before);
    return false;
}

void first_completed::on_completed(work_item& item) noexcept {
    auto& mine = static_cast<node&>(item);
    first_completed& self = *mine.owner;
    std::size_t give_back = 1;
    std::size_t expected = none;
    if (self.winner_.compare_exchange_strong(expected, mine.index, std::memory_order_seq_cst)) {
        // Whoever takes the number of registered nodes removes the losers; 0 means that registration has not ended yet (it
        // will see our win) or that it has removed them.
        const std::size_t registered = self.registered_.exchange(0, std::memory_order_seq_cst);
        if (registered != 0) give_back += self.remove_losers(registered - 1);
    }
    task_core* awaiter = self.awaiter_;
    const bool may_inline = (mine.place & place_not_first) == 0 && !self.tasks_[mine.index]->has_flag(flag_run_async);
    if (self.users_.fetch_sub(give_back, std::memory_order_acq_rel) == give_back) run_continuation(*awaiter, may_inline);
}

}  // namespace weft::inline WEFT_ABI::detail
