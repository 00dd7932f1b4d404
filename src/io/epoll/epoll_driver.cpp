// src/io/epoll/epoll_driver.cpp: readiness instead of completion, behind the same records.
//
//   submit   tries the system call at once; refused (EAGAIN), the operation joins the line of its direction
//   fetch    an edge makes the direction ready, and the line is served in order until it is refused again
//   cancel   takes the operation out of the line; one that is not there any more has completed
//
// SPDX-License-Identifier: MIT

#include "io/epoll/epoll_driver.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/epoll/system_call.hpp"
#include "weft/base/assert.hpp"
#include "weft/base/error.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/io/kernel_shim.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

constexpr std::uint64_t wake_data = ~std::uint64_t{0};
constexpr int fetch_events = 64;

/// Waits for events; `deadline` null: does not wait.
int wait_for_events(int epoll_fd, epoll_event* events, const time_point* deadline) noexcept {
    if (visit_refused() != 0) return -1;
    if (deadline == nullptr) return ::epoll_wait(epoll_fd, events, fetch_events, 0);
    if (*deadline == time_point::max()) return ::epoll_wait(epoll_fd, events, fetch_events, -1);
    const auto left =
        std::max(std::chrono::nanoseconds(0), std::chrono::nanoseconds(*deadline - std::chrono::steady_clock::now()));
    // Older kernels count in milliseconds only; rounded up, so that a timer is never early.
    static std::atomic<bool> only_milliseconds{false};
    if (!only_milliseconds.load(std::memory_order_relaxed)) {
        const timespec limit{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
        const int got = ::epoll_pwait2(epoll_fd, events, fetch_events, &limit, nullptr);
        if (got >= 0 || (errno != ENOSYS && errno != EPERM)) return got;
        only_milliseconds.store(true, std::memory_order_relaxed);
    }
    const auto milliseconds = std::min<std::int64_t>((left.count() + 999'999) / 1'000'000, 1'000'000'000);
    return ::epoll_wait(epoll_fd, events, fetch_events, static_cast<int>(milliseconds));
}

int socket_option(int fd, int option) noexcept {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

/// Whether a call that moves less than asked has emptied (or filled) it. Not so in the Unix domain, where a read stops behind
/// the bytes that a descriptor came with.
bool is_stream(int fd) noexcept {
    if (socket_option(fd, SO_TYPE) != SOCK_STREAM) return false;
    const int domain = socket_option(fd, SO_DOMAIN);
    return domain == AF_INET || domain == AF_INET6;
}

/// Reads and writes have no flag that keeps them from waiting: a pipe or terminal that was opened by a path gets it for good.
void never_wait(const io_operation& operation) noexcept {
    switch (operation.kind) {
        case io_kind::read:
        case io_kind::write:
        case io_kind::readv:
        case io_kind::writev: break;
        default: return;
    }
    const int flags = ::fcntl(operation.fd, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(operation.fd, F_SETFL, flags | O_NONBLOCK);
}

/// Makes the call and notes what its answer says about the direction. @returns false when it was refused
bool attempt(io_operation& operation, descriptor_record& record, descriptor_record::direction& way) noexcept {
    const std::int32_t result = call_system(operation);
    const bool moves = operation.kind == io_kind::recv || operation.kind == io_kind::send;
    if (result == -EAGAIN) {
        way.ready = false;
        return false;
    }
    // Less than asked: the next call would be refused, and the next edge is still to come (unless the stream has ended, or a shim
    // has made the call ask for less).
    const bool exhausted = result > 0 && static_cast<std::uint32_t>(result) < operation.length && !record.hung_up;
    if (moves && record.stream && exhausted && current_kernel_shim() == nullptr) way.ready = false;
    operation.result = result;
    return true;
}

descriptor_record::direction& way_of(const io_operation& operation, descriptor_record& record) noexcept {
    return waits_to_read(operation) ? record.reading : record.writing;
}

}  // namespace

epoll_driver::~epoll_driver() {
    for (unsigned index = 0; index < count_; ++index) {
        if (sets_[index].epoll_fd >= 0) ::close(sets_[index].epoll_fd);
        if (sets_[index].wake_fd >= 0) ::close(sets_[index].wake_fd);
    }
}

void epoll_driver::start(driver_host& host) {
    host_ = &host;
    count_ = host.owner_count() + 1;
    sets_ = std::make_unique<owner_set[]>(count_);
    for (unsigned index = 0; index < count_; ++index) {
        owner_set& set = sets_[index];
        set.epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
        if (set.epoll_fd < 0) throw io_error(std::error_code(errno, std::generic_category()), "create an epoll set");
        set.wake_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (set.wake_fd < 0) throw io_error(std::error_code(errno, std::generic_category()), "create an eventfd");
        epoll_event wake{};
        wake.events = EPOLLIN | EPOLLET;  // every write is an edge; nobody ever reads
        wake.data.u64 = wake_data;
        if (::epoll_ctl(set.epoll_fd, EPOLL_CTL_ADD, set.wake_fd, &wake) != 0) {
            throw io_error(std::error_code(errno, std::generic_category()), "watch an eventfd");
        }
    }
}

// ---- operations

void epoll_driver::count_in(unsigned index) noexcept {
    if (sets_[index].in_flight.fetch_add(1, std::memory_order_relaxed) == 0) host_->need_monitor();
}

unsigned epoll_driver::choose_set() noexcept {
    const unsigned self = worker_identity::owner_of(this_thread_block(), host_->target());
    if (self < count_) return self;
    const unsigned workers = count_ - 1;
    return workers == 0 ? 0 : turn_.fetch_add(1, std::memory_order_relaxed) % workers;
}

bool epoll_driver::try_now(io_operation& operation) noexcept {
    switch (operation.kind) {
        case io_kind::recv:
        case io_kind::send:
        case io_kind::recvmsg:
        case io_kind::sendmsg:
        case io_kind::accept: break;
        default: return false;
    }
    descriptor_record* record = table_.find(operation.fd);
    if (record == nullptr) return false;
    std::unique_lock lock(record->lock);
    descriptor_record::direction& way = way_of(operation, *record);
    return record->kind == descriptor_record::known_as::pollable && way.ready && way.line.empty() &&
        attempt(operation, *record, way);
}

bool epoll_driver::submit(io_operation& operation) noexcept {
    operation.result = -ECANCELED;
    if (operation.kind != io_kind::close &&
        (stopping_.load(std::memory_order_acquire) ||
            (operation.state.load(std::memory_order_acquire) & io_operation::cancel_asked) != 0)) {
        return false;
    }
    switch (operation.kind) {
        case io_kind::nop: operation.result = 0; return false;
        case io_kind::open:
        case io_kind::sync:
        case io_kind::stat:
        case io_kind::truncate:
        case io_kind::allocate:
        case io_kind::change_mode:
        case io_kind::copy_range:
        case io_kind::read_directory:
        case io_kind::stat_path:
        case io_kind::read_link:
        case io_kind::rename:
        case io_kind::unlink:
        case io_kind::make_directory:
        case io_kind::link:
        case io_kind::symlink:
        case io_kind::watch_path: return submit_blocking(operation);
        case io_kind::close: {
            descriptor_record* record = table_.find(operation.fd);
            const bool quick = record != nullptr && record->kind == descriptor_record::known_as::pollable;
            forget(operation.fd);
            if (!quick) return submit_blocking(operation);
            operation.result = call_system(operation);
            return false;
        }
        case io_kind::read:
        case io_kind::write:
        case io_kind::readv:
        case io_kind::writev:
            if (operation.offset != io_operation::no_offset) {
                if (!read_from_cache(operation)) return submit_blocking(operation);
                const unsigned self = worker_identity::owner_of(this_thread_block(), host_->target());
                if (self < count_ && !host_->has_work(self)) return false;
                operation.complete(operation);  // posts: a reader that finds each block here would keep the others waiting
                return true;
            }
            break;
        default: break;
    }
    descriptor_record* record = table_.find_or_make(operation.fd);
    if (record == nullptr) {
        operation.result = operation.fd < 0 ? -EBADF : -ENOMEM;
        return false;
    }
    return submit_ready(operation, *record);
}

// This and the next two: under the record's lock. Watching reports what is ready already, so no edge is lost by moving.
bool epoll_driver::watch(int fd, descriptor_record& record, unsigned set) noexcept {
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;
    wanted.data.u64 = static_cast<std::uint64_t>(record.generation) << 32 | static_cast<std::uint32_t>(fd);
    record.set = static_cast<std::uint16_t>(set);
    if (::epoll_ctl(sets_[set].epoll_fd, EPOLL_CTL_ADD, fd, &wanted) == 0) return true;
    // The open file outlived a descriptor of this number that was closed, because others share it (a terminal): it is watched still.
    return errno == EEXIST && ::epoll_ctl(sets_[set].epoll_fd, EPOLL_CTL_MOD, fd, &wanted) == 0;
}

// On an error the operation's result says which, and the kind stays unknown.
descriptor_record::known_as epoll_driver::classify(io_operation& operation, descriptor_record& record) noexcept {
    if (record.kind != descriptor_record::known_as::unknown) return record.kind;
    if (watch(operation.fd, record, choose_set())) {
        record.kind = descriptor_record::known_as::pollable;
        record.stream = is_stream(operation.fd);
        never_wait(operation);
        int highest = highest_fd_.load(std::memory_order_seq_cst);
        while (highest < operation.fd &&
            !highest_fd_.compare_exchange_weak(highest, operation.fd, std::memory_order_seq_cst)) {}
    } else if (errno == EPERM) {
        record.kind = descriptor_record::known_as::file;
    } else {
        operation.result = -errno;
    }
    return record.kind;
}

// Events that only the monitor fetches come a millisecond late, each time: so the descriptor follows whoever works on it now.
void epoll_driver::leave_busy_owner(int fd, descriptor_record& record) noexcept {
    record.stranded = false;
    const unsigned before = record.set;
    const unsigned self = worker_identity::owner_of(this_thread_block(), host_->target());
    if (self >= count_ - 1 || self == before || !record.reading.line.empty() || !record.writing.line.empty()) return;
    ::epoll_ctl(sets_[before].epoll_fd, EPOLL_CTL_DEL, fd, nullptr);
    if (!watch(fd, record, self)) {
        WEFT_ASSERT(watch(fd, record, before), "the kernel refuses to watch a descriptor that it watched before");
    }
}

bool epoll_driver::submit_ready(io_operation& operation, descriptor_record& record) noexcept {
    std::unique_lock lock(record.lock);
    switch (classify(operation, record)) {
        case descriptor_record::known_as::unknown: return false;
        case descriptor_record::known_as::file:
            lock.unlock();
            if (operation.kind == io_kind::read || operation.kind == io_kind::write || operation.kind == io_kind::readv ||
                operation.kind == io_kind::writev)
                return submit_blocking(operation);
            operation.result = -ENOTSOCK;
            return false;
        case descriptor_record::known_as::pollable: break;
    }
    // Once more, under the lock: who asked before shutdown began may come here after cancel_all(), which sees only what is in line.
    // Either it takes this lock after us, and sees the operation, or before us, and we see its note. To a number that was the highest
    // just now it does not come at all if it looked for the highest before; but then it wrote its note before that, and we look at
    // the note after we wrote the number, all four sequentially consistent.
    if (stopping_.load(std::memory_order_seq_cst)) {
        operation.result = -ECANCELED;
        return false;
    }
    if ((operation.state.fetch_or(io_operation::issued, std::memory_order_acq_rel) & io_operation::cancel_asked) != 0)
        return false;
    descriptor_record::direction& way = way_of(operation, record);
    // A connection attempt begins with the call, however the descriptor looked before.
    if (operation.kind == io_kind::connect || (way.ready && way.line.empty())) {
        if (attempt(operation, record, way)) return false;
    }
    if (record.stranded) leave_busy_owner(operation.fd, record);
    operation.owner = record.set;
    count_in(record.set);
    way.line.append(operation);
    return true;
}

bool epoll_driver::submit_blocking(io_operation& operation) noexcept {
    const auto mark = static_cast<std::uint8_t>(io_operation::issued | io_operation::blocking);
    const std::uint8_t before = operation.state.fetch_or(mark, std::memory_order_acq_rel);
    if ((before & io_operation::cancel_asked) != 0 && operation.kind != io_kind::close) {
        operation.result = -ECANCELED;
        return false;
    }
    runtime* home = host_->target().owner();
    if (home == nullptr) {
        operation.result = call_system(operation);
        return false;
    }
    const unsigned set = choose_set();
    operation.owner = static_cast<std::uint16_t>(set);
    count_in(set);
    try {
        home->post_blocking([this, work = &operation] { run_blocking(*work); });
        return true;
    } catch (...) {
        // No thread: better late, on this one, than not at all.
        operation.result = call_system(operation);
        sets_[set].in_flight.fetch_sub(1, std::memory_order_relaxed);
        return false;
    }
}

void epoll_driver::run_blocking(io_operation& operation) noexcept {
    const bool canceled = (operation.state.load(std::memory_order_acquire) & io_operation::cancel_asked) != 0;
    operation.result = canceled && operation.kind != io_kind::close ? -ECANCELED : call_system(operation);
    sets_[operation.owner].in_flight.fetch_sub(1, std::memory_order_relaxed);
    operation.complete(operation);
}

void epoll_driver::cancel(io_operation& operation) noexcept {
    const std::uint8_t before = operation.state.fetch_or(io_operation::cancel_asked, std::memory_order_acq_rel);
    if ((before & io_operation::cancel_asked) != 0 || (before & io_operation::issued) == 0) return;
    // A blocking thread looks at the mark before it makes the call, and a call that is being made cannot be taken back.
    if ((before & io_operation::blocking) != 0) return;
    descriptor_record* record = table_.find(operation.fd);
    if (record == nullptr) return;
    {
        std::unique_lock lock(record->lock);
        if (!way_of(operation, *record).line.remove(operation)) return;
    }
    operation_list ended;
    operation.result = -ECANCELED;
    ended.append(operation);
    complete_all(ended);
}

bool epoll_driver::complete_all(operation_list& ended) noexcept {
    bool any = false;
    while (io_operation* operation = ended.take()) {
        sets_[operation->owner].in_flight.fetch_sub(1, std::memory_order_relaxed);
        operation->complete(*operation);
        any = true;
    }
    return any;
}

void epoll_driver::forget(int fd) noexcept {
    descriptor_record* record = table_.find(fd);
    if (record == nullptr) return;
    std::unique_lock lock(record->lock);
    WEFT_ASSERT(record->reading.line.empty() && record->writing.line.empty(),
        "a descriptor is closed while operations wait for it");
    ++record->generation;
    record->kind = descriptor_record::known_as::unknown;
    record->hung_up = record->stream = record->stranded = false;
    record->reading.ready = record->writing.ready = true;
}

// ---- what the runtime calls

// Going to sleep: the fetching lock comes first, so that no other thread can take away the event of a wake-up that is sent once
// this owner is marked asleep.
void epoll_driver::poll(unsigned index, time_point deadline) noexcept { fetch(index, &deadline); }

bool epoll_driver::fetch(unsigned index, const time_point* deadline, bool late) noexcept {
    owner_set& set = sets_[index];
    std::unique_lock lock(set.fetching, std::defer_lock);
    epoll_event events[fetch_events];
    int count = 0;
    if (deadline == nullptr) {
        if (!lock.try_lock()) return false;
        count = wait_for_events(set.epoll_fd, events, nullptr);
    } else {
        lock.lock();
        const bool stay = set.sleep.fall_asleep();
        count = wait_for_events(set.epoll_fd, events, stay ? deadline : nullptr);
        set.sleep.get_up();
    }
    lock.unlock();
    bool any = false;
    for (int i = 0; i < count; ++i) {
        const std::uint64_t data = events[i].data.u64;
        if (data == wake_data) continue;
        if (dispatch(data, events[i].events, late)) any = true;
    }
    return any;
}

bool epoll_driver::dispatch(std::uint64_t data, std::uint32_t events, bool late) noexcept {
    descriptor_record* record = table_.find(static_cast<int>(data & 0xffffffffU));
    if (record == nullptr) return false;
    operation_list ended;
    {
        std::unique_lock lock(record->lock);
        if (record->generation != static_cast<std::uint32_t>(data >> 32)) return false;
        record->stranded = late;
        constexpr std::uint32_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
        if ((events & over) != 0) record->hung_up = true;
        // A read stops at an urgent mark, with more behind it.
        if ((events & EPOLLPRI) != 0) record->stream = false;
        const auto serve = [&](descriptor_record::direction& way) noexcept {
            way.ready = true;
            while (way.ready && !way.line.empty() && attempt(*way.line.front(), *record, way))
                ended.append(*way.line.take());
        };
        if ((events & (EPOLLIN | over)) != 0) serve(record->reading);
        if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) serve(record->writing);
    }
    return complete_all(ended);
}

void epoll_driver::wake(unsigned index) noexcept {
    owner_set& set = sets_[index];
    if (!set.sleep.wake()) return;
    const std::uint64_t one = 1;
    while (::write(set.wake_fd, &one, sizeof one) < 0 && errno == EINTR) {}
}

bool epoll_driver::harvest(unsigned index, bool others) noexcept {
    bool any = false;
    for (unsigned i = 0; i < count_; ++i) {
        owner_set& set = sets_[i];
        if (i != index && (!others || set.sleep.is_asleep())) continue;
        // poll() follows when `others`: it looks into the own set itself.
        if (i == index && others) continue;
        if (set.in_flight.load(std::memory_order_relaxed) > 0 && fetch(i, nullptr)) any = true;
    }
    return any;
}

void epoll_driver::monitor_tick() noexcept {
    if (stopping_.load(std::memory_order_acquire) && has_operations()) cancel_all();
    for (unsigned index = 0; index + 1 < count_; ++index) {
        owner_set& set = sets_[index];
        if (set.in_flight.load(std::memory_order_relaxed) > 0 && !set.sleep.is_asleep()) {
            fetch(index, nullptr, true);
        }
    }
}

bool epoll_driver::has_operations() const noexcept {
    for (unsigned index = 0; index < count_; ++index) {
        if (sets_[index].in_flight.load(std::memory_order_relaxed) != 0) return true;
    }
    return false;
}

void epoll_driver::cancel_all() noexcept {
    stopping_.store(true, std::memory_order_seq_cst);
    const int highest = highest_fd_.load(std::memory_order_seq_cst);
    for (int fd = 0; fd <= highest; ++fd) {
        descriptor_record* record = table_.find(fd);
        if (record == nullptr) continue;
        operation_list ended;
        {
            std::unique_lock lock(record->lock);
            for (auto* way : {&record->reading, &record->writing}) {
                while (io_operation* operation = way->line.take()) {
                    operation->result = -ECANCELED;
                    ended.append(*operation);
                }
            }
        }
        complete_all(ended);
    }
}

}  // namespace weft::inline WEFT_ABI::detail
