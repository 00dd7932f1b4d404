#pragma once
// <weft/scheduling/event_loop_context.hpp>: a synchronization context with its own pump, as a user interface has.
// Follows the dispatcher of a desktop framework (System.Windows.Threading.Dispatcher) as a SynchronizationContext (1.5).
// SPDX-License-Identifier: MIT

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>

#include "weft/base/config.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/base/work_item.hpp"
#include "weft/context/synchronization_context.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI {

/// Runs what is posted to it, in order, on whichever thread pumps it.
///
/// While a thread is inside run() or run_until(), this is that thread's current context: tasks started there come back to it
/// after each await, so code between awaits needs no locks. The thread must not block: nothing else runs meanwhile.
///
/// Order      first in, first out.
/// Threads    post(), send(), post_item() and stop() from any thread; pumping from one thread at a time.
/// Allocation post() one block; post_item(), which awaits use, none.
/// Lifetime   a resource: must outlive what was started in it. The destructor drops what was posted and not run.
class event_loop_context : public synchronization_context {
public:
    event_loop_context();
    ~event_loop_context() override;

    /// Pumps until stop() is called. An exception that leaves a callback leaves run(), and the loop may be run again; nothing
    /// posted is lost. @throws invalid_operation  when another thread pumps
    void run();

    /// Pumps until `operation` is done. @returns its result. @throws its original exception, or what left a callback
    template <class T>
    T run_until(task<T> operation) {
        pump_until(operation.core_or_null());
        return std::move(operation).get();
    }

    /// Runs what is queued now and does not wait. @returns how many items
    std::size_t run_pending();

    /// Makes run() return after the present callback, or at once if nobody pumps when it is called next. run_until() takes no
    /// notice.
    void stop() noexcept;

    /// Queues `function`.
    void post(callback function) override;
    /// Runs `function` in the loop before returning: directly on the pumping thread, else by waiting until the loop has run it.
    /// What it throws is thrown here.
    void send(callback function) override;
    void post_item(work_item& item) override;
    void visit_queued(item_visitor visit, void* argument) override;

    /// Whether the calling thread is the one that pumps.
    [[nodiscard]] bool is_current_thread() const noexcept;
    /// Items queued: a snapshot.
    [[nodiscard]] std::size_t pending() const noexcept;

private:
    class pumping;
    struct posted_callback;

    void pump_until(detail::task_core* core);
    [[nodiscard]] work_item* take() noexcept;
    void wait_for_items(const bool* other_reason);
    void run_one(work_item& item);

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    work_item* head_ = nullptr;
    work_item* tail_ = nullptr;
    std::size_t count_ = 0;
    bool sleeping_ = false;
    bool stop_ = false;
    int depth_ = 0;  ///< pumps nested on the pumping thread
    std::thread::id pumper_;
    std::exception_ptr failure_;  ///< of the callback that just ran; the pumping thread's only
};

}  // namespace weft::inline WEFT_ABI
