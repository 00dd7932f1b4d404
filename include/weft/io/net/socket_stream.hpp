#pragma once
// <weft/io/net/socket_stream.hpp>: what a connection is, of whatever family: bytes in and out, and an end.
// Follows System.Net.Sockets.NetworkStream.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::net {

/// What tcp_stream and unix_stream have in common; made by them only.
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
class socket_stream {
public:
    /// Reads what is there, waiting for the first byte. @returns the number of bytes; 0 at the end of the stream
    [[nodiscard]] detail::receive_operation read(std::span<std::byte> buffer, cancellation_token token = {}) {
        return detail::receive_operation(request(buffer.data(), buffer.size(), std::move(token)));
    }
    [[nodiscard]] detail::receive_operation read(std::span<char> buffer, cancellation_token token = {}) {
        return detail::receive_operation(request(buffer.data(), buffer.size(), std::move(token)));
    }
    /// Waits, without a buffer, until a read would end at once: bytes have come, or the end, or an error that the read then throws.
    /// So a connection that is idle costs no buffer. Allocates nothing.
    [[nodiscard]] detail::ready_operation readable(cancellation_token token = {}) const {
        return detail::ready_operation(request_ready(std::move(token)));
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
    /// Whether it is connected and nothing has come that was not read: neither bytes nor the end.
    [[nodiscard]] bool is_quiet() const noexcept;
    /// The descriptor, for options that have no name here. @throws object_disposed
    [[nodiscard]] int native_handle() const;

    /// Ends pending operations as cancelled, waits until they have let go, and closes. Later calls do nothing.
    [[nodiscard]] task<> close() { return owner_.close(); }
    /// Whether there is a connection here that close() was not called on.
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

protected:
    /// @param kind  names the class of an empty stream in errors; a string literal
    explicit socket_stream(const char* kind, detail::descriptor_owner owner = detail::descriptor_owner()) noexcept
        : kind_(kind), owner_(std::move(owner)) {}
    socket_stream(socket_stream&&) noexcept = default;
    socket_stream& operator=(socket_stream&&) noexcept = default;
    ~socket_stream() = default;

    /// @throws object_disposed  when there never was a connection
    [[nodiscard]] detail::descriptor_state& state() const;

private:
    friend struct detail::descriptor_access;
    [[nodiscard]] detail::io_request request(const void* data, std::size_t size, cancellation_token&& token) const;
    [[nodiscard]] detail::io_request request_ready(cancellation_token&& token) const;

    const char* kind_;
    detail::descriptor_owner owner_;
};

}  // namespace weft::inline WEFT_ABI::net
