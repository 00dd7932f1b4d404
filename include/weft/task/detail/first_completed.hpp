#pragma once
// <weft/task/detail/first_completed.hpp>: waits for the first of several tasks and leaves nothing behind in the others.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>
#include <vector>

#include "weft/task/detail/all_completed.hpp"
#include "weft/task/detail/awaiter.hpp"
#include "weft/task/detail/first_race.hpp"

namespace weft::inline WEFT_ABI::detail {

/// @throws std::invalid_argument  when `count` is 0
void require_any(std::size_t count);

/// Awaited once, in the frame of a combinator that keeps the tasks alive.
///
/// The nodes live here. Completion of a task claims the win; a loser that completion took at the same moment still runs its
/// node, so the awaiter is resumed only when every node has been removed or has run.
class first_completed {
public:
    using weft_native = void;

    explicit first_completed(std::vector<task_core*> tasks)
        : tasks_(std::move(tasks)), nodes_(std::make_unique<node[]>(tasks_.size())) {}
    ~first_completed();
    first_completed(const first_completed&) = delete;
    first_completed& operator=(const first_completed&) = delete;

    [[nodiscard]] bool await_ready() noexcept;
    bool await_suspend(std::coroutine_handle<> self) noexcept;
    [[nodiscard]] std::size_t await_resume() const noexcept { return race_.winner(); }

    /// The coroutine behind `node`, if it is one of ours.
    [[nodiscard]] static task_core* awaiter_of(const continuation& node) noexcept {
        return node.run == &on_completed ? static_cast<const first_completed::node&>(node).owner->awaiter_ : nullptr;
    }

private:
    struct node : continuation {
        first_completed* owner = nullptr;
        std::size_t index = 0;
        node() noexcept : continuation(&first_completed::on_completed, place_internal) {}
    };
    static void on_completed(work_item& item) noexcept;
    /// Takes a loser's node out.
    [[nodiscard]] auto remover() noexcept {
        return [this](std::size_t index) { return tasks_[index]->remove_continuation(nodes_[index]); };
    }

    std::vector<task_core*> tasks_;
    std::unique_ptr<node[]> nodes_;
    basic_first_race<std_atomics> race_;
    task_core* awaiter_ = nullptr;
};

}  // namespace weft::inline WEFT_ABI::detail
