#pragma once
// src/io/fs/directory_reader.hpp: the names in one directory, a buffer of them at a time.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "io/fs/file_state.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::fs {

class directory_reader {
public:
    struct entry {
        std::string_view name;  ///< until the next fill()
        file_kind kind = file_kind::unknown;
    };

    directory_reader() noexcept = default;

    /// @param follow  when the path ends in a link to a directory; if not, that is ENOTDIR
    [[nodiscard]] task<> open(std::string path, bool follow, cancellation_token token);
    /// Gets the next names. @returns false when there are none any more
    [[nodiscard]] task<bool> fill(cancellation_token token);
    /// The next of those that fill() got, `.` and `..` left out. @returns false behind the last
    [[nodiscard]] bool next(entry& into) noexcept;
    [[nodiscard]] task<> close() { return owner_.close(); }

private:
    static constexpr std::size_t buffer_size = 32 * 1024;

    detail::descriptor_owner owner_;
    std::vector<std::byte> buffer_;
    std::size_t count_ = 0;
    std::size_t at_ = 0;
};

/// Both tokens as one; only where each can be cancelled does that take a source.
class either_token {
public:
    either_token(cancellation_token first, cancellation_token second) {
        if (!first.can_be_canceled()) token_ = std::move(second);
        else if (!second.can_be_canceled() || first == second) token_ = std::move(first);
        else link(first, second);
    }
    [[nodiscard]] cancellation_token get() const { return token_; }

private:
    void link(const cancellation_token& first, const cancellation_token& second) {
        source_.emplace(cancellation_source::linked(first, second));
        token_ = source_->token();
    }

    std::optional<cancellation_source> source_;
    cancellation_token token_;
};

}  // namespace weft::inline WEFT_ABI::fs
