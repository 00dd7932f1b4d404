// src/io/net/happy_eyeballs.cpp: several attempts to connect, of which the first to succeed wins (RFC 8305).
// SPDX-License-Identifier: MIT

#include "io/net/happy_eyeballs.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>

#include "weft/base/error.hpp"
#include "weft/io/net/resolver.hpp"
#include "weft/io/net/tcp.hpp"
#include "weft/scheduling/delay.hpp"
#include "weft/task/detail/timed_wait.hpp"
#include "weft/task/when_any.hpp"

namespace weft::inline WEFT_ABI::detail {

std::vector<net::endpoint> interleave_families(const std::vector<net::endpoint>& addresses) {
    std::vector<net::endpoint> first, second, result;
    for (const net::endpoint& each : addresses)
        (each.is_v6() == addresses.front().is_v6() ? first : second).push_back(each);
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
        if (i < first.size()) result.push_back(first[i]);
        if (i < second.size()) result.push_back(second[i]);
    }
    return result;
}

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::net {

namespace {

struct attempt {
    cancellation_source stop;
    tcp_stream stream;
    std::exception_ptr error;
    bool seen = false;  // its failure was taken account of
    task<> ended;
};

/// Never fails: how it ended stands in the attempt.
task<> run(attempt& of, endpoint remote) {
    try {
        of.stream = co_await tcp_stream::connect(remote, of.stop.token()).configure_await(false);
    } catch (...) {
        of.error = std::current_exception();
    }
}

class race {
public:
    race(std::vector<endpoint> addresses, cancellation_token token)
        : addresses_(std::move(addresses)), token_(std::move(token)) {}

    task<tcp_stream> run(std::chrono::milliseconds attempt_delay) {
        std::exception_ptr broken;
        try {
            co_await try_all(attempt_delay).configure_await(false);
        } catch (...) {
            broken = std::current_exception();  // no memory: the attempts under way must end before they are destroyed
        }
        // Losers are closed before anybody hears of the winner.
        for (const auto& each : attempts_) each->stop.cancel();
        for (const auto& each : attempts_) {
            co_await each->ended.configure_await(false);
            each->stream = tcp_stream();
        }
        if (broken) std::rethrow_exception(broken);
        if (winner_) co_return std::move(*winner_);
        token_.throw_if_cancellation_requested();
        std::rethrow_exception(last_error_);
    }

private:
    task<> try_all(std::chrono::milliseconds attempt_delay) {
        start_next();
        for (;;) {
            co_await wait(attempt_delay).configure_await(false);
            if (token_.is_cancellation_requested() || take_winner()) break;
            // One that failed is followed at once, one that is slow after the delay.
            if (has_next()) start_next();
            else if (pending().empty()) break;
        }
    }
    [[nodiscard]] bool has_next() const noexcept { return attempts_.size() < addresses_.size(); }
    void start_next() {
        const endpoint remote = addresses_[attempts_.size()];
        auto made = std::make_unique<attempt>();
        attempt& started = *made;
        started.stop = cancellation_source::linked(token_);
        attempts_.push_back(std::move(made));
        try {
            started.ended = net::run(started, remote);
        } catch (...) {
            attempts_.pop_back();  // it never began
            throw;
        }
    }
    [[nodiscard]] std::vector<task<>> pending() const {
        std::vector<task<>> result;
        for (const auto& each : attempts_) {
            if (!each->seen) result.push_back(each->ended);
        }
        return result;
    }
    /// Until an attempt has ended, or it is time for the next one.
    task<> wait(std::chrono::milliseconds attempt_delay) {
        std::vector<task<>> events = pending();
        cancellation_source enough;
        if (has_next()) events.push_back(delay(attempt_delay, enough.token()));
        static_cast<void>(co_await when_any(events).configure_await(false));
        enough.cancel();
    }
    bool take_winner() {
        for (const auto& each : attempts_) {
            if (each->seen || !each->ended.is_completed()) continue;
            each->seen = true;
            if (each->error) {
                last_error_ = each->error;
            } else if (!winner_) {
                winner_.emplace(std::move(each->stream));
            }
        }
        return winner_.has_value();
    }

    std::vector<endpoint> addresses_;
    cancellation_token token_;
    std::vector<std::unique_ptr<attempt>> attempts_;
    std::optional<tcp_stream> winner_;
    std::exception_ptr last_error_;
};

task<tcp_stream> connect_in_order(std::vector<endpoint> addresses, connect_options options, cancellation_token token) {
    if (addresses.empty()) throw std::invalid_argument("tcp_stream::connect_any: there is no address");
    detail::check_delay(options.attempt_delay, "connect_options::attempt_delay");
    token.throw_if_cancellation_requested();
    // The usual case needs no race.
    if (addresses.size() == 1) co_return co_await tcp_stream::connect(addresses[0], token).configure_await(false);
    race all(detail::interleave_families(addresses), std::move(token));
    co_return co_await all.run(options.attempt_delay).configure_await(false);
}

task<tcp_stream> resolve_and_connect(
    std::string host, std::uint16_t port, connect_options options, cancellation_token token) {
    std::vector<endpoint> addresses = co_await resolve(std::move(host), port, token).configure_await(false);
    co_return co_await connect_in_order(std::move(addresses), options, std::move(token)).configure_await(false);
}

/// What is done with a token that also says when it is too late.
class time_limit {
public:
    time_limit(std::chrono::milliseconds limit, cancellation_token of_caller)
        : limit_(limit), caller_(std::move(of_caller)), timer_(limit), both_(linked(caller_, timer_)) {}
    [[nodiscard]] cancellation_token token() const { return both_.token(); }
    /// In a handler of operation_canceled.
    [[noreturn]] void fail(const std::string& whom) const {
        if (caller_.is_cancellation_requested()) throw operation_canceled(caller_);
        if (!timer_.is_cancellation_requested()) throw;
        throw timeout_exception("connect to '" + whom + "' timed out after " + std::to_string(limit_.count()) + " ms");
    }

private:
    static cancellation_source linked(const cancellation_token& caller, const cancellation_source& timer) {
        return cancellation_source::linked(caller, timer.token());
    }
    std::chrono::milliseconds limit_;
    cancellation_token caller_;
    cancellation_source timer_;
    cancellation_source both_;
};

}  // namespace

task<tcp_stream> tcp_stream::connect(std::string host, std::uint16_t port, cancellation_token token) {
    return resolve_and_connect(std::move(host), port, connect_options(), std::move(token));
}

task<tcp_stream> tcp_stream::connect(
    std::string host, std::uint16_t port, connect_options options, cancellation_token token) {
    if (options.timeout < options.timeout.zero())
        co_return co_await resolve_and_connect(std::move(host), port, options, std::move(token)).configure_await(false);
    const std::string whom = host + ":" + std::to_string(port);
    const time_limit limit(options.timeout, std::move(token));
    try {
        task<tcp_stream> made = resolve_and_connect(std::move(host), port, options, limit.token());
        co_return co_await std::move(made).configure_await(false);
    } catch (const operation_canceled&) {
        limit.fail(whom);
    }
}

task<tcp_stream> tcp_stream::connect_any(
    std::vector<endpoint> addresses, connect_options options, cancellation_token token) {
    if (options.timeout < options.timeout.zero() || addresses.empty())
        co_return co_await connect_in_order(std::move(addresses), options, std::move(token)).configure_await(false);
    const std::string whom = addresses.front().to_string();
    const time_limit limit(options.timeout, std::move(token));
    try {
        task<tcp_stream> made = connect_in_order(std::move(addresses), options, limit.token());
        co_return co_await std::move(made).configure_await(false);
    } catch (const operation_canceled&) {
        limit.fail(whom);
    }
}

}  // namespace weft::inline WEFT_ABI::net
