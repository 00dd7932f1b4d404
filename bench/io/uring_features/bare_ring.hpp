#pragma once
// bench/io/uring_features/bare_ring.hpp: a ring with the flags of ours, and what the programs of this folder share.
// SPDX-License-Identifier: MIT

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <system_error>

#include "support/harness.hpp"

namespace features {

/// @returns `result`, a value or a negative errno
inline int checked(int result, const char* what) {
    if (result < 0) throw std::system_error(-result, std::generic_category(), what);
    return result;
}
/// The same for a call that leaves its error in errno.
inline int called(int result, const char* what) { return checked(result < 0 ? -errno : result, what); }

/// The word after `name=`; the runner passes each program the feature it is to use.
inline std::string_view word(int argc, char** argv, std::string_view name, std::string_view fallback) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view text(argv[i]);
        if (text.size() > name.size() && text.starts_with(name) && text[name.size()] == '=') {
            return text.substr(name.size() + 1);
        }
    }
    return fallback;
}

class bare_ring {
public:
    bare_ring() {
        io_uring_params parameters{};
        parameters.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
            IORING_SETUP_TASKRUN_FLAG;
        parameters.cq_entries = 4096;
        checked(io_uring_queue_init_params(256, &ring_, &parameters), "set up io_uring");
    }
    ~bare_ring() { io_uring_queue_exit(&ring_); }
    bare_ring(const bare_ring&) = delete;
    bare_ring& operator=(const bare_ring&) = delete;

    [[nodiscard]] io_uring* get() noexcept { return &ring_; }
    [[nodiscard]] int descriptor() const noexcept { return ring_.ring_fd; }

    io_uring_sqe* entry() {
        for (;;) {
            if (io_uring_sqe* free = io_uring_get_sqe(&ring_)) return free;
            submit();
        }
    }
    void submit() { checked(io_uring_submit(&ring_), "submit"); }

    /// Submits what is prepared, sleeps until an answer comes, and gives each of them to `handle`.
    template <class Handle>
    void serve(Handle handle) {
        if (const int result = io_uring_submit_and_wait(&ring_, 1); result != -EINTR) checked(result, "wait");
        unsigned head = 0;
        unsigned seen = 0;
        io_uring_cqe* answer = nullptr;
        io_uring_for_each_cqe(&ring_, head, answer) {
            ++seen;
            handle(*answer);
        }
        io_uring_cq_advance(&ring_, seen);
    }

private:
    io_uring ring_{};
};

/// Nanoseconds of processor time until now, of the calling thread or of the process.
inline double processor_time(clockid_t whose) {
    timespec now{};
    clock_gettime(whose, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// The calling thread runs on this core only; where there is no such core, anywhere.
inline void stay_on_core(unsigned core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    pthread_setaffinity_np(pthread_self(), sizeof cores, &cores);
}

/// Where the second thread runs, the first being on core 1. On one core no other one is interrupted to wake a thread, which costs more
/// than what is measured here, and varies.
inline unsigned core_of_the_other(const bench::arguments& arguments) { return arguments.number("cores", 2) == 1 ? 1 : 0; }

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = port;
    return address;
}

/// A listener on a free port of the loopback. `address` gets it.
inline int listen_on_loopback(sockaddr_in& address) {
    address = loopback(0);
    socklen_t size = sizeof address;
    const int listener = called(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a listener");
    called(bind(listener, reinterpret_cast<const sockaddr*>(&address), size), "bind");
    called(listen(listener, 1024), "listen");
    called(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "ask for the port");
    return listener;
}

inline int connect_to(const sockaddr_in& address) {
    const int descriptor = called(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "make a socket");
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    called(connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
    return descriptor;
}

inline int accept_from(int listener) {
    const int descriptor = called(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), "accept");
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return descriptor;
}

}  // namespace features
