// src/io/signals.cpp: from a handler to those who wait.
//
//   1. A subscription takes a listener, a node of a list that only grows (a handler walks it at any moment), and an eventfd, and names both
//      to the handler: descriptor first, then the signals it wants.
//   2. The first who wants a signal installs the handler for it, the last restores what was there.
//   3. The handler marks the signal in every listener that wants it, then writes to its eventfd. It takes no lock, allocates nothing and
//      keeps errno.
//   4. Who waits empties the eventfd, then takes a mark, else waits for the eventfd. A mark set after the look finds the eventfd readable.
//   5. A subscription that goes withdraws its wishes and its descriptor, then waits until no handler is at work: one may have read the
//      descriptor's number before, and must not write to who gets that number next.
//
// SPDX-License-Identifier: MIT

#include "weft/io/signals.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/fs/directory_reader.hpp"
#include "io/pollable_state.hpp"
#include "io/signal_subscription.hpp"
#include "weft/base/error.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::detail {

struct signal_listener {
    std::atomic<std::uint64_t> wanted{0};
    std::atomic<std::uint64_t> pending{0};
    std::atomic<int> fd{-1};
    signal_listener* next = nullptr;       // set before the node is published, never changed
    signal_listener* next_free = nullptr;  // under the table's mutex
};

namespace {

constexpr int signal_count = 65;

struct disposition {
    unsigned users = 0;
    struct sigaction before{};
    // For the handler, which may run as soon as it is installed: set before.
    std::atomic<void (*)(int)> plain{nullptr};
    std::atomic<void (*)(int, siginfo_t*, void*)> detailed{nullptr};
};

/// Process-wide and never destroyed: a signal may come at any moment.
struct signal_table {
    std::mutex mutex;
    std::array<disposition, signal_count> signals;
    signal_listener* free = nullptr;
    std::atomic<signal_listener*> first{nullptr};
    std::atomic<int> handlers{0};  // at work
    std::atomic<pid_t> process{0};
};

signal_table& table() {
    static signal_table* const only = new signal_table;
    return *only;
}

// What the handler works with: it must not meet the initialisation of a local.
std::atomic<signal_table*> known_table{nullptr};

// All atomics that step 5 is about are seq_cst: a handler that is not seen at work sees the withdrawn wishes.
void tell(signal_table& all, int signal) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << (signal - 1);
    all.handlers.fetch_add(1);
    for (signal_listener* each = all.first.load(); each != nullptr; each = each->next) {
        if ((each->wanted.load() & bit) == 0) continue;
        each->pending.fetch_or(bit);
        const int fd = each->fd.load();
        if (fd < 0) continue;
        const std::uint64_t one = 1;
        while (::write(fd, &one, sizeof one) < 0 && errno == EINTR) {}
    }
    all.handlers.fetch_sub(1);
}

void on_signal(int signal, siginfo_t* info, void* context) {
    const int error = errno;
    signal_table* const all = known_table.load();
    const disposition& known = all->signals[static_cast<std::size_t>(signal)];
    if (all->process.load() != ::getpid()) {
        // A child made by fork(): it has our eventfds, but nobody who waits. There the signal has its former effect again, on return.
        ::sigaction(signal, &known.before, nullptr);
        ::raise(signal);
    } else {
        tell(*all, signal);
        if (auto* const detailed = known.detailed.load()) detailed(signal, info, context);
        else if (auto* const plain = known.plain.load()) plain(signal);
    }
    errno = error;
}

void fail(int error, int signal) {
    throw io_error(std::error_code(error, std::generic_category()), "wait for signal " + std::to_string(signal));
}

/// Under the table's mutex, as are the next two.
void acquire(signal_table& all, int signal) {
    disposition& known = all.signals[static_cast<std::size_t>(signal)];
    if (known.users == 0) {
        if (::sigaction(signal, nullptr, &known.before) != 0) fail(errno, signal);
        const bool is_detailed = (known.before.sa_flags & SA_SIGINFO) != 0;
        const bool is_function = known.before.sa_handler != SIG_DFL && known.before.sa_handler != SIG_IGN;
        known.detailed.store(is_detailed ? known.before.sa_sigaction : nullptr);
        known.plain.store(!is_detailed && is_function ? known.before.sa_handler : nullptr);
        struct sigaction ours{};
        ours.sa_sigaction = &on_signal;
        ours.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
        ::sigfillset(&ours.sa_mask);
        if (::sigaction(signal, &ours, nullptr) != 0) fail(errno, signal);
    }
    ++known.users;
}

void release(signal_table& all, int signal) noexcept {
    disposition& known = all.signals[static_cast<std::size_t>(signal)];
    if (--known.users != 0) return;
    // Unless somebody has installed another meanwhile, which is theirs.
    struct sigaction now{};
    if (::sigaction(signal, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == &on_signal)
        ::sigaction(signal, &known.before, nullptr);
}

signal_listener* take_listener(signal_table& all) {
    if (signal_listener* known = all.free) {
        all.free = known->next_free;
        return known;
    }
    auto* const made = new signal_listener;
    made->next = all.first.load();
    all.first.store(made);
    return made;
}

template <class F>
void for_each_signal(std::uint64_t bits, F&& f) {
    for (; bits != 0; bits &= bits - 1) f(std::countr_zero(bits) + 1);
}

/// Step 1 and 2. @returns the listener
signal_listener* subscribe(std::uint64_t bits, int fd) {
    signal_table& all = table();
    const std::lock_guard guard(all.mutex);
    all.process.store(::getpid());
    known_table.store(&all);
    signal_listener* const listener = take_listener(all);
    listener->pending.store(0);
    listener->fd.store(fd);
    listener->wanted.store(bits);
    std::uint64_t done = 0;
    try {
        for_each_signal(bits, [&](int signal) {
            acquire(all, signal);
            done |= std::uint64_t{1} << (signal - 1);
        });
    } catch (...) {
        for_each_signal(done, [&](int signal) { release(all, signal); });
        listener->wanted.store(0);
        listener->fd.store(-1);
        while (all.handlers.load() != 0) std::this_thread::yield();
        listener->next_free = all.free;
        all.free = listener;
        throw;
    }
    return listener;
}

/// Step 5.
void unsubscribe(signal_listener* listener) noexcept {
    signal_table& all = table();
    const std::lock_guard guard(all.mutex);
    for_each_signal(listener->wanted.load(), [&](int signal) { release(all, signal); });
    listener->wanted.store(0);
    listener->fd.store(-1);
    // No handler waits for anything. Ours on this very thread is over: it would have interrupted us.
    while (all.handlers.load() != 0) std::this_thread::yield();
    listener->next_free = all.free;
    all.free = listener;
}

int make_eventfd() {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) throw io_error(std::error_code(errno, std::generic_category()), "wait for signals");
    return fd;
}

}  // namespace

signal_subscription::signal_subscription(std::uint64_t bits) : listener_(nullptr) {
    io_driver& driver = current_io_driver();
    owner_ = descriptor_owner(new pollable_state(driver, make_eventfd(), "signals", "signals", false));
    listener_ = subscribe(bits, owner_.get()->fd());
}

signal_subscription::~signal_subscription() {
    if (listener_ != nullptr) unsubscribe(listener_);
}

task<int> signal_subscription::next(cancellation_token token) {
    auto& state = static_cast<pollable_state&>(*owner_.get());
    for (;;) {
        token.throw_if_cancellation_requested();
        std::uint64_t count = 0;
        static_cast<void>(state.read_now(std::as_writable_bytes(std::span(&count, 1))));
        const std::uint64_t marks = listener_->pending.load();
        if (marks != 0) {
            const std::uint64_t lowest = marks & (~marks + 1);
            listener_->pending.fetch_and(~lowest);
            co_return std::countr_zero(lowest) + 1;
        }
        co_await wait_until_ready(state, POLLIN, token).configure_await(false);
    }
}

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::signals {

namespace {

using weft::detail::signal_subscription;

task<int> wait_with(signal_subscription subscription, cancellation_token token) {
    co_return co_await subscription.next(std::move(token)).configure_await(false);
}

async_stream<int> stream_with(signal_subscription subscription, cancellation_token token) {
    const cancellation_token of_consumer = co_await this_stream::token();
    const fs::either_token both(std::move(token), of_consumer);
    for (;;) {
        const int signal = co_await subscription.next(both.get()).configure_await(false);
        co_yield signal;
    }
}

}  // namespace

void signal_set::add(int signal) {
    switch (signal) {
        case SIGKILL:
        case SIGSTOP:
        case SIGSEGV:
        case SIGBUS:
        case SIGFPE:
        case SIGILL:
        case SIGTRAP:
        case SIGABRT: throw std::invalid_argument("signal " + std::to_string(signal) + " cannot be waited for");
        default: break;
    }
    if (signal <= 0 || signal > 64) throw std::invalid_argument(std::to_string(signal) + " is not a signal");
    bits_ |= std::uint64_t{1} << (signal - 1);
}

task<int> wait(signal_set which, cancellation_token token) {
    if (token.is_cancellation_requested()) return from_canceled<int>(std::move(token));
    return wait_with(signal_subscription(which.bits()), std::move(token));
}

async_stream<int> stream(signal_set which, cancellation_token token) {
    return stream_with(signal_subscription(which.bits()), std::move(token));
}

}  // namespace weft::inline WEFT_ABI::signals
