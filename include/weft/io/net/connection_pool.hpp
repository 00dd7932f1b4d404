#pragma once
// <weft/io/net/connection_pool.hpp>: connections that are used again, so many to each peer.
// Follows the pools of System.Net.Http.SocketsHttpHandler and System.Data.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/base/assert.hpp"
#include "weft/base/config.hpp"
#include "weft/base/error.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"
#include "weft/task/wait_async.hpp"

namespace weft::inline WEFT_ABI::net {

/// How many connections there are, and for how long.
struct pool_options {
    std::size_t max_per_key = 8;                     ///< connections to one key, used, unused and being made
    std::chrono::milliseconds idle_timeout{90'000};  ///< after which an unused one is closed; negative: never
};
static_assert(std::is_trivially_destructible_v<pool_options>);

}  // namespace weft::inline WEFT_ABI::net

namespace weft::inline WEFT_ABI::detail {
/// The time of the calling thread's dispatcher.
[[nodiscard]] time_point pool_now() noexcept;
/// @throws std::invalid_argument
void check_pool_options(const net::pool_options& options);
}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::net {

/// Connections by key, an endpoint say, made when they are needed and kept for the next who needs one.
///
///     net::connection_pool<net::endpoint, net::tcp_stream> pool(
///         [](const net::endpoint& to, cancellation_token token) { return net::tcp_stream::connect(to, token); });
///     auto rented = co_await pool.rent(server);
///     co_await rented->write(request); …
///     rented.give_back();
///
/// Order         newest unused first. Without one, and with all max_per_key in use, callers wait in line: the first gets what
///               comes back first, or the right to connect anew when a connection is not given back.
/// Threads       any, for all members; the connector and the check may be called on several at once.
/// Lifetime      what was rented may outlive the pool; it is closed then when it is given back.
/// Streams       close when they are destroyed, as tcp_stream does.
template <class Key, class Stream>
class connection_pool {
    struct state;

public:
    /// A connection in use. Destroyed without give_back() it is closed: after an error nobody knows what is left to read in it.
    class lease {
    public:
        lease() noexcept = default;
        lease(lease&&) noexcept = default;
        lease& operator=(lease&& other) noexcept {
            lease old(std::move(*this));
            owner_ = std::move(other.owner_);
            key_ = std::move(other.key_);
            stream_ = std::move(other.stream_);
            reused_ = other.reused_;
            return *this;
        }
        ~lease() { end(false); }

        [[nodiscard]] Stream& operator*() noexcept { return *stream_; }
        [[nodiscard]] Stream* operator->() noexcept { return &*stream_; }
        /// Whether it was used before: then the peer may have closed it just now, and a request may be worth another try.
        [[nodiscard]] bool is_reused() const noexcept { return reused_; }
        explicit operator bool() const noexcept { return owner_ != nullptr; }
        /// Lets the next have it. Nothing may be pending on it, and nothing left to read.
        void give_back() noexcept { end(true); }

    private:
        friend class connection_pool;
        lease(std::shared_ptr<state> owner, Key key, Stream stream, bool reused)
            : owner_(std::move(owner)), key_(std::move(key)), stream_(std::move(stream)), reused_(reused) {}
        void end(bool usable) noexcept {
            if (const std::shared_ptr<state> owner = std::exchange(owner_, nullptr)) {
                std::optional<Stream> stream = std::exchange(stream_, std::nullopt);
                if (!usable) stream.reset();
                owner->take_back(*key_, std::move(stream));
            }
        }

        std::shared_ptr<state> owner_;
        std::optional<Key> key_;
        std::optional<Stream> stream_;
        bool reused_ = false;
    };

    /// @param connector  `task<Stream>(const Key&, cancellation_token)`; the key stays until its task has ended
    /// @throws std::invalid_argument  when max_per_key is 0
    template <class F>
    explicit connection_pool(F connector, pool_options options = {}) : state_(std::make_shared<state>(options)) {
        detail::check_pool_options(options);
        state_->connect = std::move(connector);
    }
    connection_pool(const connection_pool&) = delete;
    connection_pool& operator=(const connection_pool&) = delete;
    /// dispose().
    ~connection_pool() { state_->dispose(); }

    /// Whether an unused connection can be used again; asked when it is given back and before it is rented. Without a check of
    /// yours: Stream::is_quiet(), if there is one. It must not throw. Before the first rent().
    template <class F>
    void check_with(F check) {
        state_->check = std::move(check);
    }

    /// An unused connection that passes the check, or a new one; waits in line for it.
    /// Cancellation  leaves the line, or cancels the attempt to connect; no connection is lost, its place goes to the next in line.
    /// @throws what the connector throws; operation_canceled; object_disposed
    [[nodiscard]] task<lease> rent(Key key, cancellation_token token = {}) {
        return rent_from(state_, std::move(key), std::move(token));
    }

    /// Closes the unused connections whose time is over, and forgets the keys that it has no other of; rent() and give_back() do it for
    /// their key. With ever new keys, call it now and then.
    void prune() { state_->prune(); }
    /// Closes the unused connections, and each other one when it comes back; who waits in line gets object_disposed.
    void dispose() noexcept { state_->dispose(); }

    /// Connections to `key`, used, unused and being made.
    [[nodiscard]] std::size_t count(const Key& key) const { return state_->count(key, false); }
    [[nodiscard]] std::size_t unused(const Key& key) const { return state_->count(key, true); }

private:
    /// What a caller was given: a connection, or the right to make one.
    struct waiter {
        std::optional<Stream> stream;
        bool served = false;  // under the lock
        task_completion_source<> done{creation_options::run_continuations_asynchronously};
    };
    struct idle {
        Stream stream;
        time_point since;
    };
    /// Of a key, for as long as there is something here.
    struct place {
        std::vector<idle> unused;  // newest last
        std::deque<std::shared_ptr<waiter>> line;
        std::size_t count = 0;  // with the unused ones

        [[nodiscard]] bool is_empty() const noexcept { return count == 0 && line.empty(); }
    };

    struct state {
        explicit state(const pool_options& with) : options(with) {}

        const pool_options options;
        unique_function<task<Stream>(const Key&, cancellation_token)> connect;
        unique_function<bool(Stream&)> check;
        mutable std::mutex lock;  // of what follows
        std::map<Key, place> places;
        bool disposed = false;

        [[nodiscard]] bool is_usable(Stream& stream) {
            if (check) return check(stream);
            if constexpr (requires { stream.is_quiet(); }) return stream.is_quiet();
            else return true;
        }

        /// A place in line, which is served already when nobody is in front.
        /// @param waits  whether it has to wait
        [[nodiscard]] std::shared_ptr<waiter> join(const Key& key, bool& waits) {
            auto self = std::make_shared<waiter>();
            std::vector<idle> expired;  // closed when the lock is free
            const std::lock_guard guard(lock);
            if (disposed) throw object_disposed("connection_pool");
            place& of = places[key];
            take_expired(of, expired);
            if (of.line.empty() && !of.unused.empty()) {
                self->stream.emplace(std::move(of.unused.back().stream));
                of.unused.pop_back();
                self->served = true;
            } else if (of.line.empty() && of.count < options.max_per_key) {
                ++of.count;
                self->served = true;
            } else {
                of.line.push_back(self);
            }
            waits = !self->served;
            return self;
        }

        /// `self` waits no longer. @returns whether it has been served meanwhile
        [[nodiscard]] bool leave(const Key& key, const std::shared_ptr<waiter>& self) {
            const std::lock_guard guard(lock);
            // Gone with the last connection, when the pool was disposed of meanwhile.
            if (const auto found = places.find(key); found != places.end()) std::erase(found->second.line, self);
            return self->served;
        }

        /// A connection comes back, or, without one, its place.
        void take_back(const Key& key, std::optional<Stream> stream) noexcept {
            if (stream && !is_usable(*stream)) stream.reset();
            const time_point now = detail::pool_now();
            std::vector<idle> expired;
            std::shared_ptr<waiter> next;
            {
                const std::lock_guard guard(lock);
                const auto found = places.find(key);
                WEFT_ASSERT(found != places.end(), "a connection comes back to a pool that does not know its key");
                place& of = found->second;
                take_expired(of, expired);
                if (!of.line.empty()) {
                    next = std::move(of.line.front());
                    of.line.pop_front();
                    next->served = true;
                    next->stream = std::exchange(stream, std::nullopt);
                } else if (stream && !disposed) {
                    of.unused.push_back({std::move(*stream), now});
                    stream.reset();
                } else {
                    --of.count;
                }
                if (of.is_empty()) places.erase(found);
            }
            if (next != nullptr) static_cast<void>(next->done.try_set_result());
        }

        void take_expired(place& of, std::vector<idle>& expired) {
            if (options.idle_timeout < options.idle_timeout.zero()) return;
            const time_point oldest = detail::pool_now() - options.idle_timeout;
            const auto end = std::ranges::find_if(of.unused, [&](const idle& each) { return each.since > oldest; });
            of.count -= static_cast<std::size_t>(end - of.unused.begin());
            std::move(of.unused.begin(), end, std::back_inserter(expired));
            of.unused.erase(of.unused.begin(), end);
        }

        void prune() {
            std::vector<idle> expired;
            const std::lock_guard guard(lock);
            for (auto& [key, of] : places) take_expired(of, expired);
            forget_empty();
        }

        void forget_empty() {
            std::erase_if(places, [](const auto& each) { return each.second.is_empty(); });
        }

        void dispose() noexcept {
            std::vector<idle> closed;
            std::vector<std::shared_ptr<waiter>> refused;
            {
                const std::lock_guard guard(lock);
                disposed = true;
                for (auto& [key, of] : places) {
                    of.count -= of.unused.size();
                    std::ranges::move(of.unused, std::back_inserter(closed));
                    of.unused.clear();
                    std::ranges::move(of.line, std::back_inserter(refused));
                    of.line.clear();
                }
                forget_empty();
            }
            for (const auto& each : refused)
                static_cast<void>(
                    each->done.try_set_exception(std::make_exception_ptr(object_disposed("connection_pool"))));
        }

        [[nodiscard]] std::size_t count(const Key& key, bool only_unused) const {
            const std::lock_guard guard(lock);
            const auto found = places.find(key);
            if (found == places.end()) return 0;
            return only_unused ? found->second.unused.size() : found->second.count;
        }
    };

    static task<lease> rent_from(std::shared_ptr<state> self, Key key, cancellation_token token) {
        token.throw_if_cancellation_requested();
        bool waits = false;
        const std::shared_ptr<waiter> turn = self->join(key, waits);
        if (waits) {
            try {
                task<> served = turn->done.task();
                co_await served.wait_async(token).configure_await(false);
            } catch (...) {
                // Served all the same: for the next.
                if (self->leave(key, turn)) self->take_back(key, std::move(turn->stream));
                throw;
            }
        }
        if (turn->stream && self->is_usable(*turn->stream))
            co_return lease(self, std::move(key), std::move(*turn->stream), true);
        turn->stream.reset();
        try {
            task<Stream> made = self->connect(key, token);
            Stream stream = co_await std::move(made).configure_await(false);
            co_return lease(self, key, std::move(stream), false);
        } catch (...) {
            self->take_back(key, std::nullopt);
            throw;
        }
    }

    std::shared_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI::net
