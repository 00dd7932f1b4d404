// src/io/framing.cpp: lengths in front of frames.
// SPDX-License-Identifier: MIT

#include "weft/io/framing.hpp"

#include <stdexcept>

namespace weft::inline WEFT_ABI::detail {

namespace {

std::size_t bytes_of(io::frame_length length) noexcept {
    return length == io::frame_length::u8 ? 1 : length == io::frame_length::u16 ? 2 : 4;
}

constexpr std::size_t longest_varint = 10;

parsed_head parse_varint(std::span<const std::byte> bytes) noexcept {
    parsed_head head;
    for (std::size_t i = 0; i < bytes.size() && i < longest_varint; ++i) {
        const auto byte = std::to_integer<std::uint64_t>(bytes[i]);
        // The tenth byte has room for one bit.
        if (i == longest_varint - 1 && byte > 1) break;
        head.length |= (byte & 0x7f) << (7 * i);
        if ((byte & 0x80) != 0) continue;
        head.how = parsed_head::outcome::whole;
        head.size = i + 1;
        return head;
    }
    if (bytes.size() >= longest_varint) head.how = parsed_head::outcome::malformed;
    else head.size = bytes.size() + 1;
    return head;
}

}  // namespace

frame_head make_frame_head(std::size_t length, const io::frame_format& format) {
    const std::size_t count = bytes_of(format.length);
    const bool fits =
        format.length == io::frame_length::varint || count == sizeof(std::size_t) || (length >> (8 * count)) == 0;
    if (length > format.limit || !fits)
        throw std::invalid_argument("write_frame: a frame of " + std::to_string(length) + " bytes is over the limit of " +
            std::to_string(fits ? format.limit : (std::size_t{1} << (8 * count)) - 1));
    frame_head head;
    if (format.length == io::frame_length::varint) {
        do {
            const auto low = static_cast<std::uint8_t>(length & 0x7f);
            length >>= 7;
            head.bytes[head.size++] = static_cast<std::byte>(length == 0 ? low : low | 0x80);
        } while (length != 0);
        return head;
    }
    head.size = count;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = format.order == std::endian::big ? count - 1 - i : i;
        head.bytes[at] = static_cast<std::byte>(length >> (8 * i));
    }
    return head;
}

parsed_head parse_frame_head(std::span<const std::byte> bytes, const io::frame_format& format) noexcept {
    if (format.length == io::frame_length::varint) return parse_varint(bytes);
    parsed_head head;
    head.size = bytes_of(format.length);
    if (bytes.size() < head.size) return head;
    for (std::size_t i = 0; i < head.size; ++i) {
        const std::size_t at = format.order == std::endian::big ? i : head.size - 1 - i;
        head.length = head.length << 8 | std::to_integer<std::uint64_t>(bytes[at]);
    }
    head.how = parsed_head::outcome::whole;
    return head;
}

}  // namespace weft::inline WEFT_ABI::detail
