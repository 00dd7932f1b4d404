#pragma once
// <weft/io/net/send_file.hpp>: bytes from a file to a socket, without passing through the program.
// Follows System.Net.Sockets.Socket.SendFileAsync.
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/fs/file.hpp"
#include "weft/io/net/tcp.hpp"
#include "weft/io/net/unix.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::net {

/// Sends `count` bytes of `source` from `offset`, or up to its end. No worker waits, neither for the peer nor for the disk: the
/// kernel copies on a blocking thread, and only while the socket has room. Where it cannot (a file of /proc, a simulated world)
/// the bytes go through a buffer.
///
/// Continuation  posted to the captured context, else to the pool.
/// Threads       counts as the socket's one write. The file's position is neither used nor moved.
/// Cancellation  ends with operation_canceled when the present piece is sent; an unknown part may have been sent: close the stream then.
/// @param count  io_operation::no_offset: to the end of the file
/// @returns the number of bytes sent, less than `count` only when the file ended
/// @throws io_error  naming both; operation_canceled; object_disposed
[[nodiscard]] task<std::uint64_t> send_file(
    tcp_stream& target, fs::file& source, std::uint64_t offset, std::uint64_t count, cancellation_token token = {});
[[nodiscard]] task<std::uint64_t> send_file(
    unix_stream& target, fs::file& source, std::uint64_t offset, std::uint64_t count, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI::net
