// src/io/net/tcp.cpp: making sockets; everything after that is the operations' own.
// SPDX-License-Identifier: MIT

#include "weft/io/net/tcp.hpp"

#include <array>
#include <cerrno>
#include <memory>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "io/net/accepting.hpp"
#include "io/net/socket_options.hpp"
#include "io/net/socket_state.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::net {

using detail::socket_address;
using detail::socket_state;

namespace {

constexpr const char* stream_kind = "tcp_stream";
constexpr const char* listener_kind = "tcp_listener";

using detail::fail_socket;
using detail::set_socket_option;

/// A non-blocking socket for `peer`'s family; nothing is left open when it throws.
socket_state* make_socket(const endpoint& known_as, const char* kind, const char* attempt) {
    io_driver& driver = detail::current_io_driver();
    const int fd = driver.open_socket(known_as.is_v6());
    if (fd < 0) fail_socket(-fd, std::string(attempt) + " '" + known_as.to_string() + "'");
    try {
        return new socket_state(driver, fd, kind, known_as);
    } catch (...) {
        driver.close_now(fd);
        throw;
    }
}

}  // namespace

// ---- tcp_stream

socket_state& tcp_stream::state() const { return static_cast<socket_state&>(socket_stream::state()); }

task<tcp_stream> tcp_stream::connect(endpoint remote, cancellation_token token) {
    tcp_stream stream(detail::descriptor_owner(make_socket(remote, stream_kind, "connect to")));
    socket_address address(remote);
    detail::io_request request(&stream.state(), address.data(), address.size(), std::move(token));
    co_await detail::connect_operation(std::move(request)).configure_await(false);
    co_return stream;
}

void tcp_stream::no_delay(bool on) { set_socket_option(state(), IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0, "TCP_NODELAY"); }

void tcp_stream::reset_on_close(bool on) {
    const linger value{on ? 1 : 0, 0};
    set_socket_option(state(), SOL_SOCKET, SO_LINGER, &value, sizeof value, "SO_LINGER");
}

void tcp_stream::keep_alive(const keep_alive_options& options) {
    const auto seconds = [](std::chrono::seconds time) { return static_cast<int>(time.count()); };
    set_socket_option(state(), IPPROTO_TCP, TCP_KEEPIDLE, seconds(options.idle), "TCP_KEEPIDLE");
    set_socket_option(state(), IPPROTO_TCP, TCP_KEEPINTVL, seconds(options.interval), "TCP_KEEPINTVL");
    set_socket_option(state(), IPPROTO_TCP, TCP_KEEPCNT, options.count, "TCP_KEEPCNT");
    set_socket_option(state(), SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
}

void tcp_stream::no_keep_alive() { set_socket_option(state(), SOL_SOCKET, SO_KEEPALIVE, 0, "SO_KEEPALIVE"); }

void tcp_stream::user_timeout(std::chrono::milliseconds limit) {
    set_socket_option(state(), IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(limit.count()), "TCP_USER_TIMEOUT");
}

void tcp_stream::receive_buffer(int bytes) { set_socket_option(state(), SOL_SOCKET, SO_RCVBUF, bytes, "SO_RCVBUF"); }
void tcp_stream::send_buffer(int bytes) { set_socket_option(state(), SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF"); }

task<bool> tcp_stream::close_gracefully(std::chrono::nanoseconds limit) {
    // First of all: a limit that is none leaves the stream as it was.
    cancellation_source late(limit);
    bool ended = false;
    try {
        shutdown_send();
        const cancellation_token token = late.token();
        const auto unwanted = std::make_unique<std::array<std::byte, 4096>>();
        const std::span<std::byte> room(*unwanted);
        while (!ended) ended = co_await read(room, token).configure_await(false) == 0;
    } catch (const operation_canceled&) {
        // Too late, or closed by somebody else.
    } catch (const io_error&) {
        // A reset is an end as well.
    }
    co_await close().configure_await(false);
    co_return ended;
}

endpoint tcp_stream::local_endpoint() const {
    socket_state& known = state();
    const detail::descriptor_use use(known);
    const socket_address address(known.driver(), known.fd(), socket_address::side::local);
    if (!address.is_known())
        fail_socket(address.error(), "ask for the local endpoint of the connection to '" + known.name() + "'");
    return address.to_endpoint();
}

endpoint tcp_stream::remote_endpoint() const { return state().endpoint(); }

// ---- tcp_listener

socket_state& tcp_listener::state() const {
    if (owner_.get() == nullptr) throw object_disposed(listener_kind);
    return static_cast<socket_state&>(*owner_.get());
}

tcp_listener tcp_listener::bind(endpoint local, listen_options options) {
    socket_state* const made = make_socket(local, listener_kind, "listen on");
    detail::descriptor_owner owner(made);
    set_socket_option(*made, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    if (options.reuse_port) set_socket_option(*made, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
    if (local.is_v6()) set_socket_option(*made, IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only ? 1 : 0, "IPV6_V6ONLY");
    if (options.receive_buffer != 0) set_socket_option(*made, SOL_SOCKET, SO_RCVBUF, options.receive_buffer, "SO_RCVBUF");
    socket_address address(local);
    const int fd = made->fd();
    io_driver& driver = made->driver();
    int result = driver.bind(fd, address.data(), address.size());
    if (result >= 0) result = driver.listen(fd, options.backlog);
    if (result < 0) fail_socket(-result, "listen on '" + local.to_string() + "'");
    // Known by the port it got, not by the 0 that was asked for.
    made->rename(socket_address(driver, fd, socket_address::side::local).to_endpoint());
    return tcp_listener(std::move(owner));
}

task<tcp_stream> tcp_listener::accept(cancellation_token token) {
    socket_state& listener = state();
    const detail::descriptor_use use(listener);
    const int fd = co_await detail::accept_descriptor(listener, std::move(token)).configure_await(false);
    try {
        const socket_address peer(listener.driver(), fd, socket_address::side::peer);
        auto* accepted = new socket_state(listener.driver(), fd, stream_kind, peer.to_endpoint());
        co_return tcp_stream(detail::descriptor_owner(accepted));
    } catch (...) {
        listener.driver().close_now(fd);
        throw;
    }
}

endpoint tcp_listener::local_endpoint() const { return state().endpoint(); }

int tcp_listener::native_handle() const {
    if (!owner_.is_open()) throw object_disposed(listener_kind);
    return state().fd();
}

}  // namespace weft::inline WEFT_ABI::net
