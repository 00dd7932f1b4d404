// src/io/uring/ring.cpp: see ring.hpp for the life of an operation.
// SPDX-License-Identifier: MIT

#include "io/uring/ring.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "io/tsan.hpp"
#include "io/uring/request_state.hpp"
#include "weft/base/assert.hpp"
#include "weft/base/error.hpp"
#include "weft/io/kernel_shim.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

// What an entry is about stands in the low bits of its user data; the rest is the operation's address.
constexpr std::uint64_t tag_result = 0;
constexpr std::uint64_t tag_cancel = 1;
constexpr std::uint64_t tag_ready = 2;
constexpr std::uint64_t tag_refused = 3;  // a shim's answer stands in the operation already
constexpr std::uint64_t tag_mask = 7;
constexpr std::uint64_t user_none = 0;         // nobody waits for the answer
constexpr std::uint64_t user_wake = tag_mask;  // somebody called wake()

// io_uring_register(2) sends a message for who has no ring at hand (Linux 6.13; liburing 2.3 has no name for it).
constexpr unsigned register_send_message = 31;

// An accept makes a socket and a file before it looks for a connection, so looking in vain is dear. This has it wait first, on
// kernels (6.10) that also say whether an accept has left a connection; they are known by a feature that came with both.
// docs/decisions/0012. liburing 2.3 has no names for them.
constexpr unsigned short accept_poll_first = 1U << 2;
constexpr unsigned feature_of_6_10 = 1U << 14;

// Most operations a ring prepares between two visits to the kernel, and most answers it holds before the kernel has to keep
// them itself (NODROP): 4 KiB and 64 KiB, touched only when used.
constexpr unsigned submission_entries = 256;
constexpr unsigned completion_entries = 4096;

std::uint64_t tagged(io_operation& operation, std::uint64_t tag) noexcept {
    return reinterpret_cast<std::uint64_t>(&operation) | tag;
}

/// The events that let an operation go on; 0 when waiting for readiness makes no sense.
unsigned ready_events(const io_operation& operation) noexcept {
    switch (operation.kind) {
        case io_kind::read:
        case io_kind::readv:
        case io_kind::recv:
        case io_kind::recvmsg:
        case io_kind::accept: return POLLIN;
        case io_kind::write:
        case io_kind::writev:
        case io_kind::send:
        case io_kind::sendmsg:
        case io_kind::connect: return POLLOUT;
        default: return 0;
    }
}

void prepare_on_path(io_uring_sqe& entry, const io_operation& operation) noexcept {
    const auto& asked = *static_cast<const path_request*>(operation.buffer);
    const auto flags = static_cast<int>(operation.flags);
    switch (operation.kind) {
        case io_kind::stat_path:
            io_uring_prep_statx(&entry, AT_FDCWD, asked.path, flags, STATX_BASIC_STATS | STATX_BTIME,
                static_cast<struct statx*>(asked.answer));
            break;
        case io_kind::rename:
            io_uring_prep_renameat(&entry, AT_FDCWD, asked.path, AT_FDCWD, asked.target, operation.flags);
            break;
        case io_kind::unlink: io_uring_prep_unlinkat(&entry, AT_FDCWD, asked.path, flags); break;
        case io_kind::make_directory:
            io_uring_prep_mkdirat(&entry, AT_FDCWD, asked.path, static_cast<mode_t>(operation.length));
            break;
        case io_kind::link: io_uring_prep_linkat(&entry, AT_FDCWD, asked.path, AT_FDCWD, asked.target, 0); break;
        case io_kind::symlink: io_uring_prep_symlinkat(&entry, asked.target, AT_FDCWD, asked.path); break;
        default: io_uring_prep_close(&entry, -1); break;
    }
}

void prepare(io_uring_sqe& entry, io_operation& operation) noexcept {
    const int fd = operation.fd;
    switch (operation.kind) {
        case io_kind::nop: io_uring_prep_nop(&entry); break;
        case io_kind::read: io_uring_prep_read(&entry, fd, operation.buffer, operation.length, operation.offset); break;
        case io_kind::write: io_uring_prep_write(&entry, fd, operation.buffer, operation.length, operation.offset); break;
        case io_kind::recv:
            io_uring_prep_recv(&entry, fd, operation.buffer, operation.length, static_cast<int>(operation.flags));
            break;
        case io_kind::send:
            io_uring_prep_send(
                &entry, fd, operation.buffer, operation.length, static_cast<int>(operation.flags) | MSG_NOSIGNAL);
            break;
        case io_kind::recvmsg:
            io_uring_prep_recvmsg(&entry, fd, static_cast<msghdr*>(operation.buffer), operation.flags);
            break;
        case io_kind::sendmsg:
            io_uring_prep_sendmsg(&entry, fd, static_cast<const msghdr*>(operation.buffer), operation.flags | MSG_NOSIGNAL);
            break;
        case io_kind::accept: io_uring_prep_accept(&entry, fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); break;
        case io_kind::connect:
            io_uring_prep_connect(&entry, fd, static_cast<const sockaddr*>(operation.buffer), operation.length);
            break;
        case io_kind::poll: io_uring_prep_poll_add(&entry, fd, operation.flags); break;
        case io_kind::open:
            io_uring_prep_openat(&entry, AT_FDCWD, static_cast<const char*>(operation.buffer),
                static_cast<int>(operation.flags) | O_CLOEXEC, static_cast<mode_t>(operation.length));
            break;
        case io_kind::close: io_uring_prep_close(&entry, fd); break;
        case io_kind::sync: io_uring_prep_fsync(&entry, fd, operation.flags != 0 ? IORING_FSYNC_DATASYNC : 0); break;
        case io_kind::stat:
            io_uring_prep_statx(
                &entry, fd, "", AT_EMPTY_PATH, operation.flags, static_cast<struct statx*>(operation.buffer));
            break;
        case io_kind::readv:
            io_uring_prep_readv(
                &entry, fd, static_cast<const iovec*>(operation.buffer), operation.length, operation.offset);
            break;
        case io_kind::writev:
            io_uring_prep_writev(
                &entry, fd, static_cast<const iovec*>(operation.buffer), operation.length, operation.offset);
            break;
        case io_kind::allocate:
            io_uring_prep_fallocate(
                &entry, fd, operation.flags != 0 ? FALLOC_FL_KEEP_SIZE : 0, 0, static_cast<off_t>(operation.offset));
            break;
        case io_kind::stat_path:
        case io_kind::rename:
        case io_kind::unlink:
        case io_kind::make_directory:
        case io_kind::link:
        case io_kind::symlink: prepare_on_path(entry, operation); break;
        // The driver gives these to a blocking thread.
        case io_kind::truncate:
        case io_kind::change_mode:
        case io_kind::copy_range:
        case io_kind::read_directory:
        case io_kind::read_link:
        case io_kind::watch_path:
        case io_kind::resolve: io_uring_prep_close(&entry, -1); break;  // no kernel's business: EBADF
    }
}

/// What an operation that ended in the ring has left for the next.
io_operation::supply left_behind(const io_operation& operation, int result, bool has_more) noexcept {
    if (result < 0) return io_operation::supply::unknown;
    // The kernel does not say it of datagrams; where one comes, others often follow.
    return has_more || operation.kind == io_kind::recvmsg ? io_operation::supply::some : io_operation::supply::none;
}

/// What a shim makes of an entry. @returns its tag
std::uint64_t distort(kernel_shim& shim, io_uring_sqe& entry, io_operation& operation) noexcept {
    if (const int error = shim.refuse(operation); error != 0) {
        if (operation.kind == io_kind::close) ::close(operation.fd);  // one that fails has closed all the same
        io_uring_prep_nop(&entry);
        operation.result = -error;
        return tag_refused;
    }
    if (is_transfer(operation)) entry.len = shim.shorten(operation, entry.len);
    return tag_result;
}

}  // namespace

ring::~ring() { close(); }

void ring::open() {
    // Cooperative (5.19): the kernel does not interrupt the owner to finish a request, it waits for the owner's next system call.
    // SUBMIT_ALL (5.18): a refused entry does not end its batch.
    constexpr unsigned base = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    constexpr unsigned wishes[] = {base | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        base | IORING_SETUP_SUBMIT_ALL, base};
    int failed = -EINVAL;
    for (const unsigned flags : wishes) {
        io_uring_params parameters{};
        parameters.flags = flags;
        parameters.cq_entries = completion_entries;
        failed = io_uring_queue_init_params(submission_entries, &uring_, &parameters);
        if (failed != -EINVAL) break;
    }
    if (failed < 0) throw io_error(std::error_code(-failed, std::generic_category()), "create an io_uring");
    open_ = true;
    polls_first_ = (uring_.features & feature_of_6_10) != 0;
    io_uring_ring_dontfork(&uring_);
    const int made = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made < 0) throw io_error(std::error_code(errno, std::generic_category()), "create an eventfd");
    wake_fd_.store(made, std::memory_order_relaxed);
    takes_messages_.store(tell(), std::memory_order_relaxed);  // found out by sending one, whose answer nobody waits for
}

void ring::close() noexcept {
    takes_messages_.store(false, std::memory_order_relaxed);  // the ring's number may soon be another's
    if (open_) io_uring_queue_exit(&uring_);
    open_ = false;
    if (const int made = wake_fd_.exchange(-1, std::memory_order_relaxed); made >= 0) ::close(made);
}

// ---- submit

bool ring::start(io_operation& operation) noexcept {
    std::unique_lock lock(submission_, std::try_to_lock);
    if (lock.owns_lock()) {
        operation_list ended;
        if (issue(operation, ended)) return ended.empty();
    }
    // Somebody else is submitting for us, or the queue is full and the kernel takes no more now.
    mail(operation);
    return true;
}

io_uring_sqe* ring::take_entry() noexcept {
    if (queue_refused()) return nullptr;
    io_uring_sqe* entry = io_uring_get_sqe(&uring_);
    if (entry == nullptr) {
        enter(publish_entries(), 0, nullptr);
        entry = io_uring_get_sqe(&uring_);
    }
    if (entry != nullptr) prepared_.store(prepared_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return entry;
}

// @returns false when there is no room; an operation that was canceled before goes to `ended`
bool ring::issue(io_operation& operation, operation_list& ended) noexcept {
    const std::uint8_t state = operation.state.load(std::memory_order_acquire);
    if ((state & io_operation::cancel_asked) == 0) {
        io_uring_sqe* entry = take_entry();
        if (entry == nullptr) return false;
        if ((state & io_operation::wait_ready) != 0) {
            io_uring_prep_poll_add(entry, operation.fd, ready_events(operation));
            io_uring_sqe_set_data64(entry, tagged(operation, tag_ready));
        } else {
            prepare(*entry, operation);
            if (operation.kind == io_kind::accept && operation.left == io_operation::supply::none && polls_first_)
                entry->ioprio |= accept_poll_first;
            kernel_shim* shim = current_kernel_shim();
            const std::uint64_t tag = shim == nullptr ? tag_result : distort(*shim, *entry, operation);
            io_uring_sqe_set_data64(entry, tagged(operation, tag));
        }
        tsan_release(&operation);
        // A letter of cancel() is drained under our lock, so it comes behind this entry.
        if (note_issued(operation.state)) return true;
        io_uring_prep_nop(entry);
        io_uring_sqe_set_data64(entry, user_none);
    }
    operation.result = -ECANCELED;
    ended.append(operation);
    return true;
}

bool ring::issue_cancel(io_operation& operation, operation_list& ended) noexcept {
    if ((operation.state.load(std::memory_order_acquire) & io_operation::answered) == 0) {
        io_uring_sqe* entry = take_entry();
        if (entry == nullptr) return false;
        io_uring_prep_cancel64(entry, tagged(operation, tag_result), 0);
        if ((operation.state.load(std::memory_order_relaxed) & io_operation::wait_ready) != 0) {
            entry->addr = tagged(operation, tag_ready);
        }
        io_uring_sqe_set_data64(entry, tagged(operation, tag_cancel));
        tsan_release(&operation);
        return true;
    }
    // The answer came while the letter lay here: whoever handled it left the operation to us.
    if (note_cancel_answer(operation.state)) ended.append(operation);
    return true;
}

// @returns false when letters had to stay because the queue has no room
bool ring::drain(operation_list& ended, bool refuse) noexcept {
    operation_list letters = mailbox_.take_all();
    while (io_operation* operation = letters.take()) {
        const bool is_issued = (operation->state.load(std::memory_order_acquire) & io_operation::issued) != 0;
        // An operation that starts during shutdown is canceled; one that is to be canceled stays what it is.
        if (refuse && !is_issued) operation->state.fetch_or(io_operation::cancel_asked, std::memory_order_acq_rel);
        if (is_issued ? issue_cancel(*operation, ended) : issue(*operation, ended)) continue;
        mailbox_.push(*operation);
        while (io_operation* rest = letters.take()) mailbox_.push(*rest);
        return false;
    }
    return true;
}

void ring::sweep(std::uint32_t generation) noexcept {
    if (generation == swept_) return;
    swept_ = generation;
    if (io_uring_sqe* entry = take_entry()) {
        io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
        io_uring_sqe_set_data64(entry, user_none);
    }
}

// Under both locks.
bool ring::arm_wake_up() noexcept {
    if (wake_armed_) return true;
    io_uring_sqe* entry = take_entry();
    if (entry == nullptr) return false;
    // Multishot: every write to the descriptor gives one answer, and nobody ever reads it.
    io_uring_prep_poll_multishot(entry, wake_fd_.load(std::memory_order_relaxed), POLLIN);
    io_uring_sqe_set_data64(entry, user_wake);
    wake_armed_ = true;
    return true;
}

unsigned ring::publish_entries() noexcept {
    io_uring_sq& queue = uring_.sq;
    queue.sqe_head = queue.sqe_tail;
    // Release: the kernel sees the entries before the new end.
    __atomic_store_n(queue.ktail, queue.sqe_tail, __ATOMIC_RELEASE);
    return queue.sqe_tail - __atomic_load_n(queue.khead, __ATOMIC_ACQUIRE);
}

// One visit to the kernel. Errors need no answer here: entries that were not taken stay in the queue for the next visit
// (EAGAIN: no memory, EBUSY: too many answers not fetched yet), and a sleep that ends early is allowed.
void ring::enter(unsigned submit, unsigned wait, const time_point* deadline) noexcept {
    if (visit_refused() != 0) return;
    io_uring_getevents_arg argument{};
    __kernel_timespec limit{};
    unsigned flags = wait != 0 ? IORING_ENTER_GETEVENTS : 0U;
    if (deadline != nullptr && *deadline != time_point::max()) {
        const auto left =
            std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(*deadline - std::chrono::steady_clock::now()));
        limit.tv_sec = left.count() / 1'000'000'000;
        limit.tv_nsec = left.count() % 1'000'000'000;
        argument.ts = reinterpret_cast<std::uint64_t>(&limit);
    }
    flags |= IORING_ENTER_EXT_ARG;
    const int got = io_uring_enter2(static_cast<unsigned>(uring_.ring_fd), submit, wait, flags,
        reinterpret_cast<sigset_t*>(&argument), sizeof argument);
    WEFT_ASSERT(got >= 0 || (got != -EBADF && got != -EFAULT && got != -EINVAL && got != -EBADFD && got != -ENXIO),
        "io_uring_enter refused a ring that it accepted before");
    if (submit == 0) return;
    const unsigned left = uring_.sq.sqe_tail - __atomic_load_n(uring_.sq.khead, __ATOMIC_ACQUIRE);
    prepared_.store(left, std::memory_order_relaxed);
    submissions_.store(submissions_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

bool ring::flush(const shutdown_note& note) noexcept {
    if (!has_unsubmitted() && !note.stopping) return false;
    std::unique_lock lock(submission_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    operation_list ended;
    static_cast<void>(drain(ended, note.stopping));  // what stays is for the next visit
    sweep(note.generation);
    if (const unsigned count = publish_entries(); count != 0) enter(count, 0, nullptr);
    lock.unlock();
    return finish(ended);
}

// ---- sleep and wake

// Going to sleep, step by step; wake() and mail() are on the other side.
//   1. sleep_state_ awake -> asleep; it fails when wake() came first, and then we do not sleep.
//   2. the mailbox is emptied: a letter sent before step 1 is seen here, one sent later finds us asleep and wakes us.
//   3. the kernel puts us to sleep unless an answer is there, among them the wake-up's message, or the one to its write.
// A message carries nothing: what its sender left for us we see because sleep_state_ was changed after it, and we change it back
// before we look.
bool ring::sleep(time_point deadline, const shutdown_note& note) noexcept {
    std::unique_lock submission(submission_);
    std::unique_lock completion(completion_);
    const bool may_sleep = sleep_state_.fall_asleep();
    operation_list ended;
    const bool drained = drain(ended, note.stopping);
    sweep(note.generation);
    const bool armed = arm_wake_up();
    const unsigned count = publish_entries();
    const bool stay = may_sleep && drained && armed && ended.empty() && !has_answers() && held_.empty();
    if (stay || count != 0) enter(count, stay ? 1 : 0, stay ? &deadline : nullptr);
    sleep_state_.get_up();

    answer answers[batch];
    const unsigned copied = copy_answers(answers);
    completion.unlock();
    submission.unlock();
    take_in(answers, copied, ended);
    const bool any = finish(ended);
    return (has_answers() && reap()) || any;
}

void ring::wake() noexcept {
    if (!sleep_state_.wake()) return;
    if (takes_messages_.load(std::memory_order_relaxed) && tell()) return;
    const std::uint64_t one = 1;
    while (::write(wake_fd_.load(std::memory_order_relaxed), &one, sizeof one) < 0 && errno == EINTR) {}
}

// A message becomes an answer of this ring's in the call, on any thread, and nobody else's ring is needed. What is written to the
// eventfd takes the way through its poll, which the owner has to finish. The sender is awake, so it has the time; measured in
// docs/decisions/0011. @returns false when this kernel, or a filter, refuses
bool ring::tell() noexcept {
    io_uring_sqe message{};
    io_uring_prep_msg_ring(&message, uring_.ring_fd, 0, user_none, 0);
    return ::syscall(__NR_io_uring_register, -1, register_send_message, &message, 1) >= 0;
}

// ---- reap

bool ring::has_answers() const noexcept {
    return __atomic_load_n(uring_.cq.khead, __ATOMIC_RELAXED) != __atomic_load_n(uring_.cq.ktail, __ATOMIC_ACQUIRE) ||
        (__atomic_load_n(uring_.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW) != 0;
}

bool ring::has_unfinished() const noexcept {
    return (__atomic_load_n(uring_.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_TASKRUN) != 0;
}

// Under completion_.
unsigned ring::copy_answers(answer* into) noexcept {
    if ((__atomic_load_n(uring_.sq.kflags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW) != 0) {
        // The kernel keeps answers that found no room, and hands them over when asked.
        io_uring_enter(static_cast<unsigned>(uring_.ring_fd), 0, 0, IORING_ENTER_GETEVENTS, nullptr);
    }
    const unsigned head = __atomic_load_n(uring_.cq.khead, __ATOMIC_RELAXED);
    const unsigned tail = __atomic_load_n(uring_.cq.ktail, __ATOMIC_ACQUIRE);
    const unsigned seen = std::min(tail - head, batch);
    unsigned count = 0;
    for (unsigned i = 0; i < seen; ++i) {
        const io_uring_cqe& entry = uring_.cq.cqes[(head + i) & uring_.cq.ring_mask];
        if (entry.user_data == user_wake) {
            // Without MORE the kernel has taken the wake-up away (it does so when answers overflow). Noted under the lock,
            // so that the owner cannot fall asleep without one.
            if ((entry.flags & IORING_CQE_F_MORE) == 0) wake_armed_ = false;
        } else if (entry.user_data != user_none) {
            into[count++] = {entry.user_data, entry.res, (entry.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0};
        }
    }
    // Release: our copies are made before the kernel may write there again.
    __atomic_store_n(uring_.cq.khead, head + seen, __ATOMIC_RELEASE);
    return count;
}

bool ring::reap_own() noexcept {
    if (has_unfinished() && !has_answers()) enter(0, 0, nullptr);
    return reap();
}

bool ring::reap() noexcept {
    bool any = false;
    // A bound, so that a flood of answers does not keep this thread from the work they make ready.
    for (unsigned round = 0; round < 16 && has_answers(); ++round) {
        answer answers[batch];
        unsigned copied;
        {
            std::unique_lock lock(completion_, std::try_to_lock);
            if (!lock.owns_lock()) return any;
            copied = copy_answers(answers);
        }
        operation_list ended;
        take_in(answers, copied, ended);
        if (finish(ended)) any = true;
    }
    if (!held_.empty()) {
        operation_list ended;
        take_in(nullptr, 0, ended);
        if (finish(ended)) any = true;
    }
    return any;
}

void ring::take_in(const answer* answers, unsigned count, operation_list& ended) noexcept {
    kernel_shim* const shim = current_kernel_shim();
    for (unsigned i = 0; i < count; ++i) {
        if (shim != nullptr && (answers[i].user & tag_mask) != tag_cancel) {
            const auto& operation = *reinterpret_cast<const io_operation*>(answers[i].user & ~tag_mask);
            if (const unsigned looks = shim->hold(operation); looks != 0) {
                held_.hold(answers[i], looks);
                continue;
            }
        }
        handle(answers[i], ended);
    }
    if (held_.empty()) return;
    for (const answer& late : held_.release()) handle(late, ended);
}

void ring::handle(const answer& what, operation_list& ended) noexcept {
    auto& operation = *reinterpret_cast<io_operation*>(what.user & ~tag_mask);
    tsan_acquire(&operation);
    switch (what.user & tag_mask) {
        case tag_cancel:
            // Whatever it says, the target's own answer tells how the operation ended.
            if (note_cancel_answer(operation.state)) ended.append(operation);
            break;
        case tag_ready:
            if (what.result < 0) settle(operation, what.result, ended);
            else if (!try_again(operation, false)) settle(operation, -ECANCELED, ended);
            break;
        default: {
            const int result = (what.user & tag_mask) == tag_refused ? operation.result : what.result;
            operation.left = left_behind(operation, result, what.has_more);
            // A close that was interrupted has closed all the same: again, it would close another's descriptor.
            if (result == -EINTR && operation.kind == io_kind::close) return settle(operation, 0, ended);
            // Non-blocking descriptors make some kernels answer EAGAIN instead of waiting; signals make file systems
            // answer EINTR, and so does a request that was canceled in the middle.
            const bool again = (result == -EAGAIN && ready_events(operation) != 0) || result == -EINTR;
            if (!again) settle(operation, result, ended);
            else if (!try_again(operation, result == -EAGAIN)) settle(operation, -ECANCELED, ended);
        }
    }
}

// @returns false when the operation is being canceled: then it is over
bool ring::try_again(io_operation& operation, bool when_ready) noexcept {
    if (!note_again(operation.state, when_ready)) return false;
    mail(operation);
    wake();  // we may not be the owner, and the owner may have looked into the mailbox and gone to sleep just now
    return true;
}

void ring::settle(io_operation& operation, int result, operation_list& ended) noexcept {
    operation.result = result;
    if (note_answer(operation.state)) ended.append(operation);
}

bool ring::finish(operation_list& ended) noexcept {
    bool any = false;
    while (io_operation* operation = ended.take()) {
        count_out();
        operation->complete(*operation);
        any = true;
    }
    return any;
}

}  // namespace weft::inline WEFT_ABI::detail
