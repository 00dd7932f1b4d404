// SPDX-License-Identifier: MIT

#include "data/sqlite/binding.hpp"

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <variant>

#include "data/sqlite/failure.hpp"
#include "data/sqlite/placeholders.hpp"

namespace weft::inline WEFT_ABI::data::detail {

namespace {

[[noreturn]] void refuse(const command& what, const std::string& reason) {
    throw_query_error(error_kind::parameter, what.sql, reason);
}

std::string count_of(std::size_t number, std::string_view word) {
    return std::to_string(number) + " " + std::string(word) + (number == 1 ? "" : "s");
}

class value_binder {
public:
    value_binder(sqlite3_stmt* statement, int index) noexcept : statement_(statement), index_(index) {}
    int operator()(std::monostate) const noexcept { return sqlite3_bind_null(statement_, index_); }
    int operator()(std::int64_t value) const noexcept { return sqlite3_bind_int64(statement_, index_, value); }
    int operator()(double value) const noexcept { return sqlite3_bind_double(statement_, index_, value); }
    int operator()(const std::string& value) const noexcept {
        return sqlite3_bind_text64(statement_, index_, value.c_str(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    int operator()(const std::vector<std::byte>& value) const noexcept {
        // A null pointer would bind NULL, and an empty vector may have one.
        if (value.empty()) return sqlite3_bind_zeroblob(statement_, index_, 0);
        return sqlite3_bind_blob64(statement_, index_, value.data(), value.size(), SQLITE_STATIC);
    }

private:
    sqlite3_stmt* statement_;
    int index_;
};

void bind_one(sqlite3_stmt* statement, int index, const command& what, std::size_t argument) {
    const int code = std::visit(value_binder(statement, index), what.arguments[argument].value());
    if (code != SQLITE_OK) throw_statement_failure(sqlite3_db_handle(statement), code, what.sql, false);
}

std::string_view parameter_name(sqlite3_stmt* statement, int index) noexcept {
    const char* name = sqlite3_bind_parameter_name(statement, index);
    return name == nullptr ? std::string_view() : std::string_view(name);
}

constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

std::size_t find_named(const command& what, std::string_view name) noexcept {
    for (std::size_t at = 0; at < what.arguments.size(); ++at) {
        if (!what.arguments[at].name().empty() && what.arguments[at].name() == name) return at;
    }
    return nowhere;
}

void bind_numbered(sqlite3_stmt* statement, const command& what, int placeholders) {
    const int count = sqlite3_bind_parameter_count(statement);
    for (int index = 1; index <= count; ++index) {
        const std::string_view name = parameter_name(statement, index);
        if (index > placeholders || (!name.empty() && name.front() != '?'))
            refuse(what,
                "it mixes {0} with the database's own placeholders" +
                    (name.empty() ? "" : " ('" + std::string(name) + "')"));
        bind_one(statement, index, what, static_cast<std::size_t>(index - 1));
    }
}

// Named arguments go where their names stand; the others fill the remaining places in order.
void bind_native(sqlite3_stmt* statement, const command& what, std::vector<bool>& used) {
    const int count = sqlite3_bind_parameter_count(statement);
    std::size_t next = 0;
    for (int index = 1; index <= count; ++index) {
        const std::string_view name = parameter_name(statement, index);
        std::size_t argument = name.empty() || name.front() == '?' ? nowhere : find_named(what, name.substr(1));
        if (argument == nowhere) {
            while (next < what.arguments.size() && !what.arguments[next].name().empty()) ++next;
            if (next == what.arguments.size())
                refuse(what,
                    "there is no argument for its placeholder " +
                        (name.empty() ? "number " + std::to_string(index) : "'" + std::string(name) + "'") + "; " +
                        count_of(what.arguments.size(), "argument") + " given");
            argument = next++;
        }
        bind_one(statement, index, what, argument);
        used[argument] = true;
    }
}

}  // namespace

void check_argument_count(const command& what, int placeholders) {
    if (placeholders == no_placeholders) return;
    if (what.arguments.size() != static_cast<std::size_t>(placeholders))
        refuse(what,
            "its placeholders are for " + count_of(static_cast<std::size_t>(placeholders), "argument") + ", but " +
                count_of(what.arguments.size(), "argument") + (what.arguments.size() == 1 ? " is" : " are") + " given");
    for (const parameter& argument : what.arguments) {
        if (!argument.name().empty())
            refuse(what, "argument '" + argument.name() + "' is named, but the placeholders are numbers in braces");
    }
}

void check_all_used(const command& what, const std::vector<bool>& used) {
    for (std::size_t at = 0; at < used.size(); ++at) {
        if (used[at]) continue;
        const std::string& name = what.arguments[at].name();
        refuse(what,
            "there is no placeholder for " +
                (name.empty() ? "argument number " + std::to_string(at + 1) : "argument '" + name + "'"));
    }
}

void bind_arguments(sqlite3_stmt* statement, const command& what, int placeholders, std::vector<bool>* used) {
    if (placeholders != no_placeholders) {
        bind_numbered(statement, what, placeholders);
    } else if (used != nullptr) {
        bind_native(statement, what, *used);
    } else if (!what.arguments.empty() || sqlite3_bind_parameter_count(statement) != 0) {
        std::vector<bool> here(what.arguments.size());
        bind_native(statement, what, here);
        check_all_used(what, here);
    }
}

}  // namespace weft::inline WEFT_ABI::data::detail
