// Requests, responses and their bodies.
// SPDX-License-Identifier: MIT

#include "weft/http/message.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/request_access.hpp"

namespace weft::inline WEFT_ABI::http {

namespace {

constexpr std::array<std::string_view, 10> method_names = {
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", ""};

// Types that are kept as views of these literals, so that naming them copies nothing.
constexpr std::array<std::string_view, 5> known_types = {
    "text/plain; charset=utf-8", "application/json", "text/html; charset=utf-8", "application/octet-stream", "text/plain"};

}  // namespace

std::string_view to_string(method which) noexcept { return method_names[static_cast<std::size_t>(which)]; }

method find_method(std::string_view name) noexcept {
    if (name.empty()) return method::other;
    for (std::size_t i = 0; i < method_names.size(); ++i)
        if (method_names[i] == name) return static_cast<method>(i);
    return method::other;
}

bool is_idempotent(method which) noexcept {
    return which != method::post && which != method::patch && which != method::connect && which != method::other;
}

std::string_view reason_phrase(int status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 101: return "Switching Protocols";
        case 103: return "Early Hints";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 203: return "Non-Authoritative Information";
        case 204: return "No Content";
        case 205: return "Reset Content";
        case 206: return "Partial Content";
        case 300: return "Multiple Choices";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 307: return "Temporary Redirect";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 411: return "Length Required";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 416: return "Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 421: return "Misdirected Request";
        case 422: return "Unprocessable Content";
        case 426: return "Upgrade Required";
        case 428: return "Precondition Required";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        default: return "Unknown";
    }
}

content::content(std::string bytes, std::string_view media_type) : bytes_(std::move(bytes)) { set_media_type(media_type); }

void content::set_media_type(std::string_view media_type) {
    known_type_ = {};
    own_type_.clear();
    if (media_type.empty()) return;
    const auto* known = std::find(known_types.begin(), known_types.end(), media_type);
    if (known != known_types.end()) known_type_ = *known;
    else own_type_.assign(media_type);
}

task<std::string> content::read_as_string(cancellation_token token) const {
    token.throw_if_cancellation_requested();
    co_return bytes_;
}

task<std::string> content::read_as_bytes(cancellation_token token) const {
    token.throw_if_cancellation_requested();
    co_return bytes_;
}

void content::reset(std::size_t keep) noexcept {
    if (bytes_.capacity() > keep) std::string().swap(bytes_);
    else bytes_.clear();
    known_type_ = {};
    own_type_.clear();
}

request::request(http::method which, std::string_view target, http::content body)
    : method_(which), content_(std::move(body)) {
    if (which == http::method::other) throw std::invalid_argument("method::other needs the method's name");
    target_.assign_unparsed(target);
}

request::request(std::string_view method_name, std::string_view target, http::content body) : content_(std::move(body)) {
    if (!is_token(method_name)) throw std::invalid_argument("method '" + std::string(method_name) + "' is not a token");
    detail::request_access::set_method(*this, method_name);
    target_.assign_unparsed(target);
}

std::string_view request::method_name() const noexcept {
    return method_ == http::method::other ? std::string_view(other_method_) : to_string(method_);
}

std::string_view request::route_value(std::string_view name) const noexcept {
    for (const route_parameter& parameter : route_)
        if (parameter.name == name) return target_.path().substr(parameter.value_at, parameter.value_size);
    return {};
}

std::int64_t request::route_int(std::string_view name) const {
    const std::string_view text = route_value(name);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument(
            "route value '" + std::string(name) + "' is '" + std::string(text) + "', which is not an integer");
    return value;
}

response response::stream(std::string_view media_type, body_producer producer) {
    response made(200, http::content(std::string(), media_type));
    made.producer_ = std::move(producer);
    return made;
}

std::string_view response::reason() const noexcept { return reason_.empty() ? reason_phrase(status_) : reason_; }

const response& response::ensure_success_status_code() const {
    if (!is_success_status_code())
        throw request_exception("response status code does not indicate success: " + std::to_string(status_) + " (" +
                std::string(reason()) + ")",
            status_);
    return *this;
}

void response::set_status_line(int status, http::version seen, std::string_view reason) {
    status_ = status;
    version_ = seen;
    reason_.assign(reason);
}

}  // namespace weft::inline WEFT_ABI::http
