#pragma once
// <weft/http/message.hpp>: requests and responses, the same for every wire version and for both sides.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/http/headers.hpp"
#include "weft/http/url.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::http {

/// What a request asks for. `other`: a method that is not listed; request::method_name() has its text.
enum class method : std::uint8_t { get, head, post, put, delete_, connect, options, trace, patch, other };

/// "GET", "DELETE", …; empty for `other`.
[[nodiscard]] std::string_view to_string(method which) noexcept;
/// The method of that exact name (names are case-sensitive), else `other`.
[[nodiscard]] method find_method(std::string_view name) noexcept;
/// Whether doing it twice means the same as once (RFC 9110, 9.2.2), so that a lost request may be sent again.
[[nodiscard]] bool is_idempotent(method which) noexcept;
/// "Not Found" for 404, …; "Unknown" for a status without a usual phrase.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

enum class version : std::uint8_t { http_1_0, http_1_1 };

/// An HTTP request that failed: no connection, no usable answer, or a status that ensure_success_status_code() refuses.
/// Follows System.Net.Http.HttpRequestException.
class request_exception : public std::runtime_error {
public:
    /// @param status  of the response, 0 if there was none
    explicit request_exception(const std::string& what, int status = 0) : std::runtime_error(what), status_(status) {}

    /// The status of the response; nothing if the request failed without one.
    [[nodiscard]] std::optional<int> status() const noexcept {
        if (status_ == 0) return std::nullopt;
        return status_;
    }

private:
    int status_;
};

/// The body of a message, in memory, with its media type: a value.
class content {
public:
    content() = default;
    /// @param media_type  the value of Content-Type; empty: none is sent
    content(std::string bytes, std::string_view media_type = "text/plain; charset=utf-8");
    content(const char* text) : content(std::string(text)) {}

    [[nodiscard]] static content json(std::string text) { return content(std::move(text), "application/json"); }
    [[nodiscard]] static content html(std::string text) { return content(std::move(text), "text/html; charset=utf-8"); }
    [[nodiscard]] static content octets(std::string bytes) { return content(std::move(bytes), "application/octet-stream"); }

    [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
    [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
    [[nodiscard]] std::string_view media_type() const noexcept { return own_type_.empty() ? known_type_ : own_type_; }
    void set_media_type(std::string_view media_type);
    /// Gives the bytes away; the content is empty then.
    [[nodiscard]] std::string take() noexcept {
        std::string given = std::move(bytes_);
        bytes_.clear();
        return given;
    }

    /// The whole body as text. It has already arrived, so this completes at once.
    /// Cancellation  a token cancelled before ends it with operation_canceled.
    [[nodiscard]] task<std::string> read_as_string(cancellation_token token = {}) const;
    /// As read_as_string(): a std::string holds any bytes.
    [[nodiscard]] task<std::string> read_as_bytes(cancellation_token token = {}) const;

    /// @internal the storage, for readers that fill it piece by piece
    [[nodiscard]] std::string& storage() noexcept { return bytes_; }
    /// @internal empties the content; memory above `keep` bytes is given back
    void reset(std::size_t keep) noexcept;

private:
    std::string bytes_;
    std::string_view known_type_;  // a literal of ours
    std::string own_type_;         // any other type
};

namespace detail {
class request_access;
}

/// A request: what a client sends and what a server's handler gets. A value.
class request {
public:
    request() = default;
    /// @param target  for a client: an absolute URL, or one relative to the client's base address
    request(http::method which, std::string_view target, http::content body = {});
    /// With any method name. @throws std::invalid_argument  if it is no token
    request(std::string_view method_name, std::string_view target, http::content body = {});

    [[nodiscard]] http::method method() const noexcept { return method_; }
    [[nodiscard]] std::string_view method_name() const noexcept;
    [[nodiscard]] http::version version() const noexcept { return version_; }

    /// What was asked for; on a server parsed and normalised.
    [[nodiscard]] const request_target& target() const noexcept { return target_; }
    /// target().path()
    [[nodiscard]] std::string_view path() const noexcept { return target_.path(); }
    /// target().query(name)
    [[nodiscard]] std::optional<std::string> query(std::string_view name) const { return target_.query(name); }

    [[nodiscard]] http::headers& headers() noexcept { return headers_; }
    [[nodiscard]] const http::headers& headers() const noexcept { return headers_; }
    [[nodiscard]] http::content& content() noexcept { return content_; }
    [[nodiscard]] const http::content& content() const noexcept { return content_; }

    /// What stood for `{name}` in the pattern of the route; empty if the pattern has no such parameter.
    [[nodiscard]] std::string_view route_value(std::string_view name) const noexcept;
    /// The same for `{name:int}`, whose text the router has already checked.
    /// @throws std::invalid_argument  if the pattern has no such parameter or it is not an integer
    [[nodiscard]] std::int64_t route_int(std::string_view name) const;

    /// Makes a client send the body in the chunked coding, without telling its length first.
    void send_chunked(bool chunked) noexcept { chunked_ = chunked; }
    [[nodiscard]] bool is_sent_chunked() const noexcept { return chunked_; }

private:
    friend class detail::request_access;

    // Views: names into the router's patterns, values into the path of target_.
    struct route_parameter {
        std::string_view name;
        std::uint32_t value_at;
        std::uint32_t value_size;
    };

    http::method method_ = http::method::get;
    http::version version_ = http::version::http_1_1;
    bool chunked_ = false;
    std::string other_method_;
    request_target target_;
    http::headers headers_;
    http::content content_;
    std::vector<route_parameter> route_;
};

/// Where a streamed response goes, piece by piece.
class response_stream {
public:
    response_stream(const response_stream&) = delete;
    response_stream& operator=(const response_stream&) = delete;

    /// Sends one piece; completes when the connection has taken it, so that a slow reader slows the writer.
    /// @param piece  must stay until the task has completed
    /// @throws io_error  when the client is gone
    [[nodiscard]] virtual task<> write(std::string_view piece) = 0;

protected:
    response_stream() = default;
    ~response_stream() = default;
};

/// A response: what a handler returns and what a client gets. Move-only, since it may own a body producer.
class response {
public:
    using body_producer = unique_function<task<>(response_stream&, cancellation_token)>;

    response() = default;
    explicit response(int status, http::content body = {}) : status_(status), content_(std::move(body)) {}
    response(http::content body) : content_(std::move(body)) {}

    /// 200 with text/plain.
    [[nodiscard]] static response text(std::string body) { return response(200, http::content(std::move(body))); }
    [[nodiscard]] static response json(std::string body) { return response(200, http::content::json(std::move(body))); }
    [[nodiscard]] static response html(std::string body) { return response(200, http::content::html(std::move(body))); }
    /// 200 whose body `producer` writes while the client reads, in the chunked coding. The producer runs after the handler
    /// has returned; if it throws, the connection is closed without the end of the body, so the client sees an error.
    [[nodiscard]] static response stream(std::string_view media_type, body_producer producer);

    [[nodiscard]] int status() const noexcept { return status_; }
    void set_status(int status) noexcept { status_ = status; }
    [[nodiscard]] bool is_success_status_code() const noexcept { return status_ >= 200 && status_ <= 299; }
    /// The phrase of the status line of a received response, else the usual one.
    [[nodiscard]] std::string_view reason() const noexcept;
    [[nodiscard]] http::version version() const noexcept { return version_; }

    [[nodiscard]] http::headers& headers() noexcept { return headers_; }
    [[nodiscard]] const http::headers& headers() const noexcept { return headers_; }
    [[nodiscard]] http::content& content() noexcept { return content_; }
    [[nodiscard]] const http::content& content() const noexcept { return content_; }

    /// @returns *this for a status of 200 to 299
    /// @throws request_exception  with the status, for any other
    const response& ensure_success_status_code() const;

    /// @internal empty unless made by stream()
    [[nodiscard]] body_producer& producer() noexcept { return producer_; }
    /// @internal the status line as received
    void set_status_line(int status, http::version seen, std::string_view reason);

private:
    int status_ = 200;
    http::version version_ = http::version::http_1_1;
    std::string reason_;
    http::headers headers_;
    http::content content_;
    body_producer producer_;
};

}  // namespace weft::inline WEFT_ABI::http
