// The two members of cancellation that return tasks; they are declared in context, where a task is only a name.
// SPDX-License-Identifier: MIT

#include "weft/context/cancellation.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/scheduling/run.hpp"
#include "weft/scheduling/yield.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI {

task<void> cancellation_source::cancel_async() {
    const cancellation_token keep = token();
    if (!state_->begin_cancel()) return completed_task();
    return run([keep] { keep.state()->run_callbacks(false); });
}

namespace {

/// A callback is nearly always short; one that is not is asked again each millisecond.
task<void> wait_until_over(cancellation_registration registration) {
    constexpr int quick_looks = 100;
    co_await detail::start_on_pool(false);
    for (int looks = 0; registration.is_running_elsewhere(); ++looks) {
        if (looks < quick_looks) co_await yield();
        else co_await delay(std::chrono::milliseconds(1));
    }
}

}  // namespace

task<void> cancellation_registration::dispose_async() {
    unregister();
    if (is_running_elsewhere()) return wait_until_over(std::move(*this));
    dispose();
    return completed_task();
}

}  // namespace weft::inline WEFT_ABI
