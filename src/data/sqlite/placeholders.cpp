// SPDX-License-Identifier: MIT

#include "data/sqlite/placeholders.hpp"

#include <algorithm>
#include <cstddef>

#include "weft/data/database_error.hpp"

namespace weft::inline WEFT_ABI::data::detail {

namespace {

constexpr int largest_placeholder = 32765;  // SQLite numbers its parameters from 1 to 32766

// The index after the literal, quoted name or comment that begins at `at`; `at` itself when none does. What is not closed
// extends to the end: SQLite will say so better than we could.
std::size_t skip_quoted(std::string_view sql, std::size_t at) noexcept {
    const auto after = [&](std::string_view closing, std::size_t from) {
        const std::size_t found = sql.find(closing, from);
        return found == std::string_view::npos ? sql.size() : found + closing.size();
    };
    switch (sql[at]) {
        // A doubled quote inside ends one literal and begins the next: the same for our purpose.
        case '\'': return after("'", at + 1);
        case '"': return after("\"", at + 1);
        case '`': return after("`", at + 1);
        case '[': return after("]", at + 1);
        case '-': return sql.substr(at, 2) == "--" ? after("\n", at + 2) : at;
        case '/': return sql.substr(at, 2) == "/*" ? after("*/", at + 2) : at;
        default: return at;
    }
}

}  // namespace

translated_sql translate_placeholders(std::string_view sql) {
    translated_sql result;
    result.text.reserve(sql.size() + 8);
    for (std::size_t at = 0; at < sql.size();) {
        const std::size_t end = skip_quoted(sql, at);
        if (end != at) {
            result.text += sql.substr(at, end - at);
            at = end;
        } else if (sql[at] != '{') {
            result.text += sql[at++];
        } else {
            const std::size_t closing = sql.find('}', at);
            const std::string_view inside =
                sql.substr(at + 1, closing == std::string_view::npos ? std::string_view::npos : closing - at - 1);
            const bool digits = !inside.empty() && inside.size() <= 5 &&
                std::all_of(inside.begin(), inside.end(), [](char c) { return c >= '0' && c <= '9'; });
            const int number = digits ? std::stoi(std::string(inside)) : largest_placeholder + 1;
            if (closing == std::string_view::npos || number > largest_placeholder)
                throw_query_error(error_kind::parameter, sql,
                    "'" + std::string(sql.substr(at, std::min<std::size_t>(inside.size() + 2, 20))) +
                        "' is no placeholder; write {0}, {1}, ...");
            result.text += '?';
            result.text += std::to_string(number + 1);
            result.placeholders = std::max(result.placeholders, number + 1);
            at = closing + 1;
            // A digit that follows must not become part of the number.
            if (at < sql.size() && sql[at] >= '0' && sql[at] <= '9') result.text += ' ';
        }
    }
    return result;
}

}  // namespace weft::inline WEFT_ABI::data::detail
