#pragma once
// <weft/io/framing.hpp>: messages over a stream of bytes: with their length in front, or a delimiter behind.
// SPDX-License-Identifier: MIT

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/io/buffered_reader.hpp"
#include "weft/io/buffered_writer.hpp"
#include "weft/task/async_stream.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::io {

/// How the length in front of a frame is written.
enum class frame_length : std::uint8_t {
    u8,
    u16,
    u32,
    varint  ///< seven bits a byte, lowest first, the highest bit set in all but the last (LEB128, as in protobuf)
};

/// How frames look.
struct frame_format {
    frame_length length = frame_length::u32;
    std::endian order = std::endian::big;  ///< of u16 and u32
    std::size_t limit = 1024 * 1024;       ///< most bytes of a frame, without its length
};
static_assert(std::is_trivially_destructible_v<frame_format>);

}  // namespace weft::inline WEFT_ABI::io

namespace weft::inline WEFT_ABI::detail {

/// A length as it stands in front of a frame.
struct frame_head {
    std::array<std::byte, 10> bytes{};
    std::size_t size = 0;
};
/// @throws std::invalid_argument  when `length` is over the limit or does not fit
[[nodiscard]] frame_head make_frame_head(std::size_t length, const io::frame_format& format);

struct parsed_head {
    enum class outcome : std::uint8_t { incomplete, whole, malformed };
    outcome how = outcome::incomplete;
    std::size_t size = 0;  // of the head; incomplete: bytes to wait for
    std::uint64_t length = 0;
};
[[nodiscard]] parsed_head parse_frame_head(std::span<const std::byte> bytes, const io::frame_format& format) noexcept;

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::io {

/// Reads one frame. Nothing of it is taken before all of it is there.
/// @returns empty at the end of the stream
/// @throws io_error  (EMSGSIZE) over the limit, which is known from the length alone; (EPIPE) when the stream ends inside a frame;
///                   (EBADMSG) for a varint of more than 64 bits
/// Cancellation  loses nothing: the next read begins with the same frame.
template <async_readable S>
[[nodiscard]] task<std::optional<std::vector<std::byte>>> read_frame(
    buffered_reader<S>& from, frame_format format = {}, cancellation_token token = {}) {
    using outcome = detail::parsed_head::outcome;
    std::span<const std::byte> there = from.buffered();
    detail::parsed_head head = detail::parse_frame_head(there, format);
    while (head.how == outcome::incomplete) {
        there = co_await from.peek(head.size, token).configure_await(false);
        if (there.empty()) co_return std::nullopt;
        if (there.size() < head.size) detail::fail_ended("the rest of a frame", detail::stream_name_of(from.stream()));
        head = detail::parse_frame_head(there, format);
    }
    if (head.how == outcome::malformed)
        detail::fail_malformed("the length of a frame", detail::stream_name_of(from.stream()));
    // Over what a size can say, too, when there is no limit to speak of.
    if (head.length > format.limit || head.length > ~std::size_t{0} - head.size)
        detail::fail_too_long("a frame", format.limit, detail::stream_name_of(from.stream()));
    const std::size_t whole = head.size + static_cast<std::size_t>(head.length);
    there = co_await from.peek(whole, token).configure_await(false);
    if (there.size() < whole) detail::fail_ended("the rest of a frame", detail::stream_name_of(from.stream()));
    std::vector<std::byte> frame(
        there.begin() + static_cast<std::ptrdiff_t>(head.size), there.begin() + static_cast<std::ptrdiff_t>(whole));
    from.consume(whole);
    co_return frame;
}

/// Writes `data` with its length in front, into the writer's buffer: flush() sends it.
/// @throws std::invalid_argument  when it is over the limit, or over what the length can say; nothing is written then
/// Cancellation  as buffered_writer::write().
template <async_writable S>
[[nodiscard]] task<> write_frame(
    buffered_writer<S>& to, std::span<const std::byte> data, frame_format format = {}, cancellation_token token = {}) {
    const detail::frame_head head = detail::make_frame_head(data.size(), format);
    co_await to.write(std::span<const std::byte>(head.bytes.data(), head.size), token).configure_await(false);
    co_await to.write(data, std::move(token)).configure_await(false);
}

/// Writes `data` and `delimiter` behind it, into the writer's buffer. `data` must not contain it: that is not checked.
/// Cancellation  as buffered_writer::write().
template <async_writable S>
[[nodiscard]] task<> write_delimited(
    buffered_writer<S>& to, std::string_view data, std::string_view delimiter, cancellation_token token = {}) {
    co_await to.write(data, token).configure_await(false);
    co_await to.write(delimiter, std::move(token)).configure_await(false);
}

/// The frames of a stream, one after the other, up to its end.
/// Cancellation  by async_stream::with_cancellation(): ends with operation_canceled, and loses no frame.
/// Throws        as read_frame().
template <async_readable S>
[[nodiscard]] async_stream<std::vector<std::byte>> frames(buffered_reader<S>& from, frame_format format = {}) {
    const cancellation_token token = co_await this_stream::token();
    for (;;) {
        std::optional<std::vector<std::byte>> frame = co_await read_frame(from, format, token).configure_await(false);
        if (!frame) break;
        co_yield std::move(*frame);
    }
}

/// The lines of a stream, as buffered_reader::read_line() reads them.
/// Cancellation  by async_stream::with_cancellation(): ends with operation_canceled, and loses no line.
template <async_readable S>
[[nodiscard]] async_stream<std::string> lines(buffered_reader<S>& from, std::size_t limit = 64 * 1024) {
    const cancellation_token token = co_await this_stream::token();
    for (;;) {
        std::optional<std::string> line = co_await from.read_line(limit, token).configure_await(false);
        if (!line) break;
        co_yield std::move(*line);
    }
}

/// The parts of a stream that `delimiter` ends, as buffered_reader::read_until() reads them.
/// Cancellation  by async_stream::with_cancellation(): ends with operation_canceled, and loses no part.
template <async_readable S>
[[nodiscard]] async_stream<std::string> parts(buffered_reader<S>& from, std::string delimiter, std::size_t limit) {
    const cancellation_token token = co_await this_stream::token();
    for (;;) {
        std::optional<std::string> part = co_await from.read_until(delimiter, limit, token).configure_await(false);
        if (!part) break;
        co_yield std::move(*part);
    }
}

}  // namespace weft::inline WEFT_ABI::io
