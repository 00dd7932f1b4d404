#pragma once
// <weft/data/database_error.hpp>: what a database refused, and why.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::data {

/// The families of errors that programs tell apart, the same for every provider.
enum class error_kind : std::uint8_t {
    other,           ///< see code() and what()
    unavailable,     ///< the database cannot be opened: a missing directory, no permission
    not_a_database,  ///< there is something else behind the name
    statement,       ///< the statement cannot be understood: syntax, an unknown table or column
    constraint,      ///< a row would break a constraint of the schema
    busy,            ///< somebody else held a lock for longer than the busy timeout
    read_only,       ///< a write to what was opened for reading
    parameter,       ///< arguments and placeholders do not fit
    mapping,         ///< a column does not fit the type it is read into, or is missing
    row_count,       ///< not as many rows as the query promised
    transaction      ///< the transaction is over, or one was left open
};

/// An error of the database, or of what was asked of it. Follows System.Data.Common.DbException.
///
/// what() says what was attempted, on which statement, and what happened:
/// `query 'select * frm users' failed: near "frm": syntax error (SQLITE_ERROR)`.
class database_error : public std::runtime_error {
public:
    /// @param message  the whole sentence that what() gives
    /// @param code     the provider's own number
    explicit database_error(
        const std::string& message, error_kind kind = error_kind::other, int code = 0, std::string_view sql = {})
        : std::runtime_error(message), kind_(kind), code_(code), sql_(std::make_shared<const std::string>(sql)) {}

    [[nodiscard]] error_kind kind() const noexcept { return kind_; }
    /// The provider's number, for SQLite the extended result code; 0 when the library itself found the error.
    [[nodiscard]] int code() const noexcept { return code_; }
    /// The whole text of the statement as it was given; empty when the error belongs to none.
    [[nodiscard]] const std::string& sql() const noexcept { return *sql_; }

private:
    error_kind kind_;
    int code_;
    std::shared_ptr<const std::string> sql_;  // shared, so that copying the exception never throws
};

namespace detail {

/// The statement as messages quote it: in one line, cut when it is long.
[[nodiscard]] std::string quoted_sql(std::string_view sql);

/// `query '<sql>' failed: <reason>`
[[noreturn]] void throw_query_error(error_kind kind, std::string_view sql, const std::string& reason, int code = 0);

}  // namespace detail

}  // namespace weft::inline WEFT_ABI::data
