// SPDX-License-Identifier: MIT

#include "weft/task/detail/timed_wait.hpp"

#include <stdexcept>
#include <string>

#include "weft/base/dispatcher.hpp"

namespace weft::inline WEFT_ABI::detail {

time_provider& current_time_provider() {
    dispatcher* home = this_thread_block().home;
    return home != nullptr ? home->time() : default_dispatcher().time();
}

time_point deadline_after(time_provider& provider, std::chrono::nanoseconds limit) noexcept {
    const time_point now = provider.now();
    return time_point::max() - now <= limit ? time_point::max() : now + limit;
}

void check_delay(std::chrono::nanoseconds limit, const char* function) {
    if (limit == infinite_delay) return;
    if (limit < std::chrono::nanoseconds::zero() || limit > cancellation_source::longest_delay)
        throw std::invalid_argument(std::string(function) + " takes a time from 0 to 2^32 - 2 ms, or -1 ms for no limit");
}

bool cancelable_wait::start(task_core& awaiter, time_point when) noexcept {
    awaiter_ = &awaiter;
    has_timer_ = when != time_point::max();
    if (has_timer_) {
        deadline = when;
        timer_node::fire = &on_timer;
        provider_of(awaiter).arm(*this);
    }
    cancellation_node::fire = &on_cancel;
    if (!add_registration(token_, *this) && take_timer()) {
        canceled_ = true;
        return false;
    }
    return phase_.start();
}

bool cancelable_wait::take_timer() noexcept {
    if (has_timer_) return provider_of(*awaiter_).disarm(*this);
    return !taken_.exchange(true, std::memory_order_acq_rel);
}

void cancelable_wait::end() noexcept {
    task_core* awaiter = awaiter_;
    if (phase_.end()) resume_awaiter(*awaiter);
}

void cancelable_wait::on_timer(timer_node& node) noexcept { static_cast<cancelable_wait&>(node).end(); }

void cancelable_wait::on_cancel(cancellation_node& node) {
    auto& self = static_cast<cancelable_wait&>(node);
    if (!self.take_timer()) return;
    self.canceled_ = true;
    self.end();
}

}  // namespace weft::inline WEFT_ABI::detail
