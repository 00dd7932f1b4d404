// A task's word (include/weft/task/detail/status_word.hpp) and its count of owners: many register, some withdraw, one completes.
// Every continuation runs exactly once or was removed, and sees the result; the last owner frees.
// SPDX-License-Identifier: MIT

#include "weft/base/reference_count.hpp"
#include "weft/task/detail/status_word.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

struct alignas(16) node {
    checked_plain<node*> next = nullptr;
    checked_plain<node*> prev = nullptr;
    checked_plain<int> contents = 0;
    int runs = 0;
};

using status_word = weft::detail::basic_status_word<node, checked_atomics>;

/// A task of result 42 that ends with status 5, and what its completer does.
struct task {
    status_word word;
    checked_plain<int> result = 0;

    void complete() {
        result = 42;
        node* each = word.publish(5);
        while (each != nullptr) {
            node* const next = each->next;
            require(each->contents == 7, "completion sees what the awaiter wrote");
            ++each->runs;
            each = next;
        }
    }
    bool await(node& who) {
        who.contents = 7;
        if (word.add(who)) return true;
        see_result();
        return false;
    }
    void see_result() {
        require(result == 42, "the result is seen");
        require(word.status_in(word.load()) == 5, "the status is final");
    }
};

/// Two await, the task completes.
struct awaiting_model : rl::test_suite<awaiting_model, 3>, task {
    node nodes[3];
    int expected[3] = {0, 0, 0};

    void thread(unsigned index) {
        if (index == 2) {
            complete();
            return;
        }
        if (await(nodes[index])) expected[index] = 1;
        if (index == 0 && await(nodes[2])) expected[2] = 1;
        if (word.is_done()) see_result();
    }
    void after() {
        for (int each = 0; each < 3; ++each) require(nodes[each].runs == expected[each], "a continuation runs once");
    }
};

/// Three are registered; two withdraw and one joins while the task completes.
struct removing_model : rl::test_suite<removing_model, 3>, task {
    node nodes[4];
    bool in_place[4] = {};

    void before() {
        for (int each = 0; each < 3; ++each) in_place[each] = await(nodes[each]);
    }
    void thread(unsigned index) {
        if (index == 2) {
            complete();
            return;
        }
        if (word.remove(nodes[index])) in_place[index] = false;
        if (index == 0) in_place[3] = await(nodes[3]);
    }
    void after() {
        for (int each = 0; each < 4; ++each)
            require(nodes[each].runs == (in_place[each] ? 1 : 0), "a continuation runs once or was removed");
    }
};

/// Two completion sources race for the right to complete, while the list changes under its lock.
struct claiming_model : rl::test_suite<claiming_model, 3>, task {
    node nodes[2];
    int claims = 0;
    int expected[2] = {0, 0};

    void before() { expected[0] = await(nodes[0]) ? 1 : 0; }
    void thread(unsigned index) {
        if (index == 2) {
            expected[1] = await(nodes[1]) ? 1 : 0;
        } else if (word.claim()) {
            ++claims;
            complete();
        }
    }
    void after() {
        require(claims == 1, "exactly one completes");
        for (int each = 0; each < 2; ++each) require(nodes[each].runs == expected[each], "a continuation runs once");
    }
};

/// The last of three owners frees what all of them have written.
struct owners_model : rl::test_suite<owners_model, 3> {
    weft::detail::basic_reference_count<checked_atomics> owners;
    checked_plain<int> parts[3];
    int freed = 0;

    void before() { owners.set(3); }
    void thread(unsigned index) {
        parts[index] = 7;
        if (index == 0) {
            owners.add();
            if (owners.drop()) free();
        }
        if (owners.drop()) free();
    }
    void free() {
        ++freed;
        for (const auto& each : parts) require(each == 7, "who frees sees what every owner did");
    }
    void after() { require(freed == 1, "it is freed once"); }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<awaiting_model>("status_word, awaiting", {},
        {
            {"a node is registered without release", "add", access::change, order::acq_rel, order::acquire},
            {"add() sees the end without acquire", "add", access::load, order::acquire, order::relaxed},
            {"the list's lock acquires nothing", "add", access::change, order::acquire, order::relaxed},
            {"the list's lock is opened relaxed", "open", access::change, order::release, order::relaxed},
            {"the end is published relaxed", "publish", access::change, order::acq_rel, order::acquire},
            {"the end takes the nodes without acquire", "publish", access::change, order::acq_rel, order::release},
            {"a look at the status acquires nothing", "load", access::load, order::acquire, order::relaxed},
        });
    verdict.check<removing_model>("status_word, removing", {},
        {
            {"remove() locks without acquire", "remove", access::change, order::acquire, order::relaxed},
            {"the list's lock is opened relaxed", "open", access::change, order::release, order::relaxed},
        });
    verdict.check<claiming_model>("status_word, claiming", {},
        {
            {"the end takes the nodes without acquire", "publish", access::change, order::acq_rel, order::release},
            {"the list's lock is opened relaxed", "open", access::change, order::release, order::relaxed},
        });
    verdict.check<owners_model>("reference_count", {},
        {
            {"drop() releases nothing", "drop", access::change, order::acq_rel, order::acquire},
            {"drop() acquires nothing", "drop", access::load, order::acquire, order::relaxed},
        });
    return verdict.result();
}
