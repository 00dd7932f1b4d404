// src/io/io_driver.cpp: the calls that make sockets, as the kernel answers them, and the drivers of dispatchers without a runtime.
// SPDX-License-Identifier: MIT

#include "weft/io/io_driver.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <utility>
#include <vector>

#include <sys/inotify.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/descriptor_reserve.hpp"
#include "io/substitute_driver.hpp"
#include "weft/io/kernel_shim.hpp"

namespace weft::inline WEFT_ABI {

namespace {

int answer(int result) noexcept { return result < 0 ? -errno : result; }

/// This thread gets no SIGPIPE while it lives: sendfile(2) has no flag against it.
class no_broken_pipe {
public:
    no_broken_pipe() noexcept {
        sigemptyset(&it_);
        sigaddset(&it_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &it_, &before_);
    }
    ~no_broken_pipe() {
        if (sigismember(&before_, SIGPIPE) == 1) return;
        const timespec now{};
        while (::sigtimedwait(&it_, nullptr, &now) < 0 && errno == EINTR) {}
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }
    no_broken_pipe(const no_broken_pipe&) = delete;
    no_broken_pipe& operator=(const no_broken_pipe&) = delete;

private:
    sigset_t it_{};
    sigset_t before_{};
};

/// The drivers given by set_io_driver(). A world of one thread each, so there are few.
struct substitutes {
    std::mutex mutex;
    std::vector<std::pair<const dispatcher*, io_driver*>> drivers;
};

substitutes& all_substitutes() {
    static substitutes all;
    return all;
}

// Where the call is missing or forbidden, each datagram goes alone.
int alone_instead(int answer) noexcept { return answer == -ENOSYS || answer == -EPERM ? -EAGAIN : answer; }

}  // namespace

int io_driver::open_socket(bool v6) noexcept {
    return answer(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int io_driver::open_datagram_socket(bool v6) noexcept {
    return answer(::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int io_driver::open_local_socket() noexcept {
    return answer(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

int io_driver::peek(int fd) noexcept {
    char byte = 0;
    return answer(static_cast<int>(::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)));
}

std::int64_t io_driver::send_file(int socket, int file, std::uint64_t offset, std::size_t count) noexcept {
    auto from = static_cast<off_t>(offset);
    const no_broken_pipe quiet;
    for (;;) {
        const ssize_t sent = ::sendfile(socket, file, &from, count);
        if (sent >= 0) return sent;
        if (errno != EINTR) return -errno;
    }
}

int io_driver::receive_ready(int fd, mmsghdr* into, unsigned count) noexcept {
    if (const int error = detail::batch_refused(false); error != 0) return -error;
    for (;;) {
        const int got = answer(::recvmmsg(fd, into, count, MSG_DONTWAIT | MSG_TRUNC, nullptr));
        if (got != -EINTR) return alone_instead(got);
    }
}

int io_driver::send_ready(int fd, mmsghdr* from, unsigned count) noexcept {
    if (const int error = detail::batch_refused(true); error != 0) return -error;
    for (;;) {
        const int sent = answer(::sendmmsg(fd, from, count, MSG_DONTWAIT | MSG_NOSIGNAL));
        if (sent != -EINTR) return alone_instead(sent);
    }
}

int io_driver::shed_connection(int listener) noexcept { return detail::shed_connection_by_reserve(listener); }

int io_driver::set_option(int fd, int level, int option, const void* value, std::uint32_t size) noexcept {
    return answer(::setsockopt(fd, level, option, value, size));
}

int io_driver::bind(int fd, const void* address, std::uint32_t size) noexcept {
    return answer(::bind(fd, static_cast<const sockaddr*>(address), size));
}

int io_driver::listen(int fd, int backlog) noexcept { return answer(::listen(fd, backlog)); }

int io_driver::shutdown(int fd, int how) noexcept { return answer(::shutdown(fd, how)); }

int io_driver::name_of(int fd, bool peer, void* address, std::uint32_t& size) noexcept {
    socklen_t room = size;
    const int result = (peer ? ::getpeername : ::getsockname)(fd, static_cast<sockaddr*>(address), &room);
    size = room;
    return answer(result);
}

int io_driver::open_watch() noexcept { return answer(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)); }

int io_driver::remove_watch(int fd, int watch) noexcept { return answer(::inotify_rm_watch(fd, watch)); }

void io_driver::close_now(int fd) noexcept {
    forget(fd);
    ::close(fd);
}

void set_io_driver(dispatcher& home, io_driver* driver) {
    substitutes& all = all_substitutes();
    const std::lock_guard guard(all.mutex);
    std::erase_if(all.drivers, [&](const auto& known) { return known.first == &home; });
    if (driver != nullptr) all.drivers.emplace_back(&home, driver);
}

namespace detail {

io_driver* substitute_io_driver(const dispatcher& home) noexcept {
    substitutes& all = all_substitutes();
    const std::lock_guard guard(all.mutex);
    const auto found = std::ranges::find(all.drivers, &home, [](const auto& known) { return known.first; });
    return found == all.drivers.end() ? nullptr : found->second;
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
