#pragma once
// The connections of a client, by server.
//
// A request takes an unused connection. If there is none it joins the line of its server, and as many connections are opened as
// there are waiters, up to the limit; whichever connection becomes free or open first goes to the first in line, so a waiter
// that gives up leaves its connection to the others.
//
// An unused connection always has a read pending (read ahead). If that ends, the server has closed, or sent what nobody asked
// for: the connection leaves the pool at once. Otherwise it is the first read of the next response.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http/h1.hpp"
#include "weft/base/time_provider.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/http/client.hpp"
#include "weft/io/net/tcp.hpp"
#include "weft/task/task.hpp"
#include "weft/task/task_completion_source.hpp"

namespace weft::inline WEFT_ABI::http::detail {

/// One connection of a client. Used by one request at a time; then it alone touches everything here but stop().
class client_connection : public std::enable_shared_from_this<client_connection> {
public:
    explicit client_connection(net::tcp_stream stream);

    /// Sends `wire` and reads the response.
    /// @throws io_error, operation_canceled, request_exception  for an unusable response
    task<response> exchange(method asked, const h1_limits& limits);
    /// Ends every operation on it, now and later. From any thread.
    void stop() noexcept;
    /// Starts the read that goes on while it is unused; `gone` is called when that ends. Before others can see it.
    void read_ahead(unique_function<void()> gone);
    /// Whether the read ahead has ended.
    [[nodiscard]] bool is_gone() const noexcept { return gone_.load(std::memory_order_acquire); }

    std::string wire;         ///< the request, written by the caller; kept for its memory
    std::size_t uses = 0;     ///< requests answered
    bool started = false;     ///< of the present request: some byte of a response has come
    bool keep_alive = false;  ///< of the last response
    time_point idle_since{};

private:
    static task<> watch(std::shared_ptr<client_connection> self, unique_function<void()> gone);

    net::tcp_stream stream_;
    read_buffer input_;
    cancellation_source stopped_;
    cancellation_token stop_token_;
    task<> ahead_;  // while valid, it alone uses input_
    std::atomic<bool> gone_{false};
    std::size_t ahead_bytes_ = 0;
    std::exception_ptr ahead_error_;
};

/// Connections to one host and port.
struct client_origin {
    struct waiter {
        std::shared_ptr<client_connection> given;
        std::exception_ptr error;
        task_completion_source<> done{creation_options::run_continuations_asynchronously};
    };

    std::string host;
    std::uint16_t port = 0;
    std::vector<std::shared_ptr<client_connection>> unused;  // newest last
    std::deque<std::shared_ptr<waiter>> line;
    std::size_t count = 0;     // used, unused or being opened
    std::size_t attempts = 0;  // being opened, or open and not yet with its first user or in the pool
};

class client_pool : public std::enable_shared_from_this<client_pool> {
public:
    explicit client_pool(const client_options& options) : options_(options) {}

    /// The place of that server; stays as long as the pool.
    [[nodiscard]] client_origin& origin(const std::string& host, std::uint16_t port);
    /// An unused connection, or null.
    [[nodiscard]] std::shared_ptr<client_connection> take(client_origin& of);
    /// Waits for a connection, in line. @throws what opening one threw; operation_canceled
    [[nodiscard]] task<std::shared_ptr<client_connection>> wait(client_origin& of, cancellation_token token);
    /// Gives a connection back, to be used again or not.
    void give_back(client_origin& of, std::shared_ptr<client_connection> used, bool usable) noexcept;
    /// Closes the unused connections, and each other one after its request.
    void dispose() noexcept;

    [[nodiscard]] const client_options& options() const noexcept { return options_; }
    [[nodiscard]] std::size_t connection_count() const;
    [[nodiscard]] std::uint64_t total_connections() const noexcept;

private:
    // What was decided under the lock and is done after it.
    struct decisions {
        std::shared_ptr<client_origin::waiter> served;
        std::vector<std::shared_ptr<client_connection>> closed;
        std::size_t opened = 0;
    };

    static task<> open(std::shared_ptr<client_pool> self, client_origin& of);
    [[nodiscard]] task<net::tcp_stream> connect(std::string host, std::uint16_t port);
    enum class source : bool { user, attempt };

    void place(client_origin& of, std::shared_ptr<client_connection> ready, source from);
    [[nodiscard]] std::shared_ptr<client_connection> take_unused(client_origin& of, decisions& then);
    [[nodiscard]] static bool serve_first(client_origin& of, std::shared_ptr<client_connection>& ready, decisions& then);
    void open_for_waiters(client_origin& of, decisions& then) noexcept;
    void carry_out(client_origin& of, decisions& then);
    void give_up(client_origin& of, const std::shared_ptr<client_origin::waiter>& waiter, const cancellation_token& token);
    void drop_unused(client_origin& of, const client_connection* gone) noexcept;
    void drop_expired(client_origin& of, decisions& then);

    client_options options_;
    mutable std::mutex lock_;  // of everything below
    std::map<std::pair<std::string, std::uint16_t>, client_origin> origins_;
    std::uint64_t total_ = 0;
    bool disposed_ = false;
};

}  // namespace weft::inline WEFT_ABI::http::detail
