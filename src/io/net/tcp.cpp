// src/io/net/tcp.cpp: making sockets; everything after that is the operations' own.
// SPDX-License-Identifier: MIT

#include "weft/io/net/tcp.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "io/net/socket_state.hpp"
#include "weft/base/error.hpp"
#include "weft/io/net/resolver.hpp"
#include "weft/scheduling/delay.hpp"

namespace weft::inline WEFT_ABI::net {

using detail::socket_address;
using detail::socket_state;

namespace {

constexpr const char* stream_kind = "tcp_stream";
constexpr const char* listener_kind = "tcp_listener";

[[noreturn]] void fail(int error, const std::string& attempt) {
    throw io_error(std::error_code(error, std::generic_category()), attempt);
}

/// Sets an integer option. @throws io_error  "<attempt> on '<name>'"
void set_option(const socket_state& state, int level, int option, const void* value, socklen_t size, const char* attempt) {
    if (const int result = state.driver().set_option(state.fd(), level, option, value, size); result < 0)
        fail(-result, std::string(attempt) + " on '" + state.name() + "'");
}

/// A non-blocking socket for `peer`'s family; nothing is left open when it throws.
socket_state* make_socket(const endpoint& known_as, const char* kind, const char* attempt) {
    io_driver& driver = detail::current_io_driver();
    const int fd = driver.open_socket(known_as.is_v6());
    if (fd < 0) fail(-fd, std::string(attempt) + " '" + known_as.to_string() + "'");
    try {
        return new socket_state(driver, fd, kind, known_as);
    } catch (...) {
        driver.close_now(fd);
        throw;
    }
}

/// Whether an accept failed for want of something that comes back by itself.
bool is_shortage(int error) noexcept { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }
/// Whether it failed because that one connection was gone already, or its network.
bool is_about_the_peer(int error) noexcept {
    return error == ECONNABORTED || error == EPROTO || error == ENETDOWN || error == ENOPROTOOPT || error == EHOSTDOWN ||
        error == EHOSTUNREACH || error == ENETUNREACH || error == ENONET;
}

}  // namespace

// ---- tcp_stream

socket_state& tcp_stream::state() const {
    if (owner_.get() == nullptr) throw object_disposed(stream_kind);
    return static_cast<socket_state&>(*owner_.get());
}

detail::io_request tcp_stream::request(const void* data, std::size_t size, cancellation_token&& token) const {
    return detail::io_request(&state(), const_cast<void*>(data), size, std::move(token));
}

task<tcp_stream> tcp_stream::connect(endpoint remote, cancellation_token token) {
    tcp_stream stream(detail::descriptor_owner(make_socket(remote, stream_kind, "connect to")));
    socket_address address(remote);
    detail::io_request request(&stream.state(), address.data(), address.size(), std::move(token));
    co_await detail::connect_operation(std::move(request)).configure_await(false);
    co_return stream;
}

task<tcp_stream> tcp_stream::connect(std::string host, std::uint16_t port, cancellation_token token) {
    std::vector<endpoint> addresses = co_await resolve(host, port, token).configure_await(false);
    for (std::size_t i = 0; i + 1 < addresses.size(); ++i) {
        try {
            co_return co_await connect(addresses[i], token).configure_await(false);
        } catch (const io_error&) {
            // The next address may answer.
        }
    }
    co_return co_await connect(addresses.back(), std::move(token)).configure_await(false);
}

task<> tcp_stream::read_exactly(std::span<std::byte> buffer, cancellation_token token) {
    while (!buffer.empty()) {
        const std::size_t count = co_await read(buffer, token).configure_await(false);
        if (count == 0) fail(EPIPE, "read " + std::to_string(buffer.size()) + " more bytes from '" + state().name() + "'");
        buffer = buffer.subspan(count);
    }
}

void tcp_stream::shutdown_send() {
    socket_state& known = state();
    // A peer that has reset the connection needs no telling.
    if (!known.enter()) throw object_disposed(stream_kind);
    const int result = known.driver().shutdown(known.fd(), SHUT_WR);
    known.leave();
    if (result < 0 && result != -ENOTCONN) fail(-result, "shut down sending to '" + known.name() + "'");
}

void tcp_stream::no_delay(bool on) {
    const int value = on ? 1 : 0;
    set_option(state(), IPPROTO_TCP, TCP_NODELAY, &value, sizeof value, "set TCP_NODELAY");
}

void tcp_stream::reset_on_close(bool on) {
    const linger value{on ? 1 : 0, 0};
    set_option(state(), SOL_SOCKET, SO_LINGER, &value, sizeof value, "set SO_LINGER");
}

endpoint tcp_stream::local_endpoint() const {
    const socket_address address(state().driver(), state().fd(), socket_address::side::local);
    if (!address.is_known())
        fail(address.error(), "ask for the local endpoint of the connection to '" + state().name() + "'");
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
    const int on = 1;
    set_option(*made, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on, "set SO_REUSEADDR");
    if (options.reuse_port) set_option(*made, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on, "set SO_REUSEPORT");
    socket_address address(local);
    const int fd = made->fd();
    io_driver& driver = made->driver();
    int result = driver.bind(fd, address.data(), address.size());
    if (result >= 0) result = driver.listen(fd, options.backlog);
    if (result < 0) fail(-result, "listen on '" + local.to_string() + "'");
    // Known by the port it got, not by the 0 that was asked for.
    made->rename(socket_address(driver, fd, socket_address::side::local).to_endpoint());
    return tcp_listener(std::move(owner));
}

task<tcp_stream> tcp_listener::accept(cancellation_token token) {
    socket_state& listener = state();
    const detail::descriptor_use use(listener);
    std::chrono::milliseconds pause(1);
    for (;;) {
        int error = 0;
        try {
            detail::io_request request(&listener, nullptr, 0, token);
            const int fd = co_await detail::accept_operation(std::move(request)).configure_await(false);
            const socket_address peer(listener.driver(), fd, socket_address::side::peer);
            try {
                auto* accepted = new socket_state(listener.driver(), fd, stream_kind, peer.to_endpoint());
                co_return tcp_stream(detail::descriptor_owner(accepted));
            } catch (...) {
                listener.driver().close_now(fd);
                throw;
            }
        } catch (const io_error& problem) {
            error = problem.code().value();
            if (!is_shortage(error) && !is_about_the_peer(error)) throw;
        }
        if (is_shortage(error)) {
            // Out of descriptors or memory: the connection waits in the kernel's line, and so do we, longer each time.
            co_await delay(pause, token).configure_await(false);
            pause = std::min(pause * 2, std::chrono::milliseconds(100));
            if (listener.is_closing())
                throw operation_canceled("accept on '" + listener.name() + "' was canceled: it was closed meanwhile");
        }
    }
}

endpoint tcp_listener::local_endpoint() const { return state().endpoint(); }

}  // namespace weft::inline WEFT_ABI::net
