#pragma once
// <weft/coordination/channel.hpp>: a queue between tasks: bounded, unbounded, prioritised, or of no capacity at all.
// Follows System.Threading.Channels (semantics 1.17).
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/coordination/channel_closed.hpp"
#include "weft/coordination/detail/channel_operations.hpp"
#include "weft/coordination/detail/either_token.hpp"
#include "weft/task/async_stream.hpp"

namespace weft::inline WEFT_ABI {

/// `channel<T>::bounded({.capacity = 100})`.
struct bounded_channel_options {
    std::size_t capacity = 0;  ///< most items in the channel; 0: a write waits for its reader (a rendezvous)
    channel_full_mode full_mode = channel_full_mode::wait;
    /// A woken reader may go on inside the write that woke it, if its read has no token (1.17/10).
    bool allow_synchronous_continuations = false;
};
static_assert(std::is_trivially_destructible_v<bounded_channel_options>);

/// `channel<T>::unbounded()`.
struct unbounded_channel_options {
    /// At most one read is under way at a time; a second one cancels the first (1.17/22).
    bool single_reader = false;
    bool allow_synchronous_continuations = false;
};
static_assert(std::is_trivially_destructible_v<unbounded_channel_options>);

namespace detail {

template <class T>
async_stream<T> read_everything(channel_ref<channel_state<T>> channel, cancellation_token token);

}  // namespace detail

/// The half of a channel from which items are taken.
///
/// Continuation  of an await that had to wait: where it captured, posted; see allow_synchronous_continuations.
/// Order         of items: first in, first out, unless the channel is prioritised. Of those who wait: first come, first served.
/// Cancellation  before (even with items there) or while waiting: task_canceled, and no item is taken. An item that has been handed to
///               a read is its result although the token fires afterwards.
/// Threads       every member from any thread at any time. A copyable handle; all handles of a channel are one channel.
/// Allocation    none by waiting.
template <class T>
class channel_reader {
public:
    using read_operation = detail::channel_read_operation<T>;
    using watch_operation = detail::channel_watch_operation<T, true>;

    /// An item if there is one.
    [[nodiscard]] std::optional<T> try_read() {
        std::optional<T> item;
        static_cast<void>(state_->try_read(item));
        return item;
    }
    /// A copy of the item that the next read would take.
    [[nodiscard]] std::optional<T> try_peek() const
        requires std::copy_constructible<T>
    {
        return state_->peek();
    }
    /// The next item, once there is one.
    /// @throws channel_closed  when the channel is complete and empty; the cancellation itself when it was completed with one
    [[nodiscard]] read_operation read(cancellation_token token = {}) const noexcept {
        return read_operation(state_.get(), std::move(token));
    }
    /// True once there is an item, which somebody else may take first; false when the channel is complete and empty.
    /// @throws  what the channel was completed with, if anything
    [[nodiscard]] watch_operation wait_to_read(cancellation_token token = {}) const noexcept {
        return watch_operation(state_.get(), std::move(token));
    }
    /// The items until the channel is complete; then what it was completed with is thrown. Several such streams share the items.
    [[nodiscard]] async_stream<T> read_all(cancellation_token token = {}) const {
        return detail::read_everything<T>(state_, std::move(token));
    }
    /// Ends when the channel is complete and empty: faulted, or canceled, with what it was completed with.
    [[nodiscard]] task<> completion() const { return state_->completion(); }
    /// Items in the channel. A snapshot.
    [[nodiscard]] std::size_t count() const { return state_->count(); }

    /// @internal
    explicit channel_reader(detail::channel_ref<detail::channel_state<T>> state) noexcept : state_(std::move(state)) {}
    /// @internal
    [[nodiscard]] const detail::channel_ref<detail::channel_state<T>>& share() const noexcept { return state_; }

private:
    detail::channel_ref<detail::channel_state<T>> state_;
};

/// The half of a channel into which items are put. See channel_reader for order, threads and continuations.
///
/// Cancellation  of a write that waits: its item is not delivered. A write whose item has been taken succeeds.
template <class T>
class channel_writer {
public:
    using write_operation = detail::channel_write_operation<T>;
    using watch_operation = detail::channel_watch_operation<T, false>;

    /// Puts `item` in if there is room, or a mode that drops. @returns false, and then `item` is as it was, when the channel is full or
    /// complete
    [[nodiscard]] bool try_write(T&& item) { return state_->try_write(item) == detail::channel_answer::done; }
    [[nodiscard]] bool try_write(const T& item)
        requires std::copy_constructible<T>
    {
        T copy(item);
        return state_->try_write(copy) == detail::channel_answer::done;
    }
    /// Puts `item` in once there is room. @throws channel_closed  when the channel is complete
    [[nodiscard]] write_operation write(T item, cancellation_token token = {}) const noexcept {
        return write_operation(state_.get(), std::move(token), std::move(item));
    }
    /// True once there is room, which somebody else may take first; false when the channel is complete.
    /// @throws  what the channel was completed with, if anything
    [[nodiscard]] watch_operation wait_to_write(cancellation_token token = {}) const noexcept {
        return watch_operation(state_.get(), std::move(token));
    }
    /// Nothing more will be written. What is in the channel stays readable; writes that wait fail.
    /// @param error  what readers meet after the last item; null: just the end
    /// @throws channel_closed  when it was complete before
    void complete(std::exception_ptr error = nullptr) { state_->complete(std::move(error)); }
    /// The same. @returns false when it was complete before
    bool try_complete(std::exception_ptr error = nullptr) { return state_->try_complete(std::move(error)); }

    /// @internal
    explicit channel_writer(detail::channel_ref<detail::channel_state<T>> state) noexcept : state_(std::move(state)) {}
    /// @internal
    [[nodiscard]] const detail::channel_ref<detail::channel_state<T>>& share() const noexcept { return state_; }

private:
    detail::channel_ref<detail::channel_state<T>> state_;
};

/// A queue between tasks that produce and tasks that consume: `auto jobs = channel<job>::bounded({.capacity = 100});`
///
/// T moves without throwing. A handle: copies are the same channel, which lives as long as any of its handles or waits.
template <class T>
class channel {
    using state = detail::channel_state<T>;

public:
    /// At most `capacity` items; what a write to a full one does, full_mode says.
    [[nodiscard]] static channel bounded(const bounded_channel_options& options) {
        detail::channel_shape shape;
        shape.capacity = options.capacity;
        shape.full_mode = options.full_mode;
        shape.synchronous = options.allow_synchronous_continuations;
        return channel(new state(shape));
    }
    [[nodiscard]] static channel bounded(std::size_t capacity) { return bounded(bounded_channel_options{capacity}); }
    /// Writes never wait.
    [[nodiscard]] static channel unbounded(const unbounded_channel_options& options = {}) {
        return channel(new state(shape_of(options)));
    }
    /// Unbounded; the lowest item by `less` is read first, equal ones in any order. `less` must not throw, and runs under the channel's
    /// lock.
    template <class Less = std::less<T>>
    [[nodiscard]] static channel prioritized(Less less = Less(), const unbounded_channel_options& options = {}) {
        return channel(new state(shape_of(options), std::make_unique<detail::item_heap<T>>(std::move(less))));
    }

    [[nodiscard]] channel_reader<T> reader() const noexcept { return channel_reader<T>(state_); }
    [[nodiscard]] channel_writer<T> writer() const noexcept { return channel_writer<T>(state_); }

    /// Gets each item that full_mode drops, on the writing thread, outside the channel's lock. To be set before the first write; must
    /// not throw.
    channel& on_dropped(std::function<void(T&&)> handler) & {
        state_->set_on_dropped(std::move(handler));
        return *this;
    }
    channel on_dropped(std::function<void(T&&)> handler) && {
        state_->set_on_dropped(std::move(handler));
        return std::move(*this);
    }

private:
    explicit channel(state* adopted) noexcept : state_(adopted) {}
    [[nodiscard]] static detail::channel_shape shape_of(const unbounded_channel_options& options) noexcept {
        detail::channel_shape shape;
        shape.single_reader = options.single_reader;
        shape.synchronous = options.allow_synchronous_continuations;
        return shape;
    }

    detail::channel_ref<state> state_;
};

namespace detail {

template <class T>
async_stream<T> read_everything(channel_ref<channel_state<T>> channel, cancellation_token token) {
    cancellation_token passed = co_await this_stream::token();
    const either_token either(std::move(token), std::move(passed));
    for (;;) {
        const bool more = co_await channel_watch_operation<T, true>(channel.get(), either.token());
        if (!more) co_return;
        for (;;) {
            std::optional<T> item;
            if (channel->try_read(item) != channel_answer::done) break;
            co_yield std::move(*item);
        }
    }
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
