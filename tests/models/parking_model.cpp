// How workers sleep (src/scheduling/idle_set.hpp, parker.hpp): no item stays queued while all of them sleep, and no wake is lost.
//
// The workers here take, search and sleep as those of src/scheduling/worker.cpp do, with the same calls; a sleep is a spin on the
// bed's word, so a worker that nobody wakes shows as a livelock.
// SPDX-License-Identifier: MIT

#include "scheduling/idle_set.hpp"
#include "scheduling/injection_queue.hpp"
#include "scheduling/parker.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

struct item {
    checked_plain<item*> next = nullptr;
};

struct sleeper {
    // Of the lock of the idle set.
    checked_plain<sleeper*> previous_sleeper = nullptr;
    checked_plain<sleeper*> next_sleeper = nullptr;
    checked_plain<bool> listed = false;
    // Of the worker, and of who wakes it.
    bool searching = false;
    bool injected = false;
    weft::detail::basic_parking_word<checked_atomics> bed;
};

template <int Workers, int Posts>
struct pool {
    weft::detail::basic_idle_set<sleeper, checked_atomics> idle;
    weft::detail::basic_injection_queue<item, checked_atomics> queue;
    sleeper workers[Workers];
    item items[Posts];
    int taken = 0;  // of the model, not of the pool: threads are fibers

    void notify() {
        idle.call_helper_surely([](sleeper& who) { static_cast<void>(who.bed.wake()); }, [] {});
    }
    void post(int which) {
        queue.push(items[which]);
        notify();
    }
    bool visible() { return !queue.empty(); }

    void work(sleeper& self, int most = Posts) {
        while (taken < Posts && most > 0) {
            item* one = queue.pop();
            if (one == nullptr && (self.searching || idle.begin_search(self, Workers))) one = queue.pop();
            if (one != nullptr) {
                if (self.searching && idle.end_search_and_look(self, [this] { return visible(); })) notify();
                ++taken;
                --most;
            } else {
                park(self);
            }
        }
        if (self.searching) static_cast<void>(idle.end_search(self));
    }
    void park(sleeper& self) {
        const bool look_again = idle.lie_down_and_look(self, [this] { return visible(); });
        if (!look_again) {
            if (self.bed.lie_down())
                while (self.bed.is_asleep() && taken < Posts) checked_atomics::yield();
            static_cast<void>(self.bed.get_up());
        }
        const bool woken = idle.get_up(self);
        if (look_again && !woken) idle.begin_search(self, ~0U);
    }
};

/// One worker going to sleep, one poster.
struct one_worker : rl::test_suite<one_worker, 2>, pool<1, 2> {
    void thread(unsigned index) {
        if (index == 0) {
            post(0);
            post(1);
        } else {
            work(workers[0]);
        }
    }
};

/// Two workers, of which one may rely on the other's search. The item that a worker has lasts for ever, so both are needed.
struct two_workers : rl::test_suite<two_workers, 3>, pool<2, 2> {
    void thread(unsigned index) {
        if (index == 0) {
            post(0);
            post(1);
        } else {
            work(workers[index - 1], 1);
        }
    }
};

/// The only thread announces that it blocks while somebody posts: one of the two asks for another thread.
struct blocking_model : rl::test_suite<blocking_model, 2>, pool<1, 1> {
    weft_model::checked_atomic<int> running = 1;
    int added = 0;

    void call() {
        idle.call_helper_surely([](sleeper&) {}, [this] { added += running.load(order::relaxed) < 1 ? 1 : 0; });
    }
    void thread(unsigned index) {
        if (index == 0) {
            queue.push(items[0]);
            call();
        } else {
            weft::detail::leave_running<checked_atomics>(running, [this] { return visible(); }, [this] { call(); });
        }
    }
    void after() { require(added >= 1, "work does not wait for a blocked thread"); }
};

/// The bed alone: what the waker wrote is seen by who it woke, also when the wake came first.
struct bed_model : rl::test_suite<bed_model, 2> {
    weft::detail::basic_parking_word<checked_atomics> bed;
    checked_plain<int> message = 0;

    void thread(unsigned index) {
        if (index == 0) {
            message = 7;
            static_cast<void>(bed.wake());
        } else {
            if (bed.lie_down())
                while (bed.is_asleep()) checked_atomics::yield();
            require(bed.get_up(), "the wake is not lost");
            require(message == 7, "what the waker wrote is seen");
        }
    }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<bed_model>("parker", {},
        {
            {"wake() releases nothing", "wake", access::change, order::release, order::relaxed},
            {"get_up() acquires nothing", "get_up", access::change, order::acquire, order::relaxed},
        });
    verdict.check<one_worker>("parking, one worker", {},
        {
            {"a post does not fence", "call_helper_surely", access::fence, order::seq_cst, order::acq_rel},
            {"a worker that lies down does not fence", "lie_down_and_look", access::fence, order::seq_cst, order::acq_rel},
        });
    verdict.check<two_workers>("parking, two workers", {.random_runs = 200'000, .context_bound = 1},
        {
            {"a post does not fence", "call_helper_surely", access::fence, order::seq_cst, order::acq_rel},
            {"the last searcher does not fence", "end_search_and_look", access::fence, order::seq_cst, order::acq_rel},
        });
    verdict.check<blocking_model>("parking, blocking", {},
        {
            {"who blocks does not fence", "leave_running", access::fence, order::seq_cst, order::acq_rel},
            {"a post does not fence", "call_helper_surely", access::fence, order::seq_cst, order::acq_rel},
        });
    return verdict.result();
}
