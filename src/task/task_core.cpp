// Suspend and complete: the two ends of every await. The protocol of the status word:
//
//   awaiter    1. begin_suspend()      captures contexts, restores the caller's, enters the live list
//              2. add_continuation()   publishes the node by a releasing CAS; from here on the awaiter touches nothing
//   completer  1. destroys the frame   (parameters go before anyone can see the end)
//              2. publish()            one CAS: takes whatever is registered and leaves the final status
//              3. deliver()            queues or returns the continuations
//              4. release()            drops the frame's own reference
//
// The word itself, with its list of continuations and the reasons for its memory orders, is status_word.hpp.
// SPDX-License-Identifier: MIT

#include "weft/task/detail/task_core.hpp"

#include <cstdlib>

#include "task/thrown.hpp"
#include "weft/base/assert.hpp"
#include "weft/base/spin_lock.hpp"
#include "weft/context/synchronization_context.hpp"
#include "weft/context/task_scheduler.hpp"
#include "weft/task/unobserved_exception.hpp"

#if WEFT_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace weft::inline WEFT_ABI::detail {
namespace {

template <class T>
T* place_as(std::uintptr_t place) noexcept {
    return reinterpret_cast<T*>(place & ~place_mask);
}
template <class T>
std::uintptr_t make_place(T* where, place_kind kind) noexcept {
    return reinterpret_cast<std::uintptr_t>(where) | kind;
}

continuation* next_of(continuation& node) noexcept { return static_cast<continuation*>(node.next); }

bool is_internal(const continuation& node) noexcept { return (node.place & place_mask) == place_internal; }

/// Internal callbacks that completion keeps until everything else is queued, in their order.
class internal_list {
public:
    void add(continuation& node) noexcept {
        *end_ = &node;
        end_ = &node.prev;  // no list has it any more, and `next` has another type
    }
    void run_all(std::uintptr_t mark) noexcept {
        *end_ = nullptr;
        while (first_ != nullptr) {
            continuation* node = std::exchange(first_, first_->prev);
            node->place |= mark;
            node->run(*node);
        }
    }

private:
    continuation* first_ = nullptr;
    continuation** end_ = &first_;
};

// Whether completion may run `node` on this thread right now (1.2/3, 1.2/4, 1.2/8).
bool may_run_here(const thread_block& block, const continuation& node) noexcept {
    if (block.stack_is_low()) return false;
    switch (node.place & place_mask) {
        case place_dispatcher:
            return block.sync == nullptr && block.scheduler == nullptr &&
                (block.home == nullptr || block.home == place_as<dispatcher>(node.place));
        case place_context: return block.sync == place_as<synchronization_context>(node.place);
        default: return false;
    }
}

// Carries an exception of a user's post or queue to the pool, where it is unhandled (1.2/16): the awaiting method must not
// hang silently, and there is nobody to give the exception to.
struct thrown_by_place : work_item {
    std::exception_ptr error;
    explicit thrown_by_place(std::exception_ptr e) noexcept : work_item(&rethrow), error(std::move(e)) {}
    static void rethrow(work_item& item) noexcept {
        std::unique_ptr<thrown_by_place> self(static_cast<thrown_by_place*>(&item));
        std::rethrow_exception(self->error);  // leaves a noexcept function: std::terminate reports it
    }
};

}  // namespace

void report_on_pool(std::exception_ptr error) noexcept {
    default_dispatcher().post(*new thrown_by_place(std::move(error)), post_hint::fair);
}

static_assert(std::is_trivially_destructible_v<task_core>, "free_block() does not run a destructor");

fault_info::~fault_info() { delete aggregate.load(std::memory_order_relaxed); }

void task_core::resume_item(work_item& item) noexcept { resume_here(static_cast<task_core&>(item)); }

// ---- blocks

void free_unowned(task_core& core) noexcept {
    const std::size_t size = core.block_size;
    void* block = reinterpret_cast<char*>(&core) - core.result_ops->prefix;
    core.~task_core();
    free_frame(block, size);
}

#if WEFT_ASAN
void poison_frame(task_core& core, std::size_t size) noexcept { __asan_poison_memory_region(core.frame(), size); }
#endif

// The end of every task, so the usual way is short: no fault, a result without a destructor, a block that goes to the list.
void task_core::free_block() noexcept {
    if (fault != nullptr) [[unlikely]] {
        if (ending == task_status::faulted && !fault->observed.load(std::memory_order_relaxed)) raise_unobserved(*fault);
        delete fault;
    } else if (result_ops->destroy != nullptr && is_done()) {
        result_ops->destroy(reinterpret_cast<char*>(this) - result_ops->distance);
    }
#if WEFT_ASAN
    __asan_unpoison_memory_region(this, block_size - result_ops->prefix);
#endif
    free_to_class(this_thread_block().frames, stored_class, reinterpret_cast<char*>(this) - result_ops->prefix, block_size);
}

void task_core::destroy_frame() noexcept {
    // Through a laundered address: a compiler that could see which coroutine this is might elide its frame, and with it the
    // operator new that put this header in front.
    std::coroutine_handle<>::from_address(std::launder(static_cast<char*>(frame()))).destroy();
}

std::int32_t task_core::id() noexcept {
    static std::atomic<std::uint32_t> last{0};
    std::uint32_t mine = number.load(std::memory_order_relaxed);
    if (mine == 0) {
        // Wraps after 2^31 ids that were asked for; 0 is never given.
        std::uint32_t fresh = 0;
        while (fresh == 0) fresh = (last.fetch_add(1, std::memory_order_relaxed) + 1) & 0x7fffffffU;
        if (number.compare_exchange_strong(mine, fresh, std::memory_order_relaxed)) mine = fresh;
    }
    return static_cast<std::int32_t>(mine);
}

task_status task_core::status() const noexcept {
    const std::uintptr_t now = word.load();
    if ((now & word.done_bit) != 0) return static_cast<task_status>(word.status_in(now));
    const std::uint8_t seen = flags.load(std::memory_order_relaxed);
    if ((seen & flag_delegate) == 0) return task_status::waiting_for_activation;
    const bool cold = (seen & flag_cold) != 0;
    if ((seen & flag_running) != 0) return cold ? task_status::waiting_for_children_to_complete : task_status::running;
    return cold ? task_status::created : task_status::waiting_to_run;
}

// ---- suspend

suspension task_core::begin_suspend(bool capture_context) noexcept {
    thread_block& block = this_thread_block();
    // A task stays with the runtime it was started in, whoever's thread it happens to be on now.
    dispatcher* runs_on = home != nullptr ? home : block.home != nullptr ? block.home : &default_dispatcher();
    std::uintptr_t captured = make_place(runs_on, place_dispatcher);
    if (capture_context && (block.sync != nullptr || block.scheduler != nullptr)) [[unlikely]] {
        if (synchronization_context* context = capturable(block.sync)) captured = make_place(context, place_context);
        else if (block.scheduler != nullptr) captured = make_place(block.scheduler, place_scheduler);
    }
    const suspension before{block.sync, has_flag(flag_first_segment)};
    context_map* mine = retain_context(block.locals);
    if (before.was_first) {
        clear_flag(flag_first_segment);
        run = &resume_item;
        block.sync = reinterpret_cast<synchronization_context*>(place);
        switch_context(block, locals);
        home = runs_on;
        // Nobody else can see the task yet: the frame's own reference needs no read-modify-write.
        refs.set(2);
        live_tasks::add(*this);
    }
    locals = mine;
    place = captured;
    awaiting = nullptr;
    return before;
}

void task_core::undo_suspend(const suspension& what) noexcept {
    thread_block& block = this_thread_block();
    context_map* mine = locals;
    if (what.was_first) {
        live_tasks::remove(*this);
        refs.set(1);
        locals = retain_context(block.locals);
        place = reinterpret_cast<std::uintptr_t>(block.sync);
        prev = reinterpret_cast<continuation*>(&block);
        set_flag(flag_first_segment);
        block.sync = what.sync;
    } else {
        locals = nullptr;
    }
    switch_context(block, mine);
}

bool task_core::add_continuation(continuation& node) noexcept { return word.add(node); }

bool task_core::remove_continuation(continuation& node) noexcept { return word.remove(node); }

// ---- complete

void task_core::set_current_exception() noexcept {
    const thrown now;
    if (auto* all = now.as<several_errors>()) {
        set_fault(error_list(all->errors.begin(), all->errors.end()));
        return;
    }
    const bool is_cancellation = now.as<const operation_canceled>() != nullptr && !has_flag(flag_strict_cancel);
    ending = is_cancellation ? task_status::canceled : task_status::faulted;
    fault = new fault_info(error_list(now.error()));
}

void task_core::set_fault(error_list errors) noexcept {
    fault = new fault_info(std::move(errors));
    ending = task_status::faulted;
}

void task_core::set_fault(std::exception_ptr error) noexcept { set_fault(error_list(std::move(error))); }

void task_core::set_canceled(std::exception_ptr error) noexcept {
    fault = new fault_info(error_list(std::move(error)));
    ending = task_status::canceled;
}

void task_core::copy_fault(task_core& from) noexcept {
    from.mark_observed();
    fault = new fault_info(from.fault->errors);
    ending = from.final_status();
}

std::coroutine_handle<> task_core::finish_frame(void* frame_address) noexcept {
    task_core& core = of(frame_address);
    core.destroy_frame();
    live_tasks::remove(core);
    task_core* next = core.deliver(core.publish());
    core.release();
    if (next == nullptr) return std::noop_coroutine();
    thread_block& block = this_thread_block();
    block.current_task = nullptr;  // it was the one that ends, if any
    switch_context(block, std::exchange(next->locals, nullptr));
    return next->handle();
}

bool task_core::try_claim() noexcept { return word.claim(); }

void task_core::complete() noexcept {
    task_core* chosen = deliver(publish());
    if (chosen != nullptr) resume_here(*chosen);
}

continuation* task_core::publish() noexcept { return word.publish(static_cast<std::uintptr_t>(ending)); }

// The first continuation runs here if it may: a coroutine is returned, an internal callback, which may resume the coroutine of a
// combinator, comes last. All others are queued before, and internal ones told not to resume anybody, so that one awaiter's long
// continuation cannot delay the rest (1.2/5). `this` may be gone once an internal callback has run, so what is needed of it is
// read first.
task_core* task_core::deliver(continuation* list) noexcept {
    if (list == nullptr) return nullptr;
    const bool run_async = has_flag(flag_run_async);
    continuation* following = next_of(*list);
    task_core* chosen = nullptr;
    const bool internal_first = is_internal(*list);
    if (!internal_first) {
        if (!run_async && may_run_here(this_thread_block(), *list)) chosen = static_cast<task_core*>(list);
        else enqueue(*list, post_hint::local);
    }
    internal_list short_ones;
    internal_list user_code;
    const bool first_runs_user_code = internal_first && (list->place & place_runs_user_code) != 0;
    if (first_runs_user_code) user_code.add(*list);
    while (following != nullptr) {
        continuation* node = std::exchange(following, next_of(*following));
        if (!is_internal(*node)) enqueue(*node, post_hint::local);
        else ((node->place & place_runs_user_code) != 0 ? user_code : short_ones).add(*node);
    }
    short_ones.run_all(place_not_first);
    if (internal_first && !first_runs_user_code) list->run(*list);
    user_code.run_all(0);
    return chosen;
}

void enqueue(continuation& node, post_hint hint) noexcept {
    switch (node.place & place_mask) {
        case place_dispatcher: place_as<dispatcher>(node.place)->post(node, hint); return;
        case place_context:
            task_core::note_queued(node);
            try {
                place_as<synchronization_context>(node.place)->post_item(node);
            } catch (...) {
                report_on_pool(std::current_exception());
            }
            return;
        case place_scheduler: try { place_as<task_scheduler>(node.place)->queue(node);
            } catch (...) {
                report_on_pool(std::current_exception());
            }
            return;
        default: node.run(node);
    }
}

void run_continuation(continuation& node, bool may_inline) noexcept {
    if ((node.place & place_mask) == place_internal) node.run(node);
    else if (may_inline && may_run_here(this_thread_block(), node)) resume_here(static_cast<task_core&>(node));
    else enqueue(node, post_hint::next);
}

void resume_here(task_core& core) noexcept {
    thread_block& block = this_thread_block();
    synchronization_context* sync = block.sync;
    context_map* outer = retain_context(block.locals);
    // On a thread of no runtime the coroutine still finds its own: its time, its pool.
    dispatcher* const outer_home = block.home;
    if (outer_home == nullptr) block.home = core.home;
    task_core* const outer_task = std::exchange(block.current_task, nullptr);
    switch_context(block, std::exchange(core.locals, nullptr));
    core.handle().resume();
    block.current_task = outer_task;
    block.home = outer_home;
    block.sync = sync;
    switch_context(block, outer);
}

}  // namespace weft::inline WEFT_ABI::detail
