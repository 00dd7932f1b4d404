#pragma once
// <weft/io/descriptor.hpp>: any descriptor as a stream: a serial line, a device, a pipe, an eventfd, a terminal.
// Follows System.IO.FileStream over a SafeFileHandle.
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

/// How a descriptor is adopted.
struct descriptor_options {
    std::string_view name = {};  ///< in messages; empty: "descriptor 5"
    bool keep_flags = false;     ///< O_NONBLOCK is not set; see descriptor
};
static_assert(std::is_trivially_destructible_v<descriptor_options>);

/// A descriptor made elsewhere.
///
/// A resource: move-only. It owns the descriptor, and closes it. It belongs to the runtime it was adopted in and must not outlive it.
///
/// adopt() sets O_NONBLOCK. That flag belongs to what dup(2) and fork(2) share: others who have the same open file see it too, and it
/// stays set. So it is never set on the descriptors 0, 1 and 2, nor with keep_flags: such a one is asked before each call whether it is
/// ready, and writes go in small pieces that fit then. (A call can still wait there when somebody else takes what was ready.)
/// Sockets keep their flags: their calls can say that they must not wait. Files have no such thing as ready: their calls are the
/// driver's, as those of fs::file, at the position that the descriptor has.
///
/// Continuation  of every operation: posted to the captured context, else to the pool.
/// Threads       one read and one write may be pending at a time, started from any thread; close() from any thread.
/// Lifetime      a buffer stays where it is until the operation on it has ended. Destroying a descriptor closes it; operations still
///               pending end as cancelled.
/// Cancellation  an operation ends with operation_canceled; a read has taken nothing then. A cancelled write may have written a part.
/// Throws        io_error naming it; operation_canceled; object_disposed on a closed or empty one. SIGPIPE is never raised.
class descriptor {
public:
    /// None.
    descriptor() noexcept = default;

    /// Takes `fd` over. @throws io_error  when it is not open, or when its flags cannot be set: then it stays the caller's
    [[nodiscard]] static descriptor adopt(int fd, descriptor_options options = {});

    /// Reads what is there, waiting for the first byte. @returns the number of bytes; 0 at the end
    [[nodiscard]] task<std::size_t> read(std::span<std::byte> buffer, cancellation_token token = {});
    [[nodiscard]] task<std::size_t> read(std::span<char> buffer, cancellation_token token = {}) {
        return read(std::as_writable_bytes(buffer), std::move(token));
    }
    /// Writes all of `data`.
    [[nodiscard]] task<> write(std::span<const std::byte> data, cancellation_token token = {});
    [[nodiscard]] task<> write(std::string_view text, cancellation_token token = {}) {
        return write(std::as_bytes(std::span(text)), std::move(token));
    }
    /// Writes what there is room for, at least a byte. @returns the number of bytes
    [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> data, cancellation_token token = {});

    /// Waits, without a buffer, until a read would end at once: with bytes, the end or an error.
    [[nodiscard]] task<> readable(cancellation_token token = {});
    /// Waits until a write would be taken, or fail.
    [[nodiscard]] task<> writable(cancellation_token token = {});

    /// For calls that have no name here. @throws object_disposed
    [[nodiscard]] int native_handle() const;
    /// As in messages. @throws object_disposed
    [[nodiscard]] std::string peer_name() const;

    /// Ends pending operations as cancelled, waits until they have let go, and closes. Later calls do nothing.
    [[nodiscard]] task<> close() { return owner_.close(); }
    [[nodiscard]] bool is_open() const noexcept { return owner_.is_open(); }

private:
    friend descriptor standard_stream(int fd, const char* name);
    explicit descriptor(weft::detail::descriptor_owner owner) noexcept : owner_(std::move(owner)) {}

    weft::detail::descriptor_owner owner_;
};

}  // namespace weft::inline WEFT_ABI::io
