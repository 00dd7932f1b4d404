// SPDX-License-Identifier: MIT

#include "weft/coordination/async_condition_variable.hpp"

#include <exception>

namespace weft::inline WEFT_ABI {

struct async_condition_variable::request : detail::plain_result {
    async_condition_variable* on;
    async_mutex* mutex;
    bool* unlocked;  // of the frame that waits

    request(async_condition_variable* condition, async_mutex* held, bool* has_unlocked) noexcept
        : on(condition), mutex(held), unlocked(has_unlocked) {}

    static constexpr const char* name = "async_condition_variable";
    static constexpr detail::left_function left = nullptr;
    [[nodiscard]] detail::wait_queue& line() const noexcept { return *on; }
    [[nodiscard]] bool try_take() const noexcept { return false; }
    [[nodiscard]] detail::take_answer take(wait_queue::word&, detail::waiter&) const noexcept {
        *unlocked = true;
        return detail::take_answer::must_wait;
    }
    /// In the line: now the mutex may go. The frame is not touched; it may be running elsewhere already, up to its own lock().
    void published() const { mutex->unlock(); }
    /// A notification that nobody received is for the next.
    void give_back() const noexcept { on->notify_one(); }
};

value_task<bool> async_condition_variable::wait(
    async_mutex::guard& lock, std::chrono::nanoseconds limit, cancellation_token token) {
    detail::check_delay(limit, "async_condition_variable::wait");
    if (!lock.owns_lock()) throw invalid_operation("async_condition_variable::wait: the lock holds no mutex");
    async_mutex& mutex = *lock.release();
    bool unlocked = false;
    bool notified = false;
    std::exception_ptr error;
    try {
        const request what(this, &mutex, &unlocked);
        detail::wait_parameters<request, true> parameters(what, token, limit);
        notified = co_await detail::timed_wait_of<request>(std::move(parameters)).configure_await(false);
    } catch (...) {
        error = std::current_exception();
    }
    if (unlocked) {
        async_mutex::guard again = co_await mutex.lock().configure_await(false);
        lock = std::move(again);
    } else {
        lock = async_mutex::guard(&mutex, async_mutex::guard::adopt{});
    }
    if (error != nullptr) std::rethrow_exception(error);
    co_return notified;
}

value_task<> async_condition_variable::wait(async_mutex::guard& lock, cancellation_token token) {
    value_task<bool> notified = wait(lock, detail::infinite_delay, std::move(token));
    static_cast<void>(co_await std::move(notified).configure_await(false));
}

void async_condition_variable::notify_one() noexcept {
    // Nobody waits: who came before this call has left the bit behind, through the mutex or otherwise.
    if ((load() & busy) == 0) return;
    const word now = lock_word();
    detail::claimed_list woken;
    grant_front(woken);
    unlock_word(now);
    woken.resume_all();
}

void async_condition_variable::notify_all() noexcept {
    if ((load() & busy) == 0) return;
    const word now = lock_word();
    detail::claimed_list woken;
    grant_all(woken);
    unlock_word(now);
    woken.resume_all();
}

}  // namespace weft::inline WEFT_ABI
