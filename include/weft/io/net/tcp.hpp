#pragma once
// <weft/io/net/tcp.hpp>: TCP connections and listeners.
// Follows System.Net.Sockets.NetworkStream and TcpListener.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/io/net/socket_stream.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {
class socket_state;
}

namespace weft::inline WEFT_ABI::net {

/// How a connection is made.
struct connect_options {
    std::chrono::milliseconds attempt_delay{250};  ///< until the next address is tried beside those that have not answered
    std::chrono::milliseconds timeout{-1};         ///< of the whole; negative: none
};
static_assert(std::is_trivially_destructible_v<connect_options>);

/// When a silent peer is asked whether it is there.
struct keep_alive_options {
    std::chrono::seconds idle{60};      ///< of silence, before it is asked
    std::chrono::seconds interval{10};  ///< until it is asked again
    int count = 6;                      ///< questions without an answer that end the connection
};
static_assert(std::is_trivially_destructible_v<keep_alive_options>);

/// One end of a TCP connection. Reading, writing and closing are socket_stream's, and so are its guarantees.
class tcp_stream : public socket_stream {
public:
    /// Not connected.
    tcp_stream() noexcept : socket_stream("tcp_stream") {}

    /// Connects to `remote`.
    [[nodiscard]] static task<tcp_stream> connect(endpoint remote, cancellation_token token = {});
    /// Resolves `host` and connects to the first of its addresses that answers, as connect_any() does.
    /// @throws io_error           of the resolution, or of the last address that failed
    /// @throws timeout_exception  when options.timeout has passed, look-up included
    [[nodiscard]] static task<tcp_stream> connect(std::string host, std::uint16_t port, cancellation_token token = {});
    [[nodiscard]] static task<tcp_stream> connect(
        std::string host, std::uint16_t port, connect_options options, cancellation_token token = {});
    /// Connects to the first of `addresses` that answers. They are tried in their order, but IPv6 and IPv4 in turn, the next one when
    /// the one before has failed, or has not answered for options.attempt_delay. The first connection wins; the other attempts
    /// are cancelled and closed before this ends. Follows RFC 8305 ("Happy Eyeballs"), 4 and 5.
    /// Cancellation  cancels all attempts.
    /// @throws io_error               of the last address that failed
    /// @throws timeout_exception      when options.timeout has passed
    /// @throws std::invalid_argument  without addresses
    [[nodiscard]] static task<tcp_stream> connect_any(
        std::vector<endpoint> addresses, connect_options options = {}, cancellation_token token = {});

    /// Sends small writes at once instead of collecting them (TCP_NODELAY). @throws io_error
    void no_delay(bool on = true);
    /// Gives up at close what has not been sent, with a reset of the connection. @throws io_error
    void reset_on_close(bool on = true);

    /// Asks a peer that is silent whether it is there, and gives it up when it is not (SO_KEEPALIVE). @throws io_error
    void keep_alive(const keep_alive_options& options = {});
    void no_keep_alive();
    /// How long what was sent may go unacknowledged before the connection is given up with ETIMEDOUT (TCP_USER_TIMEOUT); 0: as the
    /// system has it. @throws io_error
    void user_timeout(std::chrono::milliseconds limit);
    /// Bytes that the kernel keeps for this connection; it doubles the number and has a limit of its own. @throws io_error
    void receive_buffer(int bytes);
    void send_buffer(int bytes);

    /// @throws object_disposed, io_error
    [[nodiscard]] endpoint local_endpoint() const;
    /// The other end of the connection: behind a proxy the proxy, see read_proxy_header().
    [[nodiscard]] endpoint remote_endpoint() const;
    /// Ends sending, reads and drops what still comes until the peer has ended too, or for `limit`, and closes. So the peer reads all
    /// that was sent; close() alone may reset the connection under it when something unread has come.
    /// @returns whether the peer ended in time
    /// @throws std::invalid_argument  if `limit` is negative or over cancellation_source::longest_delay; the stream is as it was then
    [[nodiscard]] task<bool> close_gracefully(std::chrono::nanoseconds limit);

private:
    friend class tcp_listener;
    explicit tcp_stream(detail::descriptor_owner owner) noexcept : socket_stream("tcp_stream", std::move(owner)) {}
    [[nodiscard]] detail::socket_state& state() const;
};

/// How a listener is made.
struct listen_options {
    int backlog = 4096;       ///< connections the kernel keeps ready; it lowers this to its own limit
    bool reuse_port = false;  ///< several listeners may share the port (SO_REUSEPORT)
    bool v6_only = false;     ///< "::" takes no IPv4 (IPV6_V6ONLY); else it does, as ::ffff:1.2.3.4 (endpoint::unmapped())
    int receive_buffer = 0;   ///< of the connections, as of tcp_stream::receive_buffer(); 0: as the system has it
};
static_assert(std::is_trivially_destructible_v<listen_options>);

/// Takes connections in.
///
/// A resource: move-only; lifetime and threads as for tcp_stream, but any number of accepts may be pending.
class tcp_listener {
public:
    tcp_listener() noexcept = default;

    /// Listens on `local`; port 0 lets the system choose one, which local_endpoint() then tells.
    /// @throws io_error  "listen on '127.0.0.1:80' failed: address already in use (EADDRINUSE)"
    [[nodiscard]] static tcp_listener bind(endpoint local, listen_options options = {});

    /// Waits for the next connection.
    ///
    /// While the process is out of descriptors it pauses, up to 100 ms at a time, and connections wait in the kernel's line; says so
    /// on standard error, at most once a minute; and after a second closes those that wait, by a descriptor kept for it, so
    /// that their clients learn it. It goes on by itself when descriptors are free again.
    /// Cancellation  no connection is lost: it stays with the kernel for the next accept.
    [[nodiscard]] task<tcp_stream> accept(cancellation_token token = {});

    /// @throws object_disposed
    [[nodiscard]] endpoint local_endpoint() const;

    /// The descriptor, for options that have no name here. @throws object_disposed
    [[nodiscard]] int native_handle() const;

    /// Ends pending accepts as cancelled and closes. Later calls do nothing.
    [[nodiscard]] task<> close() { return owner_.close(); }
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    explicit tcp_listener(detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}
    [[nodiscard]] detail::socket_state& state() const;

    detail::descriptor_owner owner_;
};

}  // namespace weft::inline WEFT_ABI::net
