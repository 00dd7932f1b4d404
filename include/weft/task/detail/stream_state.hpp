#pragma once
// <weft/task/detail/stream_state.hpp>: how a producer and its one consumer hand an asynchronous stream to and fro.
//
// A stream's frame stands behind a task_core like every coroutine's, so awaits in it work as anywhere. Its consumer runs it in
// segments: from one co_yield to the next. A segment begins on the consumer's thread, as a call of an asynchronous function
// does, and gives the thread its contexts back when it suspends (1.6/9). If it comes to its co_yield without suspending, no
// atomic operation is made. If it suspends, producer and consumer meet in `meeting_`: the later of the two goes on.
//
// SPDX-License-Identifier: MIT

#include <coroutine>
#include <exception>
#include <utility>

#include "weft/context/cancellation.hpp"
#include "weft/task/detail/meeting.hpp"
#include "weft/task/detail/promise.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Thrown at the co_yield of a stream that is being disposed of, so that what the body has open is closed. Not a std::exception:
/// a handler that means errors must not catch it.
struct stream_closed {};

/// The part of a stream's promise that does not depend on the item.
class stream_state {
public:
    explicit stream_state(task_core& core) noexcept : core_(core) {}
    ~stream_state() { core_.set_flag(flag_cold); }  // the handle must not destroy the frame again
    stream_state(const stream_state&) = delete;
    stream_state& operator=(const stream_state&) = delete;

    // ---- the consumer's side

    /// Runs the producer to its next co_yield or its end. @returns false when it has suspended on the way
    /// @throws invalid_operation  when it runs already (1.15/8)
    [[nodiscard]] bool run_segment(const char* what);
    /// The consumer has suspended. @returns false when the producer has arrived meanwhile: go on in place
    [[nodiscard]] bool meet(task_core& consumer) noexcept;
    /// To be called by a consumer that goes on: the segment is over. Throws, once, what ended the stream.
    void arrive();
    [[nodiscard]] bool has_ended() const noexcept { return ended_; }
    /// From now on the producer gets stream_closed at its co_yield.
    void close() noexcept { closing_ = true; }
    [[nodiscard]] bool is_closing() const noexcept { return closing_; }
    [[nodiscard]] bool has_started() const noexcept { return started_; }
    [[nodiscard]] bool is_running() const noexcept { return running_; }
    /// The handle goes while the producer closes. @returns whether the producer has ended, so that its frame is the caller's
    [[nodiscard]] bool leave_to_itself() noexcept { return meeting_.leave(); }

    cancellation_token token;

    // ---- the producer's side

    /// Ends a segment at a co_yield, or for good. Afterwards nothing of the frame may be touched.
    void end_segment(bool for_good) noexcept;
    void note_failure() noexcept;
    [[nodiscard]] task_core& core() noexcept { return core_; }

private:
    task_core& core_;
    basic_meeting<task_core, std_atomics> meeting_;
    bool* synchronous_ = nullptr;  ///< where a segment that did not suspend says so
    std::exception_ptr error_;
    bool started_ = false;
    bool running_ = false;
    bool closing_ = false;
    bool ended_ = false;
};

}  // namespace weft::inline WEFT_ABI::detail
