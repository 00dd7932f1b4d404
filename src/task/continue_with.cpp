// SPDX-License-Identifier: MIT

#include "weft/task/continue_with.hpp"

#include <stdexcept>

namespace weft::inline WEFT_ABI::detail {

namespace {

constexpr std::uint32_t creation_bits = 1 | 2 | 4 | 8 | 16 | 64;
constexpr auto never = continuation_options::not_on_ran_to_completion | continuation_options::not_on_faulted |
    continuation_options::not_on_canceled;

creation_options checked(continuation_options options) {
    const auto bits = static_cast<std::uint32_t>(options);
    constexpr auto known = creation_bits |
        static_cast<std::uint32_t>(
            continuation_options::lazy_cancellation | never | continuation_options::execute_synchronously);
    if ((bits & ~known) != 0) throw std::invalid_argument("continue_with was given unknown options");
    if ((bits & static_cast<std::uint32_t>(never)) == static_cast<std::uint32_t>(never))
        throw std::invalid_argument("continue_with: options that exclude every ending of the antecedent");
    if ((options & continuation_options::long_running) && (options & continuation_options::execute_synchronously))
        throw std::invalid_argument("continue_with: long_running contradicts execute_synchronously");
    return static_cast<creation_options>(bits & creation_bits);
}

}  // namespace

continuation_delegate::continuation_delegate(
    task_core& antecedent, continuation_options options, task_scheduler* scheduler, cancellation_token token)
    : delegate(checked(options), scheduler, token), antecedent_(&antecedent), wanted_(options), node_(*this) {
    node_.run = &on_ended;
    node_.place = place_internal;
    if (options & continuation_options::execute_synchronously) node_.place |= place_runs_user_code;
    if (options & continuation_options::lazy_cancellation) late_token_ = std::move(token);
}

void continuation_delegate::wait_for_antecedent() {
    task_core& mine = core();
    mine.add_ref();  // the node's
    // The token first: it may end the task at once, and then there is nothing to wait for.
    try {
        begin_life(!(wanted_ & continuation_options::lazy_cancellation));
    } catch (...) {
        mine.release();
        throw;
    }
    if (has_begun_or_ended()) {
        mine.release();
        return;
    }
    if (!antecedent_->add_continuation(node_)) {
        antecedent_ended();
        return;
    }
    leave_if_ended(link::registered);
}

/// Registering and cancelling race: the later of the two takes the node out. Each sets its bit and looks for the other's.
void continuation_delegate::leave_if_ended(link mine) noexcept {
    const auto before = links_.fetch_or(static_cast<std::uint8_t>(mine), std::memory_order_acq_rel);
    if (before == 0) return;
    // When completion has taken the node already, that gives the reference back.
    if (antecedent_->remove_continuation(node_)) core().release();
}

void continuation_delegate::on_ended(work_item& item) noexcept {
    static_cast<antecedent_node&>(item).owner->antecedent_ended();
}

bool continuation_delegate::is_wanted() const noexcept {
    switch (antecedent_->final_status()) {
        case task_status::ran_to_completion: return !(wanted_ & continuation_options::not_on_ran_to_completion);
        case task_status::canceled: return !(wanted_ & continuation_options::not_on_canceled);
        default: return !(wanted_ & continuation_options::not_on_faulted);
    }
}

void continuation_delegate::antecedent_ended() noexcept {
    task_core& mine = core();
    const cancellation_token late = std::exchange(late_token_, {});  // the delegate has no destructor
    if (!has_begun_or_ended()) {
        if (late.is_cancellation_requested()) {
            static_cast<void>(cancel_unstarted(std::make_exception_ptr(task_canceled(late))));
        } else if (!is_wanted()) {
            static_cast<void>(cancel_unstarted(std::make_exception_ptr(task_canceled())));
        } else {
            const bool inline_wished = wanted_ & continuation_options::execute_synchronously;
            start_continuation(inline_wished && !antecedent_->has_flag(flag_run_async));
        }
    }
    mine.release();  // the node's
}

void continuation_delegate::ended_unstarted() noexcept {
    // The antecedent, which may never end, must not hold what is canceled.
    leave_if_ended(link::canceled);
}

}  // namespace weft::inline WEFT_ABI::detail
