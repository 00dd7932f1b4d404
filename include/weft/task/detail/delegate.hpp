#pragma once
// <weft/task/detail/delegate.hpp>: what stands behind a task that is a function to call: new Task, StartNew and ContinueWith.
//
// The block of such a task has a delegate where a coroutine's has its frame, so the two share handles, status and completion, and
// a task of this kind is one allocation. The function lives in it until it has run or can never run.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "weft/context/cancellation.hpp"
#include "weft/context/task_scheduler.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The part of a delegate that does not depend on the function.
///
/// Phases. created → queued → running → ended; `ended` directly from created or queued by a cancellation. Whoever leads a phase out of
/// created or queued, by a compare-exchange, has the right to run or to end the task: so it runs at most once, however often a
/// scheduler passes it on (1.11/3).
///
/// Owners. The queue a delegate lies in holds one reference to the task; so does a continuation that waits for its antecedent.
class delegate : public work_item {
public:
    enum class phase : std::uint8_t { created, queued, running, ended };

    [[nodiscard]] static delegate& of(task_core& core) noexcept {
        return *std::launder(static_cast<delegate*>(core.frame()));
    }
    /// Null for a coroutine's task and for a completion source's.
    [[nodiscard]] static delegate* behind(task_core& core) noexcept {
        return core.has_flag(flag_delegate) && !core.has_flag(flag_frame) ? &of(core) : nullptr;
    }

    /// Queues the task for the first time. @throws invalid_operation  when it has been started, has ended, or is a continuation;
    /// task_scheduler_exception  when the scheduler refuses it (the task is faulted with that, too)
    void start(task_scheduler* scheduler);
    /// The same for a task that only its token can have ended. @throws task_scheduler_exception
    void start_unless_canceled();
    /// Runs the task on this thread, or as soon as `scheduler` lets it. @throws as start()
    void run_synchronously(task_scheduler* scheduler);
    /// For a continuation whose turn has come. What the scheduler throws ends the task (1.10/8).
    void start_continuation(bool inline_allowed) noexcept;
    /// Ends a task that has not begun to run as canceled. @returns whether it did
    bool cancel_unstarted(std::exception_ptr reason) noexcept;
    /// A waiting thread asks whether it may run the task itself (1.8/8). @throws task_scheduler_exception  1.11/2
    void try_run_for_waiter();
    /// The last handle that could start it has gone.
    void abandon_unstarted() noexcept;

    [[nodiscard]] task_core& core() noexcept { return *(reinterpret_cast<task_core*>(this) - 1); }

protected:
    delegate(creation_options options, task_scheduler* scheduler, cancellation_token token) noexcept;
    ~delegate() = default;
    delegate(const delegate&) = delete;
    delegate& operator=(const delegate&) = delete;

    /// Calls the function and stores its value.
    virtual void call() = 0;
    /// Destroys the function: it has run, or never will.
    virtual void drop() noexcept = 0;
    /// A cancellation ended it before it began.
    virtual void ended_unstarted() noexcept {}
    [[nodiscard]] virtual bool is_continuation() const noexcept { return false; }
    [[nodiscard]] bool has_begun_or_ended() const noexcept {
        return phase_.load(std::memory_order_acquire) != phase::created;
    }

    /// To be called once after construction: captures what flows, attaches to the parent and registers with the token.
    void begin_life(bool cancel_at_once);

private:
    struct child_error : kept_in_error_memory {
        child_error(std::exception_ptr what, child_error* before) noexcept : error(std::move(what)), next(before) {}
        std::exception_ptr error;
        child_error* next;
    };

    static void run_item(work_item& item) noexcept;
    void run_here() noexcept;
    void invoke() noexcept;
    [[nodiscard]] bool claim(phase from, phase to) noexcept;
    [[nodiscard]] bool runs_elsewhere() const noexcept;
    void set_scheduler(task_scheduler* scheduler) noexcept;
    [[nodiscard]] task_scheduler* target() const noexcept;
    void push();
    [[noreturn]] void fail_to_queue();
    void end() noexcept;
    void finish() noexcept;
    void take_child_errors();
    void child_ended(task_core& child) noexcept;

    std::atomic<phase> phase_{phase::created};
    creation_options options_;
    std::atomic<std::uint32_t> unfinished_{
        1};                                   ///< attached children that have not ended, and the task itself; begin_life()
    std::atomic<task_scheduler*> scheduler_;  ///< null: the pool
    dispatcher* home_;                        ///< the runtime of whoever made it
    delegate* parent_ = nullptr;              ///< attached to; a reference of its task is held
    context_map* locals_ = nullptr;
    std::atomic<child_error*> child_errors_{nullptr};
    cancellation_token token_;
    cancellation_registration registration_;
};

/// Awaited: suspends until `awaited` is done, and does not look at how it ended.
class end_of {
public:
    using weft_native = void;

    explicit end_of(task_core& awaited) noexcept : awaited_(&awaited) {}
    [[nodiscard]] bool await_ready() const noexcept { return awaited_->is_done(); }
    bool await_suspend(std::coroutine_handle<> self) noexcept { return suspend_on(core_of(self), *awaited_, false); }
    void await_resume() const noexcept {}

private:
    task_core* awaited_;
};

/// Destroys `function`, which gave the task `inner`, when that has ended; `outer` keeps the block that the function lies in.
template <class T>
task<> destroy_after(void (*destroy)(void*) noexcept, void* function, task<T> inner, [[maybe_unused]] task<task<T>> outer) {
    co_await end_of(*inner.core_or_null());
    destroy(function);
}

/// A function without a parameter that gives R. One that gives a task stays until that task has ended, too: it may be a lambda
/// coroutine, whose captures are here.
template <class R, class F, class Base = delegate>
class typed_delegate final : public Base {
public:
    template <class G, class... Arguments>
    explicit typed_delegate(G&& function, Arguments&&... arguments)
        : Base(std::forward<Arguments>(arguments)...), function_(std::forward<G>(function)) {}
    ~typed_delegate() {}  // drop() has destroyed the function; a block is freed without a destructor

    /// Makes the task and its delegate, which are one block.
    template <class G, class... Arguments>
    static typed_delegate& make(std::uint8_t flags, G&& function, Arguments&&... arguments) {
        static_assert(alignof(F) <= 16, "a task's function may be aligned to 16 bytes at most");
        task_core* core = make_core(result_traits<R>::operations, sizeof(typed_delegate), flags);
        try {
            return *::new (core->frame()) typed_delegate(std::forward<G>(function), std::forward<Arguments>(arguments)...);
        } catch (...) {
            free_unowned(*core);
            throw;
        }
    }

private:
    void call() override {
        if constexpr (std::is_void_v<R>) function_();
        else if constexpr (task_type<R>) {
            R inner = function_();
            if (inner.valid() && !inner.is_completed()) {
                this->core().add_ref();
                task<R> outer(&this->core(), adopt_core{});
                lives_on_ = true;
                destroy_after(&destroy, std::addressof(function_), inner, std::move(outer)).forget();
            }
            ::new (static_cast<void*>(this->core().template result<R>())) R(std::move(inner));
        } else if constexpr (std::is_reference_v<R>)
            ::new (static_cast<void*>(this->core().template result<std::remove_reference_t<R>*>()))
                std::remove_reference_t<R>*(std::addressof(function_()));
        else ::new (static_cast<void*>(this->core().template result<R>())) R(function_());
    }
    void drop() noexcept override {
        if (!lives_on_) function_.~F();
    }
    static void destroy(void* function) noexcept { static_cast<F*>(function)->~F(); }

    // A union member: destroyed by drop() or destroy(), not with the delegate.
    union {
        F function_;
    };
    bool lives_on_ = false;
};

}  // namespace weft::inline WEFT_ABI::detail
