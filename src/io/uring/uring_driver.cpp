// src/io/uring/uring_driver.cpp: which ring an operation goes to, and who looks after the rings of busy owners.
// SPDX-License-Identifier: MIT

#include "io/uring/uring_driver.hpp"

#include <cerrno>

#include <linux/membarrier.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/epoll/system_call.hpp"
#include "io/uring/request_state.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/io/kernel_shim.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

// A memory barrier on every processor that runs a thread of ours: the kernel makes it by interrupting them, and a thread that comes
// back from an interrupt finishes its requests. Where it is refused, the next tick of the clock interrupts, 1 to 10 ms later.
void allow_interrupts() noexcept { ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0); }
void interrupt_running_threads() noexcept { ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0); }

}  // namespace

void uring_driver::start(driver_host& host) {
    allow_interrupts();
    host_ = &host;
    count_ = host.owner_count() + 1;
    rings_ = std::make_unique<ring[]>(count_);
    ring_kinds_ = kinds_of_io_uring();
    for (unsigned index = 0; index < count_; ++index) rings_[index].open();
}

void uring_driver::stop() noexcept {
    // A call that did not come back will still wake an owner: then the rings stay. Acquire pairs with run_blocking().
    if (blocking_calls_.load(std::memory_order_acquire) != 0) return;
    for (unsigned index = 0; index < count_; ++index) rings_[index].close();
}

// ---- operations

// What can be had or sent without waiting needs no ring, and its caller no suspension. But where a visit to the kernel is due anyway, for
// entries that others have prepared, going with them is cheaper than a system call of its own (docs/decisions/0010). Nor does a read
// go at once while others wait for this thread, which a reader that never suspends would keep waiting; of a thread that is no
// worker nobody knows.
bool uring_driver::try_now(io_operation& operation) noexcept {
    const bool sends = operation.kind == io_kind::send || operation.kind == io_kind::sendmsg;
    const bool reads = operation.kind == io_kind::read && operation.offset != io_operation::no_offset;
    const bool receives = operation.kind == io_kind::recv || operation.kind == io_kind::recvmsg;
    if (!sends && !reads && !(receives && operation.left == io_operation::supply::some)) return false;
    if (current_kernel_shim() != nullptr) return false;  // it looks at what goes through the ring
    const unsigned self = worker_identity::owner_of(this_thread_block(), host_->target());
    if (self < count_ && rings_[self].has_prepared()) return false;
    if (!sends && (self >= count_ || host_->has_work(self))) return false;
    if (reads) return read_from_cache(operation);
    operation.result = call_system(operation);
    // A stream that gives less than asked has no more now.
    const bool exhausted =
        operation.kind == io_kind::recv && operation.result < static_cast<std::int32_t>(operation.length);
    if (operation.result == -EAGAIN || exhausted) operation.left = io_operation::supply::none;
    return operation.result != -EAGAIN;
}

bool uring_driver::submit(io_operation& operation) noexcept {
    if (stopping_.load(std::memory_order_acquire) ||
        (operation.state.load(std::memory_order_acquire) & io_operation::cancel_asked) != 0) {
        operation.result = -ECANCELED;
        return false;
    }
    if (!goes_into_ring(operation.kind)) return submit_blocking(operation);

    const unsigned self = worker_identity::owner_of(this_thread_block(), host_->target());
    const bool owns = self < count_;
    const unsigned index = owns ? self : choose_owner();
    ring& home = rings_[index];
    operation.owner = static_cast<std::uint16_t>(index);
    const bool first = home.count_in() == 0;
    // Once more, now that has_operations() sees it. Shutdown writes its note and then looks whether operations are left, we count and
    // then look at the note, all sequentially consistent: either it waits for this operation, or we do not begin.
    if (stopping_.load(std::memory_order_seq_cst)) {
        home.count_out();
        operation.result = -ECANCELED;
        return false;
    }
    if (!owns) {
        home.mail(operation);
        home.wake();
    } else if (!home.start(operation)) {
        home.count_out();
        return false;
    }
    // The operation may be over by now.
    if (first) host_->need_monitor();
    return true;
}

// A thread without a ring hands its operation to a sleeping owner, which is then at it at once; when all are busy, to any: its
// next look at its mailbox, or the monitor's tick, is less than two milliseconds away.
unsigned uring_driver::choose_owner() noexcept {
    const unsigned workers = count_ - 1;
    const unsigned start = turn_.fetch_add(1, std::memory_order_relaxed);
    for (unsigned i = 0; i < workers; ++i) {
        const unsigned index = (start + i) % workers;
        if (rings_[index].is_asleep()) return index;
    }
    return workers == 0 ? 0 : start % workers;
}

// A plain system call, counted as an operation of the ring that the caller would have used.
bool uring_driver::submit_blocking(io_operation& operation) noexcept {
    const auto mark = static_cast<std::uint8_t>(io_operation::issued | io_operation::blocking);
    const std::uint8_t before = operation.state.fetch_or(mark, std::memory_order_acq_rel);
    operation.result = -ECANCELED;
    if ((before & io_operation::cancel_asked) != 0) return false;
    runtime* home = host_->target().owner();
    const unsigned self = worker_identity::owner_of(this_thread_block(), host_->target());
    const unsigned index = self < count_ ? self : choose_owner();
    operation.owner = static_cast<std::uint16_t>(index);
    if (rings_[index].count_in() == 0) host_->need_monitor();
    blocking_calls_.fetch_add(1, std::memory_order_relaxed);
    try {
        home->post_blocking([this, work = &operation] { run_blocking(*work); });
        return true;
    } catch (...) {
        // The runtime shuts down, or no thread can be made: then it does not begin.
        rings_[index].count_out();
        blocking_calls_.fetch_sub(1, std::memory_order_relaxed);
        operation.result = stopping_.load(std::memory_order_acquire) ? -ECANCELED : -EAGAIN;
        return false;
    }
}

void uring_driver::run_blocking(io_operation& operation) noexcept {
    const bool canceled = (operation.state.load(std::memory_order_acquire) & io_operation::cancel_asked) != 0;
    operation.result = canceled || stopping_.load(std::memory_order_acquire) ? -ECANCELED : call_system(operation);
    // The record may be gone once it is completed. Counted until then, so that no ring is closed under the wake-up.
    ring& home = rings_[operation.owner];
    operation.complete(operation);
    home.count_out();
    blocking_calls_.fetch_sub(1, std::memory_order_release);
}

void uring_driver::cancel(io_operation& operation) noexcept {
    if (!note_cancel(operation.state)) return;
    // A blocking thread looks at the mark before it makes the call, and a call that is being made cannot be taken back.
    if ((operation.state.load(std::memory_order_relaxed) & io_operation::blocking) != 0) return;
    ring& home = rings_[operation.owner];
    home.mail(operation);
    home.wake();
}

// ---- what the runtime calls

void uring_driver::poll(unsigned index, time_point deadline) noexcept { rings_[index].sleep(deadline, note()); }

void uring_driver::wake(unsigned index) noexcept { rings_[index].wake(); }

bool uring_driver::harvest(unsigned index, bool others) noexcept {
    ring& own = rings_[index];
    bool any = false;
    if (others) {
        any = own.reap();
        for (unsigned i = 0; i < count_; ++i) {
            if (i != index && !rings_[i].is_asleep() && rings_[i].reap()) any = true;
        }
        // Going to sleep: poll() submits and waits in one visit to the kernel, unless there is work now.
        if (!any) return false;
    }
    if (own.flush(note())) any = true;
    return own.reap_own() || any;
}

void uring_driver::monitor_tick() noexcept {
    if (stopping_.load(std::memory_order_acquire) && has_operations()) generation_.fetch_add(1, std::memory_order_acq_rel);
    bool unfinished = false;
    for (unsigned index = 0; index + 1 < count_; ++index) {
        ring& busy = rings_[index];
        if (busy.is_asleep()) {
            if (stopping_.load(std::memory_order_relaxed)) busy.wake();
            continue;
        }
        // Entries that were there a tick ago and still are: their owner does not get to it.
        const std::uint32_t submissions = busy.submissions();
        if (submissions == busy.seen_submissions || stopping_.load(std::memory_order_relaxed)) busy.flush(note());
        busy.seen_submissions = submissions;
        if (!busy.reap() && busy.has_unfinished()) unfinished = true;
    }
    if (unfinished) interrupt_running_threads();
}

bool uring_driver::has_operations() const noexcept {
    for (unsigned index = 0; index < count_; ++index) {
        if (rings_[index].in_flight() != 0) return true;
    }
    return false;
}

void uring_driver::cancel_all() noexcept {
    stopping_.store(true, std::memory_order_seq_cst);
    generation_.fetch_add(1, std::memory_order_seq_cst);
    for (unsigned index = 0; index < count_; ++index) rings_[index].wake();
}

}  // namespace weft::inline WEFT_ABI::detail
