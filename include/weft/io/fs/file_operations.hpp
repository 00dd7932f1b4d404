#pragma once
// <weft/io/fs/file_operations.hpp>: whole files in one call.
// Follows System.IO.File.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/progress.hpp"
#include "weft/task/async_stream.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

// Cancellation, continuation and errors as for <weft/fs/file.hpp>; files are closed in any case. A cancelled or failed write may
// have written a part, unless it says otherwise. What `text` and `data` point to stays until the task has ended.
// An error of close fails what writes; what was read is given all the same.

/// The bytes of a file, as they are: text is not checked or converted. A file that does not tell its size, as in /proc, is read to
/// its end.
[[nodiscard]] task<std::string> read_all_text(std::string path, cancellation_token token = {});
[[nodiscard]] task<std::vector<std::byte>> read_all_bytes(std::string path, cancellation_token token = {});
/// The same of a file that might be too large. @param limit  most bytes
/// @throws std::length_error  when there are more: "'/tmp/x' is longer than 1024 bytes"
[[nodiscard]] task<std::string> read_limited_text(std::string path, std::size_t limit, cancellation_token token = {});
[[nodiscard]] task<std::vector<std::byte>> read_limited_bytes(
    std::string path, std::size_t limit, cancellation_token token = {});

/// How read_lines() reads.
struct line_options {
    std::size_t longest = std::size_t{16} << 20;  ///< most bytes of a line, its end not counted
    std::size_t buffer = std::size_t{64} << 10;   ///< bytes read at a time; at least 1
};
static_assert(std::is_trivially_destructible_v<line_options>);

/// The lines of a file, without their ends, which are LF or CRLF. The last one needs no end; behind a last end there is no line.
///
/// Cancellation  by `token` or the stream's own.
/// Throws        io_error; std::length_error for a line over `longest`; std::invalid_argument for a buffer of 0; through next()
/// Lifetime      dispose() of the stream closes the file.
[[nodiscard]] async_stream<std::string> read_lines(
    std::string path, line_options options = {}, cancellation_token token = {});

/// Makes the file, or replaces what was in it.
[[nodiscard]] task<> write_all_text(std::string path, std::string_view text, cancellation_token token = {});
[[nodiscard]] task<> write_all_bytes(std::string path, std::span<const std::byte> data, cancellation_token token = {});

/// Adds to the end of the file, which is made if it is not there.
[[nodiscard]] task<> append_all_text(std::string path, std::string_view text, cancellation_token token = {});
[[nodiscard]] task<> append_all_bytes(std::string path, std::span<const std::byte> data, cancellation_token token = {});

/// Replaces the file in one step: whoever reads it sees all of the old or all of the new, also after a power cut, and once this has
/// returned, the new is on the disk.
///
/// Writes a temporary file beside it, brings that to the disk, renames it, and brings the directory to the disk. The permissions of
/// the old file are kept; its owner, and other names it has, are not. A link is followed: what it leads to is replaced.
///
/// Cancellation  before the renaming: the old file is untouched and the temporary one removed. From there on it goes on to its end.
/// Throws        io_error; the old file is untouched, unless it says "write to disk" of the directory: then the new one is in its
///               place, but may not be on the disk (ECANCELED: the runtime shut down meanwhile). The directory must be readable
[[nodiscard]] task<> replace_all_text(std::string path, std::string_view text, cancellation_token token = {});
[[nodiscard]] task<> replace_all_bytes(std::string path, std::span<const std::byte> data, cancellation_token token = {});

/// How copy() copies.
struct copy_options {
    bool overwrite = false;     ///< a file of the target's name is replaced, in one step at the end; without: EEXIST
    bool keep_partial = false;  ///< writes to the target itself, and leaves what was copied when it fails or is cancelled
    bool sync = false;          ///< returns once the copy is on the disk
    progress_sink<std::uint64_t>* progress = nullptr;  ///< told the bytes copied so far; must outlive the call
};
static_assert(std::is_trivially_destructible_v<copy_options>);

/// Copies a regular file's bytes and permissions. The kernel moves the bytes where it can. Sparse files become full.
///
/// @returns the number of bytes
/// Cancellation  between pieces of some megabytes. No half target is left, unless keep_partial.
/// Throws        io_error naming the file that it is about
[[nodiscard]] task<std::uint64_t> copy(
    std::string from, std::string to, copy_options options = {}, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI::fs
