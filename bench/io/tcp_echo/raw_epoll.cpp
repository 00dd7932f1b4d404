// How fast does a TCP server send back what it gets? The limit of epoll: a bare loop a thread, no library, no coroutines.
// SPDX-License-Identifier: MIT

#include <sys/epoll.h>

#include <cerrno>
#include <thread>

#include "io/tcp_echo/parameters.hpp"
#include "support/harness.hpp"
#include "support/sockets.hpp"

namespace {

// What does not fit into the socket's buffer is waited for: no subject of this question has more than one message under way.
bool send_all(int descriptor, const char* data, std::size_t size) {
    while (size != 0) {
        const ssize_t sent = ::send(descriptor, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            std::this_thread::yield();
            continue;
        }
        if (sent < 0) return false;
        data += sent;
        size -= static_cast<std::size_t>(sent);
    }
    return true;
}

void watch(int epoll, int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = descriptor;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

void serve(int listener, std::size_t size) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    watch(epoll, listener);
    std::vector<char> buffer(size);
    std::vector<epoll_event> events(512);
    for (;;) {
        const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
        for (int i = 0; i < count; ++i) {
            const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
            if (descriptor == listener) {
                const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (accepted < 0) continue;
                bench::no_delay(accepted);
                watch(epoll, accepted);
                continue;
            }
            const ssize_t received = ::recv(descriptor, buffer.data(), buffer.size(), 0);
            if (received < 0 && errno == EAGAIN) continue;
            if (received <= 0 || !send_all(descriptor, buffer.data(), static_cast<std::size_t>(received)))
                ::close(descriptor);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bench::arguments arguments(argc, argv);
    const std::size_t size = arguments.number("buffer", bench::parameters::buffer);
    bench::serve_on_threads(arguments.number("threads", 1), SOCK_NONBLOCK, [size](int listener) { serve(listener, size); });
}
