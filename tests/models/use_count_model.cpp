// The users of a descriptor against close() and the end of its object (include/weft/io/detail/use_count.hpp): it is closed once,
// after the last operation, and nobody uses it afterwards.
// SPDX-License-Identifier: MIT

#include "weft/io/detail/use_count.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

using use_count = weft::detail::basic_use_count<checked_atomics>;

struct descriptor {
    use_count users;
    checked_plain<int> fd = 3;
    checked_plain<int> closer = 0;                // where close() waits
    weft_model::checked_atomic<int> resumed = 0;  // a post to there
    int closed = 0;
    int destroyed = 0;

    void leave() { act(users.leave()); }
    void act(use_count::duty duty) {
        if (duty == use_count::duty::wake_closer) {
            require(closer == 1, "the last operation finds the closer");
            resumed.store(1, order::release);
        } else if (duty == use_count::duty::end) {
            close_now();
            ++destroyed;
        }
    }
    void close_now() {
        if (fd < 0) return;
        fd = -1;
        ++closed;
    }
    void operate() {
        if (!users.enter()) return;
        require(fd == 3, "an operation finds its descriptor open");
        leave();
    }
    /// As descriptor_state::close().
    bool begin_close(bool& others) { return users.begin_close(others); }
    void finish_close(bool others) {
        if (others && !users.is_last()) {
            closer = 1;
            if (users.sleep())
                while (resumed.load(order::acquire) == 0) checked_atomics::yield();
        }
        close_now();
        leave();
    }
    void abandon() {
        const use_count::duty duty = users.abandon();
        if (duty == use_count::duty::interrupt) leave();
        else act(duty);
    }
};

/// Two operate, the third closes, and destroys the object at the end.
struct closing_model : rl::test_suite<closing_model, 3>, descriptor {
    void thread(unsigned index) {
        if (index < 2) {
            operate();
        } else {
            bool others = false;
            if (begin_close(others)) finish_close(others);
            abandon();
        }
    }
    void after() { require(closed == 1 && destroyed == 1, "it is closed and destroyed once"); }
};

/// The object goes while two operate.
struct abandoning_model : rl::test_suite<abandoning_model, 3>, descriptor {
    void before() { require(users.enter() && users.enter(), "two are on their way"); }
    void thread(unsigned index) {
        if (index == 2) {
            abandon();
        } else {
            require(fd == 3, "an operation finds its descriptor open");
            leave();
        }
    }
    void after() { require(closed == 1 && destroyed == 1, "it is closed and destroyed once"); }
};

/// The object goes while close() waits for an operation.
struct both_model : rl::test_suite<both_model, 3>, descriptor {
    bool others = false;

    void before() { require(users.enter() && begin_close(others), "one operates, close() has begun"); }
    void thread(unsigned index) {
        if (index == 0) leave();
        else if (index == 1) finish_close(others);
        else abandon();
    }
    void after() { require(closed == 1 && destroyed == 1, "it is closed and destroyed once"); }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<closing_model>("use_count, closing", {},
        {
            {"an operation leaves without release", "leave", access::change, order::acq_rel, order::acquire},
            {"the closer looks without acquire", "is_last", access::load, order::acquire, order::relaxed},
            {"the closer goes to sleep without release", "sleep", access::change, order::acq_rel, order::acquire},
        });
    verdict.check<abandoning_model>("use_count, abandoning", {},
        {
            {"leave() acquires and releases nothing", "leave", access::change, order::acq_rel, order::relaxed},
        });
    verdict.check<both_model>("use_count, both", {},
        {
            {"leave() acquires nothing", "leave", access::change, order::acq_rel, order::release},
        });
    return verdict.result();
}
