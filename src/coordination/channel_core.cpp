// SPDX-License-Identifier: MIT

#include "weft/coordination/detail/channel_core.hpp"

#include <utility>

#include "weft/coordination/channel_closed.hpp"

namespace weft::inline WEFT_ABI {

channel_closed::channel_closed(std::exception_ptr inner)
    : invalid_operation(inner == nullptr ? "the channel is closed" : "the channel is closed: " + message_of(inner)),
      inner_(std::move(inner)) {}

namespace detail {

void channel_line::push_back(channel_waiter& one) noexcept {
    one.line = this;
    one.behind = nullptr;
    one.ahead = last_;
    (last_ == nullptr ? first_ : last_->behind) = &one;
    last_ = &one;
}

void channel_line::remove(channel_waiter& one) noexcept {
    (one.ahead == nullptr ? first_ : one.ahead->behind) = one.behind;
    (one.behind == nullptr ? last_ : one.behind->ahead) = one.ahead;
    one.line = nullptr;
}

channel_waiter* channel_line::claim() noexcept {
    while (channel_waiter* one = first_) {
        remove(*one);
        // Relaxed: what is handed over is published by the post that resumes the winner.
        if (one->race == nullptr || one->race->win()) return one;
    }
    return nullptr;
}

void claimed_waiters::resume_each(bool inline_readers) noexcept {
    channel_waiter* each = std::exchange(first_, nullptr);
    last_ = nullptr;
    while (each != nullptr) {
        channel_waiter& one = *std::exchange(each, each->behind);  // its frame may go once it is resumed
        const bool here = inline_readers && one.is_reader && !one.token.can_be_canceled();
        run_continuation(*one.awaiter, here);
    }
}

channel_core::channel_core(bool synchronous)
    : synchronous_(synchronous),
      completion_(synchronous ? creation_options::none : creation_options::run_continuations_asynchronously),
      completion_task_(completion_.task()) {}

bool channel_core::try_complete(std::exception_ptr error) {
    claimed_waiters ended;
    bool drained = false;
    {
        const std::lock_guard guard(lock_);
        if (closed_) return false;
        closed_ = true;
        error_ = std::move(error);
        drained = !has_items();
        if (drained) claim_readers(ended);
        ended.add_all(writers_, channel_wait::closed);
        ended.add_all(write_watchers_, channel_wait::closed);
    }
    if (drained) finish();  // before those who waited: a woken reader sees it done (1.17/9)
    ended.resume_all(synchronous_);
    return true;
}

void channel_core::claim_readers(claimed_waiters& ended) noexcept {
    ended.add_all(readers_, channel_wait::closed);
    ended.add_all(read_watchers_, channel_wait::closed);
}

void channel_core::complete(std::exception_ptr error) {
    if (!try_complete(std::move(error))) throw channel_closed(error_);
}

// Nobody changes error_ once the channel is closed, so that it may be read without the lock by who has seen that.
void channel_core::finish() {
    if (error_ == nullptr) {
        completion_.set_result();
        return;
    }
    try {
        std::rethrow_exception(error_);
    } catch (const operation_canceled& canceled) {
        completion_.set_canceled(canceled.token());
    } catch (...) {
        completion_.set_exception(error_);
        completion_task_.core_or_null()->mark_observed();  // readers meet it
    }
}

void channel_core::throw_closed(bool reading, const std::exception_ptr& error) {
    if (reading && error != nullptr) {
        try {
            std::rethrow_exception(error);
        } catch (const operation_canceled&) {
            throw;
        } catch (...) {
            throw channel_closed(error);
        }
    }
    throw channel_closed(error);
}

bool channel_core::watched_closed(const std::exception_ptr& error) {
    if (error != nullptr) std::rethrow_exception(error);
    return false;
}

bool channel_core::listen(channel_waiter& who) noexcept {
    who.fire = &on_cancel;
    return add_registration(who.token, who);
}

void channel_core::leave(channel_waiter& who) noexcept {
    remove_and_wait(who);
    channel_core& channel = *who.channel;
    const std::lock_guard guard(channel.lock_);
    if (who.line != nullptr) who.line->remove(who);
}

void channel_core::on_cancel(cancellation_node& node) {
    auto& who = static_cast<channel_waiter&>(node);
    {
        const std::lock_guard guard(who.channel->lock_);
        if (who.state == channel_wait::idle) {
            who.state = channel_wait::canceled;  // start() will find this
            return;
        }
        if (who.line == nullptr) return;  // claimed: the result wins
        who.line->remove(who);
        who.state = channel_wait::canceled;
    }
    resume_awaiter(*who.awaiter);
}

void channel_core::throw_if_canceled(const channel_waiter& who) {
    if (who.state == channel_wait::canceled) throw task_canceled(who.token);
}

}  // namespace detail
}  // namespace weft::inline WEFT_ABI
