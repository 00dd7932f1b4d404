#pragma once
// <weft/data/detail/engine.hpp>: jobs, the sessions that run them, and how a coroutine waits for one.
//
// An engine is one open database: a queue of jobs and a few sessions. A session is one connection of the provider on a thread of
// its own; it takes jobs from the queue, and while it is leased only those that name it. A job lives on the heap, because the
// coroutine that waits for it may be destroyed by a shutdown while the session still works on it.
//
// SPDX-License-Identifier: MIT

#include <atomic>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/data/detail/row_source.hpp"
#include "weft/data/parameter.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::data::detail {

/// A connection, as the jobs on its thread see it.
class session {
public:
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    /// Runs every statement of `what`. The rows of the first that has columns go to `rows`, which may be null.
    /// @returns how many rows were changed  @throws database_error, and what the sink throws
    virtual std::int64_t run(const command& what, row_sink* rows) = 0;
    [[nodiscard]] virtual bool in_transaction() const noexcept = 0;
    /// Makes this session serve only jobs that name it. @throws object_disposed  when the engine is closing
    virtual void lease() = 0;

protected:
    session() = default;
    ~session() = default;
};

/// One unit of work for a session. Counted: the waiting coroutine, the queue and the session may hold it.
class job {
public:
    enum class phase : std::uint8_t { fresh, queued, running, finished, canceled };

    job(const job&) = delete;
    job& operator=(const job&) = delete;

    /// On the session's thread. What it throws is the job's error.
    virtual void run(session& on) = 0;

    void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept {
        // Release orders our uses before the end; acquire lets the last one see those of the others.
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    session* only_on = nullptr;      ///< null: any session
    bool needs_transaction = false;  ///< refuse to run when none is open
    std::exception_ptr error;        ///< why it failed; read it when it has finished
    std::atomic<bool> cancel_requested{false};

    // The engine's, under its lock.
    job* next = nullptr;
    job* prev = nullptr;
    phase stage = phase::fresh;
    weft::detail::task_core* awaiter = nullptr;  ///< null: nobody waits
    std::atomic<bool> delivering{false};         ///< the session is just waking the awaiter

protected:
    job() noexcept = default;
    virtual ~job() = default;

private:
    std::atomic<std::uint32_t> references_{1};
};

template <class Job>
class job_ref {
public:
    job_ref() noexcept = default;
    explicit job_ref(Job* adopted) noexcept : job_(adopted) {}
    job_ref(job_ref&& other) noexcept : job_(std::exchange(other.job_, nullptr)) {}
    job_ref& operator=(job_ref&& other) noexcept {
        std::swap(job_, other.job_);
        return *this;
    }
    ~job_ref() {
        if (job_ != nullptr) job_->release();
    }
    [[nodiscard]] Job& operator*() const noexcept { return *job_; }
    [[nodiscard]] Job* operator->() const noexcept { return job_; }

private:
    Job* job_ = nullptr;
};

/// One open database.
///
/// Threads   every member may be called from any thread.
/// Lifetime  shared by database handles, leases and coroutines; when the last goes it closes by itself.
class engine {
public:
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    /// Queues the job. @returns false when it has ended already: it was cancelled before, or could not be queued (its error says
    /// why). After true nothing the awaiter owns may be touched.
    [[nodiscard]] virtual bool submit(job& work) noexcept = 0;
    /// Takes a queued job out and wakes its awaiter; interrupts a running one.
    virtual void cancel(job& work) noexcept = 0;
    /// The awaiter is going without having been woken. Afterwards it will not be.
    virtual void abandon(job& work) noexcept = 0;
    /// Ends a lease: the session rolls back what is open and serves everybody again.
    virtual void release(session& leased) noexcept = 0;
    /// Refuses new work, lets accepted work finish, closes. The task ends when the last thread has let its connection go.
    virtual task<> close() = 0;

    /// What messages call it.
    [[nodiscard]] virtual const std::string& name() const noexcept = 0;
    [[nodiscard]] virtual bool is_read_only() const noexcept = 0;

protected:
    engine() = default;
    ~engine() = default;
};

/// The exclusive use of one session.
class lease {
public:
    lease(std::shared_ptr<engine> of, session& leased) noexcept : engine_(std::move(of)), session_(&leased) {}
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease() { engine_->release(*session_); }

    [[nodiscard]] session& leased() const noexcept { return *session_; }

private:
    std::shared_ptr<engine> engine_;
    session* session_;
};

/// Where statements go: any session of an engine, or a leased one. Keeps both alive while a statement runs.
class target {
public:
    target() noexcept = default;
    explicit target(
        std::shared_ptr<engine> of, std::shared_ptr<lease> held = nullptr, bool inside_transaction = false) noexcept
        : engine_(std::move(of)), lease_(std::move(held)), inside_transaction_(inside_transaction) {}

    [[nodiscard]] const std::shared_ptr<engine>& database() const noexcept { return engine_; }
    [[nodiscard]] const std::shared_ptr<lease>& held() const noexcept { return lease_; }
    /// Tells `work` where it belongs.
    void address(job& work) const noexcept {
        work.only_on = lease_ != nullptr ? &lease_->leased() : nullptr;
        work.needs_transaction = inside_transaction_;
    }

private:
    std::shared_ptr<engine> engine_;
    std::shared_ptr<lease> lease_;
    bool inside_transaction_ = false;
};

/// `co_await job_operation(where, work, token)`: queues the job and waits for its end. Both must outlive it.
/// @throws the job's error; operation_canceled  when the token was first
class job_operation : weft::detail::cancellation_node {
public:
    using weft_native = void;

    job_operation(const target& where, job& work, const cancellation_token& token) noexcept;
    ~job_operation();
    job_operation(const job_operation&) = delete;
    job_operation& operator=(const job_operation&) = delete;

    [[nodiscard]] bool await_ready() const noexcept { return token_->is_cancellation_requested(); }
    bool await_suspend(std::coroutine_handle<> self) noexcept;
    void await_resume();

private:
    engine* engine_;
    job* job_;
    const cancellation_token* token_;
    bool waiting_ = false;
};

}  // namespace weft::inline WEFT_ABI::data::detail
