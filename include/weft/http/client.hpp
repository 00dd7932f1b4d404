#pragma once
// <weft/http/client.hpp>: an HTTP/1.1 client with pooled connections.
// Follows System.Net.Http.HttpClient over SocketsHttpHandler (semantics 1.26).
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/http/message.hpp"
#include "weft/http/url.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::http {

/// Limits and times of a client; .NET's defaults.
struct client_options {
    /// Of a whole call, from send() until the body has arrived; -1 ms: none.
    std::chrono::milliseconds timeout{100'000};
    /// For name resolution and connecting; -1 ms: none.
    std::chrono::milliseconds connect_timeout{-1};
    /// An unused connection older than this is closed rather than used again.
    std::chrono::milliseconds pooled_connection_idle_timeout{60'000};
    /// Connections to one host and port at a time; at least 1. Further requests wait in line.
    std::size_t max_connections_per_server = std::numeric_limits<std::size_t>::max();
    /// Most bytes of a response body.
    std::uint64_t max_response_content_buffer_size = 2'147'483'647;
    /// Most bytes of the header section of a response.
    std::size_t max_response_headers_size = 64 * 1024;
};
static_assert(std::is_trivially_destructible_v<client_options>);

/// Sends requests over pooled keep-alive connections. A resource: move-only; make one and share it by reference.
///
/// One connection carries one request at a time. A request takes an unused connection to its host and port, or opens one, and
/// takes whichever is ready first; at the limit it waits in line, first come, first served. A connection that the server closed
/// while unused is noticed, and a request it swallowed is sent again, if not a byte of a response had come and the method is
/// idempotent. Redirects are not followed; interim responses are skipped.
///
/// Continuation  as for any task.
/// Threads       every member may be called from any threads at once, except that setters come before the first request.
/// Lifetime      a running request keeps the pool alive. The destructor closes unused connections and waits for nothing.
/// Cancellation  ends a call promptly in any phase and closes its connection; a connection being opened may serve others.
/// Timeouts      end a call with task_canceled, inside which a timeout_exception is nested (std::rethrow_if_nested); a call that
///               the caller cancelled throws task_canceled with the caller's token and nothing nested.
class client {
public:
    explicit client(const client_options& options = {});
    client(client&&) noexcept;
    client& operator=(client&&) noexcept;
    ~client();

    /// What relative targets are resolved against. @throws std::invalid_argument  as url()
    void base_address(std::string_view text);
    /// Fields for every request that does not have them itself.
    [[nodiscard]] headers& default_request_headers() noexcept;

    /// Sends `what` and gives the response, whatever its status, once its body has arrived.
    /// @throws std::invalid_argument  for a malformed URL, or a relative one without a base address
    /// @throws request_exception      no connection, no usable response, https (which is not supported); the cause is nested
    /// @throws task_canceled          by `token` or a timeout
    [[nodiscard]] task<response> send(request what, cancellation_token token = {});

    [[nodiscard]] task<response> get(std::string target, cancellation_token token = {});
    [[nodiscard]] task<response> post(std::string target, content body, cancellation_token token = {});
    [[nodiscard]] task<response> put(std::string target, content body, cancellation_token token = {});
    [[nodiscard]] task<response> delete_(std::string target, cancellation_token token = {});
    /// The body of a successful GET. @throws as send(), and request_exception with the status unless that is 200 to 299
    [[nodiscard]] task<std::string> get_string(std::string target, cancellation_token token = {});
    [[nodiscard]] task<std::string> get_bytes(std::string target, cancellation_token token = {});

    /// Connections now: in use, being opened or unused. For tests and diagnostics.
    [[nodiscard]] std::size_t connection_count() const;
    /// Connections opened so far.
    [[nodiscard]] std::uint64_t total_connections() const noexcept;

private:
    class state;
    std::shared_ptr<state> state_;
};

}  // namespace weft::inline WEFT_ABI::http
