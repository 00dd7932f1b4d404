// SPDX-License-Identifier: MIT

#include "weft/interop/eap.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "weft/scheduling/run.hpp"

namespace weft::inline WEFT_ABI {

target_invocation_exception::target_invocation_exception(std::exception_ptr inner)
    : std::runtime_error("an event-based operation failed: " + message_of(inner)), inner_(std::move(inner)) {}

// ---- async_operation

class async_operation::state {
public:
    state(weft::synchronization_context& context, std::any user_state) noexcept
        : context_(context), user_state_(std::move(user_state)) {
        context_.operation_started();
    }
    ~state() {
        if (!completed_.load(std::memory_order_acquire)) context_.operation_completed();
    }
    state(const state&) = delete;
    state& operator=(const state&) = delete;

    [[nodiscard]] weft::synchronization_context& context() const noexcept { return context_; }
    [[nodiscard]] const std::any& user_state() const noexcept { return user_state_; }

    void check_open() const {
        if (completed_.load(std::memory_order_acquire)) throw_complete();
    }
    /// Of several callers one wins the right to post the last callback.
    void claim() {
        if (completed_.exchange(true, std::memory_order_acq_rel)) throw_complete();
    }

private:
    [[noreturn]] static void throw_complete() {
        throw invalid_operation("the async_operation is complete: nothing can be posted to it any more");
    }

    weft::synchronization_context& context_;
    std::any user_state_;
    std::atomic<bool> completed_{false};
};

const std::any& async_operation::user_supplied_state() const noexcept { return state_->user_state(); }

weft::synchronization_context& async_operation::synchronization_context() const noexcept { return state_->context(); }

void async_operation::post(callback function) const {
    if (!function) throw std::invalid_argument("async_operation::post needs a callback");
    state_->check_open();
    state_->context().post(std::move(function));
}

void async_operation::post_operation_completed(callback function) const {
    if (!function) throw std::invalid_argument("async_operation::post_operation_completed needs a callback");
    state_->claim();
    state_->context().post(std::move(function));
    state_->context().operation_completed();
}

void async_operation::operation_completed() const {
    state_->claim();
    state_->context().operation_completed();
}

async_operation async_operation_manager::create_operation(std::any user_supplied_state) {
    return async_operation(std::make_shared<async_operation::state>(
        async_operation_manager::synchronization_context(), std::move(user_supplied_state)));
}

weft::synchronization_context& async_operation_manager::synchronization_context() {
    // Never destroyed: threads keep it as their current one to the end of the process.
    static weft::synchronization_context& to_the_pool = *new weft::synchronization_context;
    if (weft::synchronization_context::current() == nullptr) weft::synchronization_context::set_current(&to_the_pool);
    return *weft::synchronization_context::current();
}

// ---- background_worker

class background_worker::state : public std::enable_shared_from_this<state> {
public:
    event<do_work_event_args&> do_work;
    event<const progress_changed_event_args&> progress_changed;
    event<const async_completed_event_args<std::any>&> completed;
    std::atomic<bool> supports_cancellation{false};
    std::atomic<bool> reports_progress{false};
    std::atomic<bool> cancellation_pending{false};
    std::atomic<bool> gone{false};

    [[nodiscard]] bool is_busy() const {
        const std::lock_guard lock(mutex_);
        return run_.has_value();
    }

    void start(std::any argument) {
        {
            const std::lock_guard lock(mutex_);
            if (run_.has_value()) throw invalid_operation("the background_worker is busy: it runs one operation at a time");
            run_ = async_operation_manager::create_operation();
        }
        cancellation_pending.store(false, std::memory_order_relaxed);
        weft::run([self = shared_from_this(), with = std::move(argument)]() mutable {
            self->work(std::move(with));
        }).forget();
    }

    void report(int percentage, std::any user_state) {
        if (!reports_progress.load(std::memory_order_relaxed))
            throw invalid_operation("this background_worker does not report progress: set_worker_reports_progress(true)");
        current().post([self = shared_from_this(), args = progress_changed_event_args(percentage, std::move(user_state))] {
            if (!self->gone.load(std::memory_order_relaxed)) self->progress_changed.raise(args);
        });
    }

private:
    void work(std::any argument) {
        do_work_event_args args(std::move(argument));
        std::exception_ptr error;
        try {
            do_work.raise(args);
        } catch (...) {
            error = std::current_exception();
        }
        auto outcome = error != nullptr || args.cancel
            ? async_completed_event_args<std::any>(error, error == nullptr && args.cancel)
            : async_completed_event_args<std::any>(std::in_place, std::move(args.result));
        current().post_operation_completed([self = shared_from_this(), ending = std::move(outcome)] {
            {
                const std::lock_guard lock(self->mutex_);
                self->run_.reset();
            }
            self->cancellation_pending.store(false, std::memory_order_relaxed);
            if (!self->gone.load(std::memory_order_relaxed)) self->completed.raise(ending);
        });
    }

    [[nodiscard]] async_operation current() const {
        const std::lock_guard lock(mutex_);
        if (!run_.has_value()) throw invalid_operation("no operation of this background_worker is running");
        return *run_;
    }

    mutable std::mutex mutex_;
    std::optional<async_operation> run_;  ///< while one is under way
};

background_worker::background_worker() : state_(std::make_shared<state>()) {}
background_worker::~background_worker() { state_->gone.store(true, std::memory_order_relaxed); }

event<do_work_event_args&>& background_worker::do_work() noexcept { return state_->do_work; }
event<const progress_changed_event_args&>& background_worker::progress_changed() noexcept {
    return state_->progress_changed;
}
event<const async_completed_event_args<std::any>&>& background_worker::run_worker_completed() noexcept {
    return state_->completed;
}

void background_worker::set_worker_supports_cancellation(bool supports) noexcept {
    state_->supports_cancellation.store(supports, std::memory_order_relaxed);
}
void background_worker::set_worker_reports_progress(bool reports) noexcept {
    state_->reports_progress.store(reports, std::memory_order_relaxed);
}
bool background_worker::worker_supports_cancellation() const noexcept {
    return state_->supports_cancellation.load(std::memory_order_relaxed);
}
bool background_worker::worker_reports_progress() const noexcept {
    return state_->reports_progress.load(std::memory_order_relaxed);
}

bool background_worker::is_busy() const noexcept { return state_->is_busy(); }
bool background_worker::cancellation_pending() const noexcept {
    return state_->cancellation_pending.load(std::memory_order_relaxed);
}

void background_worker::run_worker_async(std::any argument) { state_->start(std::move(argument)); }

void background_worker::cancel_async() {
    if (!worker_supports_cancellation())
        throw invalid_operation(
            "this background_worker does not support cancellation: set_worker_supports_cancellation(true)");
    state_->cancellation_pending.store(true, std::memory_order_relaxed);
}

void background_worker::report_progress(int percentage, std::any user_state) {
    state_->report(percentage, std::move(user_state));
}

}  // namespace weft::inline WEFT_ABI
