// SPDX-License-Identifier: MIT

#include "data/sqlite/handle.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "data/sqlite/binding.hpp"
#include "data/sqlite/failure.hpp"
#include "data/sqlite/placeholders.hpp"

namespace weft::inline WEFT_ABI::data::detail {

namespace {

// Steps of SQLite's machine between two looks at the cancel flag: some tens of microseconds. sqlite3_interrupt() alone is not
// enough: it is lost when it comes just before the statement begins.
constexpr int progress_interval = 1000;

constexpr std::string_view blanks = " \t\r\n;";

std::string_view without_leading_blanks(std::string_view text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    return text;
}

class statement_row final : public row_source {
public:
    statement_row(sqlite3_stmt* statement, std::string_view sql) noexcept : statement_(statement), sql_(sql) {}

    [[nodiscard]] std::string_view sql() const noexcept override { return sql_; }
    [[nodiscard]] int column_count() const noexcept override { return sqlite3_column_count(statement_); }
    [[nodiscard]] std::string_view name(int index) const override {
        const char* text = sqlite3_column_name(statement_, index);
        return text == nullptr ? std::string_view() : std::string_view(text);
    }
    [[nodiscard]] column_type type(int index) const noexcept override {
        switch (sqlite3_column_type(statement_, index)) {
            case SQLITE_INTEGER: return column_type::integer;
            case SQLITE_FLOAT: return column_type::real;
            case SQLITE_TEXT: return column_type::text;
            case SQLITE_BLOB: return column_type::blob;
            default: return column_type::null;
        }
    }
    [[nodiscard]] std::int64_t integer(int index) const noexcept override {
        return sqlite3_column_int64(statement_, index);
    }
    [[nodiscard]] double real(int index) const noexcept override { return sqlite3_column_double(statement_, index); }
    [[nodiscard]] std::string_view text(int index) const override {
        const auto* first = reinterpret_cast<const char*>(sqlite3_column_text(statement_, index));
        return first == nullptr ? std::string_view() : std::string_view(first, size(index));
    }
    [[nodiscard]] std::span<const std::byte> blob(int index) const override {
        const auto* first = static_cast<const std::byte*>(sqlite3_column_blob(statement_, index));
        return first == nullptr ? std::span<const std::byte>() : std::span<const std::byte>(first, size(index));
    }

private:
    [[nodiscard]] std::size_t size(int index) const noexcept {
        return static_cast<std::size_t>(sqlite3_column_bytes(statement_, index));
    }

    sqlite3_stmt* statement_;
    std::string_view sql_;
};

// Leaves a statement ready for its next run, whatever happened, and lets go of the arguments, which are not its own.
class reset_guard {
public:
    explicit reset_guard(sqlite3_stmt* statement) noexcept : statement_(statement) {}
    ~reset_guard() {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }
    reset_guard(const reset_guard&) = delete;
    reset_guard& operator=(const reset_guard&) = delete;

private:
    sqlite3_stmt* statement_;
};

}  // namespace

// ---- opening and closing

void sqlite_handle::open() {
    if (db_ != nullptr) return;
    int flags = SQLITE_OPEN_NOMUTEX;  // one thread uses it
    switch (location_->mode) {
        case open_mode::read_only: flags |= SQLITE_OPEN_READONLY; break;
        case open_mode::must_exist: flags |= SQLITE_OPEN_READWRITE; break;
        case open_mode::create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE; break;
    }
    sqlite3* opened = nullptr;
    const int code = sqlite3_open_v2(location_->path.c_str(), &opened, flags, nullptr);
    db_ = opened;
    try {
        if (code != SQLITE_OK) throw_open_failure(db_, code, location_->name);
        sqlite3_extended_result_codes(db_, 1);
        sqlite3_progress_handler(db_, progress_interval, &sqlite_handle::on_progress, this);
        sqlite3_busy_handler(db_, &sqlite_handle::on_busy, this);
        host_->publish(db_);
        configure();
    } catch (...) {
        close();
        throw;
    }
}

void sqlite_handle::configure() {
    if (location_->options.exclusive) run_pragma("PRAGMA locking_mode = EXCLUSIVE");
    if (location_->mode != open_mode::read_only && location_->options.write_ahead_log) {
        run_pragma("PRAGMA journal_mode = WAL");
        // With a write-ahead log a crash of the program loses nothing then, one of the machine at most the last transactions.
        run_pragma("PRAGMA synchronous = NORMAL");
    }
    run_pragma("PRAGMA foreign_keys = ON");
    // Reads the file, which the others need not do: what is no database is noticed now.
    run_pragma("PRAGMA schema_version");
}

void sqlite_handle::run_pragma(const char* text) {
    // Changing the journal mode does not ask the busy handler when two connections do it at once.
    int code = sqlite3_exec(db_, text, nullptr, nullptr, nullptr);
    for (int attempt = 0; code == SQLITE_BUSY && on_busy(this, attempt) != 0; ++attempt)
        code = sqlite3_exec(db_, text, nullptr, nullptr, nullptr);
    if (code == SQLITE_OK) return;
    if (host_->is_canceled()) throw interrupted();
    throw_open_failure(db_, code, location_->name);
}

void sqlite_handle::close() noexcept {
    if (db_ == nullptr) return;
    cache_.clear();
    host_->publish(nullptr);
    sqlite3_close_v2(db_);
    db_ = nullptr;
}

void sqlite_handle::roll_back() noexcept {
    if (!in_transaction()) return;
    sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
    if (in_transaction()) close();
}

// ---- running

std::int64_t sqlite_handle::run(const command& what, row_sink* rows) {
    prepared_statement* cached = cache_.find(what.sql);
    if (cached == nullptr) return run_uncached(what, rows);
    check_argument_count(what, cached->placeholders);
    const reset_guard guard(cached->handle.get());
    bind_arguments(cached->handle.get(), what, cached->placeholders, nullptr);
    return step(cached->handle.get(), what, rows);
}

std::int64_t sqlite_handle::run_uncached(const command& what, row_sink* rows) {
    if (what.sql.find('\0') != std::string::npos)
        throw_query_error(error_kind::statement, what.sql, "it holds a zero byte");
    const translated_sql translated = translate_placeholders(what.sql);
    check_argument_count(what, translated.placeholders);
    std::string_view rest = translated.text;
    statement_handle statement = prepare(rest, what, true);
    if (statement == nullptr) throw_query_error(error_kind::statement, what.sql, "it holds no statement");
    if (rest.empty() && cache_.capacity() > 0) {
        cache_.insert({what.sql, std::move(statement), translated.placeholders});
        return run(what, rows);
    }

    std::vector<bool> used(what.arguments.size());
    std::int64_t changed = 0;
    row_sink* wanted = rows;
    for (; statement != nullptr; statement = prepare(rest, what, false)) {
        const reset_guard guard(statement.get());
        bind_arguments(statement.get(), what, translated.placeholders, &used);
        const bool gives_rows = sqlite3_column_count(statement.get()) > 0;
        changed += step(statement.get(), what, gives_rows ? std::exchange(wanted, nullptr) : nullptr);
    }
    if (translated.placeholders == no_placeholders) check_all_used(what, used);
    if (wanted != nullptr) throw_query_error(error_kind::mapping, what.sql, "it gives no rows; use execute()");
    return changed;
}

statement_handle sqlite_handle::prepare(std::string_view& rest, const command& what, bool keep) {
    // A comment alone makes no statement, so look on until there is one or nothing is left.
    for (;;) {
        rest = without_leading_blanks(rest);
        if (rest.empty()) return nullptr;
        sqlite3_stmt* made = nullptr;
        const char* tail = nullptr;
        const int code = sqlite3_prepare_v3(
            db_, rest.data(), static_cast<int>(rest.size()), keep ? SQLITE_PREPARE_PERSISTENT : 0, &made, &tail);
        if (code != SQLITE_OK) fail(code, what, true);
        rest.remove_prefix(static_cast<std::size_t>(tail - rest.data()));
        if (made == nullptr) continue;
        rest = without_leading_blanks(rest);
        return statement_handle(made);
    }
}

std::int64_t sqlite_handle::step(sqlite3_stmt* statement, const command& what, row_sink* rows) {
    if (rows != nullptr && sqlite3_column_count(statement) == 0)
        throw_query_error(error_kind::mapping, what.sql, "it gives no rows; use execute()");
    const std::int64_t before = sqlite3_total_changes64(db_);
    const statement_row source(statement, what.sql);
    bool begun = false;
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) {
        if (host_->is_canceled()) throw interrupted();
        code = sqlite3_step(statement);
        if (code != SQLITE_ROW && code != SQLITE_DONE) fail(code, what, false);
        // Not before the first step: a changed schema may have changed the columns, which SQLite notices there.
        if (rows != nullptr && !std::exchange(begun, true)) rows->begin(source);
        if (code == SQLITE_ROW && rows != nullptr && !rows->add(source)) {
            // What is left of the statement happens here, and may fail.
            code = sqlite3_reset(statement);
            if (code != SQLITE_OK) fail(code, what, false);
        }
    }
    // total_changes also counts what triggers did: it only tells whether this statement changed anything.
    return sqlite3_total_changes64(db_) != before ? sqlite3_changes64(db_) : 0;
}

void sqlite_handle::fail(int code, const command& what, bool preparing) {
    // A busy handler that gives up for a cancel ends the statement with SQLITE_BUSY.
    const int primary = code & 0xff;
    if (host_->is_canceled() && (primary == SQLITE_INTERRUPT || primary == SQLITE_BUSY)) throw interrupted();
    throw_statement_failure(db_, code, what.sql, preparing);
}

int sqlite_handle::on_progress(void* self) noexcept {
    return static_cast<sqlite_handle*>(self)->host_->is_canceled() ? 1 : 0;
}

int sqlite_handle::on_busy(void* self, int attempt) noexcept {
    // Short waits first: most locks are held for less than a millisecond.
    static constexpr std::array<int, 8> waits{1, 1, 2, 2, 5, 5, 10, 20};
    auto& handle = *static_cast<sqlite_handle*>(self);
    const auto now = std::chrono::steady_clock::now();
    if (attempt == 0) handle.busy_since_ = now;
    const auto left = handle.location_->options.busy_timeout - (now - handle.busy_since_);
    if (left <= std::chrono::nanoseconds::zero()) return 0;
    const std::chrono::milliseconds wait(waits[std::min(static_cast<std::size_t>(attempt), waits.size() - 1)]);
    handle.host_->pause(std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(left)));
    return handle.host_->is_canceled() ? 0 : 1;
}

}  // namespace weft::inline WEFT_ABI::data::detail
