// src/testing_io/datagram.cpp: datagrams, on their way and at their sockets.
// SPDX-License-Identifier: MIT

#include "testing_io/datagram.hpp"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/net/socket_state.hpp"
#include "testing_io/message.hpp"
#include "testing_io/simulation.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

constexpr std::size_t longest_datagram = 65'507;

bool is_loopback(const net::endpoint& at) noexcept {
    return at.is_v6() ? at.bytes() == net::endpoint::loopback_v6().bytes() : at.bytes()[0] == 127;
}

net::endpoint with_port(const net::endpoint& at, std::uint16_t port) noexcept {
    return net::endpoint::from_bytes(at.is_v6(), at.bytes().data(), port);
}

}  // namespace

// ---- the socket

bool datagram_descriptor::is_ready(const io_operation& operation) const noexcept {
    switch (operation.kind) {
        case io_kind::read:
        case io_kind::recv:
        case io_kind::recvmsg: return !waiting_.empty();
        case io_kind::poll: return (operation.flags & POLLOUT) != 0 || !waiting_.empty();
        default: return true;
    }
}

int datagram_descriptor::attempt(io_operation& operation) {
    switch (operation.kind) {
        case io_kind::recv: {
            iovec room{operation.buffer, operation.length};
            msghdr message{};
            message.msg_iov = &room;
            message.msg_iovlen = 1;
            return receive(message, operation.flags);
        }
        case io_kind::recvmsg: return receive(*static_cast<msghdr*>(operation.buffer), operation.flags);
        case io_kind::send: return send(nullptr, std::string(static_cast<const char*>(operation.buffer), operation.length));
        case io_kind::sendmsg: {
            const auto& message = *static_cast<const msghdr*>(operation.buffer);
            if (message.msg_name == nullptr) return send(nullptr, gather(message));
            net::endpoint to;
            if (!weft::detail::endpoint_from(static_cast<const sockaddr*>(message.msg_name), to)) return -EAFNOSUPPORT;
            return send(&to, gather(message));
        }
        case io_kind::connect: return connect(operation.buffer);
        case io_kind::poll: {
            const unsigned found = (POLLOUT | (waiting_.empty() ? 0U : POLLIN)) & operation.flags;
            return found == 0 ? -EAGAIN : static_cast<int>(found);
        }
        case io_kind::accept: return -EOPNOTSUPP;
        default: return -EINVAL;
    }
}

int datagram_descriptor::receive(msghdr& message, unsigned flags) {
    if (waiting_.empty()) return -EAGAIN;
    const datagram first = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= first.bytes.size();
    const std::size_t moved = scatter(first.bytes, message);
    message.msg_flags = moved < first.bytes.size() ? MSG_TRUNC : 0;
    message.msg_controllen = 0;
    if (message.msg_name != nullptr) {
        weft::detail::socket_address source(first.source);
        std::memcpy(message.msg_name, source.data(), std::min<std::size_t>(message.msg_namelen, source.size()));
        message.msg_namelen = source.size();
    }
    return static_cast<int>((flags & MSG_TRUNC) != 0 ? first.bytes.size() : moved);
}

int datagram_descriptor::send(const net::endpoint* to, std::string bytes) {
    const net::endpoint* target = to != nullptr ? to : peer_ ? &*peer_ : nullptr;
    if (target == nullptr) return -EDESTADDRREQ;
    if (bytes.size() > longest_datagram) return -EMSGSIZE;
    if (target->port() == 0) return -EINVAL;
    if (!bound_) {
        local_ = with_port(target->is_v6() ? net::endpoint::any_v6() : net::endpoint::any_v4(), net_->take_port(node()));
        bound_ = true;
    }
    net::endpoint source = local_;
    if (network::is_any(source)) source = with_port(is_loopback(*target) ? *target : node().address, local_.port());
    const auto count = static_cast<int>(bytes.size());
    net_->send_datagram(node(), source, *target, std::move(bytes));
    return count;
}

int datagram_descriptor::connect(const void* address) {
    net::endpoint to;
    if (!weft::detail::endpoint_from(static_cast<const sockaddr*>(address), to)) return -EAFNOSUPPORT;
    const std::uint16_t port = bound_ ? local_.port() : net_->take_port(node());
    if (!bound_ || network::is_any(local_)) local_ = with_port(is_loopback(to) ? to : node().address, port);
    bound_ = true;
    peer_ = to;
    return 0;
}

int datagram_descriptor::set_option(int level, int option, const void* value, std::uint32_t size) {
    if (level == SOL_SOCKET && (option == SO_REUSEPORT || option == SO_REUSEADDR) && size == sizeof(int)) {
        int on = 0;
        std::memcpy(&on, value, sizeof on);
        reuse_port_ = on != 0;
    }
    const bool groups = (level == IPPROTO_IP && (option == IP_ADD_MEMBERSHIP || option == IP_DROP_MEMBERSHIP)) ||
        (level == IPPROTO_IPV6 && (option == IPV6_ADD_MEMBERSHIP || option == IPV6_DROP_MEMBERSHIP));
    if (groups) return -ENODEV;
    return level == SOL_SOCKET || level == IPPROTO_IP || level == IPPROTO_IPV6 ? 0 : -ENOPROTOOPT;
}

int datagram_descriptor::bind(const net::endpoint& to) {
    if (bound_) return -EINVAL;
    if (!network::is_own(node(), to)) return -EADDRNOTAVAIL;
    const net::endpoint wanted = to.port() == 0 ? with_port(to, net_->take_port(node())) : to;
    if (net_->is_taken(node(), wanted, reuse_port_, *this)) return -EADDRINUSE;
    local_ = wanted;
    bound_ = true;
    return 0;
}

int datagram_descriptor::name_of(bool peer, net::endpoint& known) {
    if (peer && !peer_) return -ENOTCONN;
    known = peer ? *peer_ : local_;
    return 0;
}

bool datagram_descriptor::takes(const net::endpoint& source, const net::endpoint& target) const noexcept {
    if (!bound_ || local_.port() != target.port() || local_.is_v6() != target.is_v6()) return false;
    if (peer_ && *peer_ != source) return false;
    return network::is_any(local_) || local_.bytes() == target.bytes();
}

void datagram_descriptor::arrived(const net::endpoint& source, std::string bytes) {
    // A full buffer drops what comes, as the kernel's does.
    if (waiting_bytes_ + bytes.size() > net_->buffer && !waiting_.empty()) return;
    waiting_bytes_ += bytes.size();
    waiting_.push_back({source, std::move(bytes)});
    net_->world().serve(*this);
}

// ---- on the way

flight::flight(network& of, node_state& at, node_state& going)
    : net(&of),
      from(&at),
      to(&going),
      arrival(
          of.world().clock(),
          [](void* self) {
              auto& which = *static_cast<flight*>(self);
              which.net->datagram_arrived(which);
          },
          this) {}

bool network::is_taken(const node_state& on, const net::endpoint& at, bool reuse, const datagram_descriptor& but) const {
    return std::ranges::any_of(datagram_sockets_, [&](const datagram_descriptor* other) {
        if (other == &but || &other->node() != &on || other->is_lost() || other->local().port() != at.port()) return false;
        if (reuse && other->shares_port()) return false;
        return at.is_v6() == other->local().is_v6() &&
            (is_any(at) || is_any(other->local()) || at.bytes() == other->local().bytes());
    });
}

void network::send_datagram(node_state& from, const net::endpoint& source, const net::endpoint& target, std::string bytes) {
    node_state* const host = host_of(from, target);
    if (host == nullptr || is_cut(from, *host)) return;
    if (world_->goes_wrong("net.datagram_loss", datagram_loss_one_in)) return;
    const bool twice = world_->goes_wrong("net.datagram_copy", datagram_copy_one_in);
    if (twice) take_off(from, *host, source, target, bytes);
    take_off(from, *host, source, target, std::move(bytes));
}

void network::take_off(
    node_state& from, node_state& to, const net::endpoint& source, const net::endpoint& target, std::string bytes) {
    flight& made = flights_.emplace_back(*this, from, to);
    made.position = std::prev(flights_.end());
    made.source = source;
    made.target = target;
    made.bytes = std::move(bytes);
    made.arrival.at(world_->now() + travel(from.index, to.index));
}

void network::datagram_arrived(flight& which) {
    // Kept back: until links_changed().
    if (!is_cut(*which.from, *which.to) && is_blocked(*which.from, *which.to)) return;
    if (!is_cut(*which.from, *which.to)) {
        for (datagram_descriptor* each : datagram_sockets_) {
            if (&each->node() != which.to || each->is_lost() || !each->takes(which.source, which.target)) continue;
            each->arrived(which.source, std::move(which.bytes));
            break;
        }
    }
    flights_.erase(which.position);
}

}  // namespace weft::inline WEFT_ABI::testing
