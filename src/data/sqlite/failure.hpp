#pragma once
// data/sqlite/failure.hpp: SQLite's result codes as exceptions.
// SPDX-License-Identifier: MIT

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "weft/data/database_error.hpp"

namespace weft::inline WEFT_ABI::data::detail {

/// Thrown on the session's thread when a cancel stopped the statement; never leaves the engine.
struct interrupted {};

/// `code` as it stands in SQLite's documentation.
[[nodiscard]] std::string code_name(int code);

/// Throws what the last call on `db` failed with, as the failure of the statement `sql`.
/// @param preparing  whether the statement was being understood, not run
[[noreturn]] void throw_statement_failure(sqlite3* db, int code, std::string_view sql, bool preparing);

/// Throws why `db`, which may be null, could not be opened as `name`.
[[noreturn]] void throw_open_failure(sqlite3* db, int code, const std::string& name);

}  // namespace weft::inline WEFT_ABI::data::detail
