// SPDX-License-Identifier: MIT

#include "data/sqlite/failure.hpp"

#include <system_error>
#include <utility>

namespace weft::inline WEFT_ABI::data::detail {

namespace {

constexpr int primary(int code) noexcept { return code & 0xff; }

error_kind kind_of(int code, bool preparing) noexcept {
    switch (primary(code)) {
        case SQLITE_ERROR: return preparing ? error_kind::statement : error_kind::other;
        case SQLITE_CONSTRAINT: return error_kind::constraint;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return error_kind::busy;
        case SQLITE_READONLY: return error_kind::read_only;
        case SQLITE_NOTADB: return error_kind::not_a_database;
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH: return error_kind::unavailable;
        case SQLITE_RANGE: return error_kind::parameter;
        default: return error_kind::other;
    }
}

}  // namespace

std::string code_name(int code) {
    static constexpr std::pair<int, std::string_view> names[] = {
        {SQLITE_ERROR, "SQLITE_ERROR"},
        {SQLITE_INTERNAL, "SQLITE_INTERNAL"},
        {SQLITE_PERM, "SQLITE_PERM"},
        {SQLITE_ABORT, "SQLITE_ABORT"},
        {SQLITE_BUSY, "SQLITE_BUSY"},
        {SQLITE_LOCKED, "SQLITE_LOCKED"},
        {SQLITE_NOMEM, "SQLITE_NOMEM"},
        {SQLITE_READONLY, "SQLITE_READONLY"},
        {SQLITE_INTERRUPT, "SQLITE_INTERRUPT"},
        {SQLITE_IOERR, "SQLITE_IOERR"},
        {SQLITE_CORRUPT, "SQLITE_CORRUPT"},
        {SQLITE_FULL, "SQLITE_FULL"},
        {SQLITE_CANTOPEN, "SQLITE_CANTOPEN"},
        {SQLITE_PROTOCOL, "SQLITE_PROTOCOL"},
        {SQLITE_SCHEMA, "SQLITE_SCHEMA"},
        {SQLITE_TOOBIG, "SQLITE_TOOBIG"},
        {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"},
        {SQLITE_MISMATCH, "SQLITE_MISMATCH"},
        {SQLITE_MISUSE, "SQLITE_MISUSE"},
        {SQLITE_AUTH, "SQLITE_AUTH"},
        {SQLITE_RANGE, "SQLITE_RANGE"},
        {SQLITE_NOTADB, "SQLITE_NOTADB"},
        {SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT"},
        {SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK"},
        {SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY"},
        {SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL"},
        {SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY"},
        {SQLITE_CONSTRAINT_TRIGGER, "SQLITE_CONSTRAINT_TRIGGER"},
        {SQLITE_CONSTRAINT_UNIQUE, "SQLITE_CONSTRAINT_UNIQUE"},
        {SQLITE_CONSTRAINT_DATATYPE, "SQLITE_CONSTRAINT_DATATYPE"},
        {SQLITE_READONLY_DIRECTORY, "SQLITE_READONLY_DIRECTORY"},
    };
    for (const auto& [number, name] : names) {
        if (number == code) return std::string(name);
    }
    const std::string number = std::to_string(code);
    return primary(code) == code ? "SQLite code " + number : code_name(primary(code)) + ", code " + number;
}

void throw_statement_failure(sqlite3* db, int code, std::string_view sql, bool preparing) {
    const std::string reason = std::string(sqlite3_errmsg(db)) + " (" + code_name(code) + ")";
    throw_query_error(kind_of(code, preparing), sql, reason, code);
}

void throw_open_failure(sqlite3* db, int code, const std::string& name) {
    std::string reason = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    const int system = db != nullptr ? sqlite3_system_errno(db) : 0;
    if (primary(code) == SQLITE_CANTOPEN && system != 0) reason += ": " + std::generic_category().message(system);
    throw database_error("open '" + name + "' failed: " + reason + " (" + code_name(code) + ")", kind_of(code, true), code);
}

}  // namespace weft::inline WEFT_ABI::data::detail
