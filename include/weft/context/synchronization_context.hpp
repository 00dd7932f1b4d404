#pragma once
// <weft/context/synchronization_context.hpp>: where an await comes back to.
// Follows System.Threading.SynchronizationContext (semantics 1.5).
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/base/work_item.hpp"

namespace weft::inline WEFT_ABI {

/// A place that runs callbacks: a user-interface loop, a request, a strand.
///
/// An await captures the current context, unless it is null or exactly of this base class, and its continuation is posted
/// back to it. Derive to add a place of your own; override post() at least.
///
/// Threads   post and send may be called from any thread.
/// Lifetime  a resource: it must outlive every operation that captured it.
class synchronization_context {
public:
    using callback = unique_function<void()>;

    synchronization_context() = default;
    virtual ~synchronization_context() = default;
    synchronization_context(const synchronization_context&) = delete;
    synchronization_context& operator=(const synchronization_context&) = delete;

    /// Queues `function` to run in this context later. The base class queues to the thread pool.
    virtual void post(callback function);
    /// Runs `function` in this context before it returns. The base class runs it inline.
    virtual void send(callback function);
    /// As post(), for the library's own items: a context with a queue overrides it to post without allocating.
    /// Whatever it throws is reported on the pool as unhandled (1.2/16).
    virtual void post_item(work_item& item);

    /// Calls `visit` for each item of post_item() that is queued here and that only the calling thread could run. A context of
    /// one thread overrides it, so that a blocking wait on that thread can tell that it waits for itself (would_deadlock).
    using item_visitor = void (*)(work_item& item, void* argument);
    virtual void visit_queued(item_visitor visit, void* argument);

    /// Told when an operation that this context should wait for (an async_void) starts and ends.
    virtual void operation_started() noexcept {}
    virtual void operation_completed() noexcept {}

    /// The calling thread's context; null when there is none.
    [[nodiscard]] static synchronization_context* current() noexcept;
    /// Installs `context` (may be null) as the calling thread's.
    static void set_current(synchronization_context* context) noexcept;
};

/// Installs a context for a scope and puts the previous one back.
class [[nodiscard]] synchronization_context_scope {
public:
    explicit synchronization_context_scope(synchronization_context* context) noexcept
        : previous_(synchronization_context::current()) {
        synchronization_context::set_current(context);
    }
    ~synchronization_context_scope() { synchronization_context::set_current(previous_); }
    synchronization_context_scope(const synchronization_context_scope&) = delete;
    synchronization_context_scope& operator=(const synchronization_context_scope&) = delete;

private:
    synchronization_context* previous_;
};

namespace detail {

/// What an await captures of `context`: null for none and for an instance of exactly the base class (1.5/3).
[[nodiscard]] synchronization_context* capturable(synchronization_context* context) noexcept;

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
