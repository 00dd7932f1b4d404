#pragma once
// data/sqlite/session.hpp: one connection, its thread and its own line of jobs.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "data/sqlite/handle.hpp"
#include "data/sqlite/job_list.hpp"
#include "weft/data/detail/engine.hpp"
#include "weft/scheduling/dedicated_thread.hpp"

namespace weft::inline WEFT_ABI::data::detail {

class sqlite_engine;

/// What is marked "lock" is guarded by the engine's lock; the rest is the thread's own.
class sqlite_session final : public session, sqlite_host {
public:
    /// @throws std::system_error  when the system refuses a thread
    sqlite_session(sqlite_engine& owner, std::size_t index);
    ~sqlite_session();

    std::int64_t run(const command& what, row_sink* rows) override { return handle_.run(what, rows); }
    [[nodiscard]] bool in_transaction() const noexcept override { return handle_.in_transaction(); }
    void lease() override;

    /// Gives the thread a turn, which keeps the engine alive.
    void post_turn(std::shared_ptr<sqlite_engine> keep);
    /// One turn of the thread: runs jobs until none is left for it; the last turn of a closing engine closes the connection.
    void work() noexcept;
    [[nodiscard]] bool has_thread() const noexcept { return has_thread_; }
    /// Stops what runs. Lock.
    void interrupt() noexcept;

    job_list own;            ///< jobs that name this session. Lock.
    job* current = nullptr;  ///< the job that runs. Written under the lock by the thread.
    bool active = false;     ///< a turn is posted or running. Lock.
    bool leased = false;     ///< serves `own` only. Lock.
    bool releasing = false;  ///< the lease is over; to be cleaned up. Lock.
    bool ended = false;      ///< closed for ever. Lock.

private:
    [[nodiscard]] bool is_canceled() const noexcept override {
        return current != nullptr && current->cancel_requested.load(std::memory_order_relaxed);
    }
    void pause(std::chrono::milliseconds limit) noexcept override;
    void publish(sqlite3* db) noexcept override;

    [[nodiscard]] job* take(std::unique_lock<std::mutex>& lock) noexcept;
    [[nodiscard]] job::phase perform(job& work) noexcept;
    void check_transaction_before(const job& work) const;
    void check_transaction_after();

    sqlite_engine& owner_;
    sqlite_handle handle_;
    sqlite3* published_ = nullptr;      // lock
    std::condition_variable canceled_;  // with the lock: wakes pause()
    dedicated_thread thread_;           // last of the objects: it ends before what it uses
    const bool has_thread_;             // not under the deterministic scheduler
};

}  // namespace weft::inline WEFT_ABI::data::detail
