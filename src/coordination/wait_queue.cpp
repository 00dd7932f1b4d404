// SPDX-License-Identifier: MIT

#include "weft/coordination/detail/wait_queue.hpp"

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

bool waiter::settle_timer() noexcept {
    return provider_of(*awaiter).disarm(static_cast<timed_waiter&>(*this)) || parting.claim();
}

// First all are freed of tokens and timers, then all are resumed: the first to run may destroy the primitive.
void claimed_list::resume_each() noexcept {
    waiter* each = first_;
    first_ = last_ = nullptr;
    while (each != nullptr) {
        waiter& one = *std::exchange(each, each->behind);
        if (one.settle()) add(one);
    }
    each = first_;
    first_ = last_ = nullptr;
    while (each != nullptr) {
        waiter& one = *std::exchange(each, each->behind);  // its frame may go once it is resumed
        resume_awaiter(*one.awaiter);
    }
}

void wait_queue::dispose_line() noexcept {
    const word now = lock_word();
    claimed_list ended;
    grant_all(ended);
    for (waiter* each = ended.first(); each != nullptr; each = each->behind) each->state = wait_state::disposed;
    unlock_word(now);
    ended.resume_all();
}

void end_by_token(waiter& who, wait_queue& line, left_function left) noexcept {
    wait_queue::word now = line.lock_word();
    if (who.state != wait_state::queued) {
        // Not in the line yet: start() will find this. Claimed: the result wins.
        if (who.state == wait_state::idle) who.state = wait_state::canceled;
        line.unlock_word(now);
        return;
    }
    claimed_list woken;
    line.remove(who);
    who.state = wait_state::canceled;
    if (left != nullptr) left(line, now, who, woken);
    line.unlock_word(now);
    if (who.settle()) resume_awaiter(*who.awaiter);
    woken.resume_all();
}

void end_by_timer(timed_waiter& who, wait_queue& line, left_function left) noexcept {
    if (!who.parting.enter()) {
        resume_awaiter(*who.awaiter);  // claimed; the line may be gone
        return;
    }
    wait_queue::word now = line.lock_word();
    if (who.state != wait_state::queued) {
        // Not in the line yet: start() will find this. Claimed: the claimer waits for the mark below.
        const bool claimed = who.state != wait_state::idle;
        if (!claimed) who.state = wait_state::timed_out;
        line.unlock_word(now);
        if (claimed) who.parting.leave();
        return;
    }
    claimed_list woken;
    line.remove(who);
    who.state = wait_state::timed_out;
    if (left != nullptr) left(line, now, who, woken);
    line.unlock_word(now);
    who.leave_token();
    resume_awaiter(*who.awaiter);
    woken.resume_all();
}

bool abandon_wait(waiter& who, wait_queue& line, left_function left) noexcept {
    who.leave_token();
    if (who.has_timer) provider_of(*who.awaiter).disarm(static_cast<timed_waiter&>(who));
    // With the primitive gone there is no line to leave.
    if (who.state == wait_state::granted) return true;
    if (who.state != wait_state::queued) return false;
    wait_queue::word now = line.lock_word();
    const bool granted = who.state == wait_state::granted;
    claimed_list woken;
    if (who.state == wait_state::queued) {
        line.remove(who);
        if (left != nullptr) left(line, now, who, woken);
    }
    who.state = granted ? wait_state::granted : wait_state::over;
    line.unlock_word(now);
    woken.resume_all();
    return granted;
}

void throw_if_ended(const waiter& who, const char* primitive) {
    if (who.state == wait_state::canceled) throw task_canceled(who.token);
    if (who.state == wait_state::disposed) throw object_disposed(primitive);
}

}  // namespace weft::inline WEFT_ABI::detail
