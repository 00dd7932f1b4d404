// Letters to the owner of a ring (src/io/mailbox.hpp) and its sleep (src/io/sleep_state.hpp): each letter is had once, as written,
// in the order of its sender, and none lies in the box of an owner that sleeps.
// SPDX-License-Identifier: MIT

#include "io/mailbox.hpp"
#include "io/sleep_state.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

struct letter {
    checked_plain<letter*> next = nullptr;
    checked_plain<int> contents = 0;
    int taken = 0;
};

struct owner {
    weft::detail::basic_mailbox<letter, checked_atomics> box;
    weft::detail::basic_sleep_state<checked_atomics> state;
    int kernel_wakes = 0;  // of the model, as the kernel remembers a write to the wake-up's descriptor
    int received = 0;

    void send(letter& one) {
        one.contents = 7;
        box.push(one);
        if (state.wake()) ++kernel_wakes;
    }
    void empty_box() {
        auto letters = box.take_all();
        while (letter* const one = letters.take()) {
            require(one->contents == 7, "a letter is read as it was written");
            require(++one->taken == 1, "a letter is had once");
            ++received;
        }
    }
    /// As ring::sleep(), until all have come.
    void live(int letters) {
        while (received < letters) {
            const int wakes_before = kernel_wakes;
            const bool may_sleep = state.fall_asleep();
            empty_box();
            if (may_sleep)
                while (received < letters && kernel_wakes == wakes_before) checked_atomics::yield();
            state.get_up();
        }
    }
};

struct sleeping_model : rl::test_suite<sleeping_model, 3>, owner {
    letter letters[3];

    void thread(unsigned index) {
        if (index == 2) {
            live(3);
        } else {
            send(letters[index]);
            if (index == 0) send(letters[2]);
        }
    }
    void after() {
        for (const letter& each : letters) require(each.taken == 1, "no letter is lost");
    }
};

/// Two empty the box, one fills it: the owner and the thread that drains for a busy one.
struct draining_model : rl::test_suite<draining_model, 3>, owner {
    letter letters[3];

    void thread(unsigned index) {
        if (index == 0) {
            for (letter& each : letters) send(each);
        } else {
            empty_box();
        }
    }
    void after() {
        empty_box();
        for (const letter& each : letters) require(each.taken == 1, "no letter is lost");
    }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<sleeping_model>("mailbox, sleeping owner", {.random_runs = 200'000, .context_bound = 1},
        {
            {"push() releases nothing", "push", access::change, order::seq_cst, order::acquire},
            {"the box is looked at with acquire only", "empty", access::load, order::seq_cst, order::acquire},
        });
    verdict.check<draining_model>("mailbox, draining", {},
        {
            {"push() releases nothing", "push", access::change, order::seq_cst, order::acquire},
            {"take_all() acquires nothing", "take_all", access::change, order::seq_cst, order::release},
        });
    return verdict.result();
}
