#pragma once
// <weft/io/detail/descriptor_state.hpp>: an open descriptor, the driver it belongs to, and how many operations use it.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/io/io_driver.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {

struct task_core;

/// The driver of the runtime the calling thread works for.
/// @throws invalid_operation  when that runtime was made without I/O, or there is none and nobody gave a driver
[[nodiscard]] io_driver& current_io_driver();

/// What a file or socket object points to; it moves without disturbing operations in flight, which point here.
///
/// Closing: mark (no operation enters any more), make the pending ones end, wait until the last has left, close. An object that
/// is destroyed with operations pending leaves the state to the last of them.
class descriptor_state {
public:
    descriptor_state(io_driver& driver, int fd) noexcept : driver_(&driver), fd_(fd) {}
    descriptor_state(const descriptor_state&) = delete;
    descriptor_state& operator=(const descriptor_state&) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] io_driver& driver() const noexcept { return *driver_; }

    /// An operation begins. @returns false when the descriptor is closed or closing
    [[nodiscard]] bool enter() noexcept {
        std::uint32_t seen = users_.load(std::memory_order_relaxed);
        do {
            if ((seen & closing) != 0) [[unlikely]]
                return false;
        } while (!users_.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
        return true;
    }
    /// The operation is over; the state may be gone afterwards.
    void leave() noexcept {
        const std::uint32_t before = users_.fetch_sub(1, std::memory_order_acq_rel);
        if ((before & closing) != 0) [[unlikely]]
            left_while_closing(before);
    }
    [[nodiscard]] bool is_closing() const noexcept { return (users_.load(std::memory_order_acquire) & closing) != 0; }

    /// Closes the descriptor, once every operation on it has ended. Later calls do nothing.
    [[nodiscard]] task<> close();
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
    // Marks beside the count in users_: close() or abandon() was called; nobody holds the object any more; close() sleeps.
    static constexpr std::uint32_t closing = 0x20000000;
    static constexpr std::uint32_t abandoned = 0x40000000;
    static constexpr std::uint32_t sleeping = 0x80000000;
    static constexpr std::uint32_t count = closing - 1;

    WEFT_NOINLINE void left_while_closing(std::uint32_t before) noexcept;
    void close_now() noexcept;

    io_driver* driver_;
    int fd_;
    std::atomic<std::uint32_t> users_{0};  // operations, close() among them, and the marks
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
    [[nodiscard]] task<> close();

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
