// src/io/descriptor_reserve.cpp: closed for a moment, so that accept has a number to give.
// SPDX-License-Identifier: MIT

#include "io/descriptor_reserve.hpp"

#include <cerrno>
#include <mutex>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weft::inline WEFT_ABI::detail {

namespace {

std::mutex reserve_lock;
int reserve = -1;

void fill() noexcept {
    if (reserve < 0) reserve = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/// Whether one more can be opened, the reserve untouched: a number in the process and a file in the system.
bool has_descriptors() noexcept {
    const int probe = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (probe >= 0) ::close(probe);
    return probe >= 0;
}

}  // namespace

void fill_descriptor_reserve() noexcept {
    const std::lock_guard guard(reserve_lock);
    fill();
}

int shed_connection_by_reserve(int listener) noexcept {
    const std::lock_guard guard(reserve_lock);
    fill();
    // Who comes when the shortage is over is served, although the call before this one was made in time.
    if (has_descriptors()) return -EAGAIN;
    if (reserve < 0) return -EMFILE;
    ::close(reserve);
    reserve = -1;
    const int taken = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const int error = errno;
    if (taken >= 0) ::close(taken);
    // Somebody else may have got the number meanwhile; then there is no reserve until the next time.
    fill();
    return taken < 0 ? -error : 0;
}

}  // namespace weft::inline WEFT_ABI::detail
