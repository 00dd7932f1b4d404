// src/scheduling/injection_queue.hpp and the spin lock under it: items come out once, in the order of each poster, as written.
// SPDX-License-Identifier: MIT

#include "scheduling/injection_queue.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::require;
using order = std::memory_order;

struct item {
    weft_model::checked_plain<item*> next = nullptr;
    weft_model::checked_plain<int> contents = 0;
    int taken = 0;
};

/// One posts two, one posts a list of two, one takes a single item and a batch.
struct queue_model : rl::test_suite<queue_model, 3> {
    weft::detail::basic_injection_queue<item, weft_model::checked_atomics> queue;
    item single[2];
    item listed[2];
    item* last[2] = {nullptr, nullptr};

    void thread(unsigned index) {
        if (index == 0) {
            for (item& each : single) {
                each.contents = 7;
                queue.push(each);
            }
        } else if (index == 1) {
            for (item& each : listed) each.contents = 7;
            listed[0].next = &listed[1];
            queue.push_list(listed[0], listed[1], 2);
        } else {
            had(queue.pop());
            item* some[2];
            const std::size_t count = queue.pop_many(some, 2);
            for (std::size_t each = 0; each < count; ++each) had(some[each]);
        }
    }
    void had(item* one) {
        if (one == nullptr) return;
        require(one->contents == 7, "an item is seen as it was written");
        require(++one->taken == 1, "an item is had once");
        item*& before = last[one >= listed && one < listed + 2 ? 1 : 0];
        require(before == nullptr || before < one, "items of one poster keep their order");
        before = one;
    }
    void after() {
        while (item* left = queue.pop()) had(left);
        for (int each = 0; each < 2; ++each) require(single[each].taken == 1 && listed[each].taken == 1, "no item is lost");
    }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<queue_model>("injection_queue", {},
        {
            {"lock() acquires nothing", "lock", access::change, order::acquire, order::relaxed},
            {"unlock() releases nothing", "unlock", access::store, order::release, order::relaxed},
        });
    return verdict.result();
}
