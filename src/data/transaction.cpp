// SPDX-License-Identifier: MIT

#include "weft/data/transaction.hpp"

#include <string_view>

#include "data/lease.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::data {

namespace detail {

namespace {

class begin_job final : public job {
public:
    explicit begin_job(std::string_view text) : what_(text) {}
    void run(session& on) override {
        if (on.in_transaction())
            throw invalid_operation("the connection has an open transaction already; transactions do not nest");
        static_cast<void>(on.run(what_, nullptr));
    }

private:
    command what_;
};

// Does nothing when the database has rolled back by itself.
class rollback_job final : public job {
public:
    void run(session& on) override {
        if (on.in_transaction()) static_cast<void>(on.run(what_, nullptr));
    }

private:
    command what_{"ROLLBACK"};
};

std::string_view begin_statement(transaction_mode mode, bool read_only) {
    if (read_only) return "BEGIN DEFERRED";
    switch (mode) {
        case transaction_mode::deferred: return "BEGIN DEFERRED";
        case transaction_mode::exclusive: return "BEGIN EXCLUSIVE";
        case transaction_mode::immediate: break;
    }
    return "BEGIN IMMEDIATE";
}

}  // namespace

class transaction_state {
public:
    // The job of the last resort is made here, because a destructor may not fail for want of memory.
    explicit transaction_state(target where) : where_(std::move(where)), undo_(new rollback_job) { where_.address(*undo_); }
    transaction_state(const transaction_state&) = delete;
    transaction_state& operator=(const transaction_state&) = delete;
    ~transaction_state() {
        // Queued behind the statements that are on their way. A refusal means that the database is closing, which rolls back too.
        if (open_) static_cast<void>(where_.database()->submit(*undo_));
    }

    [[nodiscard]] bool is_open() const noexcept { return open_; }
    [[nodiscard]] const target& where() const {
        if (!open_) throw invalid_operation("the transaction is over");
        return where_;
    }
    void end() noexcept {
        open_ = false;
        where_ = target();
    }

private:
    target where_;
    job_ref<rollback_job> undo_;
    bool open_ = true;
};

task<transaction> begin_transaction(target where, transaction_mode mode, cancellation_token token) {
    std::shared_ptr<lease> held = where.held();
    if (held == nullptr) held = co_await lease_session(where.database(), token);
    const target own(where.database(), held);
    const job_ref<begin_job> work(new begin_job(begin_statement(mode, where.database()->is_read_only())));
    co_await job_operation(own, *work, token);
    co_return transaction(std::make_shared<transaction_state>(target(where.database(), held, true)));
}

namespace {

task<> commit_transaction(std::shared_ptr<transaction_state> state, cancellation_token token) {
    const target where = state->where();
    const std::int64_t changed = co_await execute_command(where, std::move(token), command("COMMIT"));
    static_cast<void>(changed);
    state->end();
}

task<> roll_back_transaction(std::shared_ptr<transaction_state> state, cancellation_token token) {
    const target where(state->where().database(), state->where().held());
    const job_ref<rollback_job> work(new rollback_job);
    co_await job_operation(where, *work, token);
    state->end();
}

[[nodiscard]] const std::shared_ptr<transaction_state>& required(const std::shared_ptr<transaction_state>& state) {
    if (state == nullptr) throw invalid_operation("the transaction has been moved away");
    return state;
}

}  // namespace

}  // namespace detail

transaction::transaction(std::shared_ptr<detail::transaction_state> state) noexcept : state_(std::move(state)) {}
transaction::~transaction() = default;

task<> transaction::commit(cancellation_token token) {
    return detail::started<void>([&] { return detail::commit_transaction(detail::required(state_), std::move(token)); });
}
task<> transaction::rollback(cancellation_token token) {
    return detail::started<void>([&] { return detail::roll_back_transaction(detail::required(state_), std::move(token)); });
}
bool transaction::is_open() const noexcept { return state_ != nullptr && state_->is_open(); }
detail::target transaction::statement_target() const { return detail::required(state_)->where(); }

}  // namespace weft::inline WEFT_ABI::data
