// src/io/epoll/system_call.cpp: one case for each kind of operation.
// SPDX-License-Identifier: MIT

#include "io/epoll/system_call.hpp"

#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "weft/io/kernel_shim.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

long call_on_path(const io_operation& operation) noexcept {
    const auto& asked = *static_cast<const path_request*>(operation.buffer);
    const auto flags = static_cast<int>(operation.flags);
    switch (operation.kind) {
        case io_kind::stat_path:
            return ::statx(
                AT_FDCWD, asked.path, flags, STATX_BASIC_STATS | STATX_BTIME, static_cast<struct statx*>(asked.answer));
        case io_kind::read_link: return ::readlink(asked.path, static_cast<char*>(asked.answer), operation.length);
        case io_kind::rename:
            return ::syscall(SYS_renameat2, AT_FDCWD, asked.path, AT_FDCWD, asked.target, operation.flags);
        case io_kind::unlink: return ::unlinkat(AT_FDCWD, asked.path, flags);
        case io_kind::make_directory: return ::mkdir(asked.path, static_cast<mode_t>(operation.length));
        case io_kind::link: return ::linkat(AT_FDCWD, asked.path, AT_FDCWD, asked.target, 0);
        case io_kind::symlink: return ::symlink(asked.target, asked.path);
        case io_kind::watch_path: return ::inotify_add_watch(operation.fd, asked.path, operation.flags);
        default: errno = EINVAL; return -1;
    }
}

long call_on_vectors(const io_operation& operation) noexcept {
    const auto* const parts = static_cast<const iovec*>(operation.buffer);
    const auto count = static_cast<int>(operation.length);
    const bool at_position = operation.offset == io_operation::no_offset;
    const auto offset = static_cast<off_t>(operation.offset);
    if (operation.kind == io_kind::readv) {
        return at_position ? ::readv(operation.fd, parts, count) : ::preadv(operation.fd, parts, count, offset);
    }
    return at_position ? ::writev(operation.fd, parts, count) : ::pwritev(operation.fd, parts, count, offset);
}

long call_once(io_operation& operation) noexcept {
    const int fd = operation.fd;
    const std::size_t length = operation.length;
    switch (operation.kind) {
        case io_kind::nop: return 0;
        case io_kind::read:
            if (operation.offset == io_operation::no_offset) return ::read(fd, operation.buffer, length);
            return ::pread(fd, operation.buffer, length, static_cast<off_t>(operation.offset));
        case io_kind::write:
            if (operation.offset == io_operation::no_offset) return ::write(fd, operation.buffer, length);
            return ::pwrite(fd, operation.buffer, length, static_cast<off_t>(operation.offset));
        case io_kind::recv: return ::recv(fd, operation.buffer, length, static_cast<int>(operation.flags) | MSG_DONTWAIT);
        case io_kind::send:
            return ::send(fd, operation.buffer, length, static_cast<int>(operation.flags) | MSG_DONTWAIT | MSG_NOSIGNAL);
        case io_kind::recvmsg:
            return ::recvmsg(fd, static_cast<msghdr*>(operation.buffer), static_cast<int>(operation.flags) | MSG_DONTWAIT);
        case io_kind::sendmsg:
            return ::sendmsg(fd, static_cast<const msghdr*>(operation.buffer),
                static_cast<int>(operation.flags) | MSG_DONTWAIT | MSG_NOSIGNAL);
        case io_kind::accept: return ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        case io_kind::connect: return ::connect(fd, static_cast<const sockaddr*>(operation.buffer), operation.length);
        case io_kind::poll: {
            pollfd asked{fd, static_cast<short>(operation.flags), 0};
            const int ready = ::poll(&asked, 1, 0);
            if (ready > 0) return asked.revents;
            if (ready == 0) errno = EAGAIN;
            return -1;
        }
        case io_kind::open:
            return ::open(static_cast<const char*>(operation.buffer), static_cast<int>(operation.flags) | O_CLOEXEC,
                static_cast<mode_t>(operation.length));
        case io_kind::close: return ::close(fd);
        case io_kind::sync: return operation.flags != 0 ? ::fdatasync(fd) : ::fsync(fd);
        case io_kind::stat:
            return ::statx(fd, "", AT_EMPTY_PATH, operation.flags, static_cast<struct statx*>(operation.buffer));
        case io_kind::readv:
        case io_kind::writev: return call_on_vectors(operation);
        case io_kind::truncate: return ::ftruncate(fd, static_cast<off_t>(operation.offset));
        case io_kind::allocate:
            return ::fallocate(fd, operation.flags != 0 ? FALLOC_FL_KEEP_SIZE : 0, 0, static_cast<off_t>(operation.offset));
        case io_kind::change_mode: return ::fchmod(fd, static_cast<mode_t>(operation.flags));
        case io_kind::copy_range:
            return ::copy_file_range(static_cast<int>(operation.flags), nullptr, fd, nullptr, length, 0);
        case io_kind::read_directory: return ::syscall(SYS_getdents64, fd, operation.buffer, length);
        case io_kind::stat_path:
        case io_kind::read_link:
        case io_kind::rename:
        case io_kind::unlink:
        case io_kind::make_directory:
        case io_kind::link:
        case io_kind::symlink:
        case io_kind::watch_path: return call_on_path(operation);
        case io_kind::resolve: break;
    }
    errno = EINVAL;
    return -1;
}

}  // namespace

namespace {

/// The call with what a shim makes of it; -1 and errno as of the call.
long call_distorted(kernel_shim& shim, io_operation& operation) noexcept {
    if (const int error = shim.refuse(operation); error != 0) {
        if (operation.kind == io_kind::close)
            static_cast<void>(call_once(operation));  // one that fails has closed all the same
        errno = error;
        return -1;
    }
    if (!is_transfer(operation)) return call_once(operation);
    const std::uint32_t asked = operation.length;
    operation.length = shim.shorten(operation, asked);
    const long result = call_once(operation);
    operation.length = asked;
    return result;
}

}  // namespace

std::int32_t call_system(io_operation& operation) noexcept {
    kernel_shim* const shim = current_kernel_shim();
    for (;;) {
        const long result = shim == nullptr ? call_once(operation) : call_distorted(*shim, operation);
        if (result >= 0) return static_cast<std::int32_t>(result);
        // A close that was interrupted has closed all the same.
        if (errno == EINTR && operation.kind == io_kind::close) return 0;
        if (errno == EINTR) continue;
        if (operation.kind == io_kind::connect) {
            // Asked again while the attempt goes on, and after it ended well.
            if (errno == EINPROGRESS || errno == EALREADY) return -EAGAIN;
            if (errno == EISCONN) return 0;
        }
        return -errno;
    }
}

bool read_from_cache(io_operation& operation) noexcept {
    constexpr std::uint32_t at_once = 64 * 1024;  // copying more keeps the thread from its other work for too long
    if (operation.kind != io_kind::read || operation.length > at_once || current_kernel_shim() != nullptr) return false;
    const iovec room{operation.buffer, operation.length};
    const ssize_t count = ::preadv2(operation.fd, &room, 1, static_cast<off_t>(operation.offset), RWF_NOWAIT);
    // A part may be all there is, or what is there without waiting: only a call that waits can tell.
    if (count < 0 || static_cast<std::size_t>(count) < operation.length) return false;
    operation.result = static_cast<std::int32_t>(count);
    return true;
}

bool waits_to_read(const io_operation& operation) noexcept {
    switch (operation.kind) {
        case io_kind::write:
        case io_kind::writev:
        case io_kind::send:
        case io_kind::sendmsg:
        case io_kind::connect: return false;
        case io_kind::poll: return (operation.flags & POLLIN) != 0;
        default: return true;
    }
}

}  // namespace weft::inline WEFT_ABI::detail
