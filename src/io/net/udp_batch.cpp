// src/io/net/udp_batch.cpp: many datagrams in one call of the kernel.
//
// What has to wait is awaited like any other, so cancelling, closing and waiting are what they are there. The rest, which need
// no waiting, go with recvmmsg(2) and sendmmsg(2).
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "io/net/socket_state.hpp"
#include "io/net/udp_state.hpp"
#include "weft/io/net/udp.hpp"

namespace weft::inline WEFT_ABI::net {

namespace {

constexpr std::size_t most = 32;  // datagrams a call; their heads take 3.5 KiB of the stack

/// The heads of up to `most` datagrams, with what they point to.
class heads {
public:
    /// @param address_size  0: it has none
    void add(const void* data, std::size_t size, socklen_t address_size) noexcept {
        parts_[count_] = {const_cast<void*>(data), size};
        msghdr& head = heads_[count_].msg_hdr;
        head.msg_iov = &parts_[count_];
        head.msg_iovlen = 1;
        head.msg_name = address_size == 0 ? nullptr : &addresses_[count_];
        head.msg_namelen = address_size;
        ++count_;
    }
    void add_to(const endpoint& to, std::span<const std::byte> data) noexcept {
        detail::socket_address known(to);
        std::memcpy(&addresses_[count_], known.data(), known.size());
        add(data.data(), data.size(), known.size());
    }

    [[nodiscard]] mmsghdr* data() noexcept { return heads_; }
    [[nodiscard]] unsigned count() const noexcept { return count_; }
    [[nodiscard]] std::size_t length(std::size_t index) const noexcept { return heads_[index].msg_len; }
    [[nodiscard]] const sockaddr* address(std::size_t index) const noexcept {
        return reinterpret_cast<const sockaddr*>(&addresses_[index]);
    }

private:
    mmsghdr heads_[most]{};
    iovec parts_[most];
    sockaddr_in6 addresses_[most];  // room for either family
    unsigned count_ = 0;
};

/// Takes what lies ready. @returns how many
std::size_t take_ready(detail::udp_state& socket, std::span<datagram_room> rooms) noexcept {
    std::size_t taken = 0;
    while (taken < rooms.size() && !socket.is_closing()) {
        heads batch;
        for (datagram_room& each : rooms.subspan(taken, std::min(rooms.size() - taken, most)))
            batch.add(each.room.data(), each.room.size(), sizeof(sockaddr_in6));
        const int got = socket.driver().receive_ready(socket.fd(), batch.data(), batch.count());
        if (got < 0 && got != -EAGAIN) socket.receiving_error().keep(-got);
        if (got <= 0) break;
        for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
            datagram_room& each = rooms[taken + i];
            each.came.full_size = batch.length(i);
            each.came.size = std::min(batch.length(i), each.room.size());
            static_cast<void>(detail::endpoint_from(batch.address(i), each.came.from));
        }
        taken += static_cast<std::size_t>(got);
        if (static_cast<unsigned>(got) < batch.count()) break;
    }
    return taken;
}

/// Sends what there is room for. @returns how many, or why not the first: a negative errno
int send_ready(const detail::udp_state& socket, std::span<const datagram> all) noexcept {
    heads batch;
    for (const datagram& each : all.first(std::min(all.size(), most))) {
        if (each.to) batch.add_to(*each.to, each.content);
        else batch.add(each.content.data(), each.content.size(), 0);
    }
    return socket.driver().send_ready(socket.fd(), batch.data(), batch.count());
}

/// One that cannot be sent, or an error of the socket, which the kernel tells whoever sends next.
/// @returns `sent`, when some were sent before it: that is told first
std::size_t stop_at(detail::udp_state& socket, const datagram& next, std::size_t sent, int error) {
    if (sent == 0) detail::fail_to_send(socket, next.to, error);
    // Too long it will be the next time as well. What the network has said, it says once.
    if (!next.to && error != EMSGSIZE) socket.sending_error().keep(error);
    return sent;
}

[[noreturn]] void fail_closed(const detail::udp_state& socket, const datagram& next) {
    throw operation_canceled(detail::attempt_to_send_to(socket, next.to) + " was canceled: it was closed meanwhile");
}

}  // namespace

task<std::size_t> udp_socket::receive_many(std::span<datagram_room> rooms, cancellation_token token) {
    detail::udp_state& self = state();
    if (rooms.empty()) co_return 0;
    const detail::descriptor_use use(self);
    task<received_datagram> first = receive_from(rooms[0].room, std::move(token));
    rooms[0].came = co_await std::move(first).configure_await(false);
    co_return 1 + take_ready(self, rooms.subspan(1));
}

task<std::size_t> udp_socket::send_many(std::span<const datagram> datagrams, cancellation_token token) {
    detail::udp_state& self = state();
    const detail::descriptor_use use(self);
    std::size_t sent = 0;
    while (sent < datagrams.size()) {
        token.throw_if_cancellation_requested();
        const datagram& next = datagrams[sent];
        if (self.is_closing()) fail_closed(self, next);
        if (const int error = self.sending_error().take(); error != 0) co_return stop_at(self, next, sent, error);
        const int answer = send_ready(self, datagrams.subspan(sent));
        if (answer < 0 && answer != -EAGAIN) co_return stop_at(self, next, sent, -answer);
        if (answer > 0) {
            sent += static_cast<std::size_t>(answer);
            continue;
        }
        // It waits for room, alone.
        try {
            task<> alone = send_alone(self, next.to, next.content, token);
            co_await std::move(alone).configure_await(false);
        } catch (const object_disposed&) {
            fail_closed(self, next);
        } catch (const io_error& problem) {
            co_return stop_at(self, next, sent, problem.code().value());
        }
        ++sent;
    }
    co_return sent;
}

}  // namespace weft::inline WEFT_ABI::net
