#pragma once
// <weft/io/buffered_reader.hpp>: reads lines, exact counts and parts of any size from a stream of bytes.
// Follows System.IO.StreamReader and System.IO.Pipelines.PipeReader.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/byte_buffer.hpp"
#include "weft/io/streams.hpp"
#include "weft/task/task.hpp"
#include "weft/task/value_task.hpp"

namespace weft::inline WEFT_ABI::io {

/// A buffer in front of a stream: small reads cost no call to the kernel, and a line may be looked for in what has come.
///
///     io::buffered_reader in(stream);
///     while (std::optional<std::string> line = co_await in.read_line()) …
///
/// Continuation  posted to the captured context, else to the pool; synchronous when the buffer has what was asked for.
/// Threads       one operation at a time, from any thread. A buffered_writer on the same stream may work meanwhile.
/// Lifetime      the stream stays where it is as long as the reader; buffers and delimiters until the operation has ended.
/// Cancellation  of every operation: ends with operation_canceled and loses nothing: what had come stays in the buffer (of
///               read_exactly() too, unless it says otherwise), and the next operation begins with it.
/// Throws        what the stream throws; io_error naming the stream: EPIPE when it ends too early, EMSGSIZE over a limit. What
///               had come stays in the buffer then, too.
template <async_readable S>
class buffered_reader {
public:
    /// @param capacity  bytes read at once; a longer line or peek makes the buffer grow for as long as it needs
    explicit buffered_reader(S& stream, std::size_t capacity = 16 * 1024) : stream_(&stream), buffer_(capacity) {}
    buffered_reader(buffered_reader&&) noexcept = default;
    buffered_reader& operator=(buffered_reader&&) noexcept = default;

    /// What has been read and not taken yet. Valid until the next operation.
    [[nodiscard]] std::span<const std::byte> buffered() const noexcept { return buffer_.bytes(); }
    /// Takes the first `count` of them, or all.
    void consume(std::size_t count) noexcept { buffer_.consume(count); }
    [[nodiscard]] S& stream() const noexcept { return *stream_; }

    /// Waits until `count` bytes are in the buffer, and leaves them there. @returns all that are there, fewer than `count` only at the
    /// end of the stream; valid until the next operation
    [[nodiscard]] value_task<std::span<const std::byte>> peek(std::size_t count = 1, cancellation_token token = {}) {
        if (buffer_.size() >= count) return value_task<std::span<const std::byte>>(buffer_.bytes());
        return value_task<std::span<const std::byte>>(peek_slowly(count, std::move(token)));
    }

    /// Reads what is there, waiting for the first byte. @returns the number of bytes; 0 at the end of the stream
    [[nodiscard]] value_task<std::size_t> read_some(std::span<std::byte> room, cancellation_token token = {}) {
        if (buffer_.size() != 0 || room.empty()) return value_task<std::size_t>(buffer_.take(room));
        return value_task<std::size_t>(read_slowly(room, std::move(token)));
    }
    /// The same, by the name that makes a reader a stream itself.
    [[nodiscard]] value_task<std::size_t> read(std::span<std::byte> room, cancellation_token token = {}) {
        return read_some(room, std::move(token));
    }

    /// Reads until `room` is full.
    /// Cancellation  what is in `room` already is taken. peek() before it where that matters.
    /// @throws io_error  (EPIPE) when the stream ends before
    [[nodiscard]] value_task<> read_exactly(std::span<std::byte> room, cancellation_token token = {}) {
        if (buffer_.size() >= room.size()) {
            static_cast<void>(buffer_.take(room));
            return value_task<>();
        }
        return value_task<>(read_exactly_slowly(room, std::move(token)));
    }

    /// Reads up to `delimiter`, which is taken and not part of the result.
    /// @param limit  most bytes before the delimiter
    /// @returns empty at the end of the stream
    /// @throws io_error               (EMSGSIZE) over the limit; (EPIPE) when the stream ends behind the last delimiter
    /// @throws std::invalid_argument  when `delimiter` is empty
    [[nodiscard]] value_task<std::optional<std::string>> read_until(
        std::string_view delimiter, std::size_t limit, cancellation_token token = {}) {
        return read_part(delimiter, limit, part::field, std::move(token));
    }
    /// Reads a line that "\n" or "\r\n" ends; neither is part of the result, nor the end of the stream, which also ends a line.
    /// @param limit  most bytes of the line, with its "\r"
    /// @returns empty at the end of the stream
    /// @throws io_error  (EMSGSIZE) over the limit
    [[nodiscard]] value_task<std::optional<std::string>> read_line(
        std::size_t limit = 64 * 1024, cancellation_token token = {}) {
        return read_part("\n", limit, part::line, std::move(token));
    }

    /// Reads all there is, up to the end of the stream. @throws io_error  (EMSGSIZE) when that is more than `limit` bytes
    [[nodiscard]] task<std::string> read_to_end(std::size_t limit, cancellation_token token = {});

private:
    enum class part : bool { line, field };

    [[nodiscard]] static value_task<std::optional<std::string>> ready(std::string&& text) {
        return value_task<std::optional<std::string>>(std::optional<std::string>(std::move(text)));
    }
    [[nodiscard]] value_task<std::optional<std::string>> read_part(
        std::string_view delimiter, std::size_t limit, part what, cancellation_token token) {
        detail::check_delimiter(delimiter);
        detail::delimiter_search search(delimiter, limit);
        if (const std::optional<std::size_t> at = search.find(buffer_.text()))
            return ready(take_text(*at, delimiter.size(), what));
        return value_task<std::optional<std::string>>(read_part_slowly(delimiter, limit, search, what, std::move(token)));
    }
    [[nodiscard]] std::string take_text(std::size_t length, std::size_t behind, part what) {
        std::string text(buffer_.text().substr(0, length));
        buffer_.consume(length + behind);
        if (what == part::line && text.ends_with('\r')) text.pop_back();
        return text;
    }
    // @returns false at the end of the stream
    task<bool> fill(std::size_t wanted, cancellation_token token) {
        const std::span<std::byte> room = buffer_.prepare(wanted);
        const std::size_t count = co_await stream_->read(room, token).configure_await(false);
        buffer_.commit(count);
        co_return count != 0;
    }
    task<std::span<const std::byte>> peek_slowly(std::size_t count, cancellation_token token);
    task<std::size_t> read_slowly(std::span<std::byte> room, cancellation_token token);
    task<> read_exactly_slowly(std::span<std::byte> room, cancellation_token token);
    task<std::optional<std::string>> read_part_slowly(std::string_view delimiter, std::size_t limit,
        detail::delimiter_search search, part what, cancellation_token token);

    S* stream_;
    detail::byte_buffer buffer_;
};

template <async_readable S>
task<std::span<const std::byte>> buffered_reader<S>::peek_slowly(std::size_t count, cancellation_token token) {
    while (buffer_.size() < count) {
        const bool more = co_await fill(count, token).configure_await(false);
        if (!more) break;
    }
    co_return buffer_.bytes();
}

template <async_readable S>
task<std::size_t> buffered_reader<S>::read_slowly(std::span<std::byte> room, cancellation_token token) {
    // A big read has no need of the buffer.
    if (room.size() >= 16 * 1024) co_return co_await stream_->read(room, token).configure_await(false);
    const bool more = co_await fill(0, std::move(token)).configure_await(false);
    co_return more ? buffer_.take(room) : 0;
}

template <async_readable S>
task<> buffered_reader<S>::read_exactly_slowly(std::span<std::byte> room, cancellation_token token) {
    while (!room.empty()) {
        const std::size_t count = co_await read_some(room, token).configure_await(false);
        if (count == 0) detail::fail_ended(std::to_string(room.size()) + " more bytes", detail::stream_name_of(*stream_));
        room = room.subspan(count);
    }
}

template <async_readable S>
task<std::optional<std::string>> buffered_reader<S>::read_part_slowly(
    std::string_view delimiter, std::size_t limit, detail::delimiter_search search, part what, cancellation_token token) {
    const char* const called = what == part::line ? "a line" : "a part";
    for (;;) {
        if (search.is_too_long(buffer_.text())) detail::fail_too_long(called, limit, detail::stream_name_of(*stream_));
        const bool more = co_await fill(0, token).configure_await(false);
        if (!more) break;
        if (const std::optional<std::size_t> at = search.find(buffer_.text()))
            co_return take_text(*at, delimiter.size(), what);
    }
    if (buffer_.size() == 0) co_return std::nullopt;
    if (what == part::field) detail::fail_ended("up to the next delimiter", detail::stream_name_of(*stream_));
    if (buffer_.size() > limit) detail::fail_too_long(called, limit, detail::stream_name_of(*stream_));
    co_return take_text(buffer_.size(), 0, what);
}

template <async_readable S>
task<std::string> buffered_reader<S>::read_to_end(std::size_t limit, cancellation_token token) {
    bool more = true;
    while (more) {
        if (buffer_.size() > limit) detail::fail_too_long("everything", limit, detail::stream_name_of(*stream_));
        // Twice as much each time, so that the whole is not copied for every piece.
        more = co_await fill(buffer_.size() * 2, token).configure_await(false);
    }
    if (buffer_.size() > limit) detail::fail_too_long("everything", limit, detail::stream_name_of(*stream_));
    std::string all(buffer_.text());
    buffer_.consume(all.size());
    co_return all;
}

}  // namespace weft::inline WEFT_ABI::io
