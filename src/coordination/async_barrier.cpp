// SPDX-License-Identifier: MIT

#include "weft/coordination/async_barrier.hpp"

#include <string>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI {
namespace {

using detail::wait_queue;

constexpr auto relaxed = std::memory_order_relaxed;

std::int32_t checked_count(std::int32_t participants) {
    if (participants < 0 || participants > async_barrier::most_participants)
        throw std::invalid_argument("async_barrier: takes 0 to 32767 participants, got " + std::to_string(participants));
    return participants;
}

}  // namespace

barrier_post_phase_exception::barrier_post_phase_exception(std::exception_ptr inner)
    : std::runtime_error("async_barrier: the action at the end of the phase failed: " + message_of(inner)),
      inner_(std::move(inner)) {}

async_barrier::async_barrier(std::int32_t participants, unique_function<void(async_barrier&)> post_phase_action)
    : wait_queue(0), total_(checked_count(participants)), action_(std::move(post_phase_action)) {}

/// Under the lock: why nobody may arrive now; null when one may.
const char* async_barrier::refusal() const noexcept {
    if (total_.load(relaxed) == 0) return "async_barrier::signal_and_wait: the barrier has no participants";
    if (finishing_ || arrived_.load(relaxed) == total_.load(relaxed))
        return "async_barrier::signal_and_wait: more arrive than the barrier has participants";
    return nullptr;
}

/// Under the lock. The phase is complete from here on: who waits is claimed, and goes on after the action.
bool async_barrier::complete_if_last(std::int32_t arriving, detail::claimed_list& others) noexcept {
    const std::int32_t total = total_.load(relaxed);
    if (arrived_.load(relaxed) + arriving != total) return false;
    finishing_ = true;
    arrived_.store(total, relaxed);
    grant_all(others);
    return true;
}

void async_barrier::finish_phase(detail::claimed_list& others) {
    std::exception_ptr error;
    try {
        if (action_) action_(*this);
    } catch (...) {
        error = std::current_exception();
    }
    const word now = lock_word();
    finishing_ = false;
    arrived_.store(0, relaxed);
    phase_.store(phase_.load(relaxed) + 1, std::memory_order_release);
    unlock_word(now);
    if (error != nullptr) {
        for (detail::waiter* each = others.first(); each != nullptr; each = each->behind) {
            if (each->kind == 1) timed_wait_operation::request_of(*each).error = error;
            else wait_operation::request_of(*each).error = error;
        }
    }
    others.resume_all();
    if (error != nullptr) throw barrier_post_phase_exception(std::move(error));
}

std::int64_t async_barrier::add_participants(std::int32_t count) {
    if (count < 1) throw std::invalid_argument("async_barrier::add_participants takes a count of at least 1");
    const word now = lock_word();
    const std::int32_t total = total_.load(relaxed);
    const bool fits = count <= most_participants - total;
    if (fits) total_.store(total + count, relaxed);
    const std::int64_t first = phase_.load(relaxed) + (finishing_ ? 1 : 0);
    unlock_word(now);
    if (!fits)
        throw invalid_operation("async_barrier::add_participants(" + std::to_string(count) + "): there are " +
            std::to_string(total) + " of at most 32767");
    return first;
}

void async_barrier::remove_participants(std::int32_t count) {
    if (count < 1) throw std::invalid_argument("async_barrier::remove_participants takes a count of at least 1");
    const word now = lock_word();
    const std::int32_t total = total_.load(relaxed);
    const bool can = total - count >= arrived_.load(relaxed) && !finishing_;
    detail::claimed_list others;
    bool last = false;
    if (can) {
        total_.store(total - count, relaxed);
        last = total > count && complete_if_last(0, others);
    }
    unlock_word(now);
    const std::string call = "async_barrier::remove_participants(" + std::to_string(count) + "): ";
    if (total < count) throw std::invalid_argument(call + "there are " + std::to_string(total));
    if (!can) throw invalid_operation(call + "not so many of the " + std::to_string(total) + " have yet to arrive");
    if (last) finish_phase(others);
}

namespace detail {

wait_queue& barrier_request::line() const noexcept { return *on; }

/// A participant that is cancelled or gives up has not arrived.
void barrier_request::left(wait_queue& line, wait_queue::word&, waiter&, claimed_list&) noexcept {
    static_cast<async_barrier&>(line).arrived_.fetch_sub(1, relaxed);
}

// Only the last arrival is counted here: the others are, together with joining the line, in take().
bool barrier_request::try_take() {
    const wait_queue::word now = on->lock_word();
    const char* const why = on->refusal();
    last = why == nullptr && on->complete_if_last(1, others);
    on->unlock_word(now);
    if (why != nullptr) throw invalid_operation(why);
    return last;
}

// Runs while the awaiter counts as suspended: what the user must see, the action or a refusal, waits for finish().
take_answer barrier_request::take(wait_queue::word&, waiter&) noexcept {
    refused = on->refusal() != nullptr;
    if (!refused) last = on->complete_if_last(1, others);
    if (refused || last) return take_answer::granted;
    on->arrived_.fetch_add(1, relaxed);
    return take_answer::must_wait;
}

void barrier_request::finish() {
    if (refused) throw invalid_operation("async_barrier::signal_and_wait: more arrive than the barrier has participants");
    if (last) on->finish_phase(others);
    else if (error != nullptr) throw barrier_post_phase_exception(std::move(error));
}

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
