#pragma once
// Tasks of one priority, on one pool.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/context/task_scheduler.hpp"
#include "weft/scheduling/thread_pool.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The hint under which the pool queues work of `priority`.
[[nodiscard]] constexpr post_hint hint_of(work_priority priority) noexcept {
    switch (priority) {
        case work_priority::low: return post_hint::low;
        case work_priority::high: return post_hint::high;
        default: return post_hint::fair;
    }
}

/// Posts each item to its pool with its priority's hint; on the pool it runs with this scheduler as the current one, to which
/// awaits therefore return.
class priority_scheduler final : public task_scheduler {
public:
    /// Before any use.
    void bind(dispatcher& pool, work_priority priority) noexcept;

    void queue(work_item& work) override;
    bool try_execute_inline(work_item& work, bool was_queued) override;

private:
    struct posted;

    dispatcher* pool_ = nullptr;
    post_hint hint_ = post_hint::fair;
};

}  // namespace weft::inline WEFT_ABI::detail
