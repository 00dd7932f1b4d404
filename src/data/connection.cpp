// SPDX-License-Identifier: MIT

#include "weft/data/connection.hpp"

#include "data/lease.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::data {

namespace detail {

namespace {

// Owns the session from when it is granted until somebody takes it, so that a coroutine that is destroyed or throws in between
// gives it back.
class lease_job final : public job {
public:
    explicit lease_job(engine& of) noexcept : engine_(&of) {}
    ~lease_job() override {
        if (granted_ != nullptr) engine_->release(*granted_);
    }
    void run(session& on) override {
        on.lease();
        granted_ = &on;
    }
    [[nodiscard]] session& granted() const noexcept { return *granted_; }
    void disown() noexcept { granted_ = nullptr; }

private:
    engine* engine_;
    session* granted_ = nullptr;
};

}  // namespace

task<std::shared_ptr<lease>> lease_session(std::shared_ptr<engine> of, cancellation_token token) {
    const target anywhere(of);
    const job_ref<lease_job> work(new lease_job(*of));
    co_await job_operation(anywhere, *work, token);
    std::shared_ptr<lease> held = std::make_shared<lease>(of, work->granted());
    work->disown();
    co_return held;
}

}  // namespace detail

detail::target connection::statement_target() const {
    if (where_.database() == nullptr) throw invalid_operation("the connection has been moved away");
    return where_;
}

}  // namespace weft::inline WEFT_ABI::data
