// One connection of a server: requests in, responses out, in order.
//
// 1. All complete requests in the input are handled one after the other; their responses collect in the output.
// 2. When the input has no complete request, the output is written in one piece, then more is read.
// 3. While a handler waits and the input is empty, a read goes on beside it: its bytes are the next request's, its end tells
//    that the client is gone and cancels the handler's token. Only that read touches the input then.
// SPDX-License-Identifier: MIT

#include <algorithm>

#include "http/server_state.hpp"
#include "weft/base/error.hpp"
#include "weft/scheduling/yield.hpp"

namespace weft::inline WEFT_ABI::http::detail {

namespace {

constexpr std::size_t flush_at = 64 * 1024;        // output of pipelined requests that is written before more are handled
constexpr std::size_t longest_copied = 16 * 1024;  // a longer body is written from where it is, not copied behind the head
constexpr std::size_t least_read = 4 * 1024;
constexpr std::size_t most_read = 64 * 1024;
constexpr std::size_t kept_memory = 64 * 1024;  // of output and input, between requests
// A client that always has the next request ready lets others have the worker after so many reads.
constexpr unsigned turns_at_once = 64;
constexpr std::int64_t grace = 5;        // seconds before the least data rate counts
constexpr std::int64_t linger_time = 2;  // seconds a client has to see the last response and close
constexpr std::uint64_t linger_bytes = 1024 * 1024;

std::string_view text_of(const std::string& buffer) noexcept { return buffer; }

}  // namespace

// Where a streamed body goes: each piece is sent at once.
class body_stream final : public response_stream {
public:
    body_stream(session& owner, bool chunked) noexcept : owner_(owner), chunked_(chunked) {}

    task<> write(std::string_view piece) override {
        if (chunked_) write_chunk(owner_.output_, piece);
        else owner_.output_.append(piece);
        return owner_.flush();
    }

private:
    session& owner_;
    bool chunked_;
};

session::session(std::shared_ptr<server_state> owner, net::tcp_stream stream)
    : owner_(std::move(owner)),
      stream_(std::move(stream)),
      reader_(owner_->limits()),
      ended_token_(ended_.token()),
      aborted_token_(aborted_.token()) {
    deadline_.store(owner_->tick() + owner_->options().keep_alive_timeout.count() + 1, std::memory_order_relaxed);
}

net::tcp_stream session::take_stream(session& refused) noexcept { return std::move(refused.stream_); }

// ---- from other threads

void session::check(std::int64_t tick) noexcept {
    const phase now = phase_.load(std::memory_order_acquire);
    if (now == phase::handling || deadline_.load(std::memory_order_relaxed) > tick) return;
    if (now == phase::sending) {
        abort();
        return;
    }
    timed_out_.store(true, std::memory_order_relaxed);
    end_reading();
}

void session::stop_when_idle() noexcept {
    if (phase_.load(std::memory_order_seq_cst) == phase::idle) end_reading();
}

void session::end_reading() noexcept {
    try {
        ended_.cancel();
    } catch (...) {
        // Only our own reads are registered, and their callbacks do not throw.
    }
}

void session::abort() noexcept {
    // First: what a handler answers because it was cancelled is not sent.
    given_up_.store(true, std::memory_order_relaxed);
    try {
        aborted_.cancel();
    } catch (...) {
        owner_->report(std::current_exception());
    }
    try {
        stream_.close().forget();
    } catch (...) {
        // Out of memory; the socket closes with the session.
    }
}

// ---- bookkeeping

// The store of the phase comes after the deadline that belongs to it; check() reads them the other way round. For `idle` it is
// sequentially consistent: see the head of server.cpp.
void session::enter(phase now, std::int64_t seconds) noexcept {
    deadline_.store(owner_->tick() + seconds + 1, std::memory_order_relaxed);
    phase_.store(now, now == phase::idle ? std::memory_order_seq_cst : std::memory_order_release);
}

void session::begin_sending(std::size_t bytes) noexcept {
    const std::uint32_t rate = owner_->options().min_data_rate;
    enter(phase::sending, rate == 0 ? INT64_MAX / 2 : grace + static_cast<std::int64_t>(bytes / rate));
}

std::span<std::byte> session::begin_reading() {
    const server_options& options = owner_->options();
    if (!reader_.started()) {
        input_.trim(kept_memory);
        enter(phase::idle, options.keep_alive_timeout.count());
        if (owner_->is_stopping()) end_reading();
    } else {
        std::int64_t allowed = options.request_headers_timeout.count();
        if (in_body_) {
            const auto received = static_cast<std::int64_t>(asked_.content().size());
            allowed = options.min_data_rate == 0 ? INT64_MAX / 2 : grace + received / options.min_data_rate;
        }
        enter(phase::receiving, began_ - owner_->tick() + allowed);
    }
    const std::uint64_t rest = reader_.known_rest();
    return input_.prepare(std::max(read_size_, static_cast<std::size_t>(std::min<std::uint64_t>(rest, most_read))));
}

void session::took(std::size_t bytes) noexcept {
    // Many pipelined requests or a long body come in larger pieces.
    read_size_ = bytes >= read_size_ ? std::min(read_size_ * 2, most_read) : std::max(least_read, read_size_ / 2);
}

h1_progress session::advance() {
    for (;;) {
        const bool before = reader_.started();
        const h1_progress progress = reader_.advance(input_, asked_);
        if (!before && progress == h1_progress::need_more) began_ = owner_->tick();
        if (progress == h1_progress::complete) in_body_ = false;
        if (progress != h1_progress::head) return progress;
        in_body_ = true;
        began_ = owner_->tick();
        if (reader_.expects_continue() && input_.empty()) output_.append("HTTP/1.1 100 Continue\r\n\r\n");
    }
}

// ---- responses

// @returns whether the whole response is in the output; else its body must be sent by send_long()
bool session::append_response(response& given) {
    if (given.headers().has_token(header_id::connection, "close")) keep_alive_ = false;
    response_framing how;
    how.to = asked_.version();
    how.head_only = asked_.method() == method::head;
    how.now = owner_->now();
    const bool body_may_follow = has_body(given.status(), asked_.method());
    how.streamed = static_cast<bool>(given.producer());
    how.head_alone = !how.streamed && given.content().size() > longest_copied;
    if (how.streamed && body_may_follow && how.to == version::http_1_0) keep_alive_ = false;
    how.keep_alive = keep_alive_;
    write_response(output_, given, how);
    return !body_may_follow || !(how.streamed || how.head_alone);
}

void session::append_refusal(const h1_error& error) {
    keep_alive_ = false;
    requests_.store(requests() + 1, std::memory_order_relaxed);
    response_framing how;
    how.keep_alive = false;
    how.now = owner_->now();
    write_response(output_, response(error.status, http::content(std::string(error.reason) + "\n")), how);
}

// The client sent no more, or was given no more time.
void session::append_end_of_input() {
    keep_alive_ = false;
    if (!reader_.started()) return;
    if (timed_out_.load(std::memory_order_relaxed)) append_refusal({408, "request took too long"});
    else append_refusal({400, "connection closed in the middle of a request"});
}

response session::answer_failure(const std::exception_ptr& error) {
    // A handler that stopped because its client is gone has not failed.
    bool canceled = false;
    if (aborted_.is_cancellation_requested()) {
        try {
            std::rethrow_exception(error);
        } catch (const operation_canceled&) {
            canceled = true;
        } catch (...) {
            canceled = false;
        }
    }
    if (!canceled) owner_->report(error);
    return response(500);
}

task<> session::flush() {
    if (output_.empty()) co_return;
    begin_sending(output_.size());
    co_await stream_.write(text_of(output_));
    output_.clear();
    if (output_.capacity() > kept_memory) output_.shrink_to_fit();
    phase_.store(phase::handling, std::memory_order_release);
}

// Sends what append_response() left to be sent.
task<> session::send_long(response& given) {
    if (!given.producer()) {
        co_await flush();
        begin_sending(given.content().size());
        co_await stream_.write(given.content().bytes());
        co_return;
    }
    const bool chunked = asked_.version() == version::http_1_1;
    body_stream out(*this, chunked);
    std::exception_ptr error;
    try {
        co_await given.producer()(out, aborted_token_);
    } catch (...) {
        error = std::current_exception();
    }
    if (error) {
        // The client must not take what it has for the whole: no last chunk, and a reset where the end of the connection would
        // be the end of the body.
        if (!aborted_.is_cancellation_requested()) owner_->report(error);
        if (!chunked) stream_.reset_on_close();
        std::rethrow_exception(error);
    }
    if (chunked) write_last_chunk(output_);
}

// ---- the connection

// Leaves the server at the end of serve().
class session::membership {
public:
    explicit membership(session& of) noexcept : of_(of) {}
    membership(const membership&) = delete;
    membership& operator=(const membership&) = delete;
    ~membership() { of_.owner_->leave(of_); }

private:
    session& of_;
};

// Reads while the handler works. Never fails.
task<> session::watch() {
    watched_ = 0;
    try {
        const std::span<std::byte> room = input_.prepare(least_read);
        watched_ = co_await stream_.read(room, ended_token_);
        input_.commit(watched_);
    } catch (...) {
        watched_ = 0;
    }
    if (watched_ != 0 || has_ended()) co_return;
    try {
        aborted_.cancel();
    } catch (...) {
        owner_->report(std::current_exception());
    }
}

// Waits for the client to close, so that closing with unread input does not destroy the response on its way (RFC 9112, 9.6).
task<> session::linger() {
    stream_.shutdown_send();
    if (watching_.valid()) {
        co_await watching_;
        if (watched_ == 0) co_return;
    }
    if (has_ended()) co_return;
    enter(phase::receiving, linger_time);
    std::uint64_t left = linger_bytes;
    for (;;) {
        input_.consume(input_.size());
        const std::span<std::byte> room = input_.prepare(least_read);
        const std::size_t got = co_await stream_.read(room, ended_token_);
        if (got == 0 || got >= left) co_return;
        left -= got;
    }
}

task<> session::run() {
    bool silent = false;  // nothing to say at the end
    while (keep_alive_) {
        const h1_progress progress = watching_.valid() ? h1_progress::need_more : advance();
        if (progress == h1_progress::failed) {
            append_refusal(reader_.error());
            break;
        }
        if (progress == h1_progress::complete) {
            phase_.store(phase::handling, std::memory_order_release);
            response given;
            std::exception_ptr error;
            try {
                value_task<response> pending = owner_->handle(asked_, aborted_token_);
                if (!pending.is_completed() && input_.empty() && !has_ended()) watching_ = watch();
                given = co_await std::move(pending);
            } catch (...) {
                error = std::current_exception();
            }
            if (error) given = answer_failure(error);
            // The cancellation that a handler has seen orders this load behind the store.
            if (given_up_.load(std::memory_order_relaxed)) co_return;
            keep_alive_ = reader_.keep_alive() && !has_ended() && !owner_->is_stopping();
            const bool whole = append_response(given);
            if (!whole) co_await send_long(given);
            reader_.next();
            requests_.store(requests() + 1, std::memory_order_relaxed);
            if (asked_.content().size() > kept_memory) asked_.content().reset(kept_memory);
            if (output_.size() < flush_at) continue;
        }
        if (!output_.empty()) {
            begin_sending(output_.size());
            co_await stream_.write(text_of(output_));
            output_.clear();
        }
        if (progress == h1_progress::complete) continue;
        if (++turns_ % turns_at_once == 0) co_await yield();
        std::size_t got = 0;
        try {
            if (watching_.valid()) {
                enter(phase::idle, owner_->options().keep_alive_timeout.count());
                if (owner_->is_stopping()) end_reading();
                co_await std::move(watching_);
                watching_ = task<>();
                got = watched_;
            } else {
                const std::span<std::byte> room = begin_reading();
                got = co_await stream_.read(room, ended_token_);
                input_.commit(got);
            }
        } catch (const operation_canceled&) {
            got = 0;
        }
        took(got);
        if (got != 0) continue;
        silent = !reader_.started();
        append_end_of_input();
    }
    co_await flush();
    if (!silent) co_await linger();
}

task<> session::serve(std::shared_ptr<session> self) {
    const membership entered(*self);  // also when the runtime ends and takes this frame away
    try {
        co_await self->run();
    } catch (...) {
        // The connection broke, which is no business of the application's.
    }
    try {
        co_await self->stream_.close();
        if (self->watching_.valid()) co_await self->watching_;
    } catch (...) {
        // Closing a broken connection.
    }
}

}  // namespace weft::inline WEFT_ABI::http::detail
