#pragma once
// <weft/io/io_operation.hpp>: the record of one request to the kernel; the only language between sockets or files and a driver.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI {

/// What an io_operation asks for, and how its fields are read.
enum class io_kind : std::uint8_t {
    nop,      ///< a round trip; result 0
    read,     ///< buffer, length, offset (io_operation::no_offset: where the descriptor stands)
    write,    ///< as read
    recv,     ///< buffer, length, flags (MSG_…)
    send,     ///< as recv; never raises SIGPIPE
    accept,   ///< result: a new descriptor, close-on-exec
    connect,  ///< buffer: sockaddr, length: its size
    poll,     ///< flags: POLLIN, POLLOUT; result: the ready ones
    open,     ///< buffer: path (zero-terminated), flags: O_…, length: mode of a new file; result: a descriptor
    close,    ///< result 0; the descriptor is gone in any case
    sync,     ///< flags: 0 everything, 1 data only
    stat,     ///< buffer: a `struct statx` of the descriptor, flags: mask
    resolve   ///< buffer: a name_request; only of a driver that stands for the outside world itself (set_io_driver())
};

/// One request in flight. Lives in the awaiting frame, so starting one allocates nothing.
///
/// From io_driver::submit() returning true until `complete` is called, the record and what `buffer` points to belong to the
/// driver and the kernel. Results follow the system calls: a count or descriptor, or a negative errno.
struct io_operation {
    using complete_function = void (*)(io_operation&) noexcept;

    static constexpr std::uint64_t no_offset = ~std::uint64_t{0};
    static constexpr std::uint32_t longest = 0x7ffff000;  ///< most bytes the kernel moves at once

    /// Bits of `state`. Only drivers change them.
    enum : std::uint8_t {
        issued = 1,           ///< the kernel (or a descriptor's line of waiters) has it
        answered = 2,         ///< its answer has come
        cancel_asked = 4,     ///< cancel() was called
        cancel_answered = 8,  ///< the kernel has answered the request to cancel
        wait_ready = 16,      ///< to be tried again once the descriptor is ready
        blocking = 32         ///< runs as a plain system call on a blocking thread
    };

    io_operation* next = nullptr;          ///< the driver's while in flight
    complete_function complete = nullptr;  ///< called once, on any thread, from inside the driver: only posts
    void* buffer = nullptr;
    std::uint64_t offset = 0;
    std::uint32_t length = 0;
    std::uint32_t flags = 0;
    int fd = -1;
    std::int32_t result = 0;
    std::uint16_t owner = 0;  ///< the driver slot it was handed to
    io_kind kind = io_kind::nop;
    std::atomic<std::uint8_t> state{0};

    io_operation() noexcept = default;
    explicit io_operation(io_kind what, complete_function on_complete = nullptr) noexcept
        : complete(on_complete), kind(what) {}
    io_operation(const io_operation&) = delete;
    io_operation& operator=(const io_operation&) = delete;

    /// Makes the record usable for another request. Precondition: not in flight. What was written before a cancel() that this
    /// wipes out is seen afterwards: look at the token then.
    void rearm() noexcept {
        result = 0;
        state.exchange(0, std::memory_order_acq_rel);
    }
};

static_assert(sizeof(io_operation) <= 56);

}  // namespace weft::inline WEFT_ABI
