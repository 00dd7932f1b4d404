#pragma once
// <weft/io/fs/directory.hpp>: names: walking, making, removing, renaming and linking them.
// Follows System.IO.Directory, File and FileSystemEnumerable.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/fs/file_info.hpp"
#include "weft/task/async_stream.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

// Of every function here:
// Continuation  posted to the captured context, else to the pool. No worker waits for the disk.
// Cancellation  a call that the kernel has begun ends with its result; before, it ends with operation_canceled and has done nothing.
//               A function of several calls says what may be half done.
// Throws        io_error naming what was tried on which paths: "rename '/a' to '/b' failed: ... (EXDEV)".

/// How enumerate() walks.
struct enumeration_options {
    static constexpr std::uint32_t unlimited = std::numeric_limits<std::uint32_t>::max();

    bool recurse = false;                 ///< into directories
    std::uint32_t max_depth = unlimited;  ///< with recurse: how many levels below the first are entered
    bool follow_links = false;  ///< into directories behind links, too, but into none that is being walked already
    bool skip_errors =
        false;  ///< what cannot be listed counts as empty; but for the first directory, whose error is thrown
};
static_assert(std::is_trivially_destructible_v<enumeration_options>);

/// One name in a directory. A value.
struct directory_entry {
    std::string path;  ///< the directory's path as it was given, "/", and the name
    file_kind kind = file_kind::unknown;
    std::uint32_t depth = 0;  ///< 0: in the first directory

    /// The last part of the path.
    [[nodiscard]] std::string name() const { return path.substr(path.rfind('/') + 1); }
    [[nodiscard]] bool is_directory() const noexcept { return kind == file_kind::directory; }
};

/// The names in a directory, `.` and `..` left out.
///
/// Order         a directory before what is in it; otherwise none. A name that is made or removed meanwhile may or may not come;
///               a directory that goes before it is listed counts as empty.
/// Cancellation  by `token` or the stream's own; between and during listings.
/// Throws        io_error of the first directory, or of any without skip_errors, through next()
/// Lifetime      one directory is open at a time; dispose() of the stream closes it.
[[nodiscard]] async_stream<directory_entry> enumerate(
    std::string directory, enumeration_options options = {}, cancellation_token token = {});

/// Makes one directory. @throws io_error  EEXIST, when there is something of that name
[[nodiscard]] task<> create_directory(
    std::string path, permissions mode = permissions::everyone_enters, cancellation_token token = {});
/// Makes the directory and those above it that are missing; one that is there is no error.
/// Cancellation  those made so far stay.
[[nodiscard]] task<> create_directories(std::string path, cancellation_token token = {});

/// Removes a file or a link (not what it leads to). @returns false when there was none
/// @throws io_error  of a directory: EISDIR
[[nodiscard]] task<bool> remove(std::string path, cancellation_token token = {});
/// Removes an empty directory. @returns false when there was none @throws io_error  ENOTEMPTY
[[nodiscard]] task<bool> remove_directory(std::string path, cancellation_token token = {});
/// Removes a file, or a directory with everything in it. Links are removed, never followed; slashes at the end change nothing.
///
/// @returns how many names were removed; 0 when there was none
/// Cancellation  what was removed stays removed.
[[nodiscard]] task<std::uint64_t> remove_all(std::string path, cancellation_token token = {});

/// Gives a file or directory another name in the same file system, in place of what had it: at every moment the name is there,
/// for the old or the new file. On the disk after sync_directory().
[[nodiscard]] task<> rename(std::string from, std::string to, cancellation_token token = {});
/// As rename(). @throws io_error  EEXIST, when there is something of the new name already
[[nodiscard]] task<> rename_no_replace(std::string from, std::string to, cancellation_token token = {});

/// Gives the file `existing` a second name. A link at its end is not followed.
[[nodiscard]] task<> create_hard_link(std::string existing, std::string path, cancellation_token token = {});
/// Makes the link `path` that holds `target`, a path that may be relative to the link and need not lead anywhere.
[[nodiscard]] task<> create_symbolic_link(std::string target, std::string path, cancellation_token token = {});
/// The text that a symbolic link holds. @throws io_error  EINVAL, for what is no link
[[nodiscard]] task<std::string> read_link(std::string path, cancellation_token token = {});

/// Returns once the names made, renamed and removed in this directory are on the disk.
[[nodiscard]] task<> sync_directory(std::string path, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI::fs
