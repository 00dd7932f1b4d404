#pragma once
// The parser's door into headers: fields are places in one copied block, so reading a head costs one copy.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "weft/http/headers.hpp"

namespace weft::inline WEFT_ABI::http::detail {

class headers_access {
public:
    /// Empties `target` and makes `block` its text; keeps the memory.
    static void assign_block(headers& target, std::string_view block) {
        target.entries_.clear();
        target.text_.assign(block);
        target.present_ = 0;
        target.stamp_ = 0;
    }
    /// Adds a field whose name and value are places in the block.
    static void add_place(headers& target, header_id id, std::size_t name_at, std::size_t name_size, std::size_t value_at,
        std::size_t value_size) {
        target.entries_.push_back({static_cast<std::uint32_t>(name_at), static_cast<std::uint32_t>(value_at),
            static_cast<std::uint32_t>(value_size), static_cast<std::uint16_t>(name_size), id});
        target.present_ |= headers::bit(id);
    }
    /// Adds text after the block, for a value that does not stand in it as it is. @returns its place
    static std::size_t append_text(headers& target, std::string_view text) {
        std::size_t place = target.text_.size();
        target.text_.append(text);
        return place;
    }
    /// Marks the fields as those of one parse; every change of them, and every other parse, takes the mark away.
    static void set_stamp(headers& target, std::uint64_t stamp) noexcept { target.stamp_ = stamp; }
    /// 0 for what was changed or never parsed.
    [[nodiscard]] static std::uint64_t stamp(const headers& source) noexcept { return source.stamp_; }
    [[nodiscard]] static const char* block(const headers& source) noexcept { return source.text_.data(); }
};

}  // namespace weft::inline WEFT_ABI::http::detail
