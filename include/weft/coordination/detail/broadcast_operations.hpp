#pragma once
// <weft/coordination/detail/broadcast_operations.hpp>: what the halves of a broadcast channel return: operations, awaited in place.
// SPDX-License-Identifier: MIT

#include <exception>
#include <optional>
#include <utility>

#include "weft/coordination/detail/broadcast_state.hpp"
#include "weft/coordination/detail/channel_operations.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What a wait of a subscriber is made of when it becomes a task: it owns its subscription.
template <class T>
struct subscriber_parameters {
    channel_ref<broadcast_subscription<T>> from;
    cancellation_token token;

    subscriber_parameters(channel_ref<broadcast_subscription<T>> of, cancellation_token with) noexcept
        : from(std::move(of)), token(std::move(with)) {}
};

template <class Derived, class T, class Result, class Waiter>
class subscriber_operation : public channel_operation<Derived, broadcast_state<T>, Result, Waiter> {
    using base = channel_operation<Derived, broadcast_state<T>, Result, Waiter>;

public:
    using parameters = subscriber_parameters<T>;
    [[nodiscard]] parameters take_parameters() {
        this->from->add_ref();
        return parameters(channel_ref<broadcast_subscription<T>>(this->from), std::move(this->token));
    }

protected:
    subscriber_operation(broadcast_subscription<T>* of, cancellation_token with) noexcept : base(of, std::move(with)) {}
    explicit subscriber_operation(parameters made_of) noexcept
        : base(made_of.from.get(), std::move(made_of.token)), keep_(std::move(made_of.from)) {}

    [[nodiscard]] std::exception_ptr error() const { return this->of().error_for(*this->from); }

private:
    channel_ref<broadcast_subscription<T>> keep_;
};

template <class T>
class broadcast_read_operation final
    : public subscriber_operation<broadcast_read_operation<T>, T, T, reading_subscriber<T>> {
    using base = subscriber_operation<broadcast_read_operation<T>, T, T, reading_subscriber<T>>;
    using waits = channel_operation<broadcast_read_operation<T>, broadcast_state<T>, T, reading_subscriber<T>>;
    friend waits;

public:
    using typename base::parameters;
    broadcast_read_operation(broadcast_subscription<T>* of, cancellation_token with) noexcept : base(of, std::move(with)) {}
    explicit broadcast_read_operation(parameters made_of) noexcept : base(std::move(made_of)) {}

private:
    [[nodiscard]] channel_answer attempt() { return this->of().try_read(*this->from, this->item); }
    [[nodiscard]] bool line_up() { return this->of().read_or_wait(*this); }
    T take_result() {
        if (this->state == channel_wait::closed) channel_core::throw_closed(true, this->error());
        return this->item->take();
    }
};

template <class T>
class broadcast_watch_operation final
    : public subscriber_operation<broadcast_watch_operation<T>, T, bool, watching_subscriber<T>> {
    using base = subscriber_operation<broadcast_watch_operation<T>, T, bool, watching_subscriber<T>>;
    using waits = channel_operation<broadcast_watch_operation<T>, broadcast_state<T>, bool, watching_subscriber<T>>;
    friend waits;

public:
    using typename base::parameters;
    broadcast_watch_operation(broadcast_subscription<T>* of, cancellation_token with) noexcept
        : base(of, std::move(with)) {}
    explicit broadcast_watch_operation(parameters made_of) noexcept : base(std::move(made_of)) {}

private:
    [[nodiscard]] channel_answer attempt() { return this->of().try_watch_read(*this->from); }
    [[nodiscard]] bool line_up() { return this->of().watch_read_or_wait(*this); }
    bool take_result() { return this->state != channel_wait::closed || channel_core::watched_closed(this->error()); }
};

template <class T>
class broadcast_write_operation final
    : public channel_operation<broadcast_write_operation<T>, broadcast_state<T>, void, broadcasting_waiter<T>> {
    using base = channel_operation<broadcast_write_operation<T>, broadcast_state<T>, void, broadcasting_waiter<T>>;
    friend base;

public:
    struct parameters {
        channel_ref<broadcast_state<T>> channel;
        cancellation_token token;
        T item;

        parameters(channel_ref<broadcast_state<T>> of, cancellation_token with, T&& written) noexcept
            : channel(std::move(of)), token(std::move(with)), item(std::move(written)) {}
    };
    broadcast_write_operation(broadcast_state<T>* of, cancellation_token with, T&& written) noexcept
        : base(of, std::move(with), std::move(written)) {}
    explicit broadcast_write_operation(parameters made_of) noexcept
        : base(made_of.channel.get(), std::move(made_of.token), std::move(made_of.item)),
          keep_(std::move(made_of.channel)) {}
    [[nodiscard]] parameters take_parameters() {
        return parameters(this->share(), std::move(this->token), std::move(this->raw));
    }

private:
    [[nodiscard]] channel_answer attempt() { return this->of().try_write(this->raw); }
    [[nodiscard]] bool line_up() { return this->of().write_or_wait(*this); }
    void take_result() {
        if (this->state == channel_wait::closed) this->channel->throw_closed(false);
    }

    channel_ref<broadcast_state<T>> keep_;
};

/// Waits for room.
template <class T>
class broadcast_room_operation final
    : public channel_operation<broadcast_room_operation<T>, broadcast_state<T>, bool, channel_waiter> {
    using base = channel_operation<broadcast_room_operation<T>, broadcast_state<T>, bool, channel_waiter>;
    friend base;

public:
    struct parameters {
        channel_ref<broadcast_state<T>> channel;
        cancellation_token token;

        parameters(channel_ref<broadcast_state<T>> of, cancellation_token with) noexcept
            : channel(std::move(of)), token(std::move(with)) {}
    };
    broadcast_room_operation(broadcast_state<T>* of, cancellation_token with) noexcept : base(of, std::move(with)) {}
    explicit broadcast_room_operation(parameters made_of) noexcept
        : base(made_of.channel.get(), std::move(made_of.token)), keep_(std::move(made_of.channel)) {}
    [[nodiscard]] parameters take_parameters() { return parameters(this->share(), std::move(this->token)); }

private:
    [[nodiscard]] channel_answer attempt() { return this->of().try_watch_write(); }
    [[nodiscard]] bool line_up() { return this->of().watch_write_or_wait(*this); }
    bool take_result() { return this->state != channel_wait::closed || this->channel->watched_closed(); }

    channel_ref<broadcast_state<T>> keep_;
};

}  // namespace weft::inline WEFT_ABI::detail
