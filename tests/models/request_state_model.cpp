// A request to the kernel, its cancellation and the letters about it (src/io/uring/request_state.hpp, src/io/mailbox.hpp): it is over
// exactly once, when the kernel knows neither it nor a request to cancel it, and no letter about it is left behind.
//
// The kernel is the model's; the ring's owner, the thread that reaps and cancel() do as src/io/uring/ring.cpp and uring_driver.cpp.
// SPDX-License-Identifier: MIT

#include "io/mailbox.hpp"
#include "io/uring/request_state.hpp"

#include "models/support/run.hpp"  // after ours: relacy leaves macros

namespace {

using weft::io_operation;
using weft_model::access;
using weft_model::checked_atomic;
using weft_model::checked_atomics;
using weft_model::checked_plain;
using weft_model::require;
using order = std::memory_order;

struct operation {
    checked_plain<operation*> next = nullptr;
    checked_plain<int> result = 0;
    checked_atomic<std::uint8_t> state = 0;
};

/// @tparam Agains  how many answers are "again"
/// @tparam Hasty   a defect: the operation ends with its own answer, whatever became of the request to cancel it
template <int Agains, bool Hasty = false>
struct request_model : rl::test_suite<request_model<Agains, Hasty>, 3> {
    weft::detail::basic_mailbox<operation, checked_atomics> box;
    operation request;
    // What the kernel has; it takes and gives with acquire and release.
    checked_atomic<int> with_kernel = 0;
    checked_atomic<int> cancel_with_kernel = 0;
    int agains = Agains;
    int over = 0;
    bool canceller_done = false;

    void thread(unsigned index) {
        if (index == 0) own();
        else if (index == 1) reap();
        else cancel();
    }
    void own() {
        issue();
        while (over == 0 || !canceller_done) {
            drain();
            checked_atomics::yield();
        }
    }
    void issue() {
        if ((request.state.load(order::acquire) & io_operation::cancel_asked) == 0 &&
            weft::detail::note_issued(request.state)) {
            with_kernel.store(1, order::release);
            return;
        }
        request.result = -125;
        end();
    }
    void drain() {
        auto letters = box.take_all();
        while (letters.take() != nullptr) {
            require(over == 0, "no letter is about an operation that is over");
            const std::uint8_t seen = request.state.load(order::acquire);
            if ((seen & io_operation::issued) == 0) issue();
            else if ((seen & io_operation::answered) == 0) cancel_with_kernel.store(1, order::release);
            else if (weft::detail::note_cancel_answer(request.state)) end();
        }
    }
    void reap() {
        while (over == 0) {
            if (with_kernel.load(order::acquire) == 1) {
                with_kernel.store(0, order::relaxed);
                answer();
            }
            if (cancel_with_kernel.load(order::acquire) == 1) {
                cancel_with_kernel.store(0, order::relaxed);
                if (weft::detail::note_cancel_answer(request.state)) end();
            }
            checked_atomics::yield();
        }
    }
    void answer() {
        if (agains-- > 0 && weft::detail::note_again(request.state, true)) {
            box.push(request);
            return;
        }
        request.result = 5;
        if (weft::detail::note_answer(request.state) || Hasty) end();
    }
    void cancel() {
        if (weft::detail::note_cancel(request.state)) box.push(request);
        canceller_done = true;
    }
    void end() {
        require(++over == 1, "an operation is over once");
        require(with_kernel.load(order::relaxed) == 0, "the kernel has it no more");
        require(cancel_with_kernel.load(order::relaxed) == 0, "nor a request to cancel it");
        require(request.result == 5 || request.result == -125, "its result is seen");
        request.result = 1;
    }
    void after() {
        require(over == 1, "it is over");
        require(box.empty(), "no letter is left");
    }
};

}  // namespace

int main() {
    weft_model::verdict verdict;
    verdict.check<request_model<0>>("request_state", {.random_runs = 200'000, .context_bound = 1},
        {
            {"the answer releases nothing", "note_answer", access::change, order::acq_rel, order::acquire},
        });
    verdict.check<request_model<1>>("request_state, tried again", {.random_runs = 200'000, .context_bound = 1}, {});
    verdict.finds<request_model<0, true>>("request_state", "the answer ends what is being cancelled", {});
    return verdict.result();
}
