#pragma once
// <weft/tls/tls_stream.hpp>: an encrypted stream over another one.
// Follows System.Net.Security.SslStream.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/task.hpp"
#include "weft/tls/certificate.hpp"
#include "weft/tls/detail/tls_transport.hpp"
#include "weft/tls/tls_context.hpp"
#include "weft/tls/tls_error.hpp"

namespace weft::inline WEFT_ABI::detail {
class tls_session;
}

namespace weft::inline WEFT_ABI::net {

/// What TLS can run over: tcp_stream, tls_stream, or a type with the same three members. A cancelled read must not have taken bytes, nor a
/// cancelled write_some have sent any; close() must end both.
template <class Stream>
concept byte_stream = std::move_constructible<Stream> &&
    requires(Stream stream, std::span<std::byte> in, std::span<const std::byte> out, cancellation_token token) {
        task<std::size_t>(stream.read(in, token));
        task<std::size_t>(stream.write_some(out, token));
        task<>(stream.close());
    };

/// One end of a TLS connection whose handshake has succeeded.
///
/// A resource: move-only. It owns the stream below it. The library is driven through memory, so it runs over anything that moves bytes,
/// and in any runtime and driver; the price is one copy of the encrypted bytes each way. A tcp_stream is told no_delay().
///
/// Continuation  of every operation: posted to the captured context, else to the pool.
/// Threads       one read and one write may be pending at a time, started from any thread; close() from any thread.
/// Lifetime      a buffer stays where it is until the operation on it has ended. Destroying a stream closes the one below, without a
///               close_notify: the peer reads that as truncation. Operations still pending end as cancelled.
/// Throws        tls_error; what the stream below throws; operation_canceled; object_disposed on an empty stream.
class tls_stream {
public:
    static constexpr std::chrono::seconds default_handshake_limit{10};
    static constexpr std::chrono::seconds default_shutdown_limit{5};

    /// Not connected.
    tls_stream() noexcept = default;
    tls_stream(tls_stream&&) noexcept = default;
    tls_stream& operator=(tls_stream&& other) noexcept {
        tls_stream gone(std::move(other));
        std::swap(session_, gone.session_);
        return *this;
    }
    ~tls_stream();

    /// The client's handshake over `transport`, which is connected.
    ///
    /// @param host     the name (or IP address) the server's certificate must bear; also told to the server (SNI)
    /// @param context  a client's
    /// @param limit    of the whole handshake; -1 ms: none
    /// @throws tls_error          naming the host, the peer and the reason
    /// @throws timeout_exception  after `limit`
    /// @throws invalid_operation  for a server's context
    /// Cancellation  operation_canceled. After any failure the transport is closed.
    template <byte_stream Stream>
    [[nodiscard]] static task<tls_stream> connect(Stream transport, tls_context context, std::string host,
        std::chrono::nanoseconds limit = default_handshake_limit, cancellation_token token = {}) {
        return client_handshake(std::make_unique<detail::transport_of<Stream>>(std::move(transport)), std::move(context),
            std::move(host), limit, std::move(token));
    }
    /// The server's handshake over `transport`, which was accepted. Parameters and errors as of connect().
    template <byte_stream Stream>
    [[nodiscard]] static task<tls_stream> accept(Stream transport, tls_context context,
        std::chrono::nanoseconds limit = default_handshake_limit, cancellation_token token = {}) {
        return server_handshake(std::make_unique<detail::transport_of<Stream>>(std::move(transport)), std::move(context),
            limit, std::move(token));
    }
    /// Connects by TCP to the first address of `host` that answers, and does the client's handshake.
    [[nodiscard]] static task<tls_stream> connect_to(std::string host, std::uint16_t port, tls_context context,
        std::chrono::nanoseconds limit = default_handshake_limit, cancellation_token token = {});

    /// Reads what is there, waiting for the first byte. @returns the number of bytes; 0 after the peer's close_notify
    /// @throws tls_error  is_truncation(): the transport ended without one, so the peer may have had more to say. Others: the connection
    ///                    has failed, by the peer's alert for example; later reads and writes fail with the same
    /// Cancellation  nothing is lost; the stream can be read on.
    [[nodiscard]] task<std::size_t> read(std::span<std::byte> buffer, cancellation_token token = {});
    [[nodiscard]] task<std::size_t> read(std::span<char> buffer, cancellation_token token = {}) {
        return read(std::as_writable_bytes(buffer), std::move(token));
    }
    /// Reads until `buffer` is full. @throws tls_error  (ended_early) when the stream ends before
    [[nodiscard]] task<> read_exactly(std::span<std::byte> buffer, cancellation_token token = {});

    /// Encrypts and writes all of `data`. While a message of the peer's own (a session ticket) has half arrived, it waits for the rest, and
    /// receives it when nobody reads.
    /// Cancellation  a part may have been taken. What was taken is never lost or repeated: its rest goes out before the next write, or
    ///               with shutdown_send(). Unless the protocol can go on after a cut message, close the stream.
    [[nodiscard]] task<> write(std::span<const std::byte> data, cancellation_token token = {});
    [[nodiscard]] task<> write(std::string_view text, cancellation_token token = {}) {
        return write(std::as_bytes(std::span(text.data(), text.size())), std::move(token));
    }
    /// As write(), of at most one record. @returns the number of bytes, at least one unless `data` is empty
    /// Cancellation  as of write().
    [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> data, cancellation_token token = {});

    /// Sends close_notify: nothing more is coming. Reading goes on. Later calls do nothing. Waits like write() before it.
    /// Cancellation  it goes out with the next call.
    [[nodiscard]] task<> shutdown_send(cancellation_token token = {});
    /// shutdown_send(), then waits for the peer's close_notify, discarding what it still sends. Precondition: no read is pending.
    /// @param limit  of all of it. @returns whether the peer has said good-bye; false also when it just closed, the
    ///                connection has failed, or `limit` passed
    [[nodiscard]] task<bool> shutdown(
        std::chrono::nanoseconds limit = default_shutdown_limit, cancellation_token token = {});
    /// Closes the stream below, at once and without a close_notify. Pending operations end as cancelled. Later calls do nothing.
    [[nodiscard]] task<> close();
    /// Whether there is a connection here that close() was not called on.
    [[nodiscard]] bool is_open() const noexcept;

    /// The protocol that was agreed upon; empty: none.
    [[nodiscard]] std::string alpn() const;
    /// Of a server: the host name the client asked for; empty: it named none. Of a client: that it asked for.
    [[nodiscard]] std::string server_name() const;
    [[nodiscard]] tls_version version() const;
    /// "TLS_AES_256_GCM_SHA384"
    [[nodiscard]] std::string cipher() const;
    /// Whether the session of an earlier connection was resumed.
    [[nodiscard]] bool is_resumed() const;
    /// Empty when the peer has shown none.
    [[nodiscard]] std::optional<tls_certificate> peer_certificate() const;

private:
    explicit tls_stream(std::shared_ptr<detail::tls_session> session) noexcept : session_(std::move(session)) {}
    [[nodiscard]] detail::tls_session& session() const;
    [[nodiscard]] static task<tls_stream> client_handshake(std::unique_ptr<detail::tls_transport> transport,
        tls_context context, std::string host, std::chrono::nanoseconds limit, cancellation_token token);
    [[nodiscard]] static task<tls_stream> server_handshake(std::unique_ptr<detail::tls_transport> transport,
        tls_context context, std::chrono::nanoseconds limit, cancellation_token token);

    std::shared_ptr<detail::tls_session> session_;
};

}  // namespace weft::inline WEFT_ABI::net
