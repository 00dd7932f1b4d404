// Two parties of which the later goes on: the start and the end of a wait (include/weft/base/start_and_end.hpp), the producer and the
// consumer of a stream (include/weft/task/detail/meeting.hpp).
// SPDX-License-Identifier: MIT

#include "weft/base/start_and_end.hpp"
#include "weft/task/detail/meeting.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft_model::access;
using weft_model::checked_atomic;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

/// A wait ends while it is started.
struct wait_model : rl::test_suite<wait_model, 2> {
    weft::detail::basic_start_and_end<checked_atomics> phase;
    checked_plain<int> awaiter = 0;
    checked_plain<int> reason = 0;
    int went_on = 0;

    void thread(unsigned index) {
        if (index == 0) {
            awaiter = 7;
            if (!phase.start()) go_on();
        } else {
            reason = 8;
            if (phase.end()) go_on();
        }
    }
    void go_on() {
        ++went_on;
        require(awaiter == 7 && reason == 8, "the later sees what the earlier wrote");
    }
    void after() { require(went_on == 1, "the awaiter goes on once"); }
};

struct party {
    checked_plain<int> place = 0;
    checked_atomic<int> resumed = 0;  // a post to it
};

/// A stream of two items, each of a segment that suspended.
struct stream_model : rl::test_suite<stream_model, 2> {
    weft::detail::basic_meeting<party, checked_atomics> meeting;
    checked_plain<int> item = 0;
    checked_atomic<int> segment = 1;  // the consumer runs the producer
    party waits[3];

    void thread(unsigned index) {
        for (int round = 1; round <= 2; ++round) {
            if (index == 0) produce(round);
            else consume(round);
        }
    }
    void produce(int round) {
        while (segment.load(order::acquire) != round) checked_atomics::yield();
        item = round;
        bool frame_is_mine = false;
        party* const consumer = meeting.arrive(frame_is_mine);
        require(!frame_is_mine, "the handle is there");
        if (consumer == nullptr) return;
        require(consumer->place == round, "the producer sees where the consumer waits");
        consumer->resumed.store(1, order::release);
    }
    void consume(int round) {
        waits[round].place = round;
        if (meeting.wait(waits[round]))
            while (waits[round].resumed.load(order::acquire) == 0) checked_atomics::yield();
        require(item == round, "the consumer sees the item");
        meeting.open();
        segment.store(round + 1, order::release);
    }
};

/// The handle goes while the producer ends: one of them destroys the frame.
struct orphan_model : rl::test_suite<orphan_model, 2> {
    weft::detail::basic_meeting<party, checked_atomics> meeting;
    checked_plain<int> frame = 0;
    int destroyed = 0;

    void thread(unsigned index) {
        bool mine = false;
        if (index == 0) {
            frame = 1;
            static_cast<void>(meeting.arrive(mine));
        } else {
            mine = meeting.leave();
        }
        if (!mine) return;
        ++destroyed;
        require(frame == 1, "the frame is destroyed after its last use");
    }
    void after() { require(destroyed == 1, "the frame is destroyed once"); }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<wait_model>("start_and_end", {},
        {
            {"start() releases nothing", "start", access::change, order::acq_rel, order::acquire},
            {"end() acquires nothing", "end", access::change, order::acq_rel, order::release},
        });
    verdict.check<stream_model>("meeting, segments", {},
        {
            {"the producer arrives without release", "arrive", access::change, order::acq_rel, order::acquire},
            {"the consumer waits without release", "wait", access::change, order::acq_rel, order::acquire},
        });
    verdict.check<orphan_model>("meeting, orphan", {},
        {
            {"the handle goes without acquire", "leave", access::change, order::acq_rel, order::release},
        });
    return verdict.result();
}
