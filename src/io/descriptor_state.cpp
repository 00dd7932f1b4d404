// src/io/descriptor_state.cpp: closing a descriptor that operations may still use.
// SPDX-License-Identifier: MIT

#include "weft/io/detail/descriptor_state.hpp"

#include <cerrno>
#include <exception>
#include <system_error>

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
    [[nodiscard]] bool await_ready() const noexcept { return state_->users_.is_last(); }
    bool start(task_core& awaiter) noexcept {
        state_->closer_ = &awaiter;
        return state_->users_.sleep();
    }
    void await_resume() const noexcept {}

private:
    descriptor_state* state_;
};

/// Closes through the driver: on some file systems closing waits for the disk.
class close_wait : public operation<close_wait, int>, io_operation {
public:
    using parameters = descriptor_state*;
    explicit close_wait(parameters of) noexcept : io_operation(io_kind::close, &resume), state_(of) { fd = of->fd_; }
    [[nodiscard]] parameters take_parameters() const noexcept { return state_; }
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    bool start(task_core& awaiter) noexcept {
        awaiter_ = &awaiter;
        return state_->driver_->submit(*this);
    }
    /// @returns 0 or a negative errno; it is closed either way
    [[nodiscard]] int await_resume() noexcept {
        // A driver that is shutting down starts nothing more.
        if (result == -ECANCELED) state_->close_now();
        state_->fd_ = -1;
        return result == -ECANCELED ? 0 : result;
    }

private:
    static void resume(io_operation& operation) noexcept { resume_awaiter(*static_cast<close_wait&>(operation).awaiter_); }

    descriptor_state* state_;
    task_core* awaiter_ = nullptr;
};

namespace {

std::exception_ptr close_failure(const descriptor_state& state, int result) noexcept {
    try {
        throw io_error(std::error_code(-result, std::generic_category()), "close '" + state.name() + "'");
    } catch (...) {
        return std::current_exception();
    }
}

}  // namespace

task<> descriptor_state::close(close_errors errors) {
    bool others = false;
    if (!users_.begin_close(others)) co_return;
    if (others) {
        interrupt();
        co_await idle_wait(this).configure_await(false);
    }
    int result = 0;
    if (closes_quickly()) close_now();
    else result = co_await close_wait(this).configure_await(false);
    std::exception_ptr failed;
    if (result < 0 && errors == close_errors::thrown) failed = close_failure(*this, result);
    leave();  // this may be gone
    if (failed != nullptr) std::rethrow_exception(failed);
}

task<> descriptor_owner::close(descriptor_state::close_errors errors) {
    if (state_ != nullptr) return state_->close(errors);
    return completed_task();
}

descriptor_use::descriptor_use(descriptor_state& state) : state_(&state) {
    if (!state.enter()) throw object_disposed(state.kind());
}

void descriptor_state::abandon() noexcept {
    const use_count::duty duty = users_.abandon();
    if (duty == use_count::duty::interrupt) {
        interrupt();
        leave();
    } else if (duty == use_count::duty::end) {
        left_as_last(duty);
    }
}

void descriptor_state::left_as_last(use_count::duty duty) noexcept {
    if (duty == use_count::duty::wake_closer) {
        resume_awaiter(*closer_);
    } else {
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
