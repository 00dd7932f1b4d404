#pragma once
// <weft/data/database.hpp>: one database, by its URL, and the few connections to it.
// Follows System.Data.Common and Microsoft.Data.Sqlite, with real asynchrony: their async methods block the caller.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "weft/data/connection.hpp"
#include "weft/data/queries.hpp"
#include "weft/data/transaction.hpp"

namespace weft::inline WEFT_ABI::data {

/// How a database is used. What the URL says in its query part goes before these.
struct database_options {
    /// Most connections, and so most dedicated threads. `?pool=4`
    std::size_t max_connections = 4;
    /// How long a statement waits for a lock that another connection or process holds. `?busy_timeout=5000`, in milliseconds
    std::chrono::milliseconds busy_timeout{5000};
    /// Prepared statements that each connection keeps, the least recently used go first. `?statement_cache=100`
    std::size_t statement_cache = 100;
    /// Readers and a writer at the same time. `?wal=0`
    bool write_ahead_log = true;
    /// The file stays locked by this process, which makes single statements faster; one connection then. `?exclusive=1`
    bool exclusive = false;
};
static_assert(std::is_trivially_destructible_v<database_options>);

/// A database. A statement that is run on it goes to whichever connection is free first; connections are made as they are needed,
/// each on a dedicated thread (`weft-sqlite-0`, …), so that no thread of the pool ever blocks.
///
///     auto db   = co_await data::database::open("sqlite:///var/lib/app/users.db");
///     auto name = co_await db.query_one<std::string>("select name from users where id = {0}", id);
///
/// URLs: `sqlite:///absolute/path`, `sqlite://relative/path`, `sqlite://:memory:` (one connection), with `?mode=ro` (read only),
/// `?mode=rw` (must exist) or `?mode=rwc` (made when missing; the default), and the options above. `%20` and its like are decoded.
/// Foreign keys are enforced.
///
/// A handle: copies are the same database. When the last handle, connection, transaction and running statement are gone it closes
/// by itself; only a thread that is none of a runtime's waits for that.
///
/// Threads   every member may be called from any thread.
/// Lifetime  its threads belong to the runtime that used it first: close it before a runtime of your own goes.
class database : public queries<database>, public detail::transactions<database> {
public:
    /// Names a database; it is opened when it is first used.
    /// @throws std::invalid_argument  for a URL that cannot be understood, saying why
    explicit database(std::string_view url, const database_options& options = {});

    /// Opens it now: the task fails when that is not possible.
    /// @throws std::invalid_argument  as the constructor
    /// @throws database_error  unavailable: a missing directory, no permission; not_a_database: something else is there
    [[nodiscard]] static task<database> open(std::string_view url, cancellation_token token = {});
    [[nodiscard]] static task<database> open(
        std::string_view url, const database_options& options, cancellation_token token = {});

    /// One connection for exclusive use, waiting in line for it.
    [[nodiscard]] task<connection> connect(cancellation_token token = {}) const;

    /// Refuses new statements, lets those already accepted finish, ends transactions and connections that are still held, and
    /// closes. Later uses throw object_disposed. The task ends when every connection is closed; may be called again.
    /// Cancellation  stops the waiting, not the closing.
    [[nodiscard]] task<> close(cancellation_token token = {}) const;

    /// The URL without its query part.
    [[nodiscard]] const std::string& name() const noexcept { return engine_->name(); }

    /// @internal
    [[nodiscard]] detail::target statement_target() const { return detail::target(engine_); }

private:
    std::shared_ptr<detail::engine> engine_;
};

/// Threads that belong to connections of this process now; they are in no pool's count.
[[nodiscard]] std::size_t dedicated_thread_count() noexcept;

}  // namespace weft::inline WEFT_ABI::data
