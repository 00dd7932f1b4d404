// SPDX-License-Identifier: MIT

#include "data/sqlite/session.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <utility>

#include "data/sqlite/engine_impl.hpp"
#include "data/sqlite/failure.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::data::detail {

namespace {
constinit std::atomic<std::size_t> session_threads{0};
}

std::size_t session_thread_count() noexcept { return session_threads.load(std::memory_order_relaxed); }

sqlite_session::sqlite_session(sqlite_engine& owner, std::size_t index)
    : owner_(owner),
      handle_(owner.location, *this),
      thread_("weft-sqlite-" + std::to_string(index)),
      has_thread_(weft::detail::current_dispatcher().owner() != nullptr) {
    if (has_thread_) session_threads.fetch_add(1, std::memory_order_relaxed);
}

sqlite_session::~sqlite_session() {
    if (has_thread_) session_threads.fetch_sub(1, std::memory_order_relaxed);
}

void sqlite_session::lease() {
    const std::lock_guard lock(owner_.mutex);
    if (owner_.closing) throw object_disposed(owner_.name());
    leased = true;
}

void sqlite_session::work() noexcept {
    std::unique_lock lock(owner_.mutex);
    while (job* next = take(lock)) {
        next->stage = job::phase::running;
        current = next;
        lock.unlock();
        const job::phase how = perform(*next);
        lock.lock();
        current = nullptr;
        lock.unlock();
        owner_.finish(*next, how);
        lock.lock();
    }
    active = false;
    if (!owner_.closing || ended) return;
    lock.unlock();
    handle_.close();
    lock.lock();
    ended = true;
    owner_.session_ended();
}

job* sqlite_session::take(std::unique_lock<std::mutex>& lock) noexcept {
    for (;;) {
        if (job* next = own.pop()) return next;
        if (!leased) return owner_.shared.pop();
        if (!releasing && !owner_.closing) return nullptr;
        // Nothing names this session any more, or will: the lease is over, or nothing new is accepted.
        lock.unlock();
        handle_.roll_back();
        lock.lock();
        leased = releasing = false;
    }
}

void sqlite_session::post_turn(std::shared_ptr<sqlite_engine> keep) {
    thread_.post([keep = std::move(keep), this] { work(); });
}

job::phase sqlite_session::perform(job& work) noexcept {
    job::phase how = job::phase::finished;
    try {
        handle_.open();
        check_transaction_before(work);
        work.run(*this);
        check_transaction_after();
        return how;
    } catch (const interrupted&) {
        how = job::phase::canceled;
    } catch (...) {
        work.error = std::current_exception();
    }
    if (!leased) handle_.roll_back();
    return how;
}

void sqlite_session::check_transaction_before(const job& work) const {
    // Without this the statement would quietly take effect on its own.
    if (work.needs_transaction && !in_transaction())
        throw database_error("the transaction is over: the database has rolled it back after an error or a cancellation",
            error_kind::transaction);
}

void sqlite_session::check_transaction_after() {
    if (leased || !in_transaction()) return;
    handle_.roll_back();
    throw database_error(
        "a statement began a transaction and left it open, so it was rolled back: use begin_transaction(), which "
        "keeps the connection, or connect()",
        error_kind::transaction);
}

void sqlite_session::interrupt() noexcept {
    if (published_ != nullptr) sqlite3_interrupt(published_);
    canceled_.notify_all();
}

void sqlite_session::pause(std::chrono::milliseconds limit) noexcept {
    std::unique_lock lock(owner_.mutex);
    canceled_.wait_for(lock, limit, [&] { return is_canceled(); });
}

void sqlite_session::publish(sqlite3* db) noexcept {
    const std::lock_guard lock(owner_.mutex);
    published_ = db;
}

}  // namespace weft::inline WEFT_ABI::data::detail
