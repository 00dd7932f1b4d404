// The items lie in one line. At most `limit` runners are on the pool; each takes an item after the other and goes back to the end of
// the pool's queue now and then. A runner keeps the state alive, and touches the scheduler only while an item is queued to it.
// SPDX-License-Identifier: MIT

#include "weft/scheduling/limited_concurrency_scheduler.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "scheduling/item_queue.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/thread_block.hpp"

namespace weft::inline WEFT_ABI {

namespace {
constexpr int items_a_turn = 16;  // before other work of the pool has its turn
}

class limited_concurrency_scheduler::state : public std::enable_shared_from_this<state> {
public:
    state(limited_concurrency_scheduler& owner, std::size_t most) : scheduler(owner), limit(most) {}

    struct runner : work_item {
        explicit runner(std::shared_ptr<state> of) noexcept : work_item(&runner::run_some), owner(std::move(of)) {}
        static void run_some(work_item& item) noexcept {
            auto& self = static_cast<runner&>(item);
            if (self.owner->run_some()) detail::current_dispatcher().post(self, post_hint::fair);
            else delete &self;
        }
        std::shared_ptr<state> owner;
    };

    void queue(work_item& work) {
        auto fresh = std::make_unique<runner>(shared_from_this());
        {
            const std::lock_guard guard(lock);
            line.push(work);
            if (runners == limit) return;
            ++runners;
        }
        detail::current_dispatcher().post(*fresh.release(), post_hint::local);
    }

    /// @returns whether the runner should come back
    bool run_some() noexcept {
        for (int count = 0; count < items_a_turn; ++count) {
            work_item* item = nullptr;
            {
                const std::lock_guard guard(lock);
                item = line.pop();
                if (item == nullptr) {
                    --runners;
                    return false;
                }
            }
            static_cast<void>(scheduler.try_execute(*item));
        }
        return true;
    }

    limited_concurrency_scheduler& scheduler;
    const std::size_t limit;
    std::mutex lock;
    detail::item_queue line;
    std::size_t runners = 0;
};

limited_concurrency_scheduler::limited_concurrency_scheduler(std::size_t limit) {
    if (limit == 0) throw std::invalid_argument("limited_concurrency_scheduler needs a limit of at least 1");
    state_ = std::make_shared<state>(*this, limit);
}
limited_concurrency_scheduler::~limited_concurrency_scheduler() = default;

void limited_concurrency_scheduler::queue(work_item& work) { state_->queue(work); }

bool limited_concurrency_scheduler::try_execute_inline(work_item& work, bool was_queued) {
    if (detail::this_thread_block().scheduler != this || (was_queued && !try_dequeue(work))) return false;
    return try_execute(work);
}

bool limited_concurrency_scheduler::try_dequeue(work_item& work) {
    const std::lock_guard guard(state_->lock);
    return state_->line.remove(work);
}

void limited_concurrency_scheduler::scheduled_tasks(item_visitor visit, void* argument) {
    const std::lock_guard guard(state_->lock);
    state_->line.for_each([&](work_item& item) { visit(item, argument); });
}

std::int32_t limited_concurrency_scheduler::maximum_concurrency() const noexcept {
    constexpr std::size_t most = std::numeric_limits<std::int32_t>::max();
    return static_cast<std::int32_t>(std::min(state_->limit, most));
}

}  // namespace weft::inline WEFT_ABI
