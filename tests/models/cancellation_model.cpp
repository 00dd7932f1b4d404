// Registrations against their canceller (include/weft/context/detail/cancellation_registry.hpp): a callback runs once or was removed,
// is over when remove-and-wait returns, and a timer that is set while the source is cancelled is never left behind.
// SPDX-License-Identifier: MIT

#include <mutex>

#include "weft/context/detail/cancellation_registry.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft::detail::cancellation_phase;
using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

struct node {
    checked_plain<node*> next = nullptr;
    checked_plain<node*> prev = nullptr;
    checked_plain<bool> linked = false;
    checked_plain<int> owner_data =
        0;  // written by whoever registers, before; by the callback; by the owner when it is over
    int calls = 0;
};

struct thread_mark {};

using registry = weft::detail::basic_cancellation_registry<node, thread_mark, checked_atomics>;

struct state {
    registry all{cancellation_phase::live};
    thread_mark marks[3];

    /// As cancellation_state::cancel().
    bool cancel(unsigned self) {
        if (!all.begin()) return false;
        all.set_executing(&marks[self]);
        while (node* const one = all.next_to_run()) {
            require(one->owner_data == 1, "the callback sees what its owner wrote, and the owner waits for it");
            one->owner_data = 2;
            ++one->calls;
        }
        all.finish();
        return true;
    }
    registry::answer add(node& one) {
        one.owner_data = 1;
        return all.add(one);
    }
    /// As cancellation_state::remove_and_wait(). @returns whether it was removed
    bool remove_and_wait(node& one, unsigned self) {
        if (all.remove(one)) return true;
        all.wait_while_running(one, marks[self]);
        return false;
    }
    /// Registers and leaves again, as an awaiter whose result came.
    void come_and_go(node& one, unsigned self) {
        const registry::answer found = add(one);
        const bool removed = found == registry::answer::listed && remove_and_wait(one, self);
        const int calls = found == registry::answer::listed && !removed ? 1 : 0;
        require(one.calls == calls, "a callback runs once, or its registration was removed");
        require(one.owner_data == 1 + calls, "what the callback did is seen");
        one.owner_data = 3;  // the frame goes: nobody may touch the node any more
    }
};

/// Two come and go while the source is cancelled.
struct leaving_model : rl::test_suite<leaving_model, 3>, state {
    node nodes[2];

    void thread(unsigned index) {
        if (index == 2) cancel(index);
        else come_and_go(nodes[index], index);
    }
};

/// Who sees the request sees what was written before it; two cancel, one of them does; a third disposes.
struct request_model : rl::test_suite<request_model, 3>, state {
    node registered;
    checked_plain<int> reason = 0;
    int cancellers = 0;
    bool cleared = false;

    void before() { static_cast<void>(add(registered)); }
    void thread(unsigned index) {
        if (index == 0) {
            reason = 42;
            if (cancel(index)) ++cancellers;
        } else if (index == 1) {
            if (all.is_canceled()) require(reason == 42, "who sees the request sees what came before it");
            else if (remove_and_wait(registered, index)) cleared = true;
        } else if (all.dispose()) {
            cleared = all.clear() || cleared;
        }
    }
    void after() {
        require(cancellers == 1, "the first to cancel is the canceller");
        require(registered.calls == (cleared ? 0 : 1), "a registration is called or was dropped");
    }
};

/// cancel_after() against cancel(): mirrors set_timer() and stop_timer() of src/context/cancellation_state.cpp, whose timer cannot
/// be taken out of its service; only the phase is the library's.
struct timer_model : rl::test_suite<timer_model, 2>, state {
    weft_model::checked_atomic<int> timer = 0;  // made
    weft::detail::basic_spin_lock<checked_atomics> timer_lock;
    checked_plain<bool> armed = false;

    void thread(unsigned index) {
        if (index == 0) {
            timer.store(1, order::seq_cst);
            const std::lock_guard guard(timer_lock);
            if (all.is_live_in_order()) armed = true;
        } else {
            static_cast<void>(all.begin());
            if (timer.load(order::seq_cst) == 0) return;
            const std::lock_guard guard(timer_lock);
            armed = false;
        }
    }
    void after() { require(!armed, "no timer is left armed for a cancelled source"); }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<leaving_model>("cancellation, leaving", {},
        {
            {"the waiter sees the end without acquire", "is_running", access::load, order::acquire, order::relaxed},
            {"the next callback is announced without release", "next_to_run", access::store, order::release,
                order::relaxed},
        });
    verdict.check<request_model>("cancellation, requests", {},
        {
            {"the request is seen without acquire", "is_canceled", access::load, order::acquire, order::relaxed},
            {"the request is made without release", "begin", access::change, order::seq_cst, order::acquire},
        });
    verdict.check<timer_model>("cancellation, timer", {},
        {
            {"a timer looks at the phase with acquire only", "is_live_in_order", access::load, order::seq_cst,
                order::acquire},
        });
    return verdict.result();
}
