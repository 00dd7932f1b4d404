#pragma once
// <weft/coordination/detail/wait_queue.hpp>: the word and the line of waiters that every asynchronous primitive consists of.
//
// One atomic word holds what the primitive is about (permits, owner, count), whether somebody waits, and the lock of the line.
//
//   fast paths  change the word by one compare-exchange while neither `locked` nor `waiting` forbids it.
//   slow paths  lock_word() the word, change the line and a copy of the word, and unlock_word() with that copy. While `locked`
//               is set nobody else writes the word, so unlock_word() is a plain store; it is also the last touch of the
//               primitive, so a caller that sees the new word may destroy the primitive at once.
//
// A waiter is claimed by whoever takes it out of the line: a release, a cancellation, a timer or the end of the primitive, and
// all of them do that under the lock, in the same critical section in which the resource changes hands. Its state therefore
// leaves `queued` once, and a cancelled waiter is out of the line, in constant time, when cancel() returns. Nobody is resumed
// under the lock: the claimed ones are collected in a list and posted after it. When the claiming call returns, nothing but the
// destructor of a frame that never runs again refers to the primitive on their behalf.
//
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <utility>

#include "weft/context/cancellation.hpp"
#include "weft/coordination/detail/wait_line.hpp"
#include "weft/task/detail/timed_wait.hpp"

namespace weft::inline WEFT_ABI::detail {

class wait_queue;

/// One party in the line; lives in the awaiting frame.
struct waiter : cancellation_node {
    // In the tail of the base, which has four bytes to spare.
    wait_state state = wait_state::idle;
    std::uint8_t kind = 0;                     ///< what it wants, where a primitive has more than one answer
    bool has_timer = false;                    ///< set before it joins the line
    basic_timer_parting<std_atomics> parting;  ///< from a timer
    waiter* behind = nullptr;                  ///< the next in the line, or in a list of claimed ones
    waiter* ahead = nullptr;
    task_core* awaiter = nullptr;
    cancellation_token token;

    explicit waiter(cancellation_token with) noexcept : token(std::move(with)) {}

    /// To be called by the claimer, outside the lock: takes the token and the timer away, so that nothing refers to the line
    /// any more.
    /// @returns whether the caller has to resume the awaiter
    [[nodiscard]] bool settle() noexcept {
        leave_token();
        return !has_timer || settle_timer();
    }
    /// Whether shutdown is about to destroy the frame: nobody can resume it any more.
    [[nodiscard]] bool is_going() const noexcept { return live_tasks::is_going(*awaiter); }
    /// After it the token's callback is not running, except on this very stack.
    void leave_token() noexcept {
        if (owner == nullptr) return;
        remove_and_wait(*this);
        owner = nullptr;
    }

private:
    [[nodiscard]] bool settle_timer() noexcept;
};

/// A waiter with a limit.
struct timed_waiter : waiter, timer_node {
    explicit timed_waiter(cancellation_token with) noexcept : waiter(std::move(with)) {}
};

/// Who was claimed under the lock, to be resumed after it, in order.
class claimed_list {
public:
    void add(waiter& one) noexcept {
        one.behind = nullptr;
        (last_ == nullptr ? first_ : last_->behind) = &one;
        last_ = &one;
    }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] waiter* first() const noexcept { return first_; }
    void append(claimed_list&& more) noexcept {
        if (more.first_ == nullptr) return;
        (last_ == nullptr ? first_ : last_->behind) = more.first_;
        last_ = more.last_;
        more.first_ = more.last_ = nullptr;
    }
    /// Posts every one of them to where it waits from.
    void resume_all() noexcept {
        if (first_ != nullptr) resume_each();
    }

private:
    void resume_each() noexcept;

    waiter* first_ = nullptr;
    waiter* last_ = nullptr;
};

class wait_queue : public basic_wait_line<waiter, std_atomics> {
public:
    explicit wait_queue(word initial) noexcept : basic_wait_line(initial) {}
    /// Who still waits gets object_disposed. A token or a timer that ends a wait at this very moment is a use of the primitive,
    /// which the caller has to exclude, as any other.
    ~wait_queue() {
        if (somebody_waits()) dispose_line();
    }

    /// Everybody in the line gets object_disposed. Takes the lock itself.
    void dispose_line() noexcept;
};

/// Called under the lock when a waiter has left the line without the resource: changes the word and claims those whom it held
/// up.
using left_function = void (*)(wait_queue& line, wait_queue::word& now, waiter& who, claimed_list& woken) noexcept;

/// The end of a wait by its token or its timer, called by either.
void end_by_token(waiter& who, wait_queue& line, left_function left) noexcept;
void end_by_timer(timed_waiter& who, wait_queue& line, left_function left) noexcept;
/// For a frame that is destroyed while it waits: leaves the line. @returns true when it had the resource already
[[nodiscard]] bool abandon_wait(waiter& who, wait_queue& line, left_function left) noexcept;
/// Throws what a wait that was not granted throws, in the name of its primitive; returns when the limit passed.
void throw_if_ended(const waiter& who, const char* primitive);

}  // namespace weft::inline WEFT_ABI::detail
