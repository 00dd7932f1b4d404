// The race of a select() (include/weft/coordination/detail/select_race.hpp) among its start, a channel and its token: exactly one of
// them ends it, and with it the awaiter goes on once.
// SPDX-License-Identifier: MIT

#include <mutex>

#include "weft/base/spin_lock.hpp"
#include "weft/coordination/detail/select_race.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

/// As src/coordination/channel_select.cpp, with one channel.
struct select_model : rl::test_suite<select_model, 3> {
    weft::detail::basic_select_race<checked_atomics> race;
    weft::detail::basic_spin_lock<checked_atomics> channel_lock;
    checked_plain<bool> in_line = false;
    checked_plain<int> awaiter = 0;
    weft_model::checked_atomic<bool> signalled = false;  // the token
    int resumptions = 0;
    int in_place = 0;
    bool served = false;
    bool ended = false;

    void thread(unsigned index) {
        if (index == 0) start();
        else if (index == 1) serve();
        else fire();
    }
    void start() {
        awaiter = 7;
        registered.store(true, order::release);
        const std::lock_guard guard(channel_lock);
        if (!race.win()) {
            ++in_place;
            return;
        }
        in_line = true;
        if (race.open_and_wait([this] { return signalled.load(order::acquire); })) return;
        in_line = false;
        ++in_place;
    }
    /// A writer that meets whoever stands in line.
    void serve() {
        const std::lock_guard guard(channel_lock);
        if (!in_line) return;
        in_line = false;
        if (!race.win()) return;
        served = true;
        require(awaiter == 7, "the winner sees the awaiter");
        ++resumptions;
    }
    /// The token's callback, which is there once start() has registered it.
    void fire() {
        if (!registered.load(order::acquire)) {
            late = true;
            return;
        }
        signalled.store(true, order::release);
        if (!race.win()) return;
        require(awaiter == 7, "the winner sees the awaiter");
        ended = true;
        if (race.end()) ++resumptions;
    }
    void after() {
        const bool waits_still = late && !served;
        require(resumptions + in_place == (waits_still ? 0 : 1) || (!served && !ended && in_place == 0 && !was_signalled()),
            "the awaiter goes on once");
        require(resumptions + in_place <= 1, "and only once");
        require(!was_signalled() || resumptions + in_place == 1, "a signalled select does not wait for ever");
    }
    bool was_signalled() { return signalled.load(order::relaxed); }

    weft_model::checked_atomic<bool> registered = false;
    bool late = false;
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<select_model>("select_race", {},
        {
            {"the race is opened without acquire", "open_and_wait", access::change, order::acq_rel, order::release},
            {"win() orders nothing", "win", access::change, order::acq_rel, order::relaxed},
        });
    return verdict.result();
}
