#pragma once
// <weft/task/detail/task_core.hpp>: the header in front of every task: status, continuations, contexts, reference count.
//
// Three of the architecture's doors are here: suspend (begin_suspend, add_continuation), complete (publish, deliver) and the
// entry of dispatch (enqueue). A block is laid out as
//
//     [ result storage, padded to 16 ][ task_core ][ coroutine frame, if the task is a coroutine ]
//
// so that the core is found from the frame, and the frame from the core, by a constant. The frame is destroyed when the
// coroutine ends; core and result live as long as a handle does.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/error_memory.hpp"
#include "weft/base/reference_count.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/base/work_item.hpp"
#include "weft/context/aggregate_exception.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/context/execution_context.hpp"
#include "weft/task/detail/status_word.hpp"

namespace weft::inline WEFT_ABI {

/// Where a task is in its life. Follows System.Threading.Tasks.TaskStatus.
enum class task_status : std::uint8_t {
    created,
    waiting_for_activation,
    waiting_to_run,
    running,
    waiting_for_children_to_complete,
    ran_to_completion,
    canceled,
    faulted
};

}  // namespace weft::inline WEFT_ABI

namespace weft::inline WEFT_ABI::detail {

/// What waits for a task: a suspended coroutine (its own core is the node) or an internal callback.
struct alignas(16) continuation : work_item {
    continuation* prev;
    /// Where it runs: a pointer tagged by `place_kind` in its two low bits.
    std::uintptr_t place;

    constexpr continuation() noexcept : prev(nullptr), place(0) {}
    constexpr continuation(run_function function, std::uintptr_t where) noexcept
        : work_item(function), prev(nullptr), place(where) {}

protected:
    using work_item::filled_later;
    explicit continuation(filled_later later) noexcept : work_item(later) {}  // NOLINT(*-member-init)
};

/// The tag of continuation::place.
enum place_kind : std::uintptr_t {
    place_dispatcher = 0,  ///< a runtime; may run inline on a thread that has neither context nor scheduler
    place_context = 1,     ///< a synchronization_context
    place_scheduler = 2,   ///< a task_scheduler
    place_internal = 3     ///< the library's own short callback: runs during completion, never user code
};
inline constexpr std::uintptr_t place_mask = 3;
/// Set by the completer in the place of an internal callback that was not registered first: it may not resume anybody inline.
inline constexpr std::uintptr_t place_not_first = 4;
/// In the place of an internal callback that may run user code, and so comes after everything else (1.2/6).
inline constexpr std::uintptr_t place_runs_user_code = 8;

/// Errors of a faulted or canceled task; made only when something was thrown.
struct fault_info : kept_in_error_memory {
    error_list errors;  ///< faulted: at least one; canceled: the cancellation exception
    std::atomic<bool> observed{false};
    std::atomic<aggregate_exception*> aggregate{nullptr};  ///< made when task::exception() first asks

    explicit fault_info(error_list list) noexcept : errors(std::move(list)) {}
    ~fault_info();
    fault_info(const fault_info&) = delete;
    fault_info& operator=(const fault_info&) = delete;
};

/// What a core needs to know of its result type.
struct result_operations {
    void (*destroy)(void* result) noexcept;  ///< null when trivial
    std::uint32_t prefix;                    ///< bytes in front of the core
    std::uint32_t distance;                  ///< from the result to the core
};

/// Thrown inside a combinator: its promise stores all of the errors.
struct several_errors {
    std::vector<std::exception_ptr> errors;
};

enum core_flag : std::uint8_t {
    flag_first_segment = 1,   ///< runs on its caller's stack; nobody else can see the task
    flag_in_order = 2,        ///< shutdown has it in its list
    flag_run_async = 4,       ///< run_continuations_asynchronously
    flag_delegate = 8,        ///< a delegate task: reports waiting_to_run and running
    flag_running = 16,        ///< the delegate has begun
    flag_strict_cancel = 32,  ///< an operation_canceled of a foreign token is a fault (1.1/7)
    flag_frame = 64,          ///< a coroutine frame follows the core
    flag_cold = 128           ///< a delegate that is not started; with flag_running: it waits for its children
};

/// What begin_suspend() changed, for undo_suspend().
struct suspension {
    synchronization_context* sync;
    bool was_first;
};

struct task_core;

/// From a result to the core behind it. A constant, so that reading a result needs no look at `result_ops`.
template <class T>
inline constexpr std::size_t result_distance = (sizeof(T) + 15) / 16 * 16;

/// The set of suspended tasks, for shutdown and diagnostics: sharded intrusive lists, entered at the first suspension.
struct live_tasks {
    static void add(task_core& core) noexcept;
    static void remove(task_core& core) noexcept;
    /// Number of suspended tasks whose home is `home` (any when null).
    [[nodiscard]] static std::size_t count(const dispatcher* home) noexcept;
    /// Calls `visit` for each suspended task of `home`, newest first, under a lock: it may look and not wait.
    static void for_each(const dispatcher& home, void (*visit)(void* argument, task_core&), void* argument);
    /// The coroutine that awaits `core`, directly or through a combinator: the first of them; null when there is none.
    [[nodiscard]] static task_core* awaiter_of(task_core& core) noexcept;
    /// One line for each kind of suspended task of `home`: how many there are, their coroutine and what they wait for.
    /// Precondition: as destroy_all().
    [[nodiscard]] static std::vector<std::string> describe(const dispatcher& home, std::size_t most_lines);
    /// Destroys the frames of the tasks that belong to `home`: one that another awaits before that other, else those that a
    /// thread suspended last first. Their awaiters, if any, are never resumed. A frame that lies in the queue of a
    /// synchronization context leaves an item behind that does nothing when its turn comes.
    /// Precondition: no thread runs work of `home` any more, no operation of theirs is in flight, and no other thread pumps a
    /// context in which one of them is queued.
    static std::size_t destroy_all(const dispatcher& home) noexcept;
    /// Whether destroy_all() has come to `core`: nobody can resume it any more, and its frame is about to go.
    [[nodiscard]] static bool is_going(const task_core& core) noexcept;
};

struct task_core : continuation {
    // Every call of a coroutine fills this, so it is in the order that takes the fewest stores, and what only a suspended
    // coroutine needs (the node, awaiting, live_*) is written by the first suspension.
    basic_status_word<continuation, std_atomics> word;
    fault_info* fault = nullptr;
    reference_count refs;
    std::atomic<std::uint8_t> flags;  ///< written by the running coroutine only, so without a read-modify-write
    std::uint8_t stored_class;        ///< of the block, for the frame allocator
    task_status ending = task_status::ran_to_completion;  ///< final status, before it is published
    std::uint8_t live_shard;                              ///< which list of live_tasks it is in
    const result_operations* result_ops;
    dispatcher* home = nullptr;            ///< the runtime it was started in; known from the first suspension
    std::atomic<std::uint32_t> number{0};  ///< Task.Id, given on first demand
    std::uint32_t block_size;
    context_map* locals;  ///< first segment: the caller's; suspended: this coroutine's; a task without a frame has none
    task_core* awaiting;  ///< the task whose list this suspended coroutine is in, if it waits for one; itself: it is queued
    task_core* live_next;
    task_core* live_prev;

    task_core(const result_operations& operations, std::size_t size, std::uint8_t initial_flags) noexcept
        : continuation(filled_later{}),
          flags(initial_flags),
          stored_class(stored_class_of(size)),
          result_ops(&operations),
          block_size(static_cast<std::uint32_t>(size)) {}

    [[nodiscard]] bool has_flag(core_flag flag) const noexcept {
        return (flags.load(std::memory_order_relaxed) & flag) != 0;
    }
    void set_flag(core_flag flag) noexcept {
        flags.store(static_cast<std::uint8_t>(flags.load(std::memory_order_relaxed) | flag), std::memory_order_relaxed);
    }
    void clear_flag(core_flag flag) noexcept {
        flags.store(static_cast<std::uint8_t>(flags.load(std::memory_order_relaxed) & ~flag), std::memory_order_relaxed);
    }

    // ---- identity

    [[nodiscard]] void* frame() noexcept { return this + 1; }
    [[nodiscard]] std::coroutine_handle<> handle() noexcept { return std::coroutine_handle<>::from_address(this + 1); }
    [[nodiscard]] static task_core& of(void* frame_address) noexcept {
        // The compiler knows how large the frame is, and the object-size sanitizer that nothing of it lies in front: hide
        // where the address came from. Free of charge, and equal inputs are still computed once.
        asm("" : "+r"(frame_address));
        return *std::launder(reinterpret_cast<task_core*>(static_cast<char*>(frame_address) - sizeof(task_core)));
    }
    template <class T>
    [[nodiscard]] T* result() noexcept {
        return std::launder(reinterpret_cast<T*>(reinterpret_cast<char*>(this) - result_distance<T>));
    }
    /// Task.Id: unique, positive, given when first asked for (1.1/12).
    [[nodiscard]] std::int32_t id() noexcept;

    // ---- lifetime

    void add_ref() noexcept { refs.add(); }
    void release() noexcept {
        if (refs.drop()) free_block();
    }
    [[nodiscard]] bool sole_owner() const noexcept { return refs.is_sole(); }

    // ---- status

    [[nodiscard]] bool is_done() const noexcept { return word.is_done(); }
    [[nodiscard]] task_status status() const noexcept;
    /// Precondition: done.
    [[nodiscard]] task_status final_status() const noexcept {
        return static_cast<task_status>(word.status_in(word.load()));
    }

    // ---- suspend

    /// Captures where this coroutine comes back to and its async-locals; the first time it also gives the caller its own
    /// contexts back (1.5/4, 1.6/1), counts the frame as an owner and enters the list of live tasks.
    /// To be called right before the continuation is published; after publishing nothing of the frame may be read.
    [[nodiscard]] suspension begin_suspend(bool capture_context) noexcept;
    /// The publication lost its race: continue in place, with this coroutine's contexts.
    void undo_suspend(const suspension& what) noexcept;

    /// Registers `node`. @returns false when the task is done already (nothing was registered).
    [[nodiscard]] bool add_continuation(continuation& node) noexcept;
    /// Takes `node` out in O(1). @returns false when completion has taken it: its `run` has been or will be called.
    [[nodiscard]] bool remove_continuation(continuation& node) noexcept;

    // ---- complete

    /// Records the exception in flight as this task's ending (1.1/6: any cancellation ends it as canceled).
    void set_current_exception() noexcept;
    void set_fault(error_list errors) noexcept;
    void set_fault(std::exception_ptr error) noexcept;
    void set_canceled(std::exception_ptr error) noexcept;
    /// Copies another, finished task's fault or cancellation.
    void copy_fault(task_core& from) noexcept;

    /// The beginning of a coroutine: notes what the caller's thread has, to give it back at the first suspension or the end.
    void begin_first_segment(thread_block& block) noexcept {
        prev = reinterpret_cast<continuation*>(&block);  // no list has this node yet
        place = reinterpret_cast<std::uintptr_t>(block.sync);
        locals = retain_context(block.locals);
    }
    /// Gives the caller's thread back what begin_first_segment() noted.
    void leave_first_segment() noexcept {
        thread_block& block = *reinterpret_cast<thread_block*>(prev);
        block.sync = reinterpret_cast<synchronization_context*>(place);
        switch_context(block, locals);
        clear_flag(flag_first_segment);
    }
    /// The synchronous end of a coroutine that never suspended: no read-modify-write.
    void finish_first_segment() noexcept {
        leave_first_segment();
        word.publish_unseen(static_cast<std::uintptr_t>(ending));  // the handle has not left the ramp function
    }
    /// The end of a coroutine that has suspended: destroys the frame, publishes, and says which coroutine runs next here.
    [[nodiscard]] static std::coroutine_handle<> finish_frame(void* frame_address) noexcept;
    /// For completion sources: wins the right to complete. @returns false when somebody else has.
    [[nodiscard]] bool try_claim() noexcept;
    /// Publishes `ending` and runs or queues the continuations (1.2).
    void complete() noexcept;

    // ---- observe

    /// Blocks the thread until done, for the limit (null: without), or until the token. @returns whether the task is done.
    /// @throws operation_canceled  when the token fired first; the task goes on (1.8/7)
    bool wait(const std::chrono::nanoseconds* limit, const cancellation_token& token);
    /// Throws what an await throws: the first error, or the cancellation. Does nothing after success. Precondition: done.
    void rethrow_if_failed() {
        // Inlined into the awaiting coroutine: each frame between the throw and its handler costs some 300 ns.
        if (fault != nullptr) [[unlikely]]
            std::rethrow_exception(observe_first_error());
    }
    [[nodiscard]] std::exception_ptr observe_first_error() noexcept;
    /// As rethrow_if_failed(), for a proxy that takes over all errors. Throws several_errors when there is more than one.
    void rethrow_every();
    /// Throws the aggregate that wait() and result() throw. Precondition: done.
    void throw_aggregate_if_failed();
    [[nodiscard]] std::exception_ptr first_error() const noexcept;
    [[nodiscard]] const aggregate_exception* exception();
    void mark_observed() noexcept {
        if (fault != nullptr) fault->observed.store(true, std::memory_order_relaxed);
    }

    /// The task whose coroutine `item` is, else null.
    [[nodiscard]] static task_core* of_node(work_item& item) noexcept {
        return item.run == &resume_item ? static_cast<task_core*>(&item) : nullptr;
    }
    /// Calls `visit` for each registered continuation, under the lock of the list.
    template <class Visit>
    void visit_continuations(Visit visit) {
        std::uintptr_t now = 0;
        continuation* const head = word.lock_nodes(now);
        if (head == nullptr) return;
        struct unlocking {
            task_core& core;
            continuation& head;
            std::uintptr_t list;
            ~unlocking() { core.word.unlock_nodes(head, list); }
        } const guard{*this, *head, now & word.list_bit};
        continuation* node = head;
        do {
            visit(*node);
            node = guard.list == 0 ? head : static_cast<continuation*>(node->next);
        } while (node != head);
    }

    /// For enqueue(): the item is about to lie in the queue of a context, which shutdown cannot reach into.
    static void note_queued(continuation& node) noexcept {
        if (node.run == &resume_item) static_cast<task_core&>(node).awaiting = &static_cast<task_core&>(node);
    }

private:
    static void resume_item(work_item& item) noexcept;
    [[nodiscard]] continuation* publish() noexcept;
    [[nodiscard]] task_core* deliver(continuation* list) noexcept;
    static void run_nothing(work_item& item) noexcept;
    void destroy_frame() noexcept;
    WEFT_NOINLINE void free_block() noexcept;
    friend struct live_tasks;
};

/// Throws `error` on a thread of the default runtime's pool, where nothing handles it.
void report_on_pool(std::exception_ptr error) noexcept;
/// Posts a suspended coroutine to the place its await captured. Never runs it inside the call. Exactly once a suspension.
void enqueue(continuation& node, post_hint hint) noexcept;
/// Runs one continuation now if it may run on this thread and `may_inline`, else queues it.
void run_continuation(continuation& node, bool may_inline) noexcept;
/// For operations: as enqueue().
inline void resume_awaiter(task_core& awaiter, post_hint hint = post_hint::local) noexcept { enqueue(awaiter, hint); }
/// Runs a suspended coroutine on this thread, on top of whatever runs here; puts the thread's contexts back afterwards.
void resume_here(task_core& core) noexcept;

/// Allocates a block with room for a result and `frame_size` bytes behind the core, and makes the core in it.
[[nodiscard]] inline task_core* make_core_on(
    thread_block& thread, const result_operations& operations, std::size_t frame_size, std::uint8_t flags) {
    const std::size_t size = operations.prefix + sizeof(task_core) + frame_size;
    char* block = static_cast<char*>(allocate_from(thread.frames, size));
    return ::new (static_cast<void*>(block + operations.prefix)) task_core(operations, size, flags);
}
[[nodiscard]] inline task_core* make_core(const result_operations& operations, std::size_t frame_size, std::uint8_t flags) {
    return make_core_on(this_thread_block(), operations, frame_size, flags);
}
/// Gives back a block that no handle ever owned.
void free_unowned(task_core& core) noexcept;
/// Under the address sanitizer: makes any use of the dead frame an error until the block goes.
#if WEFT_ASAN
void poison_frame(task_core& core, std::size_t size) noexcept;
#else
inline void poison_frame(task_core&, std::size_t) noexcept {}
#endif

template <class T>
struct result_traits {
    static constexpr std::size_t alignment = alignof(T);
    static constexpr std::size_t slack = alignment > 16 ? alignment - 16 : 0;
    static constexpr std::uint32_t prefix = static_cast<std::uint32_t>((sizeof(T) + slack + 15) / 16 * 16);
    static void destroy(void* result) noexcept { static_cast<T*>(result)->~T(); }
    static constexpr result_operations operations{
        std::is_trivially_destructible_v<T> ? nullptr : &destroy, prefix, static_cast<std::uint32_t>(result_distance<T>)};
    static_assert(alignment <= 16, "a task's result may be aligned to 16 bytes at most; return it in a std::unique_ptr");
};
template <>
struct result_traits<void> {
    static constexpr result_operations operations{nullptr, 0, 0};
};
template <class T>
struct result_traits<T&> : result_traits<T*> {};

}  // namespace weft::inline WEFT_ABI::detail
