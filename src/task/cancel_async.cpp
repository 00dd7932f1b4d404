// The asynchronous members of cancellation, which need a task to return.
// SPDX-License-Identifier: MIT

#include "weft/context/cancellation.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {
namespace {

task<> run_callbacks_on_the_pool(cancellation_source source, detail::cancellation_state& state) {
    co_await completed_task().configure_await(configure_await_options::force_yielding);
    state.run_callbacks(false);
    static_cast<void>(source);  // keeps the state
}

task<> leave_when_not_running(cancellation_registration registration) {
    // Callbacks are short, and this wait is rare: look again each time the pool comes round.
    while (registration.is_running_elsewhere())
        co_await completed_task().configure_await(configure_await_options::force_yielding);
    registration.dispose();
}

}  // namespace

task<void> cancellation_source::cancel_async() {
    detail::cancellation_state& state = live_state();
    if (!state.begin_cancel()) return completed_task();
    return run_callbacks_on_the_pool(*this, state);
}

task<void> cancellation_registration::dispose_async() {
    if (node_ == nullptr) return completed_task();
    return leave_when_not_running(std::move(*this));
}

}  // namespace weft::inline WEFT_ABI
