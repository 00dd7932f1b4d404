// Every way in which a column can fail to be what is asked of it, with the sentence that says so.
// SPDX-License-Identifier: MIT

#include "weft/data/detail/row_source.hpp"

#include <algorithm>
#include <string>

#include "weft/data/database_error.hpp"
#include "weft/data/parameter.hpp"

namespace weft::inline WEFT_ABI::data::detail {

namespace {

char lower(char letter) noexcept { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter; }

bool same_name(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view type_name(column_type type) noexcept {
    switch (type) {
        case column_type::null: return "NULL";
        case column_type::integer: return "an integer";
        case column_type::real: return "a floating-point number";
        case column_type::text: return "text";
        case column_type::blob: break;
    }
    return "a blob";
}

std::string name_list(const row_source& source) {
    std::string list;
    for (int index = 0; index < source.column_count(); ++index) {
        list += index == 0 ? "'" : ", '";
        list += source.name(index);
        list += "'";
    }
    return list;
}

[[noreturn]] void throw_mapping(const row_source& source, const std::string& reason) {
    throw_query_error(error_kind::mapping, source.sql(), reason);
}

std::string column_text(const row_source& source, int index) {
    return "column '" + std::string(source.name(index)) + "' (number " + std::to_string(index + 1) + ")";
}

[[noreturn]] void throw_mismatch(const row_source& source, int index, std::string_view wanted) {
    const column_type found = source.type(index);
    std::string reason =
        column_text(source, index) + " is " + std::string(type_name(found)) + ", but " + std::string(wanted) + " is wanted";
    if (found == column_type::null) reason += "; read it into a std::optional";
    throw_mapping(source, reason);
}

}  // namespace

int checked(const row_source& source, int index) {
    if (index < 0 || index >= source.column_count())
        throw_mapping(source,
            "there is no column number " + std::to_string(index + 1) + "; the result has " +
                std::to_string(source.column_count()));
    return index;
}

int find_column(const row_source& source, std::string_view name) {
    for (int index = 0; index < source.column_count(); ++index) {
        if (same_name(source.name(index), name)) return index;
    }
    throw_mapping(source, "there is no column '" + std::string(name) + "'; the result has " + name_list(source));
}

void require_columns(const row_source& source, int count) {
    if (source.column_count() != count)
        throw_mapping(source,
            "a tuple of " + std::to_string(count) + " is wanted, but the result has " +
                std::to_string(source.column_count()) + " columns: " + name_list(source));
}

std::int64_t read_integer(
    const row_source& source, int index, std::int64_t lowest, std::int64_t highest, std::string_view wanted) {
    if (source.type(index) != column_type::integer) throw_mismatch(source, index, wanted);
    const std::int64_t value = source.integer(index);
    if (value < lowest || value > highest)
        throw_mapping(source,
            column_text(source, index) + " holds " + std::to_string(value) + ", which is not in the range " +
                std::to_string(lowest) + " to " + std::to_string(highest) + " of the type it is read into");
    return value;
}

double read_real(const row_source& source, int index) {
    const column_type type = source.type(index);
    if (type != column_type::real && type != column_type::integer) throw_mismatch(source, index, "a number");
    return source.real(index);
}

std::string_view read_text(const row_source& source, int index) {
    if (source.type(index) != column_type::text) throw_mismatch(source, index, "text");
    return source.text(index);
}

std::span<const std::byte> read_blob(const row_source& source, int index) {
    if (source.type(index) != column_type::blob) throw_mismatch(source, index, "a blob");
    return source.blob(index);
}

void throw_argument_too_large(unsigned long long value) {
    throw database_error(
        "argument " + std::to_string(value) + " does not fit into the 64-bit signed integers of a database",
        error_kind::parameter);
}

}  // namespace weft::inline WEFT_ABI::data::detail
