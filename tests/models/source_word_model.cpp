// A reusable completion (include/weft/task/detail/source_word.hpp): registration meets completion once in each version.
// SPDX-License-Identifier: MIT

#include "weft/task/detail/source_word.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

struct node {
    checked_plain<int> contents = 0;
    weft_model::checked_atomic<int> resumed = 0;  // a post to where it waits
};

/// One consumer of two versions, and two who would complete: each of them completes the version that it comes in time for.
struct source_model : rl::test_suite<source_model, 3> {
    using word = weft::detail::basic_source_word<node, checked_atomics>;

    word source;
    node waiting[2];
    checked_plain<int> version = 0;
    checked_plain<int> result = 0;
    int completions = 0;

    void consume(int now) {
        node& mine = waiting[now];
        if (!source.is_done()) {
            mine.contents = 7;
            const word::answer found = source.add(mine);
            require(found != word::answer::taken, "nobody else registers");
            if (found == word::answer::waits)
                while (mine.resumed.load(order::acquire) == 0) checked_atomics::yield();
        }
        require(result == 40 + now, "the result of this version is seen");
    }
    void complete() {
        result = 40 + version;
        ++completions;
        node* const one = source.complete();
        if (one == nullptr) return;
        require(one->contents == 7, "completion sees what the awaiter wrote");
        one->resumed.store(1, order::release);
    }
    void thread(unsigned index) {
        if (index == 2) {
            consume(0);
            version = 1;
            source.reset();
            consume(1);
        } else {
            while (!source.claim()) checked_atomics::yield();
            complete();
        }
    }
    void after() { require(completions == 2, "each version completes once"); }
};

/// While both race for one version only.
struct claim_model : rl::test_suite<claim_model, 2> {
    weft::detail::basic_source_word<node, checked_atomics> source;
    int claims = 0;

    void thread(unsigned) { claims += source.claim() ? 1 : 0; }
    void after() { require(claims == 1, "one completes"); }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<claim_model>("source_word, claiming", {}, {});
    verdict.check<source_model>("source_word, versions", {.random_runs = 200'000, .context_bound = 1},
        {
            {"the result is published without release", "complete", access::change, order::acq_rel, order::acquire},
            {"completion takes the node without acquire", "complete", access::change, order::acq_rel, order::release},
            {"a look at it acquires nothing", "is_done", access::load, order::acquire, order::relaxed},
            {"the next version is begun without release", "reset", access::store, order::release, order::relaxed},
            {"a late registration acquires nothing", "add", access::load, order::acquire, order::relaxed},
        });
    return verdict.result();
}
