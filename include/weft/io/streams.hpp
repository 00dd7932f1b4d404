#pragma once
// <weft/io/streams.hpp>: what a stream of bytes must offer for readers, writers and framing to work on it.
// SPDX-License-Identifier: MIT

#include <concepts>
#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/awaitable.hpp"

namespace weft::inline WEFT_ABI::io {

/// `stream.read(room, token)` gives the number of bytes it has put into `room`, at least one, or 0 at the end. It returns a task, a
/// value_task or an operation. tcp_stream, unix_stream and file are such streams.
template <class S>
concept async_readable = requires(S& stream, std::span<std::byte> room, cancellation_token token) {
    { stream.read(room, token) } -> awaitable;
    requires std::convertible_to<await_result_t<decltype(stream.read(room, token))>, std::size_t>;
    stream.read(room, token).configure_await(false);
};

/// `stream.write(data, token)` ends when all of `data` has been written. It returns a task, a value_task or an operation.
template <class S>
concept async_writable = requires(S& stream, std::span<const std::byte> data, cancellation_token token) {
    { stream.write(data, token) } -> awaitable;
    stream.write(data, token).configure_await(false);
};

/// Both.
template <class S>
concept async_byte_stream = async_readable<S> && async_writable<S>;

}  // namespace weft::inline WEFT_ABI::io

namespace weft::inline WEFT_ABI::detail {

/// How a message calls the stream: its peer or its path, if it has such a thing.
template <class S>
std::string stream_name_of(S& stream) noexcept {
    try {
        if constexpr (requires { std::string(stream.peer_name()); }) return std::string(stream.peer_name());
        else if constexpr (requires { stream.remote_endpoint().to_string(); }) return stream.remote_endpoint().to_string();
        else if constexpr (requires { std::string(stream.path()); }) return std::string(stream.path());
    } catch (const std::exception&) {
        // Closed meanwhile; the message then says less.
    }
    return "a stream";
}

}  // namespace weft::inline WEFT_ABI::detail
