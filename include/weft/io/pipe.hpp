#pragma once
// <weft/io/pipe.hpp>: a pipe's two ends as streams.
// Follows System.IO.Pipes.AnonymousPipeServerStream.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::io {

/// Where bytes come out. Continuation, threads, lifetime, cancellation and errors as for descriptor.
///
/// A resource: move-only.
class pipe_reader {
public:
    /// None.
    pipe_reader() noexcept = default;
    /// Takes the reading end `fd` over and sets O_NONBLOCK. @throws io_error  then it stays the caller's
    [[nodiscard]] static pipe_reader adopt(int fd, std::string name = "pipe");

    /// Reads what is there, waiting for the first byte. @returns the number of bytes; 0 when every writing end is closed
    [[nodiscard]] task<std::size_t> read(std::span<std::byte> buffer, cancellation_token token = {});
    [[nodiscard]] task<std::size_t> read(std::span<char> buffer, cancellation_token token = {}) {
        return read(std::as_writable_bytes(buffer), std::move(token));
    }
    /// Waits, without a buffer, until a read would end at once.
    [[nodiscard]] task<> readable(cancellation_token token = {});

    /// As in messages. @throws object_disposed
    [[nodiscard]] std::string peer_name() const;
    /// @throws object_disposed
    [[nodiscard]] int native_handle() const;
    /// Ends pending operations as cancelled, waits until they have let go, and closes. Later calls do nothing.
    [[nodiscard]] task<> close() { return owner_.close(); }
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    explicit pipe_reader(weft::detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}
    weft::detail::descriptor_owner owner_;
};

/// Where bytes go in. Continuation, threads, lifetime and cancellation as for descriptor.
///
/// A resource: move-only.
/// Throws  io_error (EPIPE) when every reading end is closed; SIGPIPE is never raised, and its handler stays what it is.
class pipe_writer {
public:
    /// None.
    pipe_writer() noexcept = default;
    /// Takes the writing end `fd` over and sets O_NONBLOCK. @throws io_error  then it stays the caller's
    [[nodiscard]] static pipe_writer adopt(int fd, std::string name = "pipe");

    /// Writes all of `data`. Completes synchronously while there is room.
    [[nodiscard]] task<> write(std::span<const std::byte> data, cancellation_token token = {});
    [[nodiscard]] task<> write(std::string_view text, cancellation_token token = {}) {
        return write(std::as_bytes(std::span(text)), std::move(token));
    }
    /// Writes what there is room for, at least a byte. @returns the number of bytes
    [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> data, cancellation_token token = {});
    /// Waits until a write would be taken, or fail.
    [[nodiscard]] task<> writable(cancellation_token token = {});

    /// As in messages. @throws object_disposed
    [[nodiscard]] std::string peer_name() const;
    /// @throws object_disposed
    [[nodiscard]] int native_handle() const;
    /// Ends pending operations as cancelled, waits until they have let go, and closes: the reader sees the end. Later calls do nothing.
    [[nodiscard]] task<> close() { return owner_.close(); }
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    explicit pipe_writer(weft::detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}
    weft::detail::descriptor_owner owner_;
};

/// What pipe() makes.
struct pipe_ends {
    pipe_reader reader;
    pipe_writer writer;
    pipe_ends(pipe_reader out, pipe_writer in) noexcept : reader(std::move(out)), writer(std::move(in)) {}
};

/// How a pipe is made.
struct pipe_options {
    std::string_view name = {};  ///< in messages; empty: "pipe"
};
static_assert(std::is_trivially_destructible_v<pipe_options>);

/// A pipe; both ends are close-on-exec. @throws io_error
[[nodiscard]] pipe_ends pipe(pipe_options options = {});

}  // namespace weft::inline WEFT_ABI::io
