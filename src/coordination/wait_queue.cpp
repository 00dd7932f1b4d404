// SPDX-License-Identifier: MIT

#include "weft/coordination/detail/wait_queue.hpp"

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {
namespace {

// Bits of waiter::parties.
constexpr std::uint8_t claimer_done = 1;
constexpr std::uint8_t timer_done = 2;

void wait_for_timer(const waiter& who) noexcept {
    for (int tries = 0; (who.parties.load(std::memory_order_acquire) & timer_done) == 0;) {
        if (++tries < 64) cpu_pause();
        else yield_processor();
    }
}

}  // namespace

// A timer that cannot be disarmed is firing: its callback finds the waiter claimed, and is the last to touch it. Whoever of the two
// comes second resumes. Acquire and release on both sides: the second sees what the first has written.
bool waiter::settle_timer() noexcept {
    if (provider_of(*awaiter).disarm(static_cast<timed_waiter&>(*this))) return true;
    return (parties.fetch_or(claimer_done, std::memory_order_acq_rel) & timer_done) != 0;
}

void claimed_list::resume_each() noexcept {
    waiter* each = first_;
    first_ = last_ = nullptr;
    while (each != nullptr) {
        waiter& one = *std::exchange(each, each->behind);  // its frame may go once it is resumed
        if (one.settle()) resume_awaiter(*one.awaiter);
    }
}

wait_queue::word wait_queue::lock_slowly() noexcept {
    for (int tries = 0;;) {
        word seen = word_.load(std::memory_order_relaxed);
        if ((seen & locked) == 0 &&
            word_.compare_exchange_weak(seen, seen | locked, std::memory_order_acquire, std::memory_order_relaxed))
            return seen;
        if (++tries < 64) cpu_pause();
        else yield_processor();
    }
}

// Callbacks that are under way refer to this object: each is waited for before the object goes.
void wait_queue::dispose_line() noexcept {
    const word now = lock_word();
    claimed_list ended;
    grant_all(ended);
    for (waiter* each = ended.first(); each != nullptr; each = each->behind) each->state = wait_state::disposed;
    unlock_word(now);
    for (waiter* each = ended.first(); each != nullptr; each = each->behind) {
        remove_and_wait(*each);
        if (!each->has_timer) continue;
        if (!provider_of(*each->awaiter).disarm(static_cast<timed_waiter&>(*each))) wait_for_timer(*each);
        each->has_timer = false;
    }
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
    wait_queue::word now = line.lock_word();
    if (who.state == wait_state::idle) {
        who.state = wait_state::timed_out;  // start() will find this; unlock_word() is the last touch
        line.unlock_word(now);
        return;
    }
    if (who.state != wait_state::queued) {
        line.unlock_word(now);
        // settle() of the claimer is the other side.
        task_core& awaiter = *who.awaiter;
        if ((who.parties.fetch_or(timer_done, std::memory_order_acq_rel) & claimer_done) != 0) resume_awaiter(awaiter);
        return;
    }
    claimed_list woken;
    line.remove(who);
    who.state = wait_state::timed_out;
    if (left != nullptr) left(line, now, who, woken);
    line.unlock_word(now);
    resume_awaiter(*who.awaiter);
    woken.resume_all();
}

bool abandon_wait(waiter& who, wait_queue& line, left_function left) noexcept {
    remove_and_wait(who);
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
