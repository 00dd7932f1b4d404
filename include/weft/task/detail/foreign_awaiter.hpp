#pragma once
// <weft/task/detail/foreign_awaiter.hpp>: awaiting somebody else's awaitable and still coming back to our context.
// SPDX-License-Identifier: MIT

#include <coroutine>
#include <type_traits>
#include <utility>

#include "weft/task/awaitable.hpp"
#include "weft/task/detail/awaiter.hpp"

namespace weft::inline WEFT_ABI::detail {

/// A coroutine of one step: whoever resumes it, on whatever thread, posts the awaiting coroutine to its captured place.
class return_ticket {
public:
    struct promise_type {
        promise_type(task_core&, std::coroutine_handle<>&) noexcept {}
        return_ticket get_return_object() noexcept {
            return return_ticket(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
        static void* operator new(std::size_t size) { return allocate_frame(size); }
        static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
    };

    /// A suspended ticket for `core`. Resuming it uses it up and empties `slot`, the place in the awaiting frame that holds it,
    /// so that a frame which is destroyed while it waits knows whether the ticket is still there.
    static return_ticket issue(task_core& core, std::coroutine_handle<>& slot) {
        slot = nullptr;
        resume_awaiter(core);
        co_return;
    }
    [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return handle_; }

private:
    explicit return_ticket(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    std::coroutine_handle<promise_type> handle_;
};

/// Wraps a foreign awaitable. The captured context *and* the async-locals are restored after it (api: custom awaitables).
template <class Awaitable>
class foreign_awaiter {
    using awaiter = decltype(get_awaiter(std::declval<Awaitable>()));

public:
    explicit foreign_awaiter(Awaitable&& awaitable) : awaiter_(get_awaiter(std::forward<Awaitable>(awaitable))) {}
    ~foreign_awaiter() {
        // Only a frame that shutdown destroys while it waits still has its ticket.
        if (ticket_ != nullptr) ticket_.destroy();
    }
    foreign_awaiter(const foreign_awaiter&) = delete;
    foreign_awaiter& operator=(const foreign_awaiter&) = delete;

    [[nodiscard]] bool await_ready() { return static_cast<bool>(awaiter_.await_ready()); }

    std::coroutine_handle<> await_suspend(std::coroutine_handle<> self) {
        task_core& core = core_of(self);
        const std::coroutine_handle<> ticket = return_ticket::issue(core, ticket_).handle();
        ticket_ = ticket;  // before it is handed out: afterwards the frame may be running elsewhere
        const suspension before = core.begin_suspend(true);
        using answer = decltype(awaiter_.await_suspend(ticket));
        try {
            if constexpr (std::is_void_v<answer>) {
                awaiter_.await_suspend(ticket);
            } else if constexpr (std::is_same_v<answer, bool>) {
                if (!awaiter_.await_suspend(ticket)) {
                    std::exchange(ticket_, nullptr).destroy();
                    core.undo_suspend(before);
                    return self;
                }
            } else {
                return awaiter_.await_suspend(ticket);
            }
        } catch (...) {
            std::exchange(ticket_, nullptr).destroy();
            core.undo_suspend(before);
            throw;
        }
        return std::noop_coroutine();
    }

    decltype(auto) await_resume() { return awaiter_.await_resume(); }

private:
    // A prvalue awaiter is stored; an awaiter that is the awaitable itself is referred to: it lives in the full expression.
    awaiter awaiter_;
    std::coroutine_handle<> ticket_;
};

}  // namespace weft::inline WEFT_ABI::detail
