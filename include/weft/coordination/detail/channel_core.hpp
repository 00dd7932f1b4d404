#pragma once
// <weft/coordination/detail/channel_core.hpp>: what a channel is apart from its items: who waits for what, and how it ends.
//
// Everything is under one lock. Whoever waits stands in one of four lines, in its own frame. A waiter is claimed by taking it out of
// its line, under the lock, in the same section in which its item changes hands: by a reader or writer it meets, by the end of the
// channel, or by its token. Its state therefore leaves `queued` once, a claimed one keeps what it was given although its token fires
// afterwards, and a cancelled one is out of the line, in constant time, when cancel() returns. Nobody is resumed under the lock.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>

#include "weft/base/spin_lock.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/coordination/detail/select_race.hpp"
#include "weft/task/detail/task_core.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::detail {

class channel_core;
class channel_line;

/// What has become of a waiter. Written under the channel's lock, or before anybody else knows the waiter.
enum class channel_wait : std::uint8_t {
    idle,      ///< not in a line, and nothing has happened
    queued,    ///< in a line
    served,    ///< it read, its item was taken, or what it watched for is so
    closed,    ///< the channel ended first
    canceled,  ///< its token fired first
    over       ///< the awaiter has its answer
};

/// One party; lives in the awaiting frame.
struct channel_waiter : cancellation_node {
    channel_wait state = channel_wait::idle;
    bool is_reader = false;        ///< may go on inside a write where the channel allows that
    channel_line* line = nullptr;  ///< that it stands in
    channel_waiter* behind = nullptr;
    channel_waiter* ahead = nullptr;
    channel_core* channel;
    task_core* awaiter = nullptr;
    select_race* race = nullptr;  ///< of a select(); null for the others
    cancellation_token token;

    channel_waiter(channel_core* of, cancellation_token with) noexcept : channel(of), token(std::move(with)) {}

    // What a wait keeps alive, from its start to its end.
    void hold() const noexcept;
    void let_go() const noexcept;
};

/// First in, first out. Under the channel's lock.
class channel_line {
public:
    void push_back(channel_waiter& one) noexcept;
    void remove(channel_waiter& one) noexcept;
    /// The first that is still to be had; a select() that something else has won only leaves the line. Null: nobody waits.
    [[nodiscard]] channel_waiter* claim() noexcept;
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

private:
    channel_waiter* first_ = nullptr;
    channel_waiter* last_ = nullptr;
};

/// Who was claimed under the lock, to be resumed after it, in order.
class claimed_waiters {
public:
    void add(channel_waiter& one, channel_wait state) noexcept {
        one.state = state;
        one.behind = nullptr;
        (last_ == nullptr ? first_ : last_->behind) = &one;
        last_ = &one;
    }
    void add_all(channel_line& line, channel_wait state) noexcept {
        while (channel_waiter* each = line.claim()) add(*each, state);
    }
    /// @param inline_readers  readers without a token may go on inside this call (1.17/10)
    void resume_all(bool inline_readers) noexcept {
        if (first_ != nullptr) resume_each(inline_readers);
    }

private:
    void resume_each(bool inline_readers) noexcept;

    channel_waiter* first_ = nullptr;
    channel_waiter* last_ = nullptr;
};

/// What an attempt under the lock found.
enum class channel_answer : std::uint8_t { done, must_wait, closed };

class channel_core {
public:
    channel_core(const channel_core&) = delete;
    channel_core& operator=(const channel_core&) = delete;

    void add_ref() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }  // the caller has one already
    void release() noexcept {
        // Release orders the uses before the end; the acquire half lets the last user see those of all others.
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// @returns false when it was complete before
    bool try_complete(std::exception_ptr error);
    void complete(std::exception_ptr error);
    [[nodiscard]] const task<>& completion() const noexcept { return completion_task_; }

    /// Throws what a read or write meets at the end: channel_closed, or the error itself when that is a cancellation.
    [[noreturn]] void throw_closed(bool reading) { throw_closed(reading, error_); }
    [[noreturn]] static void throw_closed(bool reading, const std::exception_ptr& error);
    /// wait_to_read() and wait_to_write() at the end. @returns false, or throws the error
    [[nodiscard]] bool watched_closed() { return watched_closed(error_); }
    [[nodiscard]] static bool watched_closed(const std::exception_ptr& error);

    /// The waiter's part of start(): registers the token. @returns false when it fired
    [[nodiscard]] static bool listen(channel_waiter& who) noexcept;
    [[nodiscard]] spin_lock& line_lock() noexcept { return lock_; }
    /// Leaves the line, whatever happened, and the token. After it nobody else knows the waiter.
    static void leave(channel_waiter& who) noexcept;
    /// Notes the outcome of an attempt. @returns false: it has to wait
    [[nodiscard]] static bool settled(channel_waiter& who, channel_answer found) noexcept {
        if (found == channel_answer::must_wait) return false;
        who.state = found == channel_answer::done ? channel_wait::served : channel_wait::closed;
        return true;
    }
    /// The end of an await: throws for a token that fired.
    static void throw_if_canceled(const channel_waiter& who);

protected:
    explicit channel_core(bool synchronous);
    virtual ~channel_core() = default;

    /// Under the lock. Whether items are left for readers.
    [[nodiscard]] virtual bool has_items() const noexcept = 0;
    /// Under the lock, at the end: everybody who waits to read, and who therefore has read everything.
    virtual void claim_readers(claimed_waiters& ended) noexcept;
    static void stand_in(channel_line& line, channel_waiter& who) noexcept {
        who.state = channel_wait::queued;
        line.push_back(who);
    }
    /// To be called under the lock when an item went. @returns whether the caller has to call finish() after it
    [[nodiscard]] bool is_drained() const noexcept { return closed_ && !has_items(); }
    /// Outside the lock, once: ends completion().
    void finish();
    friend class select_part;

    spin_lock lock_;  // sections move an item, and now and then let the buffer grow
    channel_line readers_;
    channel_line writers_;
    channel_line read_watchers_;
    channel_line write_watchers_;
    bool closed_ = false;
    const bool synchronous_;
    std::exception_ptr error_;

private:
    static void on_cancel(cancellation_node& node);

    std::atomic<std::uint32_t> references_{1};
    task_completion_source<> completion_;
    task<> completion_task_;
};

inline void channel_waiter::hold() const noexcept { channel->add_ref(); }
inline void channel_waiter::let_go() const noexcept { channel->release(); }

/// A counted reference.
template <class Core>
class channel_ref {
public:
    channel_ref() noexcept = default;
    explicit channel_ref(Core* adopted) noexcept : core_(adopted) {}
    channel_ref(const channel_ref& other) noexcept : core_(other.core_) {
        if (core_ != nullptr) core_->add_ref();
    }
    channel_ref(channel_ref&& other) noexcept : core_(std::exchange(other.core_, nullptr)) {}
    channel_ref& operator=(channel_ref other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~channel_ref() {
        if (core_ != nullptr) core_->release();
    }
    [[nodiscard]] Core* get() const noexcept { return core_; }
    [[nodiscard]] Core* operator->() const noexcept { return core_; }

private:
    Core* core_ = nullptr;
};

}  // namespace weft::inline WEFT_ABI::detail
