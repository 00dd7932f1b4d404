// src/io/descriptor_state.cpp: closing a descriptor that operations may still use.
// SPDX-License-Identifier: MIT

#include "weft/io/detail/descriptor_state.hpp"

#include <cerrno>

#include "weft/base/error.hpp"
#include "weft/task/operation.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Waits until close() is the only user left.
class idle_wait : public operation<idle_wait, void> {
public:
    using parameters = descriptor_state*;
    explicit idle_wait(parameters state) noexcept : state_(state) {}
    [[nodiscard]] parameters take_parameters() const noexcept { return state_; }
    [[nodiscard]] bool await_ready() const noexcept {
        return (state_->users_.load(std::memory_order_acquire) & descriptor_state::count) == 1;
    }
    bool start(task_core& awaiter) noexcept {
        state_->closer_ = &awaiter;
        // Release pairs with leave(): the last operation finds the closer. Whoever sees two users and the mark is the last.
        const std::uint32_t before = state_->users_.fetch_or(descriptor_state::sleeping, std::memory_order_acq_rel);
        return (before & descriptor_state::count) != 1;
    }
    void await_resume() const noexcept {}

private:
    descriptor_state* state_;
};

/// Closes through the driver: on some file systems closing waits for the disk.
class close_wait : public operation<close_wait, void>, io_operation {
public:
    using parameters = descriptor_state*;
    explicit close_wait(parameters of) noexcept : io_operation(io_kind::close, &resume), state_(of) { fd = of->fd_; }
    [[nodiscard]] parameters take_parameters() const noexcept { return state_; }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool start(task_core& awaiter) noexcept {
        awaiter_ = &awaiter;
        return state_->driver_->submit(*this);
    }
    void await_resume() noexcept {
        // A driver that is shutting down starts nothing more.
        if (result == -ECANCELED) state_->close_now();
        state_->fd_ = -1;
    }

private:
    static void resume(io_operation& operation) noexcept { resume_awaiter(*static_cast<close_wait&>(operation).awaiter_); }

    descriptor_state* state_;
    task_core* awaiter_ = nullptr;
};

task<> descriptor_state::close() {
    std::uint32_t seen = users_.load(std::memory_order_relaxed);
    do {
        if ((seen & closing) != 0) co_return;
    } while (
        !users_.compare_exchange_weak(seen, (seen | closing) + 1, std::memory_order_acq_rel, std::memory_order_relaxed));
    if ((seen & count) != 0) {
        interrupt();
        co_await idle_wait(this).configure_await(false);
    }
    if (closes_quickly()) close_now();
    else co_await close_wait(this).configure_await(false);
    leave();
}

task<> descriptor_owner::close() {
    if (state_ != nullptr) return state_->close();
    return completed_task();
}

descriptor_use::descriptor_use(descriptor_state& state) : state_(&state) {
    if (!state.enter()) throw object_disposed(state.kind());
}

void descriptor_state::abandon() noexcept {
    std::uint32_t seen = users_.load(std::memory_order_relaxed);
    std::uint32_t next = 0;
    bool last = false;
    bool interrupts = false;
    do {
        last = (seen & count) == 0;
        interrupts = !last && (seen & closing) == 0;
        // While it interrupts, this call is a user too: the last operation may leave meanwhile.
        next = (seen | closing | abandoned) + (interrupts ? 1 : 0);
    } while (!users_.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_relaxed));
    if (interrupts) {
        interrupt();
        leave();
    } else if (last) {
        close_now();
        delete this;
    }
}

void descriptor_state::left_while_closing(std::uint32_t before) noexcept {
    if ((before & count) == 2 && (before & sleeping) != 0) {
        resume_awaiter(*closer_);
    } else if ((before & count) == 1 && (before & abandoned) != 0) {
        close_now();
        delete this;
    }
}

void descriptor_state::close_now() noexcept {
    if (fd_ < 0) return;
    driver_->close_now(fd_);
    fd_ = -1;
}

}  // namespace weft::inline WEFT_ABI::detail
