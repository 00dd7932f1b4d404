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
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

/// How a file is opened. Flags.
enum class open_mode : std::uint8_t {
    read = 1,
    write = 2,
    create = 4,     ///< makes the file if it is not there
    truncate = 8,   ///< empties it
    append = 16,    ///< every write goes to the end
    exclusive = 32  ///< with create: fails when it is there already
};
constexpr open_mode operator|(open_mode a, open_mode b) noexcept {
    return static_cast<open_mode>(static_cast<std::uint8_t>(a) | static_cast<std::uint8_t>(b));
}
constexpr bool operator&(open_mode a, open_mode b) noexcept {
    return (static_cast<std::uint8_t>(a) & static_cast<std::uint8_t>(b)) != 0;
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

    /// Returns once everything written is on the disk; `data_only` leaves out times and the like.
    [[nodiscard]] task<> sync(bool data_only = false, cancellation_token token = {});
    /// The file's size in bytes.
    [[nodiscard]] task<std::uint64_t> size(cancellation_token token = {});

    /// The path it was opened by. @throws object_disposed
    [[nodiscard]] std::string path() const;
    /// Waits for pending operations, then closes. Later calls do nothing. What was written may not be on the disk yet: sync().
    [[nodiscard]] task<> close() { return owner_.close(); }
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    explicit file(detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}
    [[nodiscard]] detail::io_request request(
        const void* data, std::size_t size, cancellation_token&& token, std::uint64_t offset) const;
    [[nodiscard]] detail::descriptor_state& state() const;
    [[nodiscard]] task<> write_all(std::uint64_t offset, std::span<const std::byte> data, cancellation_token token);

    detail::descriptor_owner owner_;
};

}  // namespace weft::inline WEFT_ABI::fs
