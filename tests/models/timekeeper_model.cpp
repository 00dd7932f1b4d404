// Who minds the timers while everybody sleeps (src/scheduling/timekeeper.hpp): a timer that is armed from outside is never slept past.
// SPDX-License-Identifier: MIT

#include "scheduling/idle_set.hpp"
#include "scheduling/parker.hpp"
#include "scheduling/timekeeper.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

struct sleeper {
    checked_plain<sleeper*> previous_sleeper = nullptr;
    checked_plain<sleeper*> next_sleeper = nullptr;
    checked_plain<bool> listed = false;
    bool searching = false;
    bool injected = false;
    weft::detail::basic_parking_word<checked_atomics> bed;
};

using timekeeper = weft::detail::basic_timekeeper<sleeper, checked_atomics>;

/// Sleepers, as those of src/scheduling/worker.cpp, and one timer.
struct house {
    static constexpr timekeeper::ticks due = 5;

    weft::detail::basic_idle_set<sleeper, checked_atomics> idle;
    timekeeper keeper;
    weft_model::checked_atomic<timekeeper::ticks> next_due = timekeeper::never;
    sleeper sleepers[2];
    bool minded = false;  // of the model: somebody is awake, or will be in time

    void rouse(sleeper& who) {
        if (who.bed.wake()) {}
    }
    /// As pool_core::earlier_timer(), for a thread that is no worker.
    void arm() {
        next_due.store(due, order::relaxed);
        keeper.earlier(
            due, [this](sleeper& who) { rouse(who); },
            [this] {
                if (idle.look().sleeping == 0) return;
                if (sleeper* who = idle.wake_one()) rouse(*who);
            });
    }
    /// As pool_core::park(). @param for_good  false: something else ends this sleep at once
    void rest(sleeper& self, bool for_good) {
        static_cast<void>(idle.lie_down_and_look(self, [] { return false; }));
        const timekeeper::ticks until = keeper.keep(self, [this] { return next_due.load(order::relaxed); });
        if (for_good && until <= due) minded = true;
        if (for_good) {
            if (self.bed.lie_down())
                while (self.bed.is_asleep() && !minded) checked_atomics::yield();
            minded = true;
            static_cast<void>(self.bed.get_up());
        }
        keeper.leave(self);
        if (idle.get_up(self)) static_cast<void>(idle.end_search(self));
    }
};

/// One goes to sleep, one arms.
struct one_sleeper : rl::test_suite<one_sleeper, 2>, house {
    void thread(unsigned index) {
        if (index == 0) arm();
        else rest(sleepers[0], true);
    }
};

/// One goes to sleep twice, the first time in vain; the other relies on it, or takes over.
struct two_sleepers : rl::test_suite<two_sleepers, 3>, house {
    void thread(unsigned index) {
        if (index == 0) {
            arm();
        } else if (index == 1) {
            rest(sleepers[0], false);
            rest(sleepers[0], true);
        } else {
            rest(sleepers[1], true);
        }
    }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<one_sleeper>("timekeeper, one sleeper", {},
        {
            {"who arms does not fence", "earlier", access::fence, order::seq_cst, order::acq_rel},
            {"who keeps does not fence", "keep", access::fence, order::seq_cst, order::acq_rel},
        });
    verdict.check<two_sleepers>("timekeeper, two sleepers", {.random_runs = 300'000, .context_bound = 1},
        {
            {"who arms does not fence", "earlier", access::fence, order::seq_cst, order::acq_rel},
        });
    return verdict.result();
}
