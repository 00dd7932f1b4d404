// src/testing_io/socket.cpp: the calls on sockets, with the answers that Linux gives.
// SPDX-License-Identifier: MIT

#include "testing_io/socket.hpp"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "io/net/socket_state.hpp"
#include "testing_io/message.hpp"
#include "testing_io/simulation.hpp"

namespace weft::inline WEFT_ABI::testing {

socket_descriptor::socket_descriptor(network& net, node_state& on, tcp_end& end)
    : descriptor(on), net_(&net), local_(end.local), end_(&end), bound_(true) {
    end.user = this;
    end.queued = nullptr;
    net.add_socket(*this);
}

socket_descriptor::~socket_descriptor() {
    drop_line();
    net_->remove_socket(*this);
    if (end_ != nullptr) net_->release(*end_, resets_on_close_);
}

// Nobody will accept them: Linux resets them.
void socket_descriptor::drop_line() {
    while (!line_.empty()) {
        tcp_end* waiting = line_.front();
        line_.pop_front();
        net_->release(*waiting, true);
    }
}

void socket_descriptor::begin(io_operation& operation) {
    if (operation.kind != io_kind::connect || end_ != nullptr || listening_) return;
    net::endpoint remote;
    refused_ = 0;
    if (!weft::detail::endpoint_from(static_cast<const sockaddr*>(operation.buffer), remote)) {
        refused_ = EAFNOSUPPORT;
        return;
    }
    if (remote.port() == 0) {
        refused_ = ECONNREFUSED;
        return;
    }
    // Every address at once is, of a peer, this machine.
    if (network::is_any(remote))
        remote = remote.is_v6() ? net::endpoint::loopback_v6(remote.port()) : net::endpoint::loopback_v4(remote.port());
    if (!bound_ || network::is_any(local_)) {
        const std::uint16_t port = bound_ ? local_.port() : net_->take_port(node());
        if (remote.is_v6()) local_ = net::endpoint::loopback_v6(port);
        else if (remote.bytes()[0] == 127) local_ = net::endpoint::loopback_v4(port);
        else local_ = net::endpoint::from_bytes(false, node().address.bytes().data(), port);
        bound_ = true;
    }
    end_ = &net_->connect(*this, local_, remote);
}

bool socket_descriptor::is_ready(const io_operation& operation) const noexcept {
    switch (operation.kind) {
        case io_kind::read:
        case io_kind::recvmsg:
        case io_kind::recv: return end_ == nullptr || net_->can_receive(*end_);
        case io_kind::write:
        case io_kind::sendmsg:
        case io_kind::send: return end_ == nullptr || net_->can_send(*end_);
        case io_kind::accept: return !listening_ || line_closed_ || !line_.empty();
        case io_kind::connect: return end_ == nullptr || end_->at != tcp_end::stage::connecting;
        case io_kind::poll: return (events() & (operation.flags | POLLERR | POLLHUP)) != 0;
        default: return true;
    }
}

unsigned socket_descriptor::events() const noexcept {
    if (listening_) return line_.empty() ? 0 : POLLIN;
    if (end_ == nullptr) return POLLOUT | POLLHUP;
    unsigned result = 0;
    if (net_->can_receive(*end_)) result |= POLLIN;
    if (net_->can_send(*end_)) result |= POLLOUT;
    if (end_->at == tcp_end::stage::dead) result |= POLLHUP;
    if (end_->error != 0) result |= POLLERR;
    return result;
}

int socket_descriptor::attempt(io_operation& operation) {
    switch (operation.kind) {
        case io_kind::read:
        case io_kind::write:
            if (operation.offset != io_operation::no_offset) return -ESPIPE;
            break;
        default: break;
    }
    switch (operation.kind) {
        case io_kind::read:
        case io_kind::recv: return end_ == nullptr ? -ENOTCONN : net_->receive(*end_, operation.buffer, operation.length);
        case io_kind::write:
        case io_kind::send: return end_ == nullptr ? -EPIPE : net_->send(*end_, operation.buffer, operation.length);
        case io_kind::recvmsg: {
            auto& message = *static_cast<msghdr*>(operation.buffer);
            if (end_ == nullptr) return -ENOTCONN;
            std::string bytes(length_of(message), '\0');
            const int count = net_->receive(*end_, bytes.data(), bytes.size());
            if (count >= 0) scatter(std::string_view(bytes).substr(0, static_cast<std::size_t>(count)), message);
            message.msg_namelen = 0;
            message.msg_controllen = 0;
            message.msg_flags = 0;
            return count;
        }
        case io_kind::sendmsg: {
            const std::string bytes = gather(*static_cast<const msghdr*>(operation.buffer));
            return end_ == nullptr ? -EPIPE : net_->send(*end_, bytes.data(), bytes.size());
        }
        case io_kind::accept: return accept();
        case io_kind::connect: {
            if (listening_) return -EISCONN;
            if (end_ == nullptr) return -std::exchange(refused_, 0);
            if (end_->at == tcp_end::stage::connecting) return -EAGAIN;
            if (end_->at == tcp_end::stage::open) return 0;
            const int error = std::exchange(end_->error, 0);
            return error == 0 ? -ECONNABORTED : -error;
        }
        case io_kind::poll: {
            const unsigned found = events() & (operation.flags | POLLERR | POLLHUP);
            return found == 0 ? -EAGAIN : static_cast<int>(found);
        }
        default: return -EINVAL;
    }
}

int socket_descriptor::peek() {
    if (end_ == nullptr) return -ENOTCONN;
    if (end_->unread() != 0) return 1;
    if (end_->error != 0) return -end_->error;
    return net_->can_receive(*end_) ? 0 : -EAGAIN;
}

int socket_descriptor::accept() {
    if (!listening_ || line_closed_) return -EINVAL;
    if (line_.empty()) return -EAGAIN;
    tcp_end* made = line_.front();
    line_.pop_front();
    return net_->world().install(std::make_unique<socket_descriptor>(*net_, node(), *made));
}

int socket_descriptor::set_option(int level, int option, const void* value, std::uint32_t size) {
    if (level == SOL_SOCKET && option == SO_LINGER && size == sizeof(linger)) {
        linger wanted{};
        std::memcpy(&wanted, value, sizeof wanted);
        resets_on_close_ = wanted.l_onoff != 0 && wanted.l_linger == 0;
    } else if (level == SOL_SOCKET && option == SO_REUSEPORT && size == sizeof(int)) {
        int on = 0;
        std::memcpy(&on, value, sizeof on);
        reuse_port_ = on != 0;
    }
    // The others change nothing that can be seen here.
    return level == SOL_SOCKET || level == IPPROTO_TCP || level == IPPROTO_IPV6 ? 0 : -ENOPROTOOPT;
}

int socket_descriptor::bind(const net::endpoint& to) {
    if (bound_) return -EINVAL;
    if (!network::is_own(node(), to)) return -EADDRNOTAVAIL;
    net::endpoint wanted = to;
    if (wanted.port() == 0) wanted = net::endpoint::from_bytes(to.is_v6(), to.bytes().data(), net_->take_port(node()));
    if (net_->is_taken(node(), wanted, reuse_port_)) return -EADDRINUSE;
    local_ = wanted;
    bound_ = true;
    return 0;
}

int socket_descriptor::listen(int backlog) {
    if (end_ != nullptr) return -EINVAL;
    listening_ = true;
    backlog_ = static_cast<std::size_t>(std::max(backlog, 0));
    return 0;
}

int socket_descriptor::shutdown(int how) {
    if (listening_) {
        if (how == SHUT_WR) return 0;
        line_closed_ = true;
        drop_line();
        net_->world().serve(*this);
        return 0;
    }
    if (end_ != nullptr && end_->at == tcp_end::stage::connecting) {
        net_->give_up_connecting(*end_);
        return 0;
    }
    if (end_ == nullptr || end_->at == tcp_end::stage::dead) return -ENOTCONN;
    if (how != SHUT_RD) net_->end_sending(*end_);
    if (how != SHUT_WR) end_->reading_ended = true;
    net_->world().serve(*this);
    return 0;
}

int socket_descriptor::name_of(bool peer, net::endpoint& known) {
    if (!peer) {
        known = local_;
        return 0;
    }
    if (end_ == nullptr || end_->at != tcp_end::stage::open) return -ENOTCONN;
    known = end_->remote;
    return 0;
}

}  // namespace weft::inline WEFT_ABI::testing
