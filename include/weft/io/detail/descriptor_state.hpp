#pragma once
// <weft/io/detail/descriptor_state.hpp>: an open descriptor, the driver it belongs to, and how many operations use it.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <string>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/io/detail/use_count.hpp"
#include "weft/io/io_driver.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {

struct task_core;
/// Lets what works on two objects at once see their states.
struct descriptor_access;

/// The driver of the runtime the calling thread works for.
/// @throws invalid_operation  when that runtime was made without I/O, or there is none and nobody gave a driver
[[nodiscard]] io_driver& current_io_driver();

/// What a file or socket object points to; it moves without disturbing operations in flight, which point here.
///
/// Closing: mark (no operation enters any more), make the pending ones end, wait until the last has left, close. An object that
/// is destroyed with operations pending leaves the state to the last of them.
class descriptor_state {
public:
    /// What close() does with an error of the kernel's: only of files does it tell that something was lost.
    enum class close_errors : bool { ignored, thrown };

    descriptor_state(io_driver& driver, int fd) noexcept : driver_(&driver), fd_(fd) {}
    descriptor_state(const descriptor_state&) = delete;
    descriptor_state& operator=(const descriptor_state&) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] io_driver& driver() const noexcept { return *driver_; }

    /// An operation begins. @returns false when the descriptor is closed or closing
    [[nodiscard]] bool enter() noexcept { return users_.enter(); }
    /// The operation is over; the state may be gone afterwards.
    void leave() noexcept {
        const use_count::duty duty = users_.leave();
        if (duty != use_count::duty::none) [[unlikely]]
            left_as_last(duty);
    }
    [[nodiscard]] bool is_closing() const noexcept { return users_.is_closing(); }

    /// What the last receive or accept left. Relaxed: a hint.
    [[nodiscard]] io_operation::supply left() const noexcept { return left_.load(std::memory_order_relaxed); }
    void note_left(io_operation::supply what) noexcept {
        if (what != left()) left_.store(what, std::memory_order_relaxed);
    }

    /// Closes the descriptor, once every operation on it has ended. Later calls do nothing.
    /// @throws io_error  if asked to: "close '/tmp/x' failed: ..."; it is closed all the same
    [[nodiscard]] task<> close(close_errors errors = close_errors::ignored);
    /// The object that holds this goes: closes now or, with operations pending, when the last has left.
    void abandon() noexcept;

    /// "tcp_stream": what object_disposed names.
    [[nodiscard]] virtual const char* kind() const noexcept = 0;
    /// The path or peer, for messages.
    [[nodiscard]] virtual std::string name() const = 0;

protected:
    virtual ~descriptor_state() = default;
    /// The descriptor of a state that was made before it was opened.
    void adopt(int fd) noexcept { fd_ = fd; }
    /// Makes the operations that wait for others (a peer) end soon. Files have none.
    virtual void interrupt() noexcept {}
    /// Whether a plain close() is as good as an asynchronous one.
    [[nodiscard]] virtual bool closes_quickly() const noexcept { return true; }

private:
    friend class idle_wait;
    friend class close_wait;
    WEFT_NOINLINE void left_as_last(use_count::duty duty) noexcept;
    void close_now() noexcept;

    io_driver* driver_;
    int fd_;
    use_count users_;
    std::atomic<io_operation::supply> left_{io_operation::supply::unknown};
    task_core* closer_ = nullptr;
};

/// Owns a descriptor_state the way an object owns its descriptor.
class descriptor_owner {
public:
    explicit descriptor_owner(descriptor_state* state = nullptr) noexcept : state_(state) {}
    descriptor_owner(descriptor_owner&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    descriptor_owner& operator=(descriptor_owner&& other) noexcept {
        descriptor_owner(std::move(other)).swap(*this);
        return *this;
    }
    ~descriptor_owner() {
        if (state_ != nullptr) state_->abandon();
    }
    void swap(descriptor_owner& other) noexcept { std::swap(state_, other.state_); }
    [[nodiscard]] descriptor_state* get() const noexcept { return state_; }
    [[nodiscard]] bool is_open() const noexcept { return state_ != nullptr && !state_->is_closing(); }
    /// descriptor_state::close(), at once for an empty owner.
    [[nodiscard]] task<> close(descriptor_state::close_errors errors = descriptor_state::close_errors::ignored);

private:
    descriptor_state* state_;
};

/// Keeps a descriptor_state alive, and its close() waiting, through a scope.
class descriptor_use {
public:
    /// @throws object_disposed  when it is closed
    explicit descriptor_use(descriptor_state& state);
    ~descriptor_use() { state_->leave(); }
    descriptor_use(const descriptor_use&) = delete;
    descriptor_use& operator=(const descriptor_use&) = delete;

private:
    descriptor_state* state_;
};

}  // namespace weft::inline WEFT_ABI::detail
