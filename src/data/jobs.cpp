// How coroutines wait for jobs: the frame's half of the protocol whose other half is in sqlite/engine.cpp.
//
//   1. await_suspend() suspends the coroutine and registers with the token; from then on a cancel may come at any time
//   2. engine::submit() queues the job, unless that cancel was faster; nothing of the frame is touched after it returned true
//   3. whoever ends the job - its session, or a cancel that finds it queued - wakes the coroutine, once
//   4. await_resume() leaves the token, so that its callback does not run any more, and looks how the job ended
//
// A frame that shutdown destroys between 2 and 3 abandons its job in ~job_operation().
//
// SPDX-License-Identifier: MIT

#include "weft/data/detail/jobs.hpp"

#include "weft/task/detail/awaiter.hpp"

namespace weft::inline WEFT_ABI::data::detail {

job_operation::job_operation(const target& where, job& work, const cancellation_token& token) noexcept
    : cancellation_node([](weft::detail::cancellation_node& node) {
          auto& self = static_cast<job_operation&>(node);
          self.engine_->cancel(*self.job_);
      }),
      engine_(where.database().get()),
      job_(&work),
      token_(&token) {
    where.address(work);
}

job_operation::~job_operation() {
    if (!waiting_) return;
    weft::detail::remove_and_wait(*this);
    engine_->abandon(*job_);
}

bool job_operation::await_suspend(std::coroutine_handle<> self) noexcept {
    weft::detail::task_core& awaiter = weft::detail::core_of(self);
    const weft::detail::suspension before = awaiter.begin_suspend(false);
    job_->awaiter = &awaiter;
    waiting_ = true;
    if (weft::detail::add_registration(*token_, *this) && engine_->submit(*job_)) return true;
    waiting_ = false;
    awaiter.undo_suspend(before);
    return false;
}

void job_operation::await_resume() {
    weft::detail::remove_and_wait(*this);
    waiting_ = false;
    if (job_->stage != job::phase::finished) throw operation_canceled(*token_);
    if (job_->error != nullptr) std::rethrow_exception(std::move(job_->error));
}

namespace {

class execute_job final : public job {
public:
    explicit execute_job(command what) : what_(std::move(what)) {}
    void run(session& on) override { changed = on.run(what_, nullptr); }

    std::int64_t changed = 0;

private:
    command what_;
};

}  // namespace

task<std::int64_t> execute_command(target where, cancellation_token token, command what) {
    const job_ref<execute_job> work(new execute_job(std::move(what)));
    co_await job_operation(where, *work, token);
    co_return work->changed;
}

void throw_no_row(const command& what) {
    throw_query_error(error_kind::row_count, what.sql, "one row is wanted, but there is none");
}

void throw_second_row(const command& what) {
    throw_query_error(error_kind::row_count, what.sql, "one row is wanted, but there are more");
}

}  // namespace weft::inline WEFT_ABI::data::detail
