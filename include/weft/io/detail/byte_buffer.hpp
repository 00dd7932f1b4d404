#pragma once
// <weft/io/detail/byte_buffer.hpp>: bytes that were read and not taken yet, and the searches in them.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// One piece of memory: what was taken is at its front, then what is there, then room.
class byte_buffer {
public:
    /// @param usual  its size when nothing longer than that has to stay in one piece
    explicit byte_buffer(std::size_t usual);

    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {memory_.get() + begin_, end_ - begin_}; }
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(memory_.get()) + begin_, end_ - begin_};
    }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    /// Room behind the bytes, at least one byte, so that `wanted` bytes in all have their place.
    [[nodiscard]] std::span<std::byte> prepare(std::size_t wanted);
    /// `count` bytes have come into the room.
    void commit(std::size_t count) noexcept { end_ += count; }
    /// The first `count` are done with.
    void consume(std::size_t count) noexcept;
    /// Moves up to room.size() bytes out. @returns how many
    std::size_t take(std::span<std::byte> room) noexcept;

private:
    std::unique_ptr<std::byte[]> memory_;
    std::size_t usual_;
    std::size_t size_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

/// Looks for `delimiter` in bytes that grow, without looking at the same ones again.
class delimiter_search {
public:
    delimiter_search(std::string_view delimiter, std::size_t limit) noexcept : delimiter_(delimiter), limit_(limit) {}
    /// @returns where it begins, if it is there and not behind the limit
    [[nodiscard]] std::optional<std::size_t> find(std::string_view text) noexcept;
    /// Whether what is before the delimiter is longer than the limit, wherever that one is.
    [[nodiscard]] bool is_too_long(std::string_view text) const noexcept;

private:
    std::string_view delimiter_;
    std::size_t limit_;
    std::size_t looked_at_ = 0;
};

/// io_error (EMSGSIZE): "read <what> of at most <limit> bytes from '<name>' failed: ...".
[[noreturn]] void fail_too_long(const char* what, std::size_t limit, const std::string& name);
/// io_error (EPIPE): the stream ended where <what> was not over.
[[noreturn]] void fail_ended(const std::string& what, const std::string& name);
/// io_error (EBADMSG).
[[noreturn]] void fail_malformed(const std::string& what, const std::string& name);
/// invalid_operation: a write after a failed one.
[[noreturn]] void fail_after_failure(const std::string& name);
/// @throws std::invalid_argument  when `delimiter` is empty
void check_delimiter(std::string_view delimiter);

}  // namespace weft::inline WEFT_ABI::detail
