// SPDX-License-Identifier: MIT

#include "weft/task/value_task_source.hpp"

namespace weft::inline WEFT_ABI::detail {

void value_task_source_core::check_version(std::uint16_t version) const {
    if (version != version_)
        throw invalid_operation("the value_task was consumed already: it may be awaited once, and not kept");
}

void value_task_source_core::reset() noexcept {
    ++version_;
    error_ = nullptr;
    word_.reset();
}

value_task_source_status value_task_source_core::status(std::uint16_t version) const {
    check_version(version);
    if (!word_.is_done()) return value_task_source_status::pending;
    if (error_ == nullptr) return value_task_source_status::succeeded;
    try {
        std::rethrow_exception(error_);
    } catch (const operation_canceled&) {
        return value_task_source_status::canceled;
    } catch (...) {
        return value_task_source_status::faulted;
    }
}

void value_task_source_core::on_completed(continuation& node, std::uint16_t version) {
    check_version(version);
    using answer = decltype(word_)::answer;
    const answer found = word_.add(node);
    if (found == answer::waits) return;
    if (found == answer::taken) throw invalid_operation("a value_task may have one continuation only");
    // Completed meanwhile: asynchronously with respect to the registering call (1.3/6).
    enqueue(node, post_hint::local);
}

void value_task_source_core::check_result(std::uint16_t version) {
    check_version(version);
    if (!word_.is_done()) throw invalid_operation("the result of a value_task was asked for before it completed");
    if (error_ != nullptr) {
        std::exception_ptr error = error_;
        reset();
        std::rethrow_exception(error);
    }
}

void value_task_source_core::claim() {
    if (!word_.claim()) throw invalid_operation("this version of the value_task source has completed already");
}

void value_task_source_core::complete(std::exception_ptr error) {
    error_ = std::move(error);
    const bool run_async = run_async_;
    // Once the exchange is done the consumer may reset and reuse this object: nothing of it is read below.
    continuation* const waiting = word_.complete();
    if (waiting != nullptr) run_continuation(*waiting, !run_async);
}

}  // namespace weft::inline WEFT_ABI::detail
