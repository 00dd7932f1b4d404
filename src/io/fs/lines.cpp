// src/io/fs/lines.cpp: a file cut at its line ends.
// SPDX-License-Identifier: MIT

#include <stdexcept>

#include "io/fs/directory_reader.hpp"
#include "weft/io/fs/file.hpp"
#include "weft/io/fs/file_operations.hpp"

namespace weft::inline WEFT_ABI::fs {

namespace {

/// Collects a line from the pieces that the reads give.
class line_cutter {
public:
    explicit line_cutter(std::size_t longest) noexcept : longest_(longest) {}

    /// Takes from `text` up to the next line end. @returns whether the line is whole
    [[nodiscard]] bool feed(std::string_view& text, const file& source) {
        const std::size_t end = text.find('\n');
        const std::size_t count = std::min(end, text.size());
        line_.append(text.substr(0, count));
        const bool whole = end != std::string_view::npos;
        text.remove_prefix(whole ? end + 1 : count);
        if (whole && line_.ends_with('\r')) line_.pop_back();
        // Until its end is there, a last CR may be half of it.
        if (line_.size() > longest_ + (!whole && line_.ends_with('\r') ? 1 : 0)) {
            throw std::length_error(
                "a line of '" + source.path() + "' is longer than " + std::to_string(longest_) + " bytes");
        }
        return whole;
    }
    [[nodiscard]] bool empty() const noexcept { return line_.empty(); }
    [[nodiscard]] std::string take() noexcept { return std::exchange(line_, std::string()); }

private:
    std::size_t longest_;
    std::string line_;
};

}  // namespace

async_stream<std::string> read_lines(std::string path, line_options options, cancellation_token token) {
    if (options.buffer == 0) throw std::invalid_argument("read_lines: a buffer of 0 bytes reads nothing");
    const cancellation_token of_consumer = co_await this_stream::token();
    const either_token both(std::move(token), of_consumer);
    file source = co_await file::open(std::move(path), open_mode::read, both.get()).configure_await(false);
    std::vector<char> buffer(options.buffer);
    line_cutter cutter(options.longest);
    for (;;) {
        const std::span<std::byte> room = std::as_writable_bytes(std::span(buffer));
        const std::size_t count = co_await source.read(room, both.get()).configure_await(false);
        if (count == 0) break;
        std::string_view text(buffer.data(), count);
        while (!text.empty()) {
            const bool whole = cutter.feed(text, source);
            if (!whole) continue;
            std::string line = cutter.take();
            co_yield std::move(line);
        }
    }
    co_await close_quietly(source).configure_await(false);
    if (!cutter.empty()) {
        std::string line = cutter.take();
        co_yield std::move(line);
    }
}

}  // namespace weft::inline WEFT_ABI::fs
