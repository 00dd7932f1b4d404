#pragma once
// data/sqlite/handle.hpp: one SQLite connection, used by one thread: opening, binding, stepping, closing.
// SPDX-License-Identifier: MIT

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "data/sqlite/location.hpp"
#include "data/sqlite/statement_cache.hpp"
#include "weft/data/detail/row_source.hpp"
#include "weft/data/parameter.hpp"

namespace weft::inline WEFT_ABI::data::detail {

/// How a handle learns on its thread that what it does is no longer wanted, and what it does meanwhile.
class sqlite_host {
public:
    [[nodiscard]] virtual bool is_canceled() const noexcept = 0;
    /// Waits for `limit`, or until it is cancelled.
    virtual void pause(std::chrono::milliseconds limit) noexcept = 0;
    /// Called with the handle once it can be interrupted from other threads, and with null before it no longer can.
    virtual void publish(sqlite3* db) noexcept = 0;

protected:
    sqlite_host() = default;
    ~sqlite_host() = default;
};

/// Threads  the one of its session; only sqlite3_interrupt() on what publish() gave may come from others.
class sqlite_handle {
public:
    sqlite_handle(const sqlite_location& location, sqlite_host& host) noexcept
        : location_(&location), host_(&host), cache_(location.options.statement_cache) {}
    sqlite_handle(const sqlite_handle&) = delete;
    sqlite_handle& operator=(const sqlite_handle&) = delete;
    ~sqlite_handle() { close(); }

    /// Opens it unless it is open. @throws database_error, interrupted
    void open();
    void close() noexcept;

    /// As session::run(). @throws database_error, interrupted, and what the sink throws
    std::int64_t run(const command& what, row_sink* rows);
    [[nodiscard]] bool in_transaction() const noexcept { return db_ != nullptr && sqlite3_get_autocommit(db_) == 0; }
    /// Ends an open transaction; a connection that refuses even that is closed.
    void roll_back() noexcept;

private:
    void configure();
    void run_pragma(const char* text);
    std::int64_t run_uncached(const command& what, row_sink* rows);
    [[nodiscard]] statement_handle prepare(std::string_view& rest, const command& what, bool keep);
    std::int64_t step(sqlite3_stmt* statement, const command& what, row_sink* rows);
    [[noreturn]] void fail(int code, const command& what, bool preparing);
    static int on_progress(void* self) noexcept;
    static int on_busy(void* self, int attempt) noexcept;

    const sqlite_location* location_;
    sqlite_host* host_;
    sqlite3* db_ = nullptr;
    statement_cache cache_;
    std::chrono::steady_clock::time_point busy_since_{};
};

}  // namespace weft::inline WEFT_ABI::data::detail
