// One lock guards both lines and the counts of what runs. Whenever one of them changes, start_more() decides what may begin: the
// oldest exclusive item when nothing runs; else, as long as no exclusive one waits or runs, concurrent ones up to the limit.
// SPDX-License-Identifier: MIT

#include "weft/scheduling/concurrent_exclusive_scheduler_pair.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "scheduling/item_queue.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

class concurrent_exclusive_scheduler_pair::side final : public task_scheduler {
public:
    side(std::shared_ptr<state> of, bool is_exclusive) : state_(std::move(of)), exclusive_(is_exclusive) {}

    void queue(work_item& work) override;
    bool try_execute_inline(work_item& work, bool was_queued) override;
    bool try_dequeue(work_item& work) override;
    void scheduled_tasks(item_visitor visit, void* argument) override;
    [[nodiscard]] std::int32_t maximum_concurrency() const noexcept override;
    void execute(work_item& work) { static_cast<void>(try_execute(work)); }

private:
    std::shared_ptr<state> state_;
    bool exclusive_;
};

class concurrent_exclusive_scheduler_pair::state : public std::enable_shared_from_this<state> {
public:
    explicit state(std::size_t most) : limit(most) {}

    /// Runs one item, then looks what may begin now.
    struct runner : work_item {
        runner(std::shared_ptr<state> of, side& where, work_item& what, bool is_exclusive) noexcept
            : work_item(&runner::run_one), owner(std::move(of)), scheduler(where), body(what), exclusive(is_exclusive) {}
        static void run_one(work_item& item) noexcept {
            const std::unique_ptr<runner> self(static_cast<runner*>(&item));
            self->scheduler.execute(self->body);
            self->owner->ended(self->exclusive);
        }
        std::shared_ptr<state> owner;
        side& scheduler;
        work_item& body;
        bool exclusive;
    };

    void queue(side& scheduler, work_item& work, bool exclusive) {
        {
            const std::lock_guard guard(lock);
            if (completing) throw invalid_operation("the concurrent_exclusive_scheduler_pair has been completed");
            (exclusive ? exclusive_line : concurrent_line).push(work);
            (exclusive ? exclusive_side : concurrent_side) = &scheduler;
        }
        start_more();
    }

    void ended(bool exclusive) noexcept {
        {
            const std::lock_guard guard(lock);
            if (exclusive) exclusive_runs = false;
            else --concurrent_runs;
        }
        start_more();
    }

    void start_more() noexcept {
        bool over = false;
        runner* first = nullptr;
        {
            const std::lock_guard guard(lock);
            if (!exclusive_runs && concurrent_runs == 0 && !exclusive_line.empty()) {
                exclusive_runs = true;
                first = new runner(shared_from_this(), *exclusive_side, *exclusive_line.pop(), true);
            }
            while (!exclusive_runs && exclusive_line.empty() && concurrent_runs < limit && !concurrent_line.empty()) {
                ++concurrent_runs;
                auto* next = new runner(shared_from_this(), *concurrent_side, *concurrent_line.pop(), false);
                next->next = first;
                first = next;
            }
            over = completing && !exclusive_runs && concurrent_runs == 0 && exclusive_line.empty() &&
                concurrent_line.empty() && !std::exchange(done, true);
        }
        // Linked newest first; reversed, they begin in order.
        work_item* in_order = nullptr;
        for (work_item* each = first; each != nullptr;) {
            work_item* following = each->next;
            each->next = in_order;
            in_order = each;
            each = following;
        }
        while (in_order != nullptr) {
            work_item* each = std::exchange(in_order, in_order->next);
            detail::current_dispatcher().post(*each, post_hint::fair);
        }
        if (over) ended_source.set_result();
    }

    const std::size_t limit;
    mutable std::mutex lock;
    detail::item_queue concurrent_line;
    detail::item_queue exclusive_line;
    side* concurrent_side = nullptr;
    side* exclusive_side = nullptr;
    std::size_t concurrent_runs = 0;
    bool exclusive_runs = false;
    bool completing = false;
    bool done = false;
    task_completion_source<> ended_source{creation_options::run_continuations_asynchronously};
};

void concurrent_exclusive_scheduler_pair::side::queue(work_item& work) { state_->queue(*this, work, exclusive_); }

bool concurrent_exclusive_scheduler_pair::side::try_execute_inline(work_item& work, bool was_queued) {
    // On a thread that runs an item of this very side: that one's permission covers it.
    if (detail::this_thread_block().scheduler != this || (was_queued && !try_dequeue(work))) return false;
    return try_execute(work);
}

bool concurrent_exclusive_scheduler_pair::side::try_dequeue(work_item& work) {
    const std::lock_guard guard(state_->lock);
    return (exclusive_ ? state_->exclusive_line : state_->concurrent_line).remove(work);
}

void concurrent_exclusive_scheduler_pair::side::scheduled_tasks(item_visitor visit, void* argument) {
    const std::lock_guard guard(state_->lock);
    (exclusive_ ? state_->exclusive_line : state_->concurrent_line).for_each([&](work_item& item) {
        visit(item, argument);
    });
}

std::int32_t concurrent_exclusive_scheduler_pair::side::maximum_concurrency() const noexcept {
    constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
    return exclusive_ ? 1 : static_cast<std::int32_t>(std::min(state_->limit, most));
}

concurrent_exclusive_scheduler_pair::concurrent_exclusive_scheduler_pair(std::size_t limit)
    : state_(std::make_shared<state>(limit != 0 ? limit : std::max(1U, std::thread::hardware_concurrency()))),
      concurrent_(std::make_unique<side>(state_, false)),
      exclusive_(std::make_unique<side>(state_, true)) {}
concurrent_exclusive_scheduler_pair::~concurrent_exclusive_scheduler_pair() = default;

task_scheduler& concurrent_exclusive_scheduler_pair::concurrent() noexcept { return *concurrent_; }
task_scheduler& concurrent_exclusive_scheduler_pair::exclusive() noexcept { return *exclusive_; }

void concurrent_exclusive_scheduler_pair::complete() {
    {
        const std::lock_guard guard(state_->lock);
        state_->completing = true;
    }
    state_->start_more();
}

task<> concurrent_exclusive_scheduler_pair::completion() const { return state_->ended_source.task(); }

}  // namespace weft::inline WEFT_ABI
