#pragma once
// <weft/interop/ui_context.hpp>: what the contexts of Qt and GLib share: a queue that the toolkit's own loop empties.
// Follows the WinForms and WPF SynchronizationContexts (semantics 1.5).
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <exception>
#include <mutex>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/base/work_item.hpp"
#include "weft/context/synchronization_context.hpp"

namespace weft::inline WEFT_ABI {

/// A context whose pump belongs to somebody else. Derive to join another toolkit: wake() makes the loop call run_batch().
///
/// From its construction to its destruction it is the current context of the thread that made it, the thread of the loop: a
/// handler that awaits there comes back there. The loop's other work goes on between batches, which end after a few milliseconds.
///
/// Order      first in, first out.
/// Threads    post(), send() and post_item() from any thread; everything else on the thread of the loop.
/// Allocation post() one block; post_item(), which awaits use, none of ours.
/// Lifetime   a resource: must outlive what was started in it. The destructor drops callbacks that were posted and not run.
/// Throws     toolkits do not let exceptions through: what leaves a posted callback goes to the handler of
///            on_unhandled_exception(), and without one ends the process.
class ui_context : public synchronization_context {
public:
    ~ui_context() override;

    void post(callback function) override;
    /// Runs `function` in the loop before returning: directly on its thread, else by waiting. What it throws is thrown here.
    void send(callback function) override;
    void post_item(work_item& item) override;
    void visit_queued(item_visitor visit, void* argument) override;

    /// Whether the calling thread is the loop's.
    [[nodiscard]] virtual bool is_current_thread() const noexcept = 0;

    /// Sets what is done with an exception that leaves a posted callback, an async_void's too.
    void on_unhandled_exception(unique_function<void(std::exception_ptr)> handler);

protected:
    /// Installs itself as the calling thread's context.
    ui_context();
    /// Makes the loop call run_batch() soon, once. From any thread; must not call it inside.
    virtual void wake() noexcept = 0;
    /// Runs what was queued when it began, for at most some milliseconds, and asks to be called again if there is more.
    void run_batch() noexcept;

private:
    struct posted_callback;

    [[nodiscard]] work_item* take() noexcept;

    synchronization_context* const previous_;
    unique_function<void(std::exception_ptr)> on_unhandled_;
    mutable std::mutex mutex_;
    work_item* head_ = nullptr;
    work_item* tail_ = nullptr;
    std::size_t count_ = 0;
    bool awake_ = false;  ///< wake() was called and run_batch() has not begun since
};

}  // namespace weft::inline WEFT_ABI
