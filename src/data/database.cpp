// SPDX-License-Identifier: MIT

#include "weft/data/database.hpp"

#include <stdexcept>

#include "data/lease.hpp"
#include "data/sqlite/engine.hpp"
#include "data/sqlite/location.hpp"
#include "weft/task/wait_async.hpp"

namespace weft::inline WEFT_ABI::data {

namespace {

std::shared_ptr<detail::engine> make_engine(std::string_view url, const database_options& options) {
    const std::size_t colon = url.find("://");
    if (colon == std::string_view::npos)
        throw std::invalid_argument("database url '" + std::string(url) + "' has no provider; write sqlite:///path");
    const std::string_view provider = url.substr(0, colon);
    if (provider != "sqlite")
        throw std::invalid_argument("database url '" + std::string(url) + "': there is no provider '" +
            std::string(provider) + "'; there is sqlite");
    return detail::make_sqlite_engine(detail::parse_sqlite_url(url, options));
}

// Runs nothing: its session has to be open for that.
class open_job final : public detail::job {
public:
    void run(detail::session&) override {}
};

task<database> open_database(std::string url, database_options options, cancellation_token token) {
    const database made(url, options);
    const detail::target where = made.statement_target();
    const detail::job_ref<open_job> work(new open_job);
    co_await detail::job_operation(where, *work, token);
    co_return made;
}

task<connection> connect_to(std::shared_ptr<detail::engine> of, cancellation_token token) {
    std::shared_ptr<detail::lease> held = co_await detail::lease_session(of, std::move(token));
    co_return connection(detail::target(of, std::move(held)));
}

}  // namespace

database::database(std::string_view url, const database_options& options) : engine_(make_engine(url, options)) {}

task<database> database::open(std::string_view url, cancellation_token token) {
    return open_database(std::string(url), database_options(), std::move(token));
}
task<database> database::open(std::string_view url, const database_options& options, cancellation_token token) {
    return open_database(std::string(url), options, std::move(token));
}

task<connection> database::connect(cancellation_token token) const { return connect_to(engine_, std::move(token)); }

task<> database::close(cancellation_token token) const {
    task<> closed = engine_->close();
    return token.can_be_canceled() ? closed.wait_async(std::move(token)) : closed;
}

std::size_t dedicated_thread_count() noexcept { return detail::session_thread_count(); }

}  // namespace weft::inline WEFT_ABI::data
