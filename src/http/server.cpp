// Accepting, watching deadlines, stopping.
//
// Stopping against a session that becomes idle: stop() sets stopping_ and then looks at the phase; the session sets its phase
// and then looks at stopping_ (session::begin_reading). Both are sequentially consistent, so one of the two sees the other.
// SPDX-License-Identifier: MIT

#include "weft/http/server.hpp"

#include <optional>

#include "http/server_state.hpp"
#include "weft/base/error.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/scheduling/run.hpp"
#include "weft/scheduling/runtime.hpp"
#include "weft/task/wait_async.hpp"

namespace weft::inline WEFT_ABI::http {

namespace detail {

namespace {

using namespace std::chrono_literals;

constexpr auto sweep_interval = 1s;
constexpr auto accept_pause = 100ms;  // after an error of accepting, which is about the process, not about one client
constexpr auto abort_patience = 1s;   // for aborted connections to get out, so that stop() rarely leaves any behind

}  // namespace

server_state::server_state(handler function, const server_options& options)
    : handler_(std::move(function)), options_(options) {}

h1_limits server_state::limits() const noexcept {
    h1_limits limits;
    limits.start_line = options_.max_request_line_size;
    limits.fields = options_.max_request_fields_size;
    limits.field_count = options_.max_request_field_count;
    limits.body = options_.max_request_body_size;
    return limits;
}

void server_state::start(const net::endpoint& where) {
    {
        std::scoped_lock guard(lock_);
        if (started_) throw invalid_operation("the server was started before");
        started_ = true;
    }
    net::listen_options listening;
    listening.backlog = options_.backlog;
    try {
        listener_ = net::tcp_listener::bind(where, listening);
    } catch (...) {
        std::scoped_lock guard(lock_);
        started_ = false;
        throw;
    }
    clock_ = &runtime::current().time();
    set_time();
    run(accept_connections, shared_from_this()).forget();
    run(sweep, shared_from_this()).forget();
}

net::endpoint server_state::local_endpoint() const {
    if (!listener_.is_open()) throw invalid_operation("the server does not listen");
    return listener_.local_endpoint();
}

void server_state::set_time() noexcept {
    const auto since = clock_->utc_now().time_since_epoch();
    now_.store(std::chrono::duration_cast<std::chrono::seconds>(since).count(), std::memory_order_relaxed);
}

void server_state::report(const std::exception_ptr& error) noexcept {
    if (!on_error) return;
    try {
        on_error(error);
    } catch (...) {
        // A hook that fails must not end the connection that it was told about.
    }
}

task<> server_state::accept_connections(std::shared_ptr<server_state> self) {
    const cancellation_token token = self->accepting_.token();
    for (;;) {
        net::tcp_stream accepted;
        std::exception_ptr error;
        try {
            accepted = co_await self->listener_.accept(token);
        } catch (const operation_canceled&) {
            co_return;
        } catch (const object_disposed&) {
            co_return;
        } catch (...) {
            error = std::current_exception();
        }
        if (error) {
            self->report(error);
            co_await delay(accept_pause, token);
        } else {
            self->admit(std::move(accepted));
        }
    }
}

void server_state::admit(net::tcp_stream stream) {
    try {
        stream.no_delay();
        auto added = std::make_shared<session>(shared_from_this(), std::move(stream));
        // Not from here: a client that is quick enough could keep this coroutine from accepting others.
        if (enter(added)) run(&session::serve, std::move(added)).forget();
        else turn_away(session::take_stream(*added)).forget();
    } catch (...) {
        report(std::current_exception());
    }
}

task<> server_state::turn_away(net::tcp_stream stream) {
    try {
        co_await stream.write(
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n");
        stream.shutdown_send();
    } catch (...) {
        // The client did not wait for its refusal.
    }
    co_await stream.close();
}

bool server_state::enter(const std::shared_ptr<session>& added) {
    std::scoped_lock guard(lock_);
    ++total_connections_;
    if (is_stopping() || (options_.max_connections != 0 && sessions_.size() >= options_.max_connections)) return false;
    added->place = sessions_.insert(sessions_.end(), added);
    return true;
}

void server_state::leave(session& left) noexcept {
    std::vector<task_completion_source<>> waiting;
    std::list<std::shared_ptr<session>> gone;
    {
        std::scoped_lock guard(lock_);
        finished_requests_ += left.requests();
        gone.splice(gone.end(), sessions_, left.place);
        if (sessions_.empty()) waiting.swap(drained_);
    }
    for (task_completion_source<>& waiter : waiting) static_cast<void>(waiter.try_set_result());
}

std::vector<std::shared_ptr<session>> server_state::sessions() const {
    std::scoped_lock guard(lock_);
    return {sessions_.begin(), sessions_.end()};
}

std::size_t server_state::connection_count() const noexcept {
    std::scoped_lock guard(lock_);
    return sessions_.size();
}

std::uint64_t server_state::total_connections() const noexcept {
    std::scoped_lock guard(lock_);
    return total_connections_;
}

std::uint64_t server_state::total_requests() const noexcept {
    std::scoped_lock guard(lock_);
    std::uint64_t sum = finished_requests_;
    for (const std::shared_ptr<session>& live : sessions_) sum += live->requests();
    return sum;
}

task<> server_state::sweep(std::shared_ptr<server_state> self) {
    const cancellation_token token = self->sweeping_.token();
    for (;;) {
        co_await delay(sweep_interval, token);
        self->set_time();
        const std::int64_t now = self->tick_.fetch_add(1, std::memory_order_relaxed) + 1;
        for (const std::shared_ptr<session>& live : self->sessions()) live->check(now);
    }
}

task<> server_state::drained() {
    std::scoped_lock guard(lock_);
    drained_.emplace_back(creation_options::run_continuations_asynchronously);
    task<> waiting = drained_.back().task();
    if (sessions_.empty()) {
        static_cast<void>(drained_.back().try_set_result());
        drained_.pop_back();
    }
    return waiting;
}

task<stop_report> server_state::stop(std::chrono::nanoseconds deadline) {
    const std::shared_ptr<server_state> self = shared_from_this();
    stopping_.store(true, std::memory_order_seq_cst);
    accepting_.cancel();
    if (listener_.is_open()) co_await listener_.close().configure_await(false);
    for (const std::shared_ptr<session>& live : sessions()) live->stop_when_idle();

    stop_report report;
    bool late = false;
    try {
        co_await wait_async(drained(), deadline).configure_await(false);
    } catch (const timeout_exception&) {
        late = true;
    }
    if (late) {
        const std::vector<std::shared_ptr<session>> left = sessions();
        report.aborted = left.size();
        for (const std::shared_ptr<session>& live : left) live->abort();
        try {
            co_await wait_async(drained(), abort_patience).configure_await(false);
        } catch (const timeout_exception&) {
            // Handlers that do not look at their token; they keep what they use alive.
        }
    }
    sweeping_.cancel();
    co_return report;
}

void server_state::abandon() noexcept {
    try {
        stopping_.store(true, std::memory_order_seq_cst);
        accepting_.cancel();
        sweeping_.cancel();
        if (listener_.is_open()) listener_.close().forget();
        for (const std::shared_ptr<session>& live : sessions()) live->abort();
    } catch (...) {
        // Out of memory: the sockets close with the last reference instead.
    }
}

}  // namespace detail

server::server(router routes, const server_options& options)
    : server(handler_tag(), handler([routes = std::move(routes)](request& asked, const cancellation_token& token) mutable {
          return routes.handle(asked, token);
      }),
          options) {}

server::server(handler_tag, handler function, const server_options& options)
    : state_(std::make_shared<detail::server_state>(std::move(function), options)) {}

server::server(server&&) noexcept = default;

server& server::operator=(server&& other) noexcept {
    if (this != &other) {
        if (state_ != nullptr) state_->abandon();
        state_ = std::move(other.state_);
    }
    return *this;
}

server::~server() {
    if (state_ != nullptr) state_->abandon();
}

void server::start(const net::endpoint& where) { state_->start(where); }
net::endpoint server::local_endpoint() const { return state_->local_endpoint(); }
task<stop_report> server::stop(std::chrono::nanoseconds deadline) { return state_->stop(deadline); }
void server::on_error(unique_function<void(const std::exception_ptr&)> hook) { state_->on_error = std::move(hook); }
std::size_t server::connection_count() const noexcept { return state_->connection_count(); }
std::uint64_t server::total_connections() const noexcept { return state_->total_connections(); }
std::uint64_t server::total_requests() const noexcept { return state_->total_requests(); }

}  // namespace weft::inline WEFT_ABI::http
