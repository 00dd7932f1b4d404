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
    recvmsg,  ///< buffer: a msghdr, flags (MSG_…)
    sendmsg,  ///< as recvmsg; never raises SIGPIPE
    accept,   ///< result: a new descriptor, close-on-exec
    connect,  ///< buffer: sockaddr, length: its size
    poll,     ///< flags: POLLIN, POLLOUT; result: the ready ones
    open,     ///< buffer: path (zero-terminated), flags: O_…, length: mode of a new file; result: a descriptor
    close,    ///< result 0; the descriptor is gone in any case
    sync,     ///< flags: 0 everything, 1 data only
    stat,     ///< buffer: a `struct statx` of the descriptor, flags: mask

    // Files, continued. Paths are those of a path_request in `buffer`; what is not said to give a value gives 0.
    readv,        ///< buffer: an array of iovec, length: how many, offset as for read; result: bytes
    writev,       ///< as readv
    truncate,     ///< offset: the file's new size
    allocate,     ///< offset: bytes from the start that get their place on the disk; flags: 1 keeps the file's size
    change_mode,  ///< flags: the new permission bits of the descriptor's file
    copy_range,  ///< flags: the descriptor to copy from, length: most bytes; both positions move; result: bytes, 0 at the end
    read_directory,  ///< buffer, length: room for entries as getdents64(2) gives them; result: bytes, 0 at the end
    stat_path,       ///< path, answer: a `struct statx`; flags: AT_SYMLINK_NOFOLLOW or 0
    read_link,       ///< path, answer: where to write the text, length: its room; result: bytes
    rename,          ///< path, target; flags: RENAME_NOREPLACE, RENAME_EXCHANGE or 0
    unlink,          ///< path; flags: AT_REMOVEDIR for a directory
    make_directory,  ///< path; length: its mode
    link,            ///< path, target: the new name of the same file; a symbolic link is not followed
    symlink,         ///< path: the new link, target: the text that it holds
    watch_path,      ///< fd: one of io_driver::open_watch(), path; flags: IN_…; result: the number of the watch

    resolve  ///< buffer: a name_request; only of a driver that stands for the outside world itself (set_io_driver())
};

/// What the kinds that are about a name in the file system have in `buffer`. Paths end with a zero; all stay until the answer.
struct path_request {
    const char* path = nullptr;
    const char* target = nullptr;  ///< the second name
    void* answer = nullptr;
};

/// Whether an operation of this kind is about an open descriptor.
[[nodiscard]] constexpr bool has_descriptor(io_kind kind) noexcept {
    switch (kind) {
        case io_kind::nop:
        case io_kind::open:
        case io_kind::stat_path:
        case io_kind::read_link:
        case io_kind::rename:
        case io_kind::unlink:
        case io_kind::make_directory:
        case io_kind::link:
        case io_kind::symlink:
        case io_kind::resolve: return false;
        default: return true;
    }
}

/// One request in flight. Lives in the awaiting frame, so starting one allocates nothing.
///
/// From io_driver::submit() returning true until `complete` is called, the record and what `buffer` points to belong to the
/// driver and the kernel. Results follow the system calls: a count or descriptor, or a negative errno.
struct io_operation {
    using complete_function = void (*)(io_operation&) noexcept;

    static constexpr std::uint64_t no_offset = ~std::uint64_t{0};
    static constexpr std::uint32_t longest = 0x7ffff000;  ///< most bytes the kernel moves at once

    /// What lies ready at a descriptor for the next receive or accept, as far as it is known.
    enum class supply : std::uint8_t { unknown, none, some };

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
    /// Of receives and accepts: what the last one on this descriptor left, then, from the driver, what this one did. A hint.
    supply left = supply::unknown;

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
