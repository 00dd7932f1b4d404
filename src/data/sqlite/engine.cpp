// The life of a job, all of it under one lock but for the run itself:
//
//   fresh     made by a coroutine; a cancel that comes now makes it canceled, and submit() refuses it
//   queued    in the shared line, or in the line of the session that a lease names; a cancel takes it out: canceled
//   running   on a session's thread; a cancel sets the flag that SQLite looks at and interrupts it
//   finished  with a result or an error; a cancel comes too late. Or canceled, when the interrupt ended it
//
// A session's thread sleeps while it has no turn. Whoever queues a job that no session is about to look for gives a turn to one that
// has none (`active`), and makes a session when every one is active or leased and more are allowed. A session with a turn goes on until no job is left for
// it, so a job in the shared line always has somebody who will take it, unless all sessions are leased: then the end of a lease
// gives the turn.
//
// Closing: nothing new is accepted, each session gets a last turn, in which it finishes what is queued, and closes.
//
// SPDX-License-Identifier: MIT

#include "data/sqlite/engine.hpp"

#include <thread>
#include <utility>

#include "data/sqlite/engine_impl.hpp"
#include "weft/base/error.hpp"
#include "weft/base/spin_lock.hpp"
#include "weft/base/thread_block.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/task/detail/awaiter.hpp"

namespace weft::inline WEFT_ABI::data::detail {

// ---- queueing

job_list& sqlite_engine::line_of(job& work) noexcept {
    return work.only_on != nullptr ? static_cast<sqlite_session*>(work.only_on)->own : shared;
}

bool sqlite_engine::submit(job& work) noexcept {
    // The coroutine, and with it the last handle, may be gone before this returns.
    const std::shared_ptr<sqlite_engine> self = shared_from_this();
    try {
        return queue(work);
    } catch (...) {
        work.error = std::current_exception();
        work.stage = job::phase::finished;
        return false;
    }
}

bool sqlite_engine::queue(job& work) {
    const std::lock_guard lock(mutex);
    if (work.stage == job::phase::canceled) return false;
    if (closing) throw object_disposed(location.name);
    if (work.only_on != nullptr) activate(*static_cast<sqlite_session*>(work.only_on));
    else activate_one_for_shared();
    line_of(work).push(work);
    work.stage = job::phase::queued;
    work.retain();
    return true;
}

void sqlite_engine::activate(sqlite_session& one) noexcept {
    if (one.active || one.ended) return;
    one.active = true;
    one.post_turn(shared_from_this());
}

void sqlite_engine::activate_one_for_shared() {
    std::size_t at_hand = 0;  // sessions that will look into the shared line next
    for (const auto& one : sessions_) {
        if (one->active && !one->leased && one->current == nullptr) ++at_hand;
    }
    if (shared.size() < at_hand) return;
    for (const auto& one : sessions_) {
        if (!one->active && !one->leased) return activate(*one);
    }
    if (sessions_.size() == location.options.max_connections) return;
    try {
        sessions_.push_back(std::make_unique<sqlite_session>(*this, sessions_.size()));
    } catch (...) {
        if (sessions_.empty()) throw;
        return;  // one more would be faster, but those that are there will do
    }
    ++open_sessions_;
    has_threads_ = has_threads_ || sessions_.back()->has_thread();
    activate(*sessions_.back());
}

// ---- ending

void sqlite_engine::finish(job& work, job::phase how) noexcept {
    weft::detail::task_core* awaiter = nullptr;
    {
        const std::lock_guard lock(mutex);
        work.stage = how;
        awaiter = work.awaiter;
        work.delivering.store(awaiter != nullptr, std::memory_order_relaxed);
    }
    if (awaiter != nullptr) {
        weft::detail::resume_awaiter(*awaiter);
        // Pairs with abandon(): when it sees this, we no longer look at the frame.
        work.delivering.store(false, std::memory_order_release);
    }
    work.release();
}

void sqlite_engine::cancel(job& work) noexcept {
    {
        const std::lock_guard lock(mutex);
        if (work.stage == job::phase::fresh) work.stage = job::phase::canceled;
        if (work.stage == job::phase::running) {
            work.cancel_requested.store(true, std::memory_order_relaxed);
            for (const auto& one : sessions_) {
                if (one->current == &work) one->interrupt();
            }
        }
        if (work.stage != job::phase::queued) return;
        line_of(work).remove(work);
        work.stage = job::phase::canceled;
    }
    finish(work, job::phase::canceled);
}

void sqlite_engine::abandon(job& work) noexcept {
    {
        const std::lock_guard lock(mutex);
        work.awaiter = nullptr;
    }
    cancel(work);
    while (work.delivering.load(std::memory_order_acquire)) std::this_thread::yield();
}

void sqlite_engine::release(session& leased) noexcept {
    const std::lock_guard lock(mutex);
    if (closing) return;  // that has ended the lease, and the session may be gone
    auto& one = static_cast<sqlite_session&>(leased);
    one.releasing = true;
    activate(one);
}

// ---- closing

void sqlite_engine::begin_close() noexcept {
    const std::lock_guard lock(mutex);
    if (std::exchange(closing, true)) return;
    for (const auto& one : sessions_) activate(*one);
    if (sessions_.empty()) closed_.set_result();
}

void sqlite_engine::session_ended() noexcept {
    if (--open_sessions_ > 0) return;
    all_ended_.notify_all();
    closed_.set_result();
}

task<> sqlite_engine::close() {
    begin_close();
    return finish_close(shared_from_this());
}

task<> sqlite_engine::finish_close(std::shared_ptr<sqlite_engine> self) {
    co_await self->closed_.task().configure_await(false);
    self->end_threads();
}

void sqlite_engine::end_threads() noexcept {
    // They have nothing left to do, so this waits no longer than a thread takes to end.
    std::vector<std::unique_ptr<sqlite_session>> sessions;
    const std::lock_guard lock(mutex);
    sessions.swap(sessions_);
}

void sqlite_engine::let_go() noexcept {
    begin_close();
    // A thread of a runtime must not block, so the sessions end by themselves. Any other one waits, so that a program's end finds
    // every file closed.
    const weft::detail::thread_block& block = weft::detail::this_thread_block();
    if (block.home != nullptr || block.sync != nullptr) return;
    if (!has_threads_) return;
    {
        std::unique_lock lock(mutex);
        all_ended_.wait(lock, [&] { return open_sessions_ == 0; });
    }
    end_threads();
}

namespace {

// What handles share: when it goes, nobody can use the engine any more, but its sessions may still be at work.
class engine_owner {
public:
    explicit engine_owner(std::shared_ptr<sqlite_engine> of) noexcept : engine_(std::move(of)) {}
    engine_owner(const engine_owner&) = delete;
    engine_owner& operator=(const engine_owner&) = delete;
    ~engine_owner() { engine_->let_go(); }

private:
    std::shared_ptr<sqlite_engine> engine_;
};

}  // namespace

std::shared_ptr<engine> make_sqlite_engine(sqlite_location location) {
    auto made = std::make_shared<sqlite_engine>(std::move(location));
    auto owner = std::make_shared<engine_owner>(made);
    return std::shared_ptr<engine>(std::move(owner), made.get());
}

}  // namespace weft::inline WEFT_ABI::data::detail
