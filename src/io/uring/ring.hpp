#pragma once
// src/io/uring/ring.hpp: one owner's io_uring: its two queues, each under a lock that is only ever tried, and its mailbox.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include <liburing.h>

#include "io/mailbox.hpp"
#include "io/sleep_state.hpp"
#include "io/uring/held_answers.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/io/io_operation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What a ring must know of the driver's shutdown.
struct shutdown_note {
    bool stopping = false;         ///< operations that start now are canceled
    std::uint32_t generation = 0;  ///< another number than last time: cancel everything in flight, once
};

/// A ring in cooperative mode, or the default one where the kernel does not know that. The life of an operation on it:
///
///   submit   entry in the submission queue (under submission_), or in the mailbox when that is taken or the caller owns no ring
///   drain    mailbox to submission queue, by the owner, or by another permanent thread when the owner is busy
///   enter    the kernel gets the entries; it answers in the completion queue, in any order
///   reap     whoever gets completion_ copies the answers out, lets go of the lock, and completes the operations
///   cancel   goes through the mailbox too, so that it never overtakes the entry it is about; the operation ends when both the
///            entry and the request to cancel have been answered, and only then may its memory be used for something else
///
/// Cooperative: what the kernel has still to do for an answer (read from the socket, write the answer down) it does when the thread
/// that submitted next enters it, for whatever reason, or is interrupted. So an owner that computes is interrupted by the monitor
/// (driver::monitor_tick()). Measured: docs/decisions/0010.
///
/// The owner holds both locks while it sleeps: nobody else can take the answer, or the wake-up, it sleeps for.
class ring {
public:
    ring() = default;
    ~ring();
    ring(const ring&) = delete;
    ring& operator=(const ring&) = delete;

    /// @throws io_error
    void open();
    void close() noexcept;

    /// Puts `operation` into the submission queue if that can be done at once, else into the mailbox. Permanent threads only.
    /// @returns false when it was canceled before: result is set
    [[nodiscard]] bool start(io_operation& operation) noexcept;
    /// Hands `operation`, new or to be canceled, to whoever next drains. Any thread; a sleeping owner must be woken after it.
    void mail(io_operation& operation) noexcept { mailbox_.push(operation); }

    /// Submits what is prepared and sleeps until an answer, a wake-up or the deadline. The owner only.
    bool sleep(time_point deadline, const shutdown_note& note) noexcept;
    /// Submits what is prepared, if nobody else is at it. Permanent threads only.
    bool flush(const shutdown_note& note) noexcept;
    /// Completes what the kernel has answered, if nobody else is at it. @returns whether anything was completed
    bool reap() noexcept;
    /// The same for the owner, who first lets the kernel finish what waits for him to come.
    bool reap_own() noexcept;
    /// Ends the owner's present or next sleep. Any thread.
    void wake() noexcept;

    [[nodiscard]] bool is_asleep() const noexcept { return sleep_state_.is_asleep(); }
    /// Whether entries wait for the kernel.
    [[nodiscard]] bool has_prepared() const noexcept { return prepared_.load(std::memory_order_relaxed) != 0; }
    /// Whether entries or letters do.
    [[nodiscard]] bool has_unsubmitted() const noexcept { return has_prepared() || !mailbox_.empty(); }
    /// Grows with every submission: tells the monitor whether what is waiting now was waiting a tick ago.
    [[nodiscard]] std::uint32_t submissions() const noexcept { return submissions_.load(std::memory_order_relaxed); }
    [[nodiscard]] bool has_answers() const noexcept;
    /// Whether the kernel has something to finish as soon as the submitting thread enters it.
    [[nodiscard]] bool has_unfinished() const noexcept;

    /// Operations handed in and not completed. @returns the number before
    std::int64_t count_in() noexcept { return in_flight_.fetch_add(1, std::memory_order_seq_cst); }
    void count_out() noexcept { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
    [[nodiscard]] std::int64_t in_flight() const noexcept { return in_flight_.load(std::memory_order_seq_cst); }

    std::uint32_t seen_submissions = 0;  ///< the monitor's note of the last tick

private:
    static constexpr unsigned batch = 64;  // answers copied out at a time

    struct answer {
        std::uint64_t user;
        int result;
        bool has_more;  ///< the socket had more to take
    };

    [[nodiscard]] io_uring_sqe* take_entry() noexcept;
    [[nodiscard]] bool issue(io_operation& operation, operation_list& ended) noexcept;
    [[nodiscard]] bool issue_cancel(io_operation& operation, operation_list& ended) noexcept;
    [[nodiscard]] bool drain(operation_list& ended, bool refuse) noexcept;
    void sweep(std::uint32_t generation) noexcept;
    [[nodiscard]] bool arm_wake_up() noexcept;
    [[nodiscard]] unsigned publish_entries() noexcept;
    void enter(unsigned submit, unsigned wait, const time_point* deadline) noexcept;
    [[nodiscard]] unsigned copy_answers(answer* into) noexcept;
    void take_in(const answer* answers, unsigned count, operation_list& ended) noexcept;
    void handle(const answer& what, operation_list& ended) noexcept;
    [[nodiscard]] bool try_again(io_operation& operation, bool when_ready) noexcept;
    void settle(io_operation& operation, int result, operation_list& ended) noexcept;
    bool finish(operation_list& ended) noexcept;
    [[nodiscard]] bool tell() noexcept;

    // Under submission_: the queue of entries. Under completion_: the queue of answers.
    std::mutex submission_;
    std::mutex completion_;
    io_uring uring_{};
    bool open_ = false;
    bool polls_first_ = false;  // an accept can be told to wait before it looks
    // Atomic, relaxed: a thread that has left work for the runtime's last moments may still be on its way to wake() when close() comes.
    // What it does then nobody needs.
    std::atomic<bool> takes_messages_{false};  // without a ring of the sender's own; set by open()
    std::atomic<int> wake_fd_{-1};
    bool wake_armed_ = false;  // changed under both locks or completion_ alone, read under both
    std::uint32_t swept_ = 0;

    held_answers<answer> held_;

    mailbox mailbox_;
    sleep_state sleep_state_;
    std::atomic<std::uint32_t> prepared_{0};
    std::atomic<std::uint32_t> submissions_{0};
    std::atomic<std::int64_t> in_flight_{0};
};

}  // namespace weft::inline WEFT_ABI::detail
