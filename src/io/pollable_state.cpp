// src/io/pollable_state.cpp: see the header.
// SPDX-License-Identifier: MIT

#include "io/pollable_state.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

using readiness = descriptor_operation<io_kind::poll, int, &attempt_to_await, true>;

pollable_state::shape shape_of(int fd) noexcept {
    struct stat known{};
    if (::fstat(fd, &known) != 0) return pollable_state::shape::device;
    if (S_ISFIFO(known.st_mode)) return pollable_state::shape::pipe;
    if (S_ISSOCK(known.st_mode)) return pollable_state::shape::socket;
    const bool file = S_ISREG(known.st_mode) || S_ISBLK(known.st_mode) || S_ISDIR(known.st_mode);
    return file ? pollable_state::shape::file : pollable_state::shape::device;
}

/// Keeps a write's SIGPIPE from everybody: the process's handlers stay what they are. The kernel sends it to the thread that writes, so it
/// is blocked there and taken away when it came.
class without_sigpipe {
public:
    without_sigpipe() noexcept {
        ::sigemptyset(&only_);
        ::sigaddset(&only_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &only_, &before_);
        was_blocked_ = ::sigismember(&before_, SIGPIPE) == 1;
        if (!was_blocked_) return;
        sigset_t pending;
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
    }
    without_sigpipe(const without_sigpipe&) = delete;
    without_sigpipe& operator=(const without_sigpipe&) = delete;
    ~without_sigpipe() {
        if (!was_blocked_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    /// The write was refused with EPIPE.
    void take_away() const noexcept {
        if (was_pending_) return;
        const timespec at_once{};
        while (::sigtimedwait(&only_, nullptr, &at_once) < 0 && errno == EINTR) {}
    }

private:
    sigset_t only_{};
    sigset_t before_{};
    bool was_blocked_ = false;
    bool was_pending_ = false;
};

/// What a descriptor that may wait takes without waiting, once it is ready.
std::size_t careful_piece(const pollable_state& state) noexcept {
    return state.is() == pollable_state::shape::pipe ? PIPE_BUF : 256;
}

[[noreturn]] void fail(std::int64_t result, const std::string& attempt) {
    throw io_error(std::error_code(static_cast<int>(-result), std::generic_category()), attempt);
}

/// In a handler of object_disposed, inside an operation that began when `state` was open: close() came between two of its steps.
[[noreturn]] void fail_closed(const cancellation_token& token, const std::string& attempt) {
    token.throw_if_cancellation_requested();
    throw operation_canceled(attempt + " was canceled: it was closed meanwhile");
}

}  // namespace

pollable_state::pollable_state(io_driver& of, int fd, const char* kind, std::string name, bool careful)
    : descriptor_state(of, fd), kind_(kind), name_(std::move(name)), shape_(shape_of(fd)), careful_(careful) {}

std::int64_t pollable_state::read_now(std::span<std::byte> room) noexcept {
    const std::size_t most = std::min<std::size_t>(room.size(), io_operation::longest);
    for (;;) {
        const ssize_t count =
            shape_ == shape::socket ? ::recv(fd(), room.data(), most, MSG_DONTWAIT) : ::read(fd(), room.data(), most);
        if (count >= 0) return count;
        if (errno != EINTR) return -errno;
    }
}

std::int64_t pollable_state::write_now(std::span<const std::byte> data) noexcept {
    const std::size_t most = std::min<std::size_t>(data.size(), io_operation::longest);
    if (shape_ == shape::socket) {
        for (;;) {
            const ssize_t count = ::send(fd(), data.data(), most, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (count >= 0) return count;
            if (errno != EINTR) return -errno;
        }
    }
    const without_sigpipe quiet;
    for (;;) {
        const ssize_t count = ::write(fd(), data.data(), most);
        if (count >= 0) return count;
        const int error = errno;
        if (error == EPIPE) quiet.take_away();
        if (error != EINTR) return -error;
    }
}

pollable_state& pollable_of(const descriptor_owner& owner, const char* kind) {
    if (owner.get() == nullptr) throw object_disposed(kind);
    return static_cast<pollable_state&>(*owner.get());
}

void never_wait(int fd, const std::string& name) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ((flags & O_NONBLOCK) == 0 && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0))
        throw io_error(std::error_code(errno, std::generic_category()), "adopt '" + name + "'");
}

// Of what cannot be waited for (a file, /dev/null) the driver says so: it is ready always.
task<> wait_until_ready(pollable_state& state, unsigned events, cancellation_token token) {
    const descriptor_use use(state);
    if (state.is() == pollable_state::shape::file) co_return;
    const closable_wait wait(state.closing(), token);
    int result = 0;
    try {
        io_request request(&state, nullptr, 0, wait.token(), events);
        result = co_await readiness(std::move(request)).configure_await(false);
    } catch (const operation_canceled&) {
        wait.fail(state, attempt_to_await(state));
    } catch (const object_disposed&) {
        fail_closed(token, attempt_to_await(state));
    }
    if (result < 0 && result != -ENOTSOCK) fail(result, attempt_to_await(state));
}

task<std::size_t> read_some_of(pollable_state& state, std::span<std::byte> room, cancellation_token token) {
    token.throw_if_cancellation_requested();
    const descriptor_use use(state);
    if (state.is() == pollable_state::shape::file) {
        io_request request(&state, room.data(), room.size(), std::move(token), io_operation::no_offset);
        co_return co_await read_operation(std::move(request)).configure_await(false);
    }
    bool asked = !state.is_careful();
    for (;;) {
        const std::int64_t count = asked ? state.read_now(room) : -EAGAIN;
        if (count >= 0) co_return static_cast<std::size_t>(count);
        if (count != -EAGAIN) fail(count, attempt_to_read(state));
        try {
            co_await wait_until_ready(state, POLLIN, token).configure_await(false);
        } catch (const object_disposed&) {
            fail_closed(token, attempt_to_read(state));
        }
        asked = true;
    }
}

task<std::size_t> write_some_to(pollable_state& state, std::span<const std::byte> data, cancellation_token token) {
    token.throw_if_cancellation_requested();
    const descriptor_use use(state);
    if (state.is() == pollable_state::shape::file) {
        io_request request(
            &state, const_cast<std::byte*>(data.data()), data.size(), std::move(token), io_operation::no_offset);
        co_return co_await write_operation(std::move(request)).configure_await(false);
    }
    bool asked = !state.is_careful();
    if (!asked) data = data.first(std::min(data.size(), careful_piece(state)));
    for (;;) {
        const std::int64_t count = asked ? state.write_now(data) : -EAGAIN;
        if (count >= 0) co_return static_cast<std::size_t>(count);
        if (count != -EAGAIN) fail(count, attempt_to_write(state));
        try {
            co_await wait_until_ready(state, POLLOUT, token).configure_await(false);
        } catch (const object_disposed&) {
            fail_closed(token, attempt_to_write(state));
        }
        asked = true;
    }
}

task<> write_all_to(pollable_state& state, std::span<const std::byte> data, cancellation_token token) {
    token.throw_if_cancellation_requested();
    const descriptor_use use(state);
    while (!data.empty()) {
        try {
            const std::size_t count = co_await write_some_to(state, data, token).configure_await(false);
            data = data.subspan(count);
        } catch (const object_disposed&) {
            fail_closed(token, attempt_to_write(state));
        }
    }
}

}  // namespace weft::inline WEFT_ABI::detail
