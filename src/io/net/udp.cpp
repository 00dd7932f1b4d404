// src/io/net/udp.cpp: datagrams by sendmsg and recvmsg.
// SPDX-License-Identifier: MIT

#include "weft/io/net/udp.hpp"

#include <cerrno>
#include <cstring>
#include <optional>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "io/net/socket_options.hpp"
#include "io/net/socket_state.hpp"
#include "io/net/udp_state.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::detail {

std::string attempt_to_send_to(const udp_state& socket, const std::optional<net::endpoint>& to) {
    return "send to '" + (to ? to->to_string() : socket.name()) + "'";
}

void fail_to_send(const udp_state& socket, const std::optional<net::endpoint>& to, int error) {
    fail_socket(error, attempt_to_send_to(socket, to));
}

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::net {

using detail::closable_wait;
using detail::set_socket_option;
using detail::socket_address;
using detail::udp_state;

namespace {

constexpr const char* socket_kind = "udp_socket";

std::string attempt_to_send(const detail::descriptor_state& state) { return "send to '" + state.name() + "'"; }
std::string attempt_to_receive(const detail::descriptor_state& state) { return "receive on '" + state.name() + "'"; }

using send_message_operation = detail::descriptor_operation<io_kind::sendmsg, std::size_t, &attempt_to_send>;
using receive_message_operation = detail::descriptor_operation<io_kind::recvmsg, std::size_t, &attempt_to_receive>;

/// A msghdr with what it points to; stays where it is.
struct message {
    msghdr head{};
    iovec part{};
    sockaddr_storage address{};

    message(const void* data, std::size_t size) noexcept {
        part.iov_base = const_cast<void*>(data);
        part.iov_len = size;
        head.msg_iov = &part;
        head.msg_iovlen = 1;
    }
    message(const message&) = delete;
    message& operator=(const message&) = delete;
};

}  // namespace

udp_state& udp_socket::state() const {
    if (owner_.get() == nullptr) throw object_disposed(socket_kind);
    return static_cast<udp_state&>(*owner_.get());
}

udp_socket udp_socket::bind(endpoint local, udp_options options) {
    io_driver& driver = detail::current_io_driver();
    const std::string attempt = "bind to '" + local.to_string() + "'";
    const int fd = driver.open_datagram_socket(local.is_v6());
    if (fd < 0) detail::fail_socket(-fd, attempt);
    udp_state* made = nullptr;
    try {
        made = new udp_state(driver, fd, local);
    } catch (...) {
        driver.close_now(fd);
        throw;
    }
    detail::descriptor_owner owner(made);
    if (options.reuse_address) set_socket_option(*made, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    if (options.reuse_port) set_socket_option(*made, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
    if (local.is_v6()) set_socket_option(*made, IPPROTO_IPV6, IPV6_V6ONLY, options.v6_only ? 1 : 0, "IPV6_V6ONLY");
    socket_address address(local);
    if (const int result = driver.bind(fd, address.data(), address.size()); result < 0)
        detail::fail_socket(-result, attempt);
    made->bound(socket_address(driver, fd, socket_address::side::local).to_endpoint());
    return udp_socket(std::move(owner));
}

task<> udp_socket::connect(endpoint remote, cancellation_token token) {
    udp_state& self = state();
    const detail::descriptor_use use(self);
    const closable_wait wait(self.closing(), std::move(token));
    socket_address address(remote);
    const std::string attempt = "connect to '" + remote.to_string() + "'";
    detail::io_request request(&self, address.data(), address.size(), wait.token());
    try {
        co_await detail::connect_operation(std::move(request)).configure_await(false);
    } catch (const operation_canceled&) {
        wait.fail(self, attempt);
    } catch (const io_error& problem) {
        throw io_error(problem.code(), attempt);
    }
    self.connected(remote);
}

task<> udp_socket::send_message(std::optional<endpoint> remote, std::span<const std::byte> data, cancellation_token token) {
    if (owner_.get() == nullptr) return from_exception<void>(object_disposed(socket_kind));
    return send_alone(state(), remote, data, std::move(token));
}

task<> udp_socket::send_alone(
    udp_state& self, std::optional<endpoint> remote, std::span<const std::byte> data, cancellation_token token) {
    const detail::descriptor_use use(self);
    if (const int error = self.sending_error().take(); error != 0) fail_to_send(self, remote, error);
    const closable_wait wait(self.closing(), std::move(token));
    message content(data.data(), data.size());
    std::optional<socket_address> target;
    if (remote) {
        target.emplace(*remote);
        content.head.msg_name = target->data();
        content.head.msg_namelen = target->size();
    }
    detail::io_request request(&self, &content.head, 0, wait.token(), 0);
    try {
        static_cast<void>(co_await send_message_operation(std::move(request)).configure_await(false));
    } catch (const operation_canceled&) {
        wait.fail(self, attempt_to_send_to(self, remote));
    } catch (const io_error& problem) {
        fail_to_send(self, remote, problem.code().value());
    }
}

task<> udp_socket::send_to(endpoint remote, std::span<const std::byte> data, cancellation_token token) {
    return send_message(remote, data, std::move(token));
}
task<> udp_socket::send_to(endpoint remote, std::string_view text, cancellation_token token) {
    return send_message(remote, std::as_bytes(std::span(text)), std::move(token));
}
task<> udp_socket::send(std::span<const std::byte> data, cancellation_token token) {
    return send_message(std::nullopt, data, std::move(token));
}
task<> udp_socket::send(std::string_view text, cancellation_token token) {
    return send_message(std::nullopt, std::as_bytes(std::span(text)), std::move(token));
}

task<received_datagram> udp_socket::receive_from(std::span<std::byte> room, cancellation_token token) {
    udp_state& self = state();
    const detail::descriptor_use use(self);
    token.throw_if_cancellation_requested();
    if (const int error = self.receiving_error().take(); error != 0) detail::fail_socket(error, attempt_to_receive(self));
    const closable_wait wait(self.closing(), std::move(token));
    message content(room.data(), room.size());
    content.head.msg_name = &content.address;
    content.head.msg_namelen = sizeof content.address;
    // MSG_TRUNC: the answer is the length of the datagram, also when the room is less.
    detail::io_request request(&self, &content.head, 0, wait.token(), MSG_TRUNC);
    received_datagram result;
    try {
        result.full_size = co_await receive_message_operation(std::move(request)).configure_await(false);
    } catch (const operation_canceled&) {
        wait.fail(self, attempt_to_receive(self));
    }
    result.size = std::min(result.full_size, room.size());
    static_cast<void>(detail::endpoint_from(reinterpret_cast<const sockaddr*>(&content.address), result.from));
    co_return result;
}

// ---- options

void udp_socket::change_group(const endpoint& group, unsigned interface_index, bool join) {
    udp_state& self = state();
    const std::string attempt = std::string(join ? "membership of " : "leaving of ") + group.address();
    if (group.is_v6()) {
        ipv6_mreq wanted{};
        std::memcpy(&wanted.ipv6mr_multiaddr, group.bytes().data(), 16);
        wanted.ipv6mr_interface = interface_index;
        const int option = join ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP;
        set_socket_option(self, IPPROTO_IPV6, option, &wanted, sizeof wanted, attempt);
    } else {
        ip_mreqn wanted{};
        std::memcpy(&wanted.imr_multiaddr, group.bytes().data(), 4);
        wanted.imr_ifindex = static_cast<int>(interface_index);
        const int option = join ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP;
        set_socket_option(self, IPPROTO_IP, option, &wanted, sizeof wanted, attempt);
    }
}

void udp_socket::join_group(const endpoint& group, unsigned interface_index) { change_group(group, interface_index, true); }
void udp_socket::leave_group(const endpoint& group, unsigned interface_index) {
    change_group(group, interface_index, false);
}

void udp_socket::time_to_live(int hops) {
    if (state().is_v6()) set_socket_option(state(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, hops, "IPV6_UNICAST_HOPS");
    else set_socket_option(state(), IPPROTO_IP, IP_TTL, hops, "IP_TTL");
}

void udp_socket::multicast_time_to_live(int hops) {
    if (state().is_v6()) set_socket_option(state(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops, "IPV6_MULTICAST_HOPS");
    else set_socket_option(state(), IPPROTO_IP, IP_MULTICAST_TTL, hops, "IP_MULTICAST_TTL");
}

void udp_socket::multicast_loop(bool on) {
    const int value = on ? 1 : 0;
    if (state().is_v6()) set_socket_option(state(), IPPROTO_IPV6, IPV6_MULTICAST_LOOP, value, "IPV6_MULTICAST_LOOP");
    else set_socket_option(state(), IPPROTO_IP, IP_MULTICAST_LOOP, value, "IP_MULTICAST_LOOP");
}

void udp_socket::broadcast(bool on) { set_socket_option(state(), SOL_SOCKET, SO_BROADCAST, on ? 1 : 0, "SO_BROADCAST"); }
void udp_socket::receive_buffer(int bytes) { set_socket_option(state(), SOL_SOCKET, SO_RCVBUF, bytes, "SO_RCVBUF"); }
void udp_socket::send_buffer(int bytes) { set_socket_option(state(), SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF"); }

endpoint udp_socket::local_endpoint() const {
    udp_state& known = state();
    const detail::descriptor_use use(known);
    const socket_address address(known.driver(), known.fd(), socket_address::side::local);
    if (!address.is_known()) detail::fail_socket(address.error(), "ask for the local endpoint of a UDP socket");
    return address.to_endpoint();
}

int udp_socket::native_handle() const {
    if (!owner_.is_open()) throw object_disposed(socket_kind);
    return state().fd();
}

}  // namespace weft::inline WEFT_ABI::net
