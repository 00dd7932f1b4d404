#pragma once
// <weft/coordination/broadcast_channel.hpp>: a queue of which every subscriber reads every item, or the newest value for all of them.
// .NET has none in its base library; the ends, the waits and the cancellation are those of channels (semantics 1.17).
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "weft/coordination/channel_closed.hpp"
#include "weft/coordination/detail/broadcast_operations.hpp"
#include "weft/coordination/detail/either_token.hpp"
#include "weft/task/async_stream.hpp"

namespace weft::inline WEFT_ABI {

/// `broadcast_channel<T>::bounded({.capacity = 100, .full_mode = broadcast_full_mode::drop_oldest})`.
struct bounded_broadcast_options {
    std::size_t capacity = 1;  ///< most items that some subscriber has not read yet; at least 1
    broadcast_full_mode full_mode = broadcast_full_mode::wait;
};
static_assert(std::is_trivially_destructible_v<bounded_broadcast_options>);

namespace detail {

template <class T>
async_stream<T> read_everything(channel_ref<broadcast_subscription<T>> from, cancellation_token token);

}  // namespace detail

/// A subscription: reads every item that is written after it was made, whatever others read.
///
/// Copying       makes another subscription, which stands where this one stands. O(unread items). Moving moves the subscription; a
///               moved-from reader may only be destroyed or assigned to.
/// Lifetime      the subscription ends with unsubscribe(), or with the last of this handle, its waits and its streams.
/// Continuation  of an await that had to wait: where it captured, posted.
/// Order         of items: as written. Of several who wait for one subscription, which share its items: first come, first served.
/// Cancellation  before (even with items there) or while waiting: task_canceled, and no item is taken. An item that has been handed to
///               a read is its result although the token fires afterwards.
/// Threads       every member but copying, moving and assigning from any thread at any time.
/// Allocation    none by waiting.
template <class T>
class broadcast_reader {
public:
    using read_operation = detail::broadcast_read_operation<T>;
    using watch_operation = detail::broadcast_watch_operation<T>;

    /// @throws std::bad_alloc
    broadcast_reader(const broadcast_reader& other) : from_(new detail::broadcast_subscription<T>(*other.from_.get())) {}
    broadcast_reader(broadcast_reader&&) noexcept = default;
    broadcast_reader& operator=(const broadcast_reader& other) { return *this = broadcast_reader(other); }
    broadcast_reader& operator=(broadcast_reader&&) noexcept = default;
    ~broadcast_reader() = default;

    /// The next item if there is one.
    [[nodiscard]] std::optional<T> try_read() {
        std::optional<detail::broadcast_item<T>> item;
        static_cast<void>(from_->channel->try_read(*from_.get(), item));
        return item.has_value() ? std::optional<T>(item->take()) : std::nullopt;
    }
    /// The next item, once there is one. When a full channel has dropped items meanwhile, it is the oldest that is left.
    /// @throws channel_closed  when the channel is complete, or this unsubscribed, and everything is read; the cancellation itself when
    ///                         it was completed with one; what copying T throws, and then the item is read
    [[nodiscard]] read_operation read(cancellation_token token = {}) const noexcept {
        return read_operation(from_.get(), std::move(token));
    }
    /// True once there is an unread item, which another wait of this subscription may take first; false when there will be none.
    /// @throws  what the channel was completed with, if anything
    [[nodiscard]] watch_operation wait_to_read(cancellation_token token = {}) const noexcept {
        return watch_operation(from_.get(), std::move(token));
    }
    /// The items until the channel is complete; then what it was completed with is thrown. Several such streams share the items.
    [[nodiscard]] async_stream<T> read_all(cancellation_token token = {}) const {
        return detail::read_everything<T>(from_, std::move(token));
    }
    /// A copy of the newest item that lies in the channel, whether this has read it or not. A conflated channel has one from the first
    /// write on, others only while somebody has not read it.
    [[nodiscard]] std::optional<T> latest() const { return from_->channel->latest(); }

    /// How many items this has missed since the last call, as far as its reads have come: they had been dropped by a full channel, or, in
    /// a conflated one, replaced, before it read them. After a read: those missing in front of what that has read.
    [[nodiscard]] std::uint64_t take_missed() { return from_->channel->take_missed(*from_.get()); }
    /// Items to be read. A snapshot.
    [[nodiscard]] std::size_t count() const { return from_->channel->unread(*from_.get()); }

    /// Ends the subscription: unread items are given up, and its waits, present and to come, find the channel complete. Idempotent.
    void unsubscribe() noexcept { from_->channel->unsubscribe(*from_.get()); }
    /// Ends when the writers' half is completed: faulted, or canceled, with what it was completed with. Items may still be unread.
    [[nodiscard]] task<> completion() const { return from_->channel->completion(); }

    /// @internal
    explicit broadcast_reader(detail::channel_ref<detail::broadcast_subscription<T>> from) noexcept
        : from_(std::move(from)) {}
    /// @internal
    [[nodiscard]] const detail::channel_ref<detail::broadcast_subscription<T>>& share() const noexcept { return from_; }

private:
    detail::channel_ref<detail::broadcast_subscription<T>> from_;
};

/// The half of a broadcast channel into which items are put. See broadcast_reader for order, threads and continuations. What is written
/// while nobody subscribes is gone, except for the last item of a conflated channel.
///
/// Cancellation  of a write that waits: its item is not delivered. A write whose item has been taken succeeds.
/// Complexity    of a write: O(subscribers who wait).
template <class T>
class broadcast_writer {
public:
    using write_operation = detail::broadcast_write_operation<T>;
    using watch_operation = detail::broadcast_room_operation<T>;

    /// Puts `item` in if there is room, or a mode that drops. @returns false, and then `item` is as it was, when the channel is full or
    /// complete
    [[nodiscard]] bool try_write(T&& item) { return state_->try_write(item) == detail::channel_answer::done; }
    [[nodiscard]] bool try_write(const T& item) {
        T copy(item);
        return state_->try_write(copy) == detail::channel_answer::done;
    }
    /// Puts `item` in once there is room, that is, once the slowest subscriber has read enough.
    /// @throws channel_closed  when the channel is complete
    [[nodiscard]] write_operation write(T item, cancellation_token token = {}) const noexcept {
        return write_operation(state_.get(), std::move(token), std::move(item));
    }
    /// True once there is room, which somebody else may take first; false when the channel is complete.
    /// @throws  what the channel was completed with, if anything
    [[nodiscard]] watch_operation wait_to_write(cancellation_token token = {}) const noexcept {
        return watch_operation(state_.get(), std::move(token));
    }
    /// Nothing more will be written. Unread items stay readable; writes that wait fail.
    /// @param error  what readers meet after the last item; null: just the end
    /// @throws channel_closed  when it was complete before
    void complete(std::exception_ptr error = nullptr) { state_->complete(std::move(error)); }
    /// The same. @returns false when it was complete before
    bool try_complete(std::exception_ptr error = nullptr) { return state_->try_complete(std::move(error)); }
    /// How many subscriptions there are. A snapshot.
    [[nodiscard]] std::size_t subscribers() const { return state_->subscribers(); }

    /// @internal
    explicit broadcast_writer(detail::channel_ref<detail::broadcast_state<T>> state) noexcept : state_(std::move(state)) {}

private:
    detail::channel_ref<detail::broadcast_state<T>> state_;
};

/// A queue between tasks of which every subscriber reads every item: `auto news = broadcast_channel<headline>::bounded(100);`
///
/// T can be copied, and moves without throwing. Small plain items are copied; others are kept once and copied by each reader, outside
/// any lock; the last one moves it. A handle: copies are the same channel, which lives as long as any of its handles, subscriptions or
/// waits.
template <class T>
class broadcast_channel {
    using state = detail::broadcast_state<T>;

public:
    /// At most `capacity` items that somebody has not read yet; what a write to a full one does, full_mode says.
    /// @throws std::invalid_argument  for a capacity of 0
    [[nodiscard]] static broadcast_channel bounded(const bounded_broadcast_options& options) {
        if (options.capacity == 0)
            throw std::invalid_argument("broadcast_channel::bounded: the capacity must be at least 1");
        detail::broadcast_shape shape;
        shape.capacity = options.capacity;
        shape.full_mode = options.full_mode;
        return broadcast_channel(new state(shape));
    }
    [[nodiscard]] static broadcast_channel bounded(std::size_t capacity) {
        bounded_broadcast_options options;
        options.capacity = capacity;
        return bounded(options);
    }
    /// Writes never wait; what the slowest subscriber has not read piles up.
    [[nodiscard]] static broadcast_channel unbounded() { return broadcast_channel(new state(detail::broadcast_shape())); }
    /// Only the newest item is kept, for those who have not read it and for those who subscribe later, who read it first. Writes never
    /// wait. A read waits until there is an item newer than the last that its subscription has read.
    [[nodiscard]] static broadcast_channel conflated() {
        detail::broadcast_shape shape;
        shape.capacity = 1;
        shape.full_mode = broadcast_full_mode::drop_oldest;
        shape.keeps_last = true;
        return broadcast_channel(new state(shape));
    }
    /// The same, with a first value.
    [[nodiscard]] static broadcast_channel conflated(T initial) {
        broadcast_channel made = conflated();
        static_cast<void>(made.state_->try_write(initial));
        return made;
    }

    /// A subscription to what is written from now on. @throws std::bad_alloc
    [[nodiscard]] broadcast_reader<T> subscribe() const {
        using reading = detail::broadcast_subscription<T>;
        return broadcast_reader<T>(detail::channel_ref<reading>(new reading(state_)));
    }
    [[nodiscard]] broadcast_writer<T> writer() const noexcept { return broadcast_writer<T>(state_); }
    /// As broadcast_reader::latest().
    [[nodiscard]] std::optional<T> latest() const { return state_->latest(); }

    /// Gets each item that full_mode drops before every subscriber has read it, on the writing thread, outside the channel's lock. To be
    /// set before the first write; must not throw.
    broadcast_channel& on_dropped(std::function<void(const T&)> handler) & {
        state_->set_on_dropped(std::move(handler));
        return *this;
    }
    broadcast_channel on_dropped(std::function<void(const T&)> handler) && {
        state_->set_on_dropped(std::move(handler));
        return std::move(*this);
    }

private:
    explicit broadcast_channel(state* adopted) noexcept : state_(adopted) {}

    detail::channel_ref<state> state_;
};

namespace detail {

template <class T>
async_stream<T> read_everything(channel_ref<broadcast_subscription<T>> from, cancellation_token token) {
    cancellation_token passed = co_await this_stream::token();
    const either_token either(std::move(token), std::move(passed));
    for (;;) {
        const bool more = co_await broadcast_watch_operation<T>(from.get(), either.token());
        if (!more) co_return;
        for (;;) {
            std::optional<broadcast_item<T>> item;
            if (from->channel->try_read(*from.get(), item) != channel_answer::done) break;
            co_yield item->take();
        }
    }
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
