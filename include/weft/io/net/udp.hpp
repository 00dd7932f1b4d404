#pragma once
// <weft/io/net/udp.hpp>: sockets that send and receive datagrams.
// Follows System.Net.Sockets.UdpClient and Socket.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {
class udp_state;
}

namespace weft::inline WEFT_ABI::net {

/// How a udp_socket is made.
struct udp_options {
    bool reuse_address = false;  ///< several sockets may have the address, for multicast (SO_REUSEADDR)
    bool reuse_port = false;     ///< several sockets share what comes to the port (SO_REUSEPORT)
    bool v6_only = false;        ///< an IPv6 socket takes no IPv4 (IPV6_V6ONLY); else "::" takes both
};
static_assert(std::is_trivially_destructible_v<udp_options>);

/// A datagram that came.
struct received_datagram {
    std::size_t size = 0;       ///< bytes in the buffer
    std::size_t full_size = 0;  ///< bytes of the datagram; what did not fit is lost
    endpoint from;              ///< who sent it

    [[nodiscard]] bool is_truncated() const noexcept { return full_size > size; }
};

/// Room for a datagram, for udp_socket::receive_many().
struct datagram_room {
    std::span<std::byte> room;  ///< the caller's; it stays where it is
    received_datagram came;     ///< set for each that came

    [[nodiscard]] std::span<std::byte> content() const noexcept { return room.first(came.size); }
};

/// A datagram to be sent, for udp_socket::send_many().
struct datagram {
    std::span<const std::byte> content;
    std::optional<endpoint> to;  ///< none: the connected peer
};

/// A UDP socket. Datagrams may be lost, come twice, and overtake each other.
///
/// A resource: move-only. It belongs to the runtime it was made in and must not outlive it.
///
/// Continuation  of every operation: posted to the captured context, else to the pool.
/// Threads       any number of sends and receives may be pending, started from any thread; each datagram goes to one receive. Those
///               that receive_many() or send_many() moves together keep their order; between concurrent calls there is none.
/// Lifetime      a buffer stays where it is until the operation on it has ended. Destroying a socket closes it; operations still
///               pending end as cancelled.
/// Cancellation  an operation ends with operation_canceled, and only once the kernel no longer touches its buffer. A datagram that
///               had come by then wins over the cancellation. A datagram is sent whole or not at all.
/// Throws        io_error naming the peer; operation_canceled; object_disposed on a closed or empty socket.
class udp_socket {
public:
    /// Not open.
    udp_socket() noexcept = default;

    /// A socket that receives at `local`; port 0 lets the system choose one, which local_endpoint() then tells.
    /// @throws io_error  "bind to '127.0.0.1:53' failed: permission denied (EACCES)"
    [[nodiscard]] static udp_socket bind(endpoint local, udp_options options = {});

    /// From now on the socket sends to `remote`, and receives from there only. Nothing is sent, so nobody need be there.
    [[nodiscard]] task<> connect(endpoint remote, cancellation_token token = {});

    /// Sends `data` as one datagram, waiting while the socket's buffer is full.
    /// @throws io_error  (EMSGSIZE) for more than a datagram holds, 65507 bytes over IPv4
    [[nodiscard]] task<> send_to(endpoint remote, std::span<const std::byte> data, cancellation_token token = {});
    [[nodiscard]] task<> send_to(endpoint remote, std::string_view text, cancellation_token token = {});
    /// Waits for the next datagram.
    /// @throws io_error  (ECONNREFUSED) on a connected socket, when the peer's machine said that nobody is there
    [[nodiscard]] task<received_datagram> receive_from(std::span<std::byte> room, cancellation_token token = {});

    /// Waits for the next datagram, and takes those that have come by then with it, as many as there is room for: up to 32 in one call
    /// of the kernel (recvmmsg(2)). For who gets tens of thousands a second.
    /// @returns how many came, at least 1; 0 without room for any
    /// @throws as receive_from(); an error behind datagrams that came is thrown by the next receive that begins
    [[nodiscard]] task<std::size_t> receive_many(std::span<datagram_room> rooms, cancellation_token token = {});
    /// Sends `datagrams` in their order, up to 32 in one call of the kernel (sendmmsg(2)), waiting while the socket's buffer is full.
    /// Cancelled or closed, it may have sent some. What the network says of earlier ones (ECONNREFUSED) while the kernel is between two
    /// of one call is lost, as of sendmmsg(2).
    /// @returns how many were sent: all, or those before one that cannot be sent, which a call that begins with it throws for; an error
    ///          of the network's behind some that were sent is thrown by the next send
    [[nodiscard]] task<std::size_t> send_many(std::span<const datagram> datagrams, cancellation_token token = {});

    /// As send_to(), to the connected peer. @throws io_error  (EDESTADDRREQ) without connect()
    [[nodiscard]] task<> send(std::span<const std::byte> data, cancellation_token token = {});
    [[nodiscard]] task<> send(std::string_view text, cancellation_token token = {});
    /// As receive_from().
    [[nodiscard]] task<received_datagram> receive(std::span<std::byte> room, cancellation_token token = {}) {
        return receive_from(room, std::move(token));
    }

    /// Receives what is sent to `group`, an address of multicast; its port does not matter.
    /// @param interface_index  as of if_nametoindex(3); 0: the system chooses
    /// @throws io_error
    void join_group(const endpoint& group, unsigned interface_index = 0);
    void leave_group(const endpoint& group, unsigned interface_index = 0);
    /// Routers that a datagram of ours may pass (TTL, hop limit). @throws io_error
    void time_to_live(int hops);
    /// The same of multicast, 1 at first: the own network. @throws io_error
    void multicast_time_to_live(int hops);
    /// Whether this machine gets its own multicast, as it does at first. @throws io_error
    void multicast_loop(bool on);
    /// Lets datagrams be sent to everyone in a network. @throws io_error
    void broadcast(bool on = true);
    /// Bytes that the kernel keeps for this socket; it doubles the number and has a limit of its own. @throws io_error
    void receive_buffer(int bytes);
    void send_buffer(int bytes);

    /// @throws object_disposed, io_error
    [[nodiscard]] endpoint local_endpoint() const;

    /// The descriptor, for options that have no name here. @throws object_disposed
    [[nodiscard]] int native_handle() const;

    /// Ends pending operations as cancelled, waits until they have let go, and closes. Later calls do nothing.
    [[nodiscard]] task<> close() { return owner_.close(); }
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    explicit udp_socket(detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}
    [[nodiscard]] detail::udp_state& state() const;
    [[nodiscard]] task<> send_message(
        std::optional<endpoint> remote, std::span<const std::byte> data, cancellation_token token);
    [[nodiscard]] static task<> send_alone(
        detail::udp_state& self, std::optional<endpoint> remote, std::span<const std::byte> data, cancellation_token token);
    void change_group(const endpoint& group, unsigned interface_index, bool join);

    detail::descriptor_owner owner_;
};

}  // namespace weft::inline WEFT_ABI::net
