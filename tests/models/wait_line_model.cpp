// The word and the line under every asynchronous primitive (include/weft/coordination/detail/wait_line.hpp), used as async_mutex
// uses them: one holder at a time who sees what the last one wrote, a waiter that is granted or cancelled and never both, a
// primitive that may go when it is had. And the parting of a claimer and a timer.
// SPDX-License-Identifier: MIT

#include "weft/coordination/detail/wait_line.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft::detail::wait_state;
using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

struct waiter {
    checked_plain<wait_state> state = wait_state::idle;
    checked_plain<waiter*> behind = nullptr;
    checked_plain<waiter*> ahead = nullptr;
    weft_model::checked_atomic<int> resumed = 0;  // a post to where it waits

    static bool is_going() { return false; }
};

struct claimed {
    waiter* one = nullptr;

    void add(waiter& who) { one = &who; }
    void resume() {
        if (one != nullptr) one->resumed.store(1, order::release);
    }
};

/// As async_mutex.
struct mutex : weft::detail::basic_wait_line<waiter, checked_atomics> {
    static constexpr word held = unit;

    mutex() : basic_wait_line(0) {}

    /// Before anybody else knows the waiter.
    bool try_lock() {
        word seen = 0;
        return change_to_enter(seen, held);
    }
    /// From here on a token may end the wait. @returns whether `who` is in the line; otherwise its state tells
    bool start(waiter& who) {
        word now = lock_word();
        bool queued = false;
        if (who.state == wait_state::idle) {
            queued = (now & held) != 0;
            who.state = queued ? wait_state::queued : wait_state::granted;
            if (queued) push_back(who);
            else now |= held;
        }
        unlock_word(now);
        return queued;
    }
    void unlock() {
        word seen = held;
        if (change_to_leave(seen, 0)) return;
        word now = lock_word();
        claimed woken;
        if (!grant_front(woken)) now = 0;
        unlock_word(now);
        woken.resume();
    }
    void cancel(waiter& who) {
        const word now = lock_word();
        const bool was_queued = who.state == wait_state::queued;
        if (was_queued) remove(who);
        if (was_queued || who.state == wait_state::idle) who.state = wait_state::canceled;
        unlock_word(now);
        if (was_queued) who.resumed.store(1, order::release);
    }
};

void await_resumption(waiter& who) {
    while (who.resumed.load(order::acquire) == 0) checked_atomics::yield();
}

/// Three tasks pass through the region.
struct mutex_model : rl::test_suite<mutex_model, 3> {
    mutex lock;
    checked_plain<int> inside = 0;

    void thread(unsigned) {
        waiter who;
        if (!lock.try_lock()) {
            if (lock.start(who)) await_resumption(who);
            require(who.state == wait_state::granted, "a waiter that goes on has the lock");
        }
        inside = inside + 1;
        lock.unlock();
    }
    void after() {
        require(inside == 3, "the region was passed three times, one at a time");
        require(lock.load() == 0, "nobody holds it, nobody waits");
    }
};

/// One holds it, one waits for it, and a token ends the wait meanwhile.
struct canceling_model : rl::test_suite<canceling_model, 3> {
    mutex lock;
    waiter who;
    checked_plain<int> inside = 0;
    int granted = 0;

    void before() { require(lock.try_lock(), "it is free"); }
    void thread(unsigned index) {
        if (index == 0) {
            inside = inside + 1;
            lock.unlock();
        } else if (index == 1) {
            lock.cancel(who);
        } else {
            if (lock.start(who)) await_resumption(who);
            if (who.state == wait_state::granted) {
                inside = inside + 1;
                lock.unlock();
            } else {
                require(who.state == wait_state::canceled, "a waiter that goes on was granted or cancelled");
            }
        }
    }
    void after() { require((lock.load() & mutex::held) == 0, "the lock is not lost with a cancelled waiter"); }
};

/// Whoever has it may destroy it, although the one before is still inside unlock().
struct destroying_model : rl::test_suite<destroying_model, 2> {
    mutex* lock = nullptr;
    waiter second;

    void before() {
        lock = new mutex;
        require(lock->try_lock() && lock->start(second), "the second waits for the first");
    }
    void thread(unsigned index) {
        if (index == 0) {
            lock->unlock();
        } else {
            await_resumption(second);
            delete lock;
        }
    }
};

/// A claimer and a timer that fires: one of them resumes, and the line is not touched afterwards.
struct parting_model : rl::test_suite<parting_model, 2> {
    weft::detail::basic_timer_parting<checked_atomics> parting;
    checked_plain<int> line = 0;   // the timer looks at it; the claimer lets it go
    checked_plain<int> frame = 0;  // the claimer writes it; goes with the resumption
    int resumptions = 0;

    void thread(unsigned index) {
        if (index == 0) {
            frame = 1;
            if (parting.claim()) resume();
        } else if (parting.enter()) {
            require(line == 0, "the line is there while the timer is at it");
            parting.leave();
        } else {
            resume();
        }
    }
    void resume() {
        ++resumptions;
        line = 1;
        frame = 2;
    }
    void after() { require(resumptions == 1, "exactly one resumes"); }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<mutex_model>("wait_line, mutex", {},
        {
            {"the fast path enters without acquire", "change_to_enter", access::change, order::acquire, order::relaxed},
            {"the fast path leaves without release", "change_to_leave", access::change, order::release, order::relaxed},
            {"the word is locked without acquire", "lock_word", access::change, order::acquire, order::relaxed},
            {"the word is unlocked without release", "unlock_word", access::store, order::release, order::relaxed},
        });
    verdict.check<canceling_model>("wait_line, cancelling", {},
        {
            {"the word is unlocked without release", "unlock_word", access::store, order::release, order::relaxed},
            {"the word is locked slowly without acquire", "lock_slowly", access::change, order::acquire, order::relaxed},
        });
    verdict.check<destroying_model>("wait_line, destroying", {}, {});
    verdict.check<parting_model>("timer_parting", {},
        {
            {"the claimer waits without acquire", "claim", access::load, order::acquire, order::relaxed},
            {"the timer leaves without release", "leave", access::change, order::release, order::relaxed},
            {"the timer enters without acquire", "enter", access::change, order::acq_rel, order::release},
        });
    return verdict.result();
}
