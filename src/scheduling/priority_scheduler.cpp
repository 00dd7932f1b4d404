// SPDX-License-Identifier: MIT

#include "scheduling/priority_scheduler.hpp"

#include <new>

#include "weft/base/frame_allocator.hpp"
#include "weft/base/thread_block.hpp"

namespace weft::inline WEFT_ABI::detail {

/// An item on its way through the pool's queue, which must not run before its scheduler is the current one.
struct priority_scheduler::posted final : work_item {
    posted(priority_scheduler& by, work_item& queued) noexcept
        : work_item(&posted::execute), scheduler(&by), work(&queued) {}

    static void execute(work_item& item) noexcept {
        auto& self = static_cast<posted&>(item);
        priority_scheduler& scheduler = *self.scheduler;
        work_item& work = *self.work;
        self.~posted();
        free_frame(&self, sizeof self);
        static_cast<void>(scheduler.try_execute(work));
    }

    priority_scheduler* scheduler;
    work_item* work;
};

void priority_scheduler::bind(dispatcher& pool, work_priority priority) noexcept {
    pool_ = &pool;
    hint_ = hint_of(priority);
}

void priority_scheduler::queue(work_item& work) {
    auto* item = ::new (allocate_frame(sizeof(posted))) posted(*this, work);
    pool_->post(*item, hint_);
}

bool priority_scheduler::try_execute_inline(work_item& work, bool was_queued) {
    // What was queued cannot be taken back; and elsewhere than on its own pool it would have another priority's thread.
    if (was_queued || this_thread_block().home != pool_) return false;
    return try_execute(work);
}

}  // namespace weft::inline WEFT_ABI::detail
