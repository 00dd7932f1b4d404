#pragma once
// <weft/coordination/detail/wait_operation.hpp>: what every wait of a primitive returns: an operation, with a token and perhaps
// a limit.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <concepts>
#include <type_traits>
#include <utility>

#include "weft/coordination/detail/wait_queue.hpp"
#include "weft/task/operation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// What a request finds under the lock.
enum class take_answer : std::uint8_t { granted, must_wait, disposed };

/// What one kind of wait of one primitive is. A request is a small copyable object and supplies:
///   `name`               of the primitive, for messages
///   `result<Timed>`      what the await gives
///   `left`               a left_function, or null
///   `line()`             the primitive's queue
///   `try_take()`         the lock-free attempt; may throw what is the caller's mistake
///   `take(now, who)`     the attempt under the lock
///   `give_back()`        undoes a grant that nobody received
///   `deliver<Timed>(granted)`  the result of the await
///   `published()`        optional: called by the awaiter once it is in the line
template <class R>
concept wait_request = requires(R request, wait_queue::word& now, waiter& who) {
    { R::name } -> std::convertible_to<const char*>;
    { R::left } -> std::convertible_to<left_function>;
    { request.line() } -> std::same_as<wait_queue&>;
    { request.try_take() } -> std::same_as<bool>;
    { request.take(now, who) } noexcept -> std::same_as<take_answer>;
    request.give_back();
};

/// The results of a wait that gives nothing but its end: void, or with a limit whether it was granted.
struct plain_result {
    template <bool Timed>
    using result = std::conditional_t<Timed, bool, void>;
    template <bool Timed>
    [[nodiscard]] result<Timed> deliver(bool granted) const noexcept {
        if constexpr (Timed) return granted;
    }
};

template <class Request, bool Timed>
struct wait_parameters {
    Request request;
    cancellation_token token;
    std::chrono::nanoseconds limit;

    // Not an aggregate, see docs/gcc12.md.
    wait_parameters(const Request& what, cancellation_token with, std::chrono::nanoseconds most) noexcept
        : request(what), token(std::move(with)), limit(most) {}
};

/// `co_await primitive.wait(...)`. Awaited where it is made, or stored as a task.
template <wait_request Request, bool Timed>
class [[nodiscard("a wait that is dropped never starts: co_await it, or store it as a task")]] wait_operation
    : public operation<wait_operation<Request, Timed>, typename Request::template result<Timed>>,
      std::conditional_t<Timed, timed_waiter, waiter> {
    using result = typename Request::template result<Timed>;
    using base = std::conditional_t<Timed, timed_waiter, waiter>;

public:
    using parameters = wait_parameters<Request, Timed>;

    explicit wait_operation(parameters of) noexcept : base(std::move(of.token)), request_(std::move(of.request)) {
        if constexpr (Timed) this->deadline = time_point(of.limit);
    }
    wait_operation(const Request& request, cancellation_token with) noexcept
        requires(!Timed)
        : base(std::move(with)), request_(request) {}
    ~wait_operation() {
        if (this->awaiter != nullptr && this->state != wait_state::over) abandon();
    }
    wait_operation(const wait_operation&) = delete;
    wait_operation& operator=(const wait_operation&) = delete;

    [[nodiscard]] parameters take_parameters() {
        if constexpr (Timed) return parameters(request_, std::move(this->token), this->deadline.time_since_epoch());
        else return parameters(request_, std::move(this->token), infinite_delay);
    }

    [[nodiscard]] bool await_ready() {
        if (this->token.is_cancellation_requested()) [[unlikely]] {
            this->state = wait_state::canceled;
            return true;
        }
        if (request_.try_take()) {
            this->state = wait_state::granted;
            return true;
        }
        if constexpr (Timed) {
            if (this->deadline == time_point()) {
                this->state = wait_state::timed_out;
                return true;
            }
        }
        return false;
    }

    /// Everything that can end the wait is set up before the waiter joins the line, so whoever claims it there may resume it.
    WEFT_NOINLINE bool start(task_core& by) noexcept {
        this->awaiter = &by;
        this->cancellation_node::fire = [](cancellation_node& node) {
            auto& self = static_cast<wait_operation&>(node);
            end_by_token(self, self.request_.line(), Request::left);
        };
        if (!add_registration(this->token, *this)) {
            this->state = wait_state::canceled;
            return false;
        }
        if constexpr (Timed) start_timer();
        wait_queue& line = request_.line();
        wait_queue::word now = line.lock_word();
        if (this->state == wait_state::idle) {
            const take_answer found = request_.take(now, *this);
            if (found == take_answer::must_wait) {
                [[maybe_unused]] const Request request = request_;
                this->state = wait_state::queued;
                line.push_back(*this);
                line.unlock_word(now);
                if constexpr (requires { request.published(); }) request.published();
                return true;
            }
            this->state = found == take_answer::granted ? wait_state::granted : wait_state::disposed;
        }
        line.unlock_word(now);
        return this->state != wait_state::timed_out && !this->settle();
    }

    result await_resume() {
        if (this->awaiter != nullptr) this->leave_token();
        if (this->state == wait_state::granted) [[likely]] {
            this->state = wait_state::over;
            return request_.template deliver<Timed>(true);
        }
        return finish_without();
    }

    /// @internal the request of a waiter that is known to be one of these
    [[nodiscard]] static Request& request_of(waiter& who) noexcept {
        return static_cast<wait_operation&>(static_cast<base&>(who)).request_;
    }

private:
    WEFT_NOINLINE result finish_without() {
        const waiter& who = *this;
        struct over {
            wait_state& state;
            ~over() { state = wait_state::over; }
        } const at_the_end{this->state};
        throw_if_ended(who, Request::name);
        return request_.template deliver<Timed>(false);
    }
    void start_timer() noexcept {
        const std::chrono::nanoseconds limit = this->deadline.time_since_epoch();
        if (limit == infinite_delay) return;
        time_provider& provider = provider_of(*this->awaiter);
        this->deadline = deadline_after(provider, limit);
        this->timer_node::fire = [](timer_node& node) noexcept {
            auto& self = static_cast<wait_operation&>(node);
            end_by_timer(self, self.request_.line(), Request::left);
        };
        this->has_timer = true;
        provider.arm(*this);
    }
    WEFT_NOINLINE void abandon() noexcept {
        if (abandon_wait(*this, request_.line(), Request::left)) request_.give_back();
    }

    Request request_;
};

template <wait_request Request>
using untimed_wait = wait_operation<Request, false>;
template <wait_request Request>
using timed_wait_of = wait_operation<Request, true>;

/// Makes the wait with a limit. @throws std::invalid_argument
template <wait_request Request>
[[nodiscard]] timed_wait_of<Request> wait_at_most(
    const Request& request, std::chrono::nanoseconds limit, cancellation_token token, const char* function) {
    check_delay(limit, function);
    return timed_wait_of<Request>(wait_parameters<Request, true>(request, std::move(token), limit));
}

}  // namespace weft::inline WEFT_ABI::detail
