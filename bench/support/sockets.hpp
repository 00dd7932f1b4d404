#pragma once
// bench/support/sockets.hpp: what the programs without a library share: sockets on the loopback, and a listening one a thread.
// SPDX-License-Identifier: MIT

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "support/errors.hpp"
#include "support/harness.hpp"

namespace bench {

inline void no_delay(int descriptor) {
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A socket bound to loopback. @param port  0: the system chooses, and it is set. @param shared  others may bind to the port, too
inline int bind_on(int type, std::uint16_t& port, bool shared = true) {
    const int descriptor = called(::socket(AF_INET, type | SOCK_CLOEXEC, 0), "open a socket");
    const int on = 1;
    if (shared) ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    sockaddr_in address = loopback(port);
    socklen_t size = sizeof address;
    called(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), size), "bind");
    called(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size), "ask for the port");
    port = ntohs(address.sin_port);
    return descriptor;
}

/// The same, listening. @param flags  SOCK_NONBLOCK or 0
inline int listen_on(std::uint16_t& port, int flags, bool shared = true) {
    const int descriptor = bind_on(SOCK_STREAM | flags, port, shared);
    called(::listen(descriptor, 16'384), "listen");
    return descriptor;
}

/// A socket connected to a server on the loopback.
inline int connect_to(int type, std::uint16_t port) {
    const int descriptor = called(::socket(AF_INET, type | SOCK_CLOEXEC, 0), "open a socket (ulimit -n limits them)");
    if (type == SOCK_STREAM) no_delay(descriptor);
    const sockaddr_in address = loopback(port);
    called(::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect to the server");
    return descriptor;
}

/// Runs `serve(listener)`, which never returns, on `threads` threads; all listeners share the announced port.
template <class F>
void serve_on_threads(std::uint64_t threads, int flags, F serve) {
    std::uint16_t port = 0;
    std::vector<int> listeners;
    for (std::uint64_t i = 0; i < threads; ++i) listeners.push_back(listen_on(port, flags));
    std::vector<std::jthread> others;
    for (std::uint64_t i = 1; i < threads; ++i) others.emplace_back([serve, listener = listeners[i]] { serve(listener); });
    ready(port);
    serve(listeners[0]);
}

}  // namespace bench
