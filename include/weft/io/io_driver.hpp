#pragma once
// <weft/io/io_driver.hpp>: a driver that carries out I/O operations; io_uring, epoll and the simulated world are its peers.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/io/io_operation.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/scheduling/driver.hpp"

struct mmsghdr;

namespace weft::inline WEFT_ABI {

/// What io_kind::resolve asks: the addresses of a host name.
struct name_request {
    std::string_view host;
    std::uint16_t port = 0;
    std::vector<net::endpoint> addresses;  ///< the answer, best first
    int error = 0;                         ///< or why there is none: an error of getaddrinfo, such as EAI_NONAME
};

/// Starts and cancels requests; their answers come through driver::poll(), harvest() and monitor_tick().
///
/// Threads  every member may be called from any thread.
class io_driver : public driver {
public:
    /// Starts `operation`, whose fields are filled in.
    ///
    /// @returns true   its `complete` will be called once, or has been: nothing of it may be touched any more
    ///          false  it ended in the call: `result` is set and `complete` will not be called. So does one whose cancel() came
    ///                 first, or that starts while the driver is being shut down: result -ECANCELED.
    [[nodiscard]] virtual bool submit(io_operation& operation) noexcept = 0;

    /// Carries `operation` out if that is possible without waiting, before anything is known of an awaiter. @returns whether it
    /// is over: `result` is set. Otherwise nothing has happened.
    [[nodiscard]] virtual bool try_now(io_operation& operation) noexcept {
        static_cast<void>(operation);
        return false;
    }

    /// Asks for `operation` to end early. It still completes through `complete`, and only once the kernel has let go of its
    /// buffer: with -ECANCELED, or with its result if that came first. May be called before and while submit() runs.
    ///
    /// Precondition: the record stays alive until the call returns (the caller's cancellation node sees to it).
    virtual void cancel(io_operation& operation) noexcept = 0;

    /// Told before a descriptor that this driver has worked on is closed by a plain system call.
    /// Precondition: no operation on it is in flight.
    virtual void forget(int fd) noexcept { static_cast<void>(fd); }

    /// Told when the frame of `operation` is destroyed before its awaiter went on. A kernel has always answered by then, so that
    /// only a simulated world has to let go of the record here.
    virtual void abandon(io_operation& operation) noexcept { static_cast<void>(operation); }

    // What makes, names and closes sockets and never waits. Here these are the kernel's calls; a driver with a network of its own
    // answers them itself. Results follow the system calls: a value, or a negative errno.

    /// A TCP socket: close-on-exec, never waiting. @returns a descriptor
    [[nodiscard]] virtual int open_socket(bool v6) noexcept;
    /// A UDP socket, likewise.
    [[nodiscard]] virtual int open_datagram_socket(bool v6) noexcept;
    /// A stream socket of the Unix domain, likewise; -EAFNOSUPPORT where there is none.
    [[nodiscard]] virtual int open_local_socket() noexcept;
    /// Whether a read would end now. @returns 1: with bytes, 0: with the end, -EAGAIN: not yet, or the error
    [[nodiscard]] virtual int peek(int fd) noexcept;
    /// sendfile(2) to a socket. Waits for the disk, but not for the socket: -EAGAIN. -ENOSYS where there is no such call.
    [[nodiscard]] virtual std::int64_t send_file(int socket, int file, std::uint64_t offset, std::size_t count) noexcept;
    /// Takes datagrams that lie ready (recvmmsg(2)), up to `count` of them; each length is that of the whole datagram (MSG_TRUNC).
    /// @returns how many; -EAGAIN: none, or not by this call; or another error
    [[nodiscard]] virtual int receive_ready(int fd, mmsghdr* into, unsigned count) noexcept;
    /// Sends as many of `count` datagrams as there is room for (sendmmsg(2)). @returns how many, as above
    [[nodiscard]] virtual int send_ready(int fd, mmsghdr* from, unsigned count) noexcept;
    /// Takes a connection in by a descriptor that is kept for it and closes it, when no other descriptor is left. @returns 0, or a
    /// negative errno; -EAGAIN when none waits, or when there are descriptors again
    virtual int shed_connection(int listener) noexcept;
    /// setsockopt(2).
    [[nodiscard]] virtual int set_option(int fd, int level, int option, const void* value, std::uint32_t size) noexcept;
    /// bind(2). @param address  a sockaddr
    [[nodiscard]] virtual int bind(int fd, const void* address, std::uint32_t size) noexcept;
    /// listen(2).
    [[nodiscard]] virtual int listen(int fd, int backlog) noexcept;
    /// shutdown(2). @param how  SHUT_RD, SHUT_WR or SHUT_RDWR
    virtual int shutdown(int fd, int how) noexcept;
    /// getsockname(2) or, of the peer, getpeername(2). @param address  room for a sockaddr of `size` bytes; `size` is set
    [[nodiscard]] virtual int name_of(int fd, bool peer, void* address, std::uint32_t& size) noexcept;
    /// inotify_init1(2): close-on-exec, never waiting. @returns a descriptor, or -ENOSYS where nothing can be watched
    [[nodiscard]] virtual int open_watch() noexcept;
    /// inotify_rm_watch(2).
    virtual int remove_watch(int fd, int watch) noexcept;
    /// forget() and close(2), at once. Precondition: no operation on it is in flight.
    virtual void close_now(int fd) noexcept;

protected:
    io_driver() = default;
};

/// Lets what runs in `home`, a dispatcher without a runtime such as weft::testing's, do its I/O through `driver`; null: ends that.
/// Without one such code is refused I/O. Precondition: `driver` stays until the next call for `home`, or until `home` is gone.
///
/// Threads  any; code that is running in `home` meanwhile sees the one or the other.
void set_io_driver(dispatcher& home, io_driver* driver);

}  // namespace weft::inline WEFT_ABI
