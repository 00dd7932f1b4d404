#pragma once
// <weft/base/thread_block.hpp>: everything thread-local that an await touches, in one struct behind one call.
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/base/frame_allocator.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI {
class dispatcher;
class synchronization_context;
class task_scheduler;
}  // namespace weft::inline WEFT_ABI

namespace weft::inline WEFT_ABI::detail {

struct context_map;
struct task_core;

/// What an item tells the scheduler that passed it on.
enum class work_refusal : std::uint8_t {
    none,
    ended,   ///< it had run or had been canceled before
    foreign  ///< it was queued to another scheduler, and did not run
};

/// The ambient state of one thread.
struct thread_block {
    dispatcher* home = nullptr;                 ///< the runtime this thread works for; null on foreign threads
    synchronization_context* sync = nullptr;    ///< null: none (a base-class instance counts as none when awaiting)
    task_scheduler* scheduler = nullptr;        ///< null: the default scheduler
    context_map* locals = nullptr;              ///< async-local values in force; one reference held; null: empty
    task_core* current_task = nullptr;          ///< the delegate task running here (Task.CurrentId)
    char* stack_limit = nullptr;                ///< below this address nothing more is resumed inline
    void* last_frame = nullptr;                 ///< what operator new returned last (the frame guard of GCC 12)
    void* worker = nullptr;                     ///< the pool's worker, when this thread is one
    std::uint32_t shard = 0;                    ///< a small number that spreads threads over sharded structures
    work_refusal refusal = work_refusal::none;  ///< why the item that a scheduler just passed on did not run
    bool flow_suppressed = false;               ///< execution_context::suppress_flow is in force
    frame_cache frames;

    thread_block() noexcept;
    ~thread_block();
    thread_block(const thread_block&) = delete;
    thread_block& operator=(const thread_block&) = delete;

    /// Whether the stack is too short to resume another coroutine on top of it.
    [[nodiscard]] bool stack_is_low() const noexcept {
        return static_cast<char*>(__builtin_frame_address(0)) < stack_limit;
    }
};

/// The calling thread's block. Out of line on purpose: a coroutine may suspend on one thread and resume on another, and a
/// compiler that caches the address of a thread-local across the suspension would then use the wrong thread's.
[[nodiscard]] WEFT_NOINLINE thread_block& this_thread_block() noexcept;

}  // namespace weft::inline WEFT_ABI::detail
