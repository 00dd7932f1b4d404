// src/io/byte_buffer.cpp: bytes between a stream and its reader, and how reading can fail.
// SPDX-License-Identifier: MIT

#include "weft/io/detail/byte_buffer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

byte_buffer::byte_buffer(std::size_t usual) : usual_(std::max<std::size_t>(usual, 1)), size_(0) {}

std::span<std::byte> byte_buffer::prepare(std::size_t wanted) {
    const std::size_t used = size();
    const std::size_t least = std::max({wanted, used + 1, usual_});
    if (size_ < least || (used == 0 && size_ > usual_ * 4)) {
        // Grown by half at least, so that a long line is not copied for every piece of it.
        const std::size_t grown = size_ < least ? std::max(least, used + used / 2) : least;
        auto fresh = std::make_unique_for_overwrite<std::byte[]>(grown);
        if (used != 0) std::memcpy(fresh.get(), memory_.get() + begin_, used);
        memory_ = std::move(fresh);
        size_ = grown;
        begin_ = 0;
        end_ = used;
    } else if (begin_ != 0 && (end_ == size_ || begin_ + least > size_)) {
        std::memmove(memory_.get(), memory_.get() + begin_, used);
        begin_ = 0;
        end_ = used;
    }
    return {memory_.get() + end_, size_ - end_};
}

void byte_buffer::consume(std::size_t count) noexcept {
    begin_ += std::min(count, size());
    if (begin_ == end_) begin_ = end_ = 0;
}

std::size_t byte_buffer::take(std::span<std::byte> room) noexcept {
    const std::size_t count = std::min(room.size(), size());
    if (count != 0) std::memcpy(room.data(), memory_.get() + begin_, count);
    consume(count);
    return count;
}

std::optional<std::size_t> delimiter_search::find(std::string_view text) noexcept {
    const std::size_t found = text.find(delimiter_, looked_at_);
    if (found != std::string_view::npos) return found <= limit_ ? std::optional(found) : std::nullopt;
    // The delimiter may have begun at the end of what is there.
    looked_at_ = text.size() < delimiter_.size() ? 0 : text.size() - delimiter_.size() + 1;
    return std::nullopt;
}

bool delimiter_search::is_too_long(std::string_view text) const noexcept {
    // Within the limit the delimiter would be whole by now. Without overflow for a limit that is none.
    return text.size() >= delimiter_.size() && text.size() - delimiter_.size() >= limit_;
}

void fail_too_long(const char* what, std::size_t limit, const std::string& name) {
    throw io_error(std::make_error_code(std::errc::message_size),
        std::string("read ") + what + " of at most " + std::to_string(limit) + " bytes from '" + name + "'");
}

void fail_ended(const std::string& what, const std::string& name) {
    throw io_error(std::make_error_code(std::errc::broken_pipe), "read " + what + " from '" + name + "'");
}

void fail_malformed(const std::string& what, const std::string& name) {
    throw io_error(std::make_error_code(std::errc::bad_message), "read " + what + " from '" + name + "'");
}

void fail_after_failure(const std::string& name) {
    throw invalid_operation("buffered_writer: an earlier write to '" + name +
        "' failed or was cancelled, and a part of it may have been sent; close the stream");
}

void check_delimiter(std::string_view delimiter) {
    if (delimiter.empty()) throw std::invalid_argument("read_until: the delimiter is empty");
}

}  // namespace weft::inline WEFT_ABI::detail
