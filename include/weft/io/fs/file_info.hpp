#pragma once
// <weft/io/fs/file_info.hpp>: what the file system knows of a file: kind, size, times, permissions.
// Follows System.IO.FileInfo and UnixFileMode.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

enum class file_kind : std::uint8_t { unknown, regular, directory, link, block_device, character_device, fifo, socket };

/// Who may do what. Flags; the numbers are those of chmod.
enum class permissions : std::uint16_t {
    none = 0,
    owner_read = 0400,
    owner_write = 0200,
    owner_execute = 0100,
    group_read = 0040,
    group_write = 0020,
    group_execute = 0010,
    others_read = 0004,
    others_write = 0002,
    others_execute = 0001,
    set_user = 04000,
    set_group = 02000,
    sticky = 01000,
    owner_only = 0600,      ///< the owner reads and writes
    everyone = 0666,        ///< everyone reads and writes: what new files get, less what the umask takes away
    everyone_enters = 0777  ///< the same for directories
};
[[nodiscard]] constexpr permissions operator|(permissions a, permissions b) noexcept {
    return static_cast<permissions>(static_cast<std::uint16_t>(a) | static_cast<std::uint16_t>(b));
}
[[nodiscard]] constexpr permissions operator&(permissions a, permissions b) noexcept {
    return static_cast<permissions>(static_cast<std::uint16_t>(a) & static_cast<std::uint16_t>(b));
}

/// A moment of the wall clock, as exact as the file system keeps it.
using file_time = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// A snapshot; a value.
struct file_info {
    file_kind kind = file_kind::unknown;
    permissions mode = permissions::none;
    std::uint64_t size = 0;       ///< in bytes; of a link: the length of its text
    std::uint64_t allocated = 0;  ///< bytes on the disk: less than the size of a sparse file
    file_time modified;           ///< the contents
    file_time changed;            ///< the contents, or what is said here
    file_time accessed;
    file_time created;  ///< 1970 where the file system does not keep it
    std::uint64_t links = 0;
    std::uint64_t device = 0;  ///< with `inode`: the same file under whichever name
    std::uint64_t inode = 0;
    std::uint32_t owner = 0;
    std::uint32_t group = 0;

    [[nodiscard]] bool is_regular() const noexcept { return kind == file_kind::regular; }
    [[nodiscard]] bool is_directory() const noexcept { return kind == file_kind::directory; }
    [[nodiscard]] bool is_link() const noexcept { return kind == file_kind::link; }
};

/// What a symbolic link at the end of a path stands for.
enum class links : std::uint8_t {
    follow,  ///< what it leads to
    stay     ///< itself
};

/// What the file system knows of `path`.
///
/// Continuation  posted to the captured context, else to the pool.
/// Cancellation  ends with operation_canceled, or with the answer if that came first.
/// Throws        io_error: "ask for the state of '/tmp/x' failed: no such file or directory (ENOENT)"
[[nodiscard]] task<file_info> stat(std::string path, links at_end = links::follow, cancellation_token token = {});
/// As stat(), but empty when there is nothing of that name.
[[nodiscard]] task<std::optional<file_info>> try_stat(
    std::string path, links at_end = links::follow, cancellation_token token = {});
/// Whether there is something of that name. A link that leads nowhere is nothing. The answer may be out of date at once: to make
/// a file only when there is none, open it with open_mode::create | open_mode::exclusive instead.
[[nodiscard]] task<bool> exists(std::string path, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI::fs
