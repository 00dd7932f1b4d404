#pragma once
// <weft/io/fs/file.hpp>: an open file.
// Follows System.IO.FileStream and RandomAccess.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_operation.hpp"
#include "weft/io/fs/file_info.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

/// How a file is opened. Flags.
enum class open_mode : std::uint16_t {
    read = 1,
    write = 2,
    create = 4,           ///< makes the file if it is not there
    truncate = 8,         ///< empties it
    append = 16,          ///< every write goes to the end
    exclusive = 32,       ///< with create: fails when it is there already
    no_follow = 64,       ///< fails with ELOOP when the last part of the path is a symbolic link
    direct = 128,         ///< past the page cache: buffers, lengths and offsets are multiples of what the disk asks for
    write_through = 256,  ///< every write returns once its data is on the disk
    unnamed = 512  ///< the path is a directory, in whose file system a file without a name is made; see open_unnamed()
};
constexpr open_mode operator|(open_mode a, open_mode b) noexcept {
    return static_cast<open_mode>(static_cast<std::uint16_t>(a) | static_cast<std::uint16_t>(b));
}
constexpr bool operator&(open_mode a, open_mode b) noexcept {
    return (static_cast<std::uint16_t>(a) & static_cast<std::uint16_t>(b)) != 0;
}

/// An open file.
///
/// A resource: move-only. It belongs to the runtime it was opened in and must not outlive it.
///
/// Continuation  of every operation: posted to the captured context, else to the pool.
/// Threads       reads and writes at offsets may be pending in any number, from any thread; those without an offset use and
///               move the file's one position, so one at a time.
/// Lifetime      a buffer stays where it is until the operation on it has ended.
/// Cancellation  an operation that has not begun, or that the kernel can still stop, ends with operation_canceled; one that the
///               disk is busy with ends with its result. Either way only once the kernel no longer touches the buffer.
/// Throws        io_error naming the path; operation_canceled; object_disposed on a closed or empty file.
class file {
public:
    file() noexcept = default;

    /// @param mode  at least open_mode::read or open_mode::write; new files are readable and writable as the umask allows
    /// @throws io_error  "open '/tmp/x' failed: no such file or directory (ENOENT)"
    /// @throws std::invalid_argument  for a mode without read and write
    [[nodiscard]] static task<file> open(std::string path, open_mode mode = open_mode::read, cancellation_token token = {});
    /// @param created  with open_mode::create: the permissions of a new file, less what the umask takes away
    [[nodiscard]] static task<file> open(
        std::string path, open_mode mode, permissions created, cancellation_token token = {});

    /// Reads at the file's position. @returns the number of bytes; 0 at the end of the file
    [[nodiscard]] detail::read_operation read(std::span<std::byte> buffer, cancellation_token token = {}) {
        return detail::read_operation(request(buffer.data(), buffer.size(), std::move(token), io_operation::no_offset));
    }
    /// Reads from `offset`, wherever the position is. @returns the number of bytes; 0 at or behind the end
    [[nodiscard]] detail::read_operation read_at(
        std::uint64_t offset, std::span<std::byte> buffer, cancellation_token token = {}) {
        return detail::read_operation(request(buffer.data(), buffer.size(), std::move(token), offset));
    }

    /// Writes all of `data` at the file's position, or at its end when it was opened to append.
    [[nodiscard]] task<> write(std::span<const std::byte> data, cancellation_token token = {});
    [[nodiscard]] task<> write(std::string_view text, cancellation_token token = {});
    /// Writes all of `data` from `offset`, wherever the position is.
    [[nodiscard]] task<> write_at(std::uint64_t offset, std::span<const std::byte> data, cancellation_token token = {});

    /// Reads into several buffers, in their order, by one call to the kernel. Up to 16 allocate nothing; of more than 1024 the
    /// first 1024 are used. @returns the number of bytes, which may end in the middle of a buffer; 0 at the end of the file
    [[nodiscard]] task<std::size_t> read_vectored(
        std::span<const std::span<std::byte>> buffers, cancellation_token token = {});
    [[nodiscard]] task<std::size_t> read_vectored_at(
        std::uint64_t offset, std::span<const std::span<std::byte>> buffers, cancellation_token token = {});
    /// Writes all of several buffers, in their order: as one call to the kernel, if it takes them whole.
    [[nodiscard]] task<> write_vectored(std::span<const std::span<const std::byte>> buffers, cancellation_token token = {});
    [[nodiscard]] task<> write_vectored_at(
        std::uint64_t offset, std::span<const std::span<const std::byte>> buffers, cancellation_token token = {});

    /// Cuts the file, or fills it up with zeros. The position stays.
    [[nodiscard]] task<> truncate(std::uint64_t size, cancellation_token token = {});
    /// Gives the first `size` bytes their place on the disk, so that writing there never fails for lack of room.
    /// @param keep_size  the file does not become longer by it
    /// @throws io_error  EOPNOTSUPP, on file systems that cannot
    [[nodiscard]] task<> allocate(std::uint64_t size, bool keep_size = false, cancellation_token token = {});
    /// What the file system knows of it.
    [[nodiscard]] task<file_info> stat(cancellation_token token = {});
    /// Sets the permission bits; the umask has no say here.
    [[nodiscard]] task<> set_permissions(permissions mode, cancellation_token token = {});

    /// Returns once everything written is on the disk; `data_only` leaves out times and the like.
    [[nodiscard]] task<> sync(bool data_only = false, cancellation_token token = {});
    /// The file's size in bytes.
    [[nodiscard]] task<std::uint64_t> size(cancellation_token token = {});

    /// The path it was opened by. @throws object_disposed
    [[nodiscard]] std::string path() const;
    /// Waits for pending operations, then closes. Later calls do nothing. What was written may not be on the disk yet: sync().
    /// @throws io_error  "close '/tmp/x' failed: ..." where the file system only now tells that it lost what was written (network
    ///                   file systems, quotas); the file is closed all the same
    [[nodiscard]] task<> close() { return owner_.close(detail::descriptor_state::close_errors::thrown); }
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    friend struct detail::descriptor_access;
    explicit file(detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}
    friend class directory_reader;
    friend class file_copy;
    friend task<> close_quietly(file& of);
    [[nodiscard]] detail::io_request request(
        const void* data, std::size_t size, cancellation_token&& token, std::uint64_t offset) const;
    [[nodiscard]] detail::descriptor_state& state() const;
    [[nodiscard]] task<> write_all(std::uint64_t offset, std::span<const std::byte> data, cancellation_token token);
    [[nodiscard]] task<std::size_t> read_parts(
        std::uint64_t offset, std::span<const std::span<std::byte>> buffers, cancellation_token token);
    [[nodiscard]] task<> write_parts(
        std::uint64_t offset, std::span<const std::span<const std::byte>> buffers, cancellation_token token);

    detail::descriptor_owner owner_;
};

}  // namespace weft::inline WEFT_ABI::fs
