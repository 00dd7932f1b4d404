#pragma once
// <weft/coordination/detail/channel_operations.hpp>: what the halves of a channel return: operations, awaited in place.
// SPDX-License-Identifier: MIT

#include <memory>
#include <optional>
#include <utility>

#include "weft/coordination/detail/channel_state.hpp"
#include "weft/task/operation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Base of every wait at a channel. `Derived` supplies attempt(), line_up() and take_result(). An operation made in place needs no
/// reference to the channel, whose handle stands in the same expression or longer, until it really waits.
template <class Derived, class State, class Result, class Waiter>
class channel_operation : public operation<Derived, Result>, protected Waiter {
public:
    [[nodiscard]] bool await_ready() {
        if (this->token.is_cancellation_requested()) [[unlikely]] {
            this->state = channel_wait::canceled;
            return true;
        }
        const channel_answer found = derived().attempt();
        if (found == channel_answer::must_wait) return false;
        this->state = found == channel_answer::done ? channel_wait::served : channel_wait::closed;
        return true;
    }
    WEFT_NOINLINE bool start(task_core& core) {
        this->awaiter = &core;
        this->hold();
        if (!channel_core::listen(*this)) {
            this->state = channel_wait::canceled;
            return false;
        }
        return !derived().line_up();
    }
    Result await_resume() {
        if (this->awaiter != nullptr) remove_and_wait(*this);
        const ending at_the_end(*this);
        channel_core::throw_if_canceled(*this);
        return derived().take_result();
    }

protected:
    template <class Of, class... Rest>
    explicit channel_operation(Of* of, cancellation_token with, Rest&&... rest) noexcept
        : Waiter(of, std::move(with), std::forward<Rest>(rest)...) {}
    /// A frame that goes while it waits leaves the line; what it had been given goes with it.
    ~channel_operation() {
        if (this->awaiter == nullptr || this->state == channel_wait::over) return;
        channel_core::leave(*this);
        this->let_go();
    }

    [[nodiscard]] State& of() const noexcept { return *static_cast<State*>(this->channel); }
    [[nodiscard]] channel_ref<State> share() const noexcept {
        this->channel->add_ref();
        return channel_ref<State>(&of());
    }

private:
    class ending {
    public:
        explicit ending(channel_operation& self) noexcept : self_(self) {}
        ~ending() {
            self_.state = channel_wait::over;
            if (self_.awaiter != nullptr) self_.let_go();
        }
        ending(const ending&) = delete;
        ending& operator=(const ending&) = delete;

    private:
        channel_operation& self_;
    };

    Derived& derived() noexcept { return static_cast<Derived&>(*this); }
};

/// What an operation is made of when it becomes a task: it owns its channel.
template <class T, class... Item>
struct channel_parameters {
    channel_ref<channel_state<T>> channel;
    cancellation_token token;

    channel_parameters(channel_ref<channel_state<T>> of, cancellation_token with) noexcept
        : channel(std::move(of)), token(std::move(with)) {}
};

template <class T>
class channel_read_operation final
    : public channel_operation<channel_read_operation<T>, channel_state<T>, T, reading_waiter<T>> {
    using base = channel_operation<channel_read_operation<T>, channel_state<T>, T, reading_waiter<T>>;
    friend base;

public:
    using parameters = channel_parameters<T>;
    channel_read_operation(channel_state<T>* of, cancellation_token with) noexcept : base(of, std::move(with)) {}
    explicit channel_read_operation(parameters made_of) noexcept
        : base(made_of.channel.get(), std::move(made_of.token)), keep_(std::move(made_of.channel)) {}
    [[nodiscard]] parameters take_parameters() { return parameters(this->share(), std::move(this->token)); }

private:
    [[nodiscard]] channel_answer attempt() { return this->of().try_read(this->item); }
    [[nodiscard]] bool line_up() { return this->of().read_or_wait(*this); }
    T take_result() {
        if (this->state == channel_wait::closed) this->channel->throw_closed(true);
        return std::move(*this->item);
    }

    channel_ref<channel_state<T>> keep_;
};

template <class T>
class channel_write_operation final
    : public channel_operation<channel_write_operation<T>, channel_state<T>, void, writing_waiter<T>> {
    using base = channel_operation<channel_write_operation<T>, channel_state<T>, void, writing_waiter<T>>;
    friend base;

public:
    struct parameters {
        channel_ref<channel_state<T>> channel;
        cancellation_token token;
        T item;

        parameters(channel_ref<channel_state<T>> of, cancellation_token with, T&& written) noexcept
            : channel(std::move(of)), token(std::move(with)), item(std::move(written)) {}
    };
    channel_write_operation(channel_state<T>* of, cancellation_token with, T&& written) noexcept
        : base(of, std::move(with), std::move(written)) {}
    explicit channel_write_operation(parameters made_of) noexcept
        : base(made_of.channel.get(), std::move(made_of.token), std::move(made_of.item)),
          keep_(std::move(made_of.channel)) {}
    [[nodiscard]] parameters take_parameters() {
        return parameters(this->share(), std::move(this->token), std::move(this->item));
    }

private:
    [[nodiscard]] channel_answer attempt() { return this->of().try_write(this->item); }
    [[nodiscard]] bool line_up() { return this->of().write_or_wait(*this); }
    void take_result() {
        if (this->state == channel_wait::closed) this->channel->throw_closed(false);
    }

    channel_ref<channel_state<T>> keep_;
};

template <class T, bool Reading>
class channel_watch_operation final
    : public channel_operation<channel_watch_operation<T, Reading>, channel_state<T>, bool, channel_waiter> {
    using base = channel_operation<channel_watch_operation<T, Reading>, channel_state<T>, bool, channel_waiter>;
    friend base;

public:
    using parameters = channel_parameters<T>;
    channel_watch_operation(channel_state<T>* of, cancellation_token with) noexcept : base(of, std::move(with)) {}
    explicit channel_watch_operation(parameters made_of) noexcept
        : base(made_of.channel.get(), std::move(made_of.token)), keep_(std::move(made_of.channel)) {}
    [[nodiscard]] parameters take_parameters() { return parameters(this->share(), std::move(this->token)); }

private:
    [[nodiscard]] channel_answer attempt() {
        if constexpr (Reading) return this->of().try_watch_read();
        else return this->of().try_watch_write();
    }
    [[nodiscard]] bool line_up() {
        if constexpr (Reading) return this->of().watch_read_or_wait(*this);
        else return this->of().watch_write_or_wait(*this);
    }
    bool take_result() { return this->state != channel_wait::closed || this->channel->watched_closed(); }

    channel_ref<channel_state<T>> keep_;
};

}  // namespace weft::inline WEFT_ABI::detail
