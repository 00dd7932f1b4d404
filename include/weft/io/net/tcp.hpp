#pragma once
// <weft/io/net/tcp.hpp>: TCP connections and listeners.
// Follows System.Net.Sockets.NetworkStream and TcpListener.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {
class socket_state;
}

namespace weft::inline WEFT_ABI::net {

/// One end of a TCP connection.
///
/// A resource: move-only. It belongs to the runtime it was made in and must not outlive it; its operations may be awaited from
/// any task, context and thread.
///
/// Continuation  of every operation: posted to the captured context, else to the pool.
/// Threads       one read and one write may be pending at a time, started from any thread; close() from any thread.
/// Lifetime      a buffer stays where it is until the operation on it has ended. Destroying a stream closes it; operations
///               still pending end as cancelled.
/// Cancellation  an operation ends with operation_canceled, and only once the kernel no longer touches its buffer. Bytes that
///               had arrived by then win over the cancellation. A cancelled write may have sent a part: close the stream then.
/// Throws        io_error naming the peer; operation_canceled; object_disposed on a closed or empty stream. SIGPIPE is never raised.
class tcp_stream {
public:
    /// Not connected.
    tcp_stream() noexcept = default;

    /// Connects to `remote`.
    [[nodiscard]] static task<tcp_stream> connect(endpoint remote, cancellation_token token = {});
    /// Resolves `host` and connects to the first of its addresses that answers.
    /// @throws io_error  of the resolution, or of the last address tried
    [[nodiscard]] static task<tcp_stream> connect(std::string host, std::uint16_t port, cancellation_token token = {});

    /// Reads what is there, waiting for the first byte. @returns the number of bytes; 0 at the end of the stream
    [[nodiscard]] detail::receive_operation read(std::span<std::byte> buffer, cancellation_token token = {}) {
        return detail::receive_operation(request(buffer.data(), buffer.size(), std::move(token)));
    }
    [[nodiscard]] detail::receive_operation read(std::span<char> buffer, cancellation_token token = {}) {
        return detail::receive_operation(request(buffer.data(), buffer.size(), std::move(token)));
    }
    /// Reads until `buffer` is full. @throws io_error  (EPIPE) when the stream ends before
    [[nodiscard]] task<> read_exactly(std::span<std::byte> buffer, cancellation_token token = {});

    /// Writes all of `data`. May complete synchronously while the socket's buffer has room.
    [[nodiscard]] detail::send_operation write(std::span<const std::byte> data, cancellation_token token = {}) {
        return detail::send_operation(request(data.data(), data.size(), std::move(token)));
    }
    [[nodiscard]] detail::send_operation write(std::string_view text, cancellation_token token = {}) {
        return detail::send_operation(request(text.data(), text.size(), std::move(token)));
    }
    /// Writes what there is room for, at least a byte. @returns the number of bytes
    [[nodiscard]] detail::send_some_operation write_some(std::span<const std::byte> data, cancellation_token token = {}) {
        return detail::send_some_operation(request(data.data(), data.size(), std::move(token)));
    }

    /// Tells the peer that nothing more is coming; reading goes on. @throws io_error
    void shutdown_send();
    /// Sends small writes at once instead of collecting them (TCP_NODELAY). @throws io_error
    void no_delay(bool on = true);
    /// Gives up at close what has not been sent, with a reset of the connection. @throws io_error
    void reset_on_close(bool on = true);

    /// @throws object_disposed, io_error
    [[nodiscard]] endpoint local_endpoint() const;
    [[nodiscard]] endpoint remote_endpoint() const;

    /// Ends pending operations as cancelled, waits until they have let go, and closes. Later calls do nothing.
    [[nodiscard]] task<> close() { return owner_.close(); }
    /// Whether there is a connection here that close() was not called on.
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    friend class tcp_listener;
    explicit tcp_stream(detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}

    [[nodiscard]] detail::io_request request(const void* data, std::size_t size, cancellation_token&& token) const;
    [[nodiscard]] detail::socket_state& state() const;

    detail::descriptor_owner owner_;
};

/// How a listener is made.
struct listen_options {
    int backlog = 4096;       ///< connections the kernel keeps ready; it lowers this to its own limit
    bool reuse_port = false;  ///< several listeners may share the port (SO_REUSEPORT)
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

    /// Waits for the next connection. While the process is out of descriptors it waits for some to become free.
    /// Cancellation  no connection is lost: it stays with the kernel for the next accept.
    [[nodiscard]] task<tcp_stream> accept(cancellation_token token = {});

    /// @throws object_disposed
    [[nodiscard]] endpoint local_endpoint() const;

    /// Ends pending accepts as cancelled and closes. Later calls do nothing.
    [[nodiscard]] task<> close() { return owner_.close(); }
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    explicit tcp_listener(detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}
    [[nodiscard]] detail::socket_state& state() const;

    detail::descriptor_owner owner_;
};

}  // namespace weft::inline WEFT_ABI::net
