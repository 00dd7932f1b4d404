// SPDX-License-Identifier: MIT

#include "weft/task/detail/all_completed.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace weft::inline WEFT_ABI::detail {

void require_handle(const task_core* core, const char* function) {
    if (core == nullptr) throw std::invalid_argument(std::string(function) + " was given an empty task handle");
}

// The count starts one too high, so that no completion can reach zero before every node is registered; whoever brings it to
// zero resumes the awaiter, and that is this function itself when all were complete already.
bool all_completed::start(task_core& awaiter) noexcept {
    awaiter_ = &awaiter;
    remaining_.store(count_ + 1, std::memory_order_relaxed);
    for (std::size_t i = 0; i < count_; ++i) {
        node& each = nodes_[i];
        if (!each.watched->add_continuation(each)) {
            each.order = ended_.fetch_add(1, std::memory_order_relaxed);
            remaining_.fetch_sub(1, std::memory_order_acq_rel);
        }
    }
    // Until this decrement the frame cannot go; after it, it may, unless it was the last.
    return remaining_.fetch_sub(1, std::memory_order_acq_rel) != 1;
}

void all_completed::on_completed(work_item& item) noexcept {
    auto& each = static_cast<node&>(item);
    all_completed& all = *each.owner;
    each.order = all.ended_.fetch_add(1, std::memory_order_relaxed);
    task_core* awaiter = all.awaiter_;
    const bool may_inline = (each.place & place_not_first) == 0;
    // Release: the awaiter sees `order`; acquire: the last one sees everybody's.
    if (all.remaining_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        const bool inline_allowed = may_inline && !each.watched->has_flag(flag_run_async);
        run_continuation(*awaiter, inline_allowed);
    }
}

void all_completed::abandon() noexcept {
    for (std::size_t i = 0; i < count_; ++i) static_cast<void>(nodes_[i].watched->remove_continuation(nodes_[i]));
}

all_completed::failures all_completed::take_failures() {
    std::vector<node*> failed;
    for (std::size_t i = 0; i < count_; ++i)
        if (nodes_[i].watched->fault != nullptr) failed.push_back(&nodes_[i]);
    std::sort(failed.begin(), failed.end(), [](const node* a, const node* b) { return a->order < b->order; });
    failures found;
    for (node* each : failed) {
        task_core& core = *each->watched;
        if (core.final_status() == task_status::faulted) {
            core.mark_observed();
            found.faults.insert(found.faults.end(), core.fault->errors.begin(), core.fault->errors.end());
        } else if (found.cancellation == nullptr) {
            found.cancellation = core.first_error();
        }
    }
    return found;
}

void collect_failures::await_resume() {
    all_completed::failures found = all_->take_failures();
    if (!found.faults.empty()) throw several_errors{std::move(found.faults)};
    if (found.cancellation != nullptr) std::rethrow_exception(found.cancellation);
}

}  // namespace weft::inline WEFT_ABI::detail
