#pragma once
// <weft/http/server.hpp>: an HTTP/1.1 server.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <type_traits>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/http/message.hpp"
#include "weft/http/router.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::http {

namespace detail {
class server_state;
}

/// Limits and times of a server. The defaults are those that users of Kestrel know.
struct server_options {
    std::size_t max_connections = 0;                   ///< more are answered 503 and closed; 0: no limit
    std::size_t max_request_line_size = 8 * 1024;      ///< 414 beyond
    std::size_t max_request_fields_size = 32 * 1024;   ///< all fields together; 431 beyond
    std::size_t max_request_field_count = 100;         ///< 431 beyond
    std::uint64_t max_request_body_size = 30'000'000;  ///< 413 beyond
    /// From the first byte of a request to the end of its head; 408 then.
    std::chrono::seconds request_headers_timeout{30};
    /// How long a connection may wait for its next request.
    std::chrono::seconds keep_alive_timeout{130};
    /// Least bytes per second of a request body and of a response the client takes, after a grace of 5 s; 0: none.
    std::uint32_t min_data_rate = 240;
    int backlog = 511;
};
static_assert(std::is_trivially_destructible_v<server_options>);

/// What stop() found.
struct stop_report {
    std::size_t aborted = 0;  ///< connections that had not finished by the deadline
};

/// Serves requests over HTTP/1.1. A resource: move-only.
///
/// Answers pipelined requests in order and writes the answers together. A malformed request gets its status (400, 408, 413,
/// 414, 417, 431, 501, 505) and the connection is closed. Request bodies are in memory when the handler runs; "100 Continue" is sent
/// when a client waits for it and the body is acceptable. The times above are kept to within a second.
///
/// Continuation  handlers start on the pool of the runtime that start() was called in, with no synchronization context, and
///               are run inline when a request arrives: one that computes for long delays its connection only.
/// Threads       every member may be called from any thread.
/// Lifetime      the destructor aborts what is left, as stop(0) does, and does not wait. Handlers live until the last
///               connection has ended.
class server {
public:
    explicit server(router routes, const server_options& options = {});
    /// With one function for every request, of any shape that make_handler() takes.
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, router> && !std::is_same_v<std::remove_cvref_t<F>, server>)
    explicit server(F function, const server_options& options = {})
        : server(handler_tag(), make_handler(std::move(function)), options) {}
    server(server&&) noexcept;
    server& operator=(server&&) noexcept;
    ~server();

    /// Listens on `where` (port 0: one that is free) and begins to serve. Once only.
    /// @throws io_error           "listen on '127.0.0.1:80' failed: address already in use (EADDRINUSE)"
    /// @throws invalid_operation  when called twice
    void start(const net::endpoint& where);
    /// Where it listens, with the true port. @throws invalid_operation  before start()
    [[nodiscard]] net::endpoint local_endpoint() const;

    /// Stops gracefully: no new connections, idle ones are closed, requests that have begun are answered, with
    /// "Connection: close". After `deadline` the tokens of the handlers left are cancelled and their connections closed; handlers
    /// that ignore it are not waited for.
    task<stop_report> stop(std::chrono::nanoseconds deadline = std::chrono::seconds(30));

    /// Called with what a handler threw, after the client was answered 500, and with errors of accepting. An exception that
    /// leaves it is dropped. Set it before start().
    void on_error(unique_function<void(const std::exception_ptr&)> hook);

    [[nodiscard]] std::size_t connection_count() const noexcept;
    /// Connections accepted so far.
    [[nodiscard]] std::uint64_t total_connections() const noexcept;
    /// Requests answered so far, malformed ones included.
    [[nodiscard]] std::uint64_t total_requests() const noexcept;

private:
    struct handler_tag {};

    server(handler_tag, handler function, const server_options& options);

    std::shared_ptr<detail::server_state> state_;
};

}  // namespace weft::inline WEFT_ABI::http
