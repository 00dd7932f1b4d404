// What a worker has of its own (src/scheduling/work_deque.hpp, next_slot.hpp) against thieves: every item is had exactly once, with what was written into
// it, and a ring that grows loses none.
// SPDX-License-Identifier: MIT

#include "scheduling/next_slot.hpp"
#include "scheduling/work_deque.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::require;
using order = std::memory_order;

struct item {
    weft_model::checked_plain<int> contents;
    int taken = 0;  // threads are fibers: counting needs no care
};

using deque = weft::detail::basic_work_deque<item, weft_model::checked_atomics, 2>;

void had(item* one) {
    if (one == nullptr) return;
    require(one->contents == 7, "an item is seen as it was written");
    require(++one->taken == 1, "an item is had once");
}

/// The owner pushes three into a ring of two and pops what it can; two thieves try once each.
struct deque_model : rl::test_suite<deque_model, 3> {
    deque queue;
    item items[3];

    void thread(unsigned index) {
        if (index == 0) {
            push(0);
            push(1);
            had(queue.pop());
            push(2);
            had(queue.pop());
            had(queue.pop());
        } else {
            bool lost = false;
            had(queue.steal(lost));
            if (lost) had(queue.steal(lost));
        }
    }
    void push(int which) {
        items[which].contents = 7;
        queue.push(items[which]);
    }
    void after() {
        while (item* left = queue.pop()) had(left);
        for (const item& each : items) require(each.taken == 1, "no item is lost");
    }
};

/// The ring grows while a thief reads the old one.
struct growing_model : rl::test_suite<growing_model, 2> {
    deque queue;
    item items[4];

    void thread(unsigned index) {
        if (index == 0) {
            for (item& each : items) {
                each.contents = 7;
                queue.push(each);
            }
            had(queue.pop());
        } else {
            for (int tries = 0; tries < 2; ++tries) {
                bool lost = false;
                had(queue.steal(lost));
            }
        }
    }
    void after() {
        while (item* left = queue.pop()) had(left);
        for (const item& each : items) require(each.taken == 1, "no item is lost");
    }
};

/// The fair queue: its owner takes from the thieves' end too, so items come out in the order in which they went in.
struct fair_model : rl::test_suite<fair_model, 3> {
    deque queue;
    item items[3];
    item* last_of_owner = nullptr;

    void thread(unsigned index) {
        bool lost = false;
        if (index != 0) {
            had(queue.steal(lost));
            return;
        }
        for (item& each : items) {
            each.contents = 7;
            queue.push(each);
        }
        for (int tries = 0; tries < 2; ++tries) {
            item* const one = queue.steal(lost);
            require(one == nullptr || one > last_of_owner, "first in, first out");
            if (one != nullptr) last_of_owner = one;
            had(one);
        }
    }
    void after() {
        bool lost = false;
        while (item* left = queue.steal(lost)) had(left);
        for (const item& each : items) require(each.taken == 1, "no item is lost");
    }
};

/// The slot of the next item, and what its owner puts aside.
struct slot_model : rl::test_suite<slot_model, 3> {
    weft::detail::basic_next_slot<item, weft_model::checked_atomics> slot;
    item items[3];

    void thread(unsigned index) {
        if (index != 0) {
            had(slot.take());
            return;
        }
        for (item& each : items) {
            each.contents = 7;
            had(slot.put(each));
        }
        had(slot.take());
    }
    void after() {
        had(slot.take());
        for (const item& each : items) require(each.taken == 1, "no item is lost");
    }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<deque_model>("work_deque", {},
        {
            {"push() publishes relaxed", "push", access::store, order::release, order::relaxed},
            {"pop() lowers the end with release only", "pop", access::store, order::seq_cst, order::release},
            {"pop() looks at the top with acquire only", "pop", access::load, order::seq_cst, order::acquire},
            {"steal() looks with acquire only", "steal", access::load, order::seq_cst, order::acquire},
        });
    verdict.check<growing_model>("work_deque, growing", {},
        {
            {"a new ring is published relaxed", "make_room", access::store, order::release, order::relaxed},
            {"steal() reads the ring relaxed", "steal", access::load, order::acquire, order::relaxed},
        });
    verdict.check<fair_model>("work_deque, fair", {.context_bound = 1},
        {
            {"push() publishes relaxed", "push", access::store, order::release, order::relaxed},
        });
    verdict.check<slot_model>("next_slot", {},
        {
            {"put() publishes relaxed", "put", access::store, order::release, order::relaxed},
            {"put() changes without release", "put", access::change, order::acq_rel, order::acquire},
            {"take() acquires nothing", "take", access::change, order::acquire, order::relaxed},
        });
    return verdict.result();
}
