// Connections of a client: opening, handing over, reading ahead.
// SPDX-License-Identifier: MIT

#include "http/client_pool.hpp"

#include <algorithm>

#include "weft/base/error.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::http::detail {

namespace {

constexpr std::size_t least_read = 4 * 1024;
constexpr std::size_t most_read = 64 * 1024;
constexpr std::size_t kept_memory = 64 * 1024;  // of buffers, between requests

time_point now() { return runtime::current().time().now(); }

}  // namespace

// ---- client_connection

client_connection::client_connection(net::tcp_stream stream) : stream_(std::move(stream)), stop_token_(stopped_.token()) {}

void client_connection::stop() noexcept {
    try {
        stopped_.cancel();
    } catch (...) {
        // Only our own reads and writes are registered, and their callbacks do not throw.
    }
}

task<> client_connection::watch(std::shared_ptr<client_connection> self, unique_function<void()> gone) {
    try {
        const std::span<std::byte> room = self->input_.prepare(least_read);
        self->ahead_bytes_ = co_await self->stream_.read(room, self->stop_token_).configure_await(false);
        self->input_.commit(self->ahead_bytes_);
    } catch (...) {
        self->ahead_error_ = std::current_exception();
    }
    self->gone_.store(true, std::memory_order_release);
    gone();
}

void client_connection::read_ahead(unique_function<void()> gone) {
    ahead_bytes_ = 0;
    ahead_error_ = nullptr;
    gone_.store(false, std::memory_order_relaxed);
    input_.trim(kept_memory);
    if (wire.capacity() > kept_memory) std::string().swap(wire);
    ahead_ = watch(shared_from_this(), std::move(gone));
}

task<response> client_connection::exchange(method asked, const h1_limits& limits) {
    started = false;
    keep_alive = false;
    response answer;
    response_reader reader(limits, asked);
    std::exception_ptr unsent;
    std::size_t read_size = least_read;
    try {
        co_await stream_.write(std::string_view(wire), stop_token_).configure_await(false);
    } catch (const operation_canceled&) {
        throw;
    } catch (...) {
        unsent = std::current_exception();  // the server may have answered all the same, and stopped listening
    }
    for (;;) {
        std::size_t got = 0;
        if (ahead_.valid()) {
            co_await std::move(ahead_).configure_await(false);
            ahead_ = task<>();
            if (ahead_error_) std::rethrow_exception(ahead_error_);
            got = ahead_bytes_;
        } else {
            const std::size_t rest = static_cast<std::size_t>(std::min<std::uint64_t>(reader.known_rest(), most_read));
            const std::span<std::byte> room = input_.prepare(std::max(read_size, rest));
            got = co_await stream_.read(room, stop_token_).configure_await(false);
            input_.commit(got);
        }
        if (got >= read_size) read_size = std::min(read_size * 2, most_read);
        started = started || got != 0;
        h1_progress progress = got == 0 ? reader.at_end() : reader.advance(input_, answer);
        if (progress == h1_progress::complete) break;
        if (progress != h1_progress::failed) continue;
        if (unsent) std::rethrow_exception(unsent);
        throw request_exception(std::string("unusable response: ") + reader.error().reason);
    }
    // Bytes that nobody asked for make the connection useless.
    keep_alive = reader.keep_alive() && input_.empty() && !unsent;
    ++uses;
    co_return answer;
}

// ---- client_pool

client_origin& client_pool::origin(const std::string& host, std::uint16_t port) {
    std::scoped_lock guard(lock_);
    client_origin& found = origins_[{host, port}];
    if (found.port == 0) {
        found.host = host;
        found.port = port;
    }
    return found;
}

// Oldest first in `unused`; the time counts from when a connection became unused.
void client_pool::drop_expired(client_origin& of, decisions& then) {
    if (options_.pooled_connection_idle_timeout < std::chrono::milliseconds::zero() || of.unused.empty()) return;
    const time_point oldest = now() - options_.pooled_connection_idle_timeout;
    while (!of.unused.empty() && of.unused.front()->idle_since <= oldest) {
        then.closed.push_back(std::move(of.unused.front()));
        of.unused.erase(of.unused.begin());
        --of.count;
    }
}

std::shared_ptr<client_connection> client_pool::take(client_origin& of) {
    decisions then;
    std::shared_ptr<client_connection> taken;
    {
        std::scoped_lock guard(lock_);
        taken = take_unused(of, then);
    }
    carry_out(of, then);
    return taken;
}

// With the lock. Newest first; none while others wait in line.
std::shared_ptr<client_connection> client_pool::take_unused(client_origin& of, decisions& then) {
    drop_expired(of, then);
    if (of.unused.empty() || !of.line.empty()) return nullptr;
    std::shared_ptr<client_connection> taken = std::move(of.unused.back());
    of.unused.pop_back();
    return taken;
}

void client_pool::open_for_waiters(client_origin& of, decisions& then) noexcept {
    while (of.attempts < of.line.size() && of.count < options_.max_connections_per_server) {
        ++of.attempts;
        ++of.count;
        ++total_;
        ++then.opened;
    }
}

bool client_pool::serve_first(client_origin& of, std::shared_ptr<client_connection>& ready, decisions& then) {
    if (of.line.empty()) return false;
    then.served = std::move(of.line.front());
    of.line.pop_front();
    then.served->given = std::move(ready);
    return true;
}

// The first in line gets it, else it goes into the pool: reading ahead from before anybody can take it out again. If that read
// ends at once, either it finds the connection in the pool (drop_unused), or is_gone() is seen here.
//
// A new connection counts as an attempt until it has its place: a request that comes in between shall wait for it, and not
// open another.
void client_pool::place(client_origin& of, std::shared_ptr<client_connection> ready, source from) {
    decisions then;
    {
        std::scoped_lock guard(lock_);
        if (serve_first(of, ready, then) && from == source::attempt) --of.attempts;
    }
    if (ready != nullptr) {
        ready->idle_since = now();
        ready->read_ahead([pool = weak_from_this(), &of, gone = ready.get()] {
            if (const std::shared_ptr<client_pool> alive = pool.lock()) alive->drop_unused(of, gone);
        });
        std::scoped_lock guard(lock_);
        if (from == source::attempt) --of.attempts;
        if (disposed_ || ready->is_gone()) {
            --of.count;
            then.closed.push_back(std::move(ready));
        } else if (!serve_first(of, ready, then)) {
            of.unused.push_back(std::move(ready));
        }
        open_for_waiters(of, then);
        drop_expired(of, then);
    }
    carry_out(of, then);
}

void client_pool::carry_out(client_origin& of, decisions& then) {
    for (const std::shared_ptr<client_connection>& closed : then.closed) closed->stop();
    if (then.served != nullptr) static_cast<void>(then.served->done.try_set_result());
    for (std::size_t i = 0; i < then.opened; ++i) open(shared_from_this(), of).forget();
}

void client_pool::drop_unused(client_origin& of, const client_connection* gone) noexcept {
    std::shared_ptr<client_connection> dropped;
    std::scoped_lock guard(lock_);
    const auto found =
        std::find_if(of.unused.begin(), of.unused.end(), [gone](const auto& held) { return held.get() == gone; });
    if (found == of.unused.end()) return;
    dropped = std::move(*found);
    of.unused.erase(found);
    --of.count;
}

task<net::tcp_stream> client_pool::connect(std::string host, std::uint16_t port) {
    const std::chrono::milliseconds limit = options_.connect_timeout;
    if (limit < std::chrono::milliseconds::zero())
        co_return co_await net::tcp_stream::connect(host, port).configure_await(false);
    cancellation_source timer(limit);
    bool late = false;
    try {
        co_return co_await net::tcp_stream::connect(host, port, timer.token()).configure_await(false);
    } catch (const operation_canceled&) {
        late = timer.is_cancellation_requested();
        if (!late) throw;
    }
    throw timeout_exception(
        "connect to '" + host + ":" + std::to_string(port) + "' timed out after " + std::to_string(limit.count()) + " ms");
}

task<> client_pool::open(std::shared_ptr<client_pool> self, client_origin& of) {
    std::shared_ptr<client_connection> ready;
    std::exception_ptr error;
    try {
        net::tcp_stream stream = co_await self->connect(of.host, of.port).configure_await(false);
        stream.no_delay();
        ready = std::make_shared<client_connection>(std::move(stream));
    } catch (...) {
        error = std::current_exception();
    }
    decisions then;
    {
        std::scoped_lock guard(self->lock_);
        if (error) {
            --of.attempts;
            --of.count;
            if (!of.line.empty()) {
                then.served = std::move(of.line.front());
                of.line.pop_front();
                then.served->error = error;
            }
            self->open_for_waiters(of, then);
        }
    }
    if (ready != nullptr) self->place(of, std::move(ready), source::attempt);
    self->carry_out(of, then);
}

void client_pool::give_up(
    client_origin& of, const std::shared_ptr<client_origin::waiter>& waiter, const cancellation_token& token) {
    {
        std::scoped_lock guard(lock_);
        const auto found = std::find(of.line.begin(), of.line.end(), waiter);
        if (found == of.line.end()) return;
        of.line.erase(found);
    }
    waiter->error = std::make_exception_ptr(task_canceled(token));
    static_cast<void>(waiter->done.try_set_result());
}

task<std::shared_ptr<client_connection>> client_pool::wait(client_origin& of, cancellation_token token) {
    const auto waiter = std::make_shared<client_origin::waiter>();
    decisions then;
    std::shared_ptr<client_connection> taken;
    {
        std::scoped_lock guard(lock_);
        // One may have come back since take() found none; nobody would hand it to this waiter.
        taken = take_unused(of, then);
        if (taken == nullptr) {
            of.line.push_back(waiter);
            open_for_waiters(of, then);
        }
    }
    carry_out(of, then);
    if (taken != nullptr) co_return taken;
    cancellation_registration registration =
        token.unsafe_register([this, &of, waiter, token] { give_up(of, waiter, token); });
    co_await waiter->done.task().configure_await(false);
    registration.dispose();
    if (waiter->error) std::rethrow_exception(waiter->error);
    co_return std::move(waiter->given);
}

void client_pool::give_back(client_origin& of, std::shared_ptr<client_connection> used, bool usable) noexcept {
    try {
        if (usable) {
            place(of, std::move(used), source::user);
            return;
        }
        used->stop();
        decisions then;
        {
            std::scoped_lock guard(lock_);
            --of.count;
            open_for_waiters(of, then);
        }
        carry_out(of, then);
    } catch (...) {
        // Out of memory: the connection closes with its last reference.
    }
}

void client_pool::dispose() noexcept {
    std::vector<std::shared_ptr<client_connection>> closed;
    {
        std::scoped_lock guard(lock_);
        disposed_ = true;
        for (auto& [key, of] : origins_) {
            of.count -= of.unused.size();
            for (std::shared_ptr<client_connection>& unused : of.unused) closed.push_back(std::move(unused));
            of.unused.clear();
        }
    }
    for (const std::shared_ptr<client_connection>& connection : closed) connection->stop();
}

std::size_t client_pool::connection_count() const {
    std::scoped_lock guard(lock_);
    std::size_t sum = 0;
    for (const auto& [key, of] : origins_) sum += of.count;
    return sum;
}

std::uint64_t client_pool::total_connections() const noexcept {
    std::scoped_lock guard(lock_);
    return total_;
}

}  // namespace weft::inline WEFT_ABI::http::detail
