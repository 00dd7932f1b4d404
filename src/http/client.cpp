// The client: one call from URL to response.
// SPDX-License-Identifier: MIT

#include "weft/http/client.hpp"

#include <optional>

#include "http/client_pool.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::http {

namespace {

using detail::client_connection;
using detail::client_origin;
using detail::client_pool;

// A connection in use; unless finish() was called it is closed.
class lease {
public:
    lease(std::shared_ptr<client_pool> pool, client_origin& of, std::shared_ptr<client_connection> held) noexcept
        : pool_(std::move(pool)), of_(of), held_(std::move(held)) {}
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease() {
        if (held_ != nullptr) pool_->give_back(of_, std::move(held_), false);
    }
    client_connection* operator->() const noexcept { return held_.get(); }
    void finish() noexcept {
        const bool usable = held_->keep_alive;
        pool_->give_back(of_, std::move(held_), usable);
    }

private:
    std::shared_ptr<client_pool> pool_;
    client_origin& of_;
    std::shared_ptr<client_connection> held_;
};

std::string name_of(const request& what, const url& where) {
    return std::string(what.method_name()) + " '" + where.to_string() + "'";
}

[[noreturn]] void throw_timeout(const std::string& text) {
    try {
        throw timeout_exception(text);
    } catch (const timeout_exception&) {
        std::throw_with_nested(task_canceled(text));
    }
}

// Says to the caller what went wrong, in the terms of this API.
[[noreturn]] void translate(const std::exception_ptr& error, const request& what, const url& where,
    const cancellation_token& own, const cancellation_token& limited, std::chrono::milliseconds limit) {
    try {
        std::rethrow_exception(error);
    } catch (const operation_canceled&) {
        if (own.is_cancellation_requested()) throw task_canceled(own);
        if (!limited.is_cancellation_requested()) throw;
    } catch (const timeout_exception& late) {
        throw_timeout(name_of(what, where) + " was canceled: " + late.what());
    } catch (const request_exception& refused) {
        std::throw_with_nested(request_exception(name_of(what, where) + " failed: " + refused.what()));
    } catch (const std::exception& failure) {
        std::throw_with_nested(request_exception(name_of(what, where) + " failed: " + failure.what()));
    }
    throw_timeout(name_of(what, where) + " was canceled: the timeout of " + std::to_string(limit.count()) + " ms elapsed");
}

// Sends over one connection after the other, until one works or sending again could do harm.
task<response> send_over_pool(
    std::shared_ptr<client_pool> pool, const request& what, const url& where, cancellation_token token) {
    client_origin& of = pool->origin(where.host(), where.port());
    detail::h1_limits limits;
    limits.start_line = pool->options().max_response_headers_size;
    limits.fields = pool->options().max_response_headers_size;
    limits.field_count = 1000;
    limits.body = pool->options().max_response_content_buffer_size;
    for (;;) {
        token.throw_if_cancellation_requested();
        std::shared_ptr<client_connection> taken = pool->take(of);
        if (taken == nullptr) taken = co_await pool->wait(of, token).configure_await(false);
        const std::shared_ptr<client_connection> held = taken;
        lease connection(pool, of, std::move(taken));
        connection->wire.clear();
        detail::write_request(connection->wire, what, where.target(), where.authority());
        cancellation_registration stop = token.unsafe_register([held] { held->stop(); });
        std::exception_ptr lost;
        try {
            response answer = co_await connection->exchange(what.method(), limits).configure_await(false);
            stop.dispose();
            if (token.is_cancellation_requested())
                connection->keep_alive = false;  // stop() may have come too late for this one
            connection.finish();
            co_return answer;
        } catch (const operation_canceled&) {
            throw;
        } catch (...) {
            lost = std::current_exception();
        }
        // The server closed a connection that was unused until now: it has not seen this request, or at least not answered.
        const bool again = connection->uses != 0 && !connection->started && is_idempotent(what.method());
        if (!again) std::rethrow_exception(lost);
    }
}

}  // namespace

class client::state : public std::enable_shared_from_this<client::state> {
public:
    explicit state(const client_options& options) : pool(std::make_shared<client_pool>(options)) {}
    ~state() { pool->dispose(); }

    std::shared_ptr<client_pool> pool;
    headers default_headers;
    std::optional<url> base;

    [[nodiscard]] url resolve(const std::string& target) const {
        if (url::is_absolute(target)) return url(target);
        if (!base) throw std::invalid_argument("url '" + target + "' is relative, and the client has no base address");
        return url::resolve(*base, target);
    }

    static task<response> send(std::shared_ptr<state> self, request what, cancellation_token token) {
        const url where = self->resolve(what.target().raw());
        if (where.scheme() != "http")
            throw request_exception(name_of(what, where) + " failed: https is not supported by this version; use http");
        for (const header_field field : self->default_headers)
            if (!what.headers().contains(field.name)) what.headers().add(field.name, field.value);

        const std::chrono::milliseconds limit = self->pool->options().timeout;
        std::optional<cancellation_source> timer;
        cancellation_token limited = token;
        if (limit >= std::chrono::milliseconds::zero()) {
            timer.emplace(cancellation_source::linked(token));
            timer->cancel_after(limit);
            limited = timer->token();
        }
        std::exception_ptr error;
        response answer;
        try {
            answer = co_await send_over_pool(self->pool, what, where, limited).configure_await(false);
        } catch (...) {
            error = std::current_exception();
        }
        if (timer) timer->dispose();
        if (error) translate(error, what, where, token, limited, limit);
        co_return answer;
    }

    static task<std::string> get_body(std::shared_ptr<state> self, std::string target, cancellation_token token) {
        request what(method::get, target);
        response answer = co_await send(std::move(self), std::move(what), std::move(token)).configure_await(false);
        answer.ensure_success_status_code();
        co_return answer.content().take();
    }
};

client::client(const client_options& options) {
    if (options.max_connections_per_server == 0)
        throw std::invalid_argument("max_connections_per_server must be at least 1");
    state_ = std::make_shared<state>(options);
}
client::client(client&&) noexcept = default;
client& client::operator=(client&&) noexcept = default;
client::~client() = default;

void client::base_address(std::string_view text) { state_->base.emplace(text); }
headers& client::default_request_headers() noexcept { return state_->default_headers; }

task<response> client::send(request what, cancellation_token token) {
    return state::send(state_, std::move(what), std::move(token));
}
task<response> client::get(std::string target, cancellation_token token) {
    return send(request(method::get, target), std::move(token));
}
task<response> client::post(std::string target, content body, cancellation_token token) {
    return send(request(method::post, target, std::move(body)), std::move(token));
}
task<response> client::put(std::string target, content body, cancellation_token token) {
    return send(request(method::put, target, std::move(body)), std::move(token));
}
task<response> client::delete_(std::string target, cancellation_token token) {
    return send(request(method::delete_, target), std::move(token));
}
task<std::string> client::get_string(std::string target, cancellation_token token) {
    return state::get_body(state_, std::move(target), std::move(token));
}
task<std::string> client::get_bytes(std::string target, cancellation_token token) {
    return state::get_body(state_, std::move(target), std::move(token));
}

std::size_t client::connection_count() const { return state_->pool->connection_count(); }
std::uint64_t client::total_connections() const noexcept { return state_->pool->total_connections(); }

}  // namespace weft::inline WEFT_ABI::http
