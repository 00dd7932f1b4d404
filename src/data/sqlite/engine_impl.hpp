#pragma once
// data/sqlite/engine_impl.hpp: the engine's parts, for its own sources.
// SPDX-License-Identifier: MIT

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/sqlite/engine.hpp"
#include "data/sqlite/job_list.hpp"
#include "data/sqlite/session.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::data::detail {

class sqlite_engine final : public engine, public std::enable_shared_from_this<sqlite_engine> {
public:
    explicit sqlite_engine(sqlite_location of) : location(std::move(of)) {}

    [[nodiscard]] bool submit(job& work) noexcept override;
    void cancel(job& work) noexcept override;
    void abandon(job& work) noexcept override;
    void release(session& leased) noexcept override;
    task<> close() override;
    [[nodiscard]] const std::string& name() const noexcept override { return location.name; }
    [[nodiscard]] bool is_read_only() const noexcept override { return location.mode == open_mode::read_only; }

    /// The last handle is gone.
    void let_go() noexcept;
    /// Tells the job's awaiter, if any, that it has ended as `how`, and gives the session's reference back.
    void finish(job& work, job::phase how) noexcept;
    /// A session has closed its connection. Lock.
    void session_ended() noexcept;

    const sqlite_location location;
    std::mutex mutex;  ///< "the lock"
    job_list shared;   ///< jobs for any session
    bool closing = false;

private:
    [[nodiscard]] bool queue(job& work);
    void activate(sqlite_session& one) noexcept;
    void activate_one_for_shared();
    void begin_close() noexcept;
    void end_threads() noexcept;
    [[nodiscard]] job_list& line_of(job& work) noexcept;

    std::vector<std::unique_ptr<sqlite_session>> sessions_;  // lock; only grows until all have ended
    std::size_t open_sessions_ = 0;
    bool has_threads_ = false;  // none under the deterministic scheduler
    std::condition_variable all_ended_;
    task_completion_source<> closed_{creation_options::run_continuations_asynchronously};

    static task<> finish_close(std::shared_ptr<sqlite_engine> self);
};

}  // namespace weft::inline WEFT_ABI::data::detail
