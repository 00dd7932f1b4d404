// SPDX-License-Identifier: MIT

#include "weft/coordination/async_shared_mutex.hpp"

namespace weft::inline WEFT_ABI {

// Lets in those at the head of the line for whom there is room: one writer, or readers up to the next writer.
void async_shared_mutex::admit(word& now, detail::claimed_list& woken) noexcept {
    now &= ~busy;
    while (detail::waiter* next = front()) {
        if ((now & writer) != 0 || (next->kind == writes && now != 0)) return;
        now += next->kind == writes ? writer : reader;
        grant_front(woken);
    }
}

/// @param what  `writer` or `reader`. @returns false when nobody holds it so
bool async_shared_mutex::unlock_slowly(word what) {
    word now = lock_word() & ~busy;
    const bool held = what == writer ? (now & writer) != 0 : now >= reader;
    detail::claimed_list woken;
    if (held) {
        now -= what;
        admit(now, woken);
    }
    unlock_word(now);
    woken.resume_all();
    return held;
}

void async_shared_mutex::unlock() {
    word seen = writer;
    if (change_to_leave(seen, 0)) return;
    if (!unlock_slowly(writer)) throw invalid_operation("async_shared_mutex::unlock: no writer holds the mutex");
}

void async_shared_mutex::unlock_shared() {
    word seen = load();
    while ((seen & busy) == 0 && seen >= reader) {
        if (change_to_leave(seen, seen - reader)) return;
    }
    if (!unlock_slowly(reader)) throw invalid_operation("async_shared_mutex::unlock_shared: no reader holds the mutex");
}

namespace detail {

wait_queue& shared_mutex_request::line() const noexcept { return *on; }
void shared_mutex_request::left(wait_queue& line, wait_queue::word& now, waiter&, claimed_list& woken) noexcept {
    static_cast<async_shared_mutex&>(line).admit(now, woken);
}

bool write_lock_request::try_take() const noexcept {
    wait_queue::word seen = 0;
    return on->change_to_enter(seen, async_shared_mutex::writer);
}
take_answer write_lock_request::take(wait_queue::word& now, waiter& who) const noexcept {
    who.kind = async_shared_mutex::writes;
    if ((now & ~wait_queue::busy) != 0) return take_answer::must_wait;
    now |= async_shared_mutex::writer;
    return take_answer::granted;
}
void write_lock_request::give_back() const noexcept { on->unlock(); }

bool read_lock_request::try_take() const noexcept {
    wait_queue::word seen = on->load();
    while ((seen & (wait_queue::busy | async_shared_mutex::writer)) == 0) {
        if (on->change_to_enter(seen, seen + async_shared_mutex::reader)) return true;
    }
    if ((seen & (wait_queue::waiting | async_shared_mutex::writer)) != 0) return false;
    // Somebody holds the lock of the word for a moment: that alone is no reason to fail.
    wait_queue::word now = on->lock_word();
    const bool free = on->front() == nullptr && (now & async_shared_mutex::writer) == 0;
    on->unlock_word(free ? now + async_shared_mutex::reader : now);
    return free;
}
take_answer read_lock_request::take(wait_queue::word& now, waiter& who) const noexcept {
    who.kind = async_shared_mutex::reads;
    if (on->front() != nullptr || (now & async_shared_mutex::writer) != 0) return take_answer::must_wait;
    now += async_shared_mutex::reader;
    return take_answer::granted;
}
void read_lock_request::give_back() const noexcept { on->unlock_shared(); }

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
