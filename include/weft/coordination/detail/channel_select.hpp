#pragma once
// <weft/coordination/detail/channel_select.hpp>: waiting for several channels at once, and being served by exactly one.
//
// All channels of a select are locked together, in the order of their addresses, while it looks for one that is ready and, when none is,
// stands in line at each. So nobody can serve it while it serves itself. Afterwards whoever takes it out of a line, under that
// channel's lock, wins its race by one exchange, and the others, who find it lost, drop it from theirs.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "weft/coordination/detail/channel_state.hpp"
#include "weft/task/operation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// One channel of a select, in one role.
class select_part {
public:
    select_part(const select_part&) = delete;
    select_part& operator=(const select_part&) = delete;

    /// Without waiting. @returns whether this part is the one
    [[nodiscard]] virtual bool attempt() = 0;

    // Under the locks of all parts.
    [[nodiscard]] virtual bool attempt_locked(claimed_waiters& woken) = 0;
    virtual void line_up(claimed_waiters& woken) = 0;
    /// After them: what attempt_locked() left to do.
    virtual void after_attempt() = 0;

    [[nodiscard]] virtual channel_waiter& party() noexcept = 0;

protected:
    select_part() = default;
    ~select_part() = default;
    static void finish(channel_core& channel) { channel.finish(); }
};

/// `co_await channel_select(parts, token)`: the index of the part that was served, which has its result. Lives in the frame of a
/// coroutine that owns the parts, and with them the channels.
class channel_select : public operation<channel_select, std::size_t>, cancellation_node {
public:
    struct parameters {
        std::span<select_part* const> parts;
        cancellation_token token;
        parameters(std::span<select_part* const> several, cancellation_token with) noexcept
            : parts(several), token(std::move(with)) {}
    };
    explicit channel_select(parameters of) noexcept : parts_(of.parts), token_(std::move(of.token)) {}
    ~channel_select() {
        if (awaiter_ != nullptr && !over_) leave();
    }
    [[nodiscard]] parameters take_parameters() { return parameters(parts_, std::move(token_)); }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool start(task_core& awaiter);
    std::size_t await_resume();

private:
    static void on_cancel(cancellation_node& node);
    void leave() noexcept;

    std::span<select_part* const> parts_;
    cancellation_token token_;
    task_core* awaiter_ = nullptr;
    select_race race_;
    std::size_t chosen_ = none;  ///< by start(); a part that others served says so itself
    bool over_ = false;
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
};

template <class T>
class select_reading : public select_part {
public:
    explicit select_reading(channel_ref<channel_state<T>> channel) noexcept
        : channel_(std::move(channel)), party_(channel_.get(), {}) {}

    [[nodiscard]] bool attempt() override { return channel_core::settled(party_, channel_->try_read(party_.item)); }
    [[nodiscard]] bool attempt_locked(claimed_waiters& woken) override {
        return channel_core::settled(party_, channel_->take(party_.item, woken, drained_));
    }
    void line_up(claimed_waiters& woken) override { channel_->line_up_reader(party_, woken); }
    void after_attempt() override {
        if (drained_) finish(*channel_.get());
    }
    [[nodiscard]] channel_waiter& party() noexcept override { return party_; }

    /// The item; nothing at the channel's end. @throws  what it was completed with
    [[nodiscard]] std::optional<T> result() {
        if (party_.state == channel_wait::closed) static_cast<void>(channel_->watched_closed());
        return std::move(party_.item);
    }

private:
    channel_ref<channel_state<T>> channel_;
    reading_waiter<T> party_;
    bool drained_ = false;
};

template <class T>
class select_writing : public select_part {
public:
    select_writing(channel_ref<channel_state<T>> channel, T&& item) noexcept
        : channel_(std::move(channel)), party_(channel_.get(), {}, std::move(item)) {}

    [[nodiscard]] bool attempt() override { return channel_core::settled(party_, channel_->try_write(party_.item)); }
    [[nodiscard]] bool attempt_locked(claimed_waiters& woken) override {
        return channel_core::settled(party_, channel_->put(party_.item, dropped_, woken));
    }
    void line_up(claimed_waiters& woken) override { channel_->line_up_writer(party_, woken); }
    void after_attempt() override { channel_->tell_dropped(dropped_); }
    [[nodiscard]] channel_waiter& party() noexcept override { return party_; }

    /// Whether the item was written; false at the channel's end. @throws  what it was completed with
    [[nodiscard]] bool result() { return party_.state != channel_wait::closed || channel_->watched_closed(); }

private:
    channel_ref<channel_state<T>> channel_;
    writing_waiter<T> party_;
    std::optional<T> dropped_;
};

}  // namespace weft::inline WEFT_ABI::detail
