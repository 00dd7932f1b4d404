#pragma once
// <weft/scheduling/dedicated_thread.hpp>: one thread for one library handle that must always be used from the same thread.
// SPDX-License-Identifier: MIT

#include <memory>
#include <string_view>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"

namespace weft::inline WEFT_ABI {

class runtime;

/// Runs what is posted to it, one at a time, in order, on a thread of its own that counts in runtime::threads().
///
/// Made for connections of databases and the like, whose calls block. Under the deterministic scheduler there is no thread:
/// each function is one step.
///
/// Threads   post() from any thread.
/// Lifetime  a resource. The destructor lets everything posted run, then ends the thread; called on the thread itself, it does
///           not wait.
class dedicated_thread {
public:
    /// For the runtime of the calling thread. @throws std::system_error  when the system refuses a thread
    explicit dedicated_thread(std::string_view name);
    ~dedicated_thread();
    dedicated_thread(dedicated_thread&&) noexcept = default;
    dedicated_thread& operator=(dedicated_thread&&) noexcept = delete;

    /// Queues `function`. An exception that leaves it ends the process.
    /// @throws std::bad_alloc  nothing was queued
    void post(unique_function<void()> function);

    /// Whether the calling thread is this one.
    [[nodiscard]] bool is_current() const noexcept;

private:
    class state;
    std::shared_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI
