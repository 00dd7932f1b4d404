// The owner's and the thieves' ends of src/scheduling/work_deque.hpp: every item is had exactly once, with what was written into
// it, and a ring that grows loses none.
// SPDX-License-Identifier: MIT

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
    return verdict.result();
}
