// SPDX-License-Identifier: MIT

#include "weft/task/task_completion_source.hpp"

#include <algorithm>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>

namespace weft::inline WEFT_ABI {

namespace {

using abandoned_handler = unique_function<void(std::int32_t)>;

struct abandoned_handlers {
    std::mutex mutex;
    std::list<std::shared_ptr<abandoned_handler>> all;
};

// Never destroyed: a source may go after every static object of the program.
abandoned_handlers& handlers_of_abandoned() {
    static auto* instance = new abandoned_handlers();
    return *instance;
}

void tell_of_abandoned(std::int32_t task_id) noexcept {
    std::list<std::shared_ptr<abandoned_handler>> copy;
    {
        const std::lock_guard lock(handlers_of_abandoned().mutex);
        copy = handlers_of_abandoned().all;
    }
    for (const auto& each : copy) (*each)(task_id);
}

}  // namespace

unique_function<void()> on_abandoned_source(abandoned_handler handler) {
    auto entry = std::make_shared<abandoned_handler>(std::move(handler));
    abandoned_handlers& list = handlers_of_abandoned();
    const std::lock_guard lock(list.mutex);
    list.all.push_back(entry);
    return [kept = std::weak_ptr<abandoned_handler>(entry)] {
        abandoned_handlers& from = handlers_of_abandoned();
        const std::lock_guard guard(from.mutex);
        from.all.remove(kept.lock());
    };
}

namespace detail {

void throw_empty_handle() { throw invalid_operation("the task handle is empty: it was default-constructed or moved from"); }

bool wait_for(task_core& core, std::chrono::nanoseconds limit, const cancellation_token& token) {
    bool done = false;
    const time_point now = std::chrono::steady_clock::now();
    if (limit < std::chrono::nanoseconds::zero() || limit > time_point::max() - now) {
        done = core.wait(nullptr, token);
    } else {
        done = core.wait(&limit, token);
    }
    if (done) core.throw_aggregate_if_failed();
    return done;
}

completion_source_base::completion_source_base(const result_operations& operations, creation_options options) {
    constexpr auto allowed = creation_options::run_continuations_asynchronously | creation_options::attached_to_parent |
        creation_options::break_promise_on_drop;
    if ((static_cast<std::uint8_t>(options) & ~static_cast<std::uint8_t>(allowed)) != 0)
        throw std::invalid_argument(
            "a completion source takes run_continuations_asynchronously, attached_to_parent and break_promise_on_drop "
            "only");
    break_on_drop_ = options & creation_options::break_promise_on_drop;
    const bool run_async = options & creation_options::run_continuations_asynchronously;
    core_ = make_core(operations, 0, static_cast<std::uint8_t>(run_async ? flag_run_async : 0));
}

void completion_source_base::drop_unset() noexcept {
    if (break_on_drop_) {
        static_cast<void>(try_set_exception(std::make_exception_ptr(broken_promise())));
    } else if (core_->try_claim()) {  // else somebody completes it right now
        tell_of_abandoned(core_->id());
    }
}

task_core& completion_source_base::core() const {
    if (core_ == nullptr) throw invalid_operation("the completion source was moved from");
    return *core_;
}

void completion_source_base::throw_completed() {
    throw invalid_operation("the task of this completion source has already ended");
}

void completion_source_base::set_exception(std::exception_ptr error) {
    if (!try_set_exception(std::move(error))) throw_completed();
}
void completion_source_base::set_exception(std::vector<std::exception_ptr> errors) {
    if (!try_set_exception(std::move(errors))) throw_completed();
}
bool completion_source_base::try_set_exception(std::exception_ptr error) {
    return try_set_errors(error_list(std::move(error)));
}
bool completion_source_base::try_set_exception(std::vector<std::exception_ptr> errors) {
    return try_set_errors(error_list(errors.begin(), errors.end()));
}
bool completion_source_base::try_set_errors(error_list errors) {
    if (errors.empty() || std::find(errors.begin(), errors.end(), nullptr) != errors.end())
        throw std::invalid_argument("set_exception needs at least one exception, and none may be null");
    if (!core().try_claim()) return false;
    core_->add_ref();
    task_core* kept = core_;
    kept->set_fault(std::move(errors));
    kept->complete();
    kept->release();
    return true;
}
void completion_source_base::set_canceled(cancellation_token token) {
    if (!try_set_canceled(std::move(token))) throw_completed();
}
bool completion_source_base::try_set_canceled(cancellation_token token) {
    if (!core().try_claim()) return false;
    core_->add_ref();
    task_core* kept = core_;
    kept->set_canceled(std::make_exception_ptr(task_canceled(std::move(token))));
    kept->complete();
    kept->release();
    return true;
}
bool completion_source_base::try_copy_failure(task_core& from) {
    if (!core().try_claim()) return false;
    core_->add_ref();
    task_core* kept = core_;
    kept->copy_fault(from);
    kept->complete();
    kept->release();
    return true;
}

}  // namespace detail

task<> completed_task() {
    // Never destroyed: handles may be asked for, and dropped, while the program exits.
    static const task<>* shared = [] {
        detail::task_core* core = detail::make_core(detail::result_traits<void>::operations, 0, 0);
        core->complete();
        return new task<>(core, detail::adopt_core{});
    }();
    return *shared;
}

}  // namespace weft::inline WEFT_ABI
