#pragma once
// <weft/io/buffered_writer.hpp>: collects small writes to a stream of bytes.
// Follows System.IO.BufferedStream.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/byte_buffer.hpp"
#include "weft/io/streams.hpp"
#include "weft/task/task.hpp"
#include "weft/task/value_task.hpp"

namespace weft::inline WEFT_ABI::io {

/// A buffer in front of a stream: what is written goes out when the buffer is full or at flush(), and only then.
///
/// Continuation  posted to the captured context, else to the pool; synchronous while the buffer has room.
/// Threads       one operation at a time, from any thread. A buffered_reader on the same stream may work meanwhile.
/// Lifetime      the stream stays where it is as long as the writer; data until the operation has ended. A writer that is destroyed
///               drops what was not flushed.
/// Cancellation  ends with operation_canceled. A part of what was written may have been sent then, so that further writes are
///               refused: close the stream.
/// Throws        what the stream throws; invalid_operation after a write that failed or was cancelled.
template <async_writable S>
class buffered_writer {
public:
    /// @param capacity  bytes collected at most; longer data passes by the buffer
    explicit buffered_writer(S& stream, std::size_t capacity = 16 * 1024)
        : stream_(&stream), capacity_(std::max<std::size_t>(capacity, 1)) {}
    buffered_writer(buffered_writer&&) noexcept = default;
    buffered_writer& operator=(buffered_writer&&) noexcept = default;

    /// Writes all of `data`, into the buffer while it has room.
    [[nodiscard]] value_task<> write(std::span<const std::byte> data, cancellation_token token = {}) {
        if (!failed_ && pending_.size() + data.size() <= capacity_) {
            append(data);
            return value_task<>();
        }
        return value_task<>(write_slowly(data, std::move(token)));
    }
    [[nodiscard]] value_task<> write(std::string_view text, cancellation_token token = {}) {
        return write(std::as_bytes(std::span(text)), std::move(token));
    }
    /// Hands what is in the buffer to the stream. Does nothing when that is nothing.
    [[nodiscard]] value_task<> flush(cancellation_token token = {}) {
        if (!failed_ && pending_.empty()) return value_task<>();
        return value_task<>(flush_slowly(std::move(token)));
    }

    /// Bytes that wait for flush().
    [[nodiscard]] std::size_t pending() const noexcept { return pending_.size(); }
    [[nodiscard]] S& stream() const noexcept { return *stream_; }

private:
    void append(std::span<const std::byte> data) {
        if (pending_.capacity() == 0) pending_.reserve(capacity_);
        pending_.insert(pending_.end(), data.begin(), data.end());
    }
    task<> send(std::span<const std::byte> data, cancellation_token token) {
        if (failed_) detail::fail_after_failure(detail::stream_name_of(*stream_));
        failed_ = true;  // unless it ends well
        co_await stream_->write(data, token).configure_await(false);
        failed_ = false;
    }
    task<> flush_slowly(cancellation_token token) {
        co_await send(pending_, std::move(token)).configure_await(false);
        pending_.clear();
    }
    task<> write_slowly(std::span<const std::byte> data, cancellation_token token) {
        if (failed_ || !pending_.empty()) co_await flush_slowly(token).configure_await(false);
        if (data.size() < capacity_) append(data);
        else co_await send(data, std::move(token)).configure_await(false);
    }

    S* stream_;
    std::size_t capacity_;
    bool failed_ = false;
    std::vector<std::byte> pending_;
};

}  // namespace weft::inline WEFT_ABI::io
