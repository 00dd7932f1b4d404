// SPDX-License-Identifier: MIT

#include "weft/task/wait_async.hpp"

#include "weft/task/operation.hpp"

namespace weft::inline WEFT_ABI::detail {
namespace {

class until_operation : public operation<until_operation, void> {
public:
    using parameters = std::pair<time_point, cancellation_token>;
    explicit until_operation(parameters of) : when_(of.first), wait_(infinite_delay, std::move(of.second)) {}
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool start(task_core& awaiter) noexcept { return wait_.start(awaiter, when_); }
    void await_resume() {
        if (wait_.finish()) throw task_canceled(wait_.token());
    }

private:
    time_point when_;
    cancelable_wait wait_;
};

}  // namespace

task<> until(time_point when, cancellation_token token) {
    until_operation::parameters parameters(when, std::move(token));
    co_await until_operation(std::move(parameters)).configure_await(false);
}

task<wait_end> wait_for_end(task_core& watched, std::chrono::nanoseconds limit, cancellation_token token) {
    // Any result type: only the reference counts. The proxy that holds the task may go before this frame does.
    watched.add_ref();
    const task<> kept(&watched, adopt_core{});
    const time_point when = limit == infinite_delay ? time_point::max() : deadline_after(current_time_provider(), limit);
    cancellation_source stop = cancellation_source::linked(token);
    task<> alarm = until(when, stop.token());
    std::vector<task_core*> both{&watched, alarm.core_or_null()};
    const std::size_t first = co_await first_completed(std::move(both));
    if (first == 0) {
        stop.cancel();
        co_await alarm.configure_await(configure_await_options::suppress_throwing);
        co_return wait_end::task;
    }
    co_return alarm.is_canceled() ? wait_end::token : wait_end::timeout;
}

}  // namespace weft::inline WEFT_ABI::detail
