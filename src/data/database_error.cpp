// SPDX-License-Identifier: MIT

#include "weft/data/database_error.hpp"

#include <cstddef>

namespace weft::inline WEFT_ABI::data::detail {

namespace {
constexpr std::size_t longest_quote = 200;  // enough to recognize a statement, short enough for one line of a log
}

std::string quoted_sql(std::string_view sql) {
    std::string text;
    text.reserve(sql.size() < longest_quote ? sql.size() : longest_quote + 3);
    bool gap = false;
    for (const char letter : sql) {
        if (letter == ' ' || letter == '\n' || letter == '\t' || letter == '\r') {
            gap = !text.empty();
            continue;
        }
        if (text.size() >= longest_quote) {
            text += "...";
            break;
        }
        if (gap) text += ' ';
        gap = false;
        text += letter;
    }
    return text;
}

void throw_query_error(error_kind kind, std::string_view sql, const std::string& reason, int code) {
    throw database_error("query '" + quoted_sql(sql) + "' failed: " + reason, kind, code, sql);
}

}  // namespace weft::inline WEFT_ABI::data::detail
