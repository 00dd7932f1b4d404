// The one source that sees Boost.Beast: its basic_parser splits and checks a complete head; our sink keeps the places.
//
// What Beast lets pass and we refuse: line folding in requests (the scanner), a Transfer-Encoding that does not end in
// chunked, stands beside a Content-Length or under HTTP/1.0, lists of lengths, no Host or several.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/field.hpp>

#include "http/characters.hpp"
#include "http/h1.hpp"
#include "http/headers_access.hpp"
#include "http/request_access.hpp"

namespace weft::inline WEFT_ABI::http::detail {

namespace {

namespace beast = boost::beast::http;
using error_code = boost::beast::error_code;
using beast_text = boost::beast::string_view;

constexpr std::size_t field_count = 512;

// Our id of each of Beast's; both know a field by a hash of its name, so ours is not computed again.
std::array<header_id, field_count> make_id_table() {
    std::array<header_id, field_count> table{};
    for (std::size_t i = 1; i < field_count; ++i) {
        const auto field = static_cast<beast::field>(i);
        if (i > static_cast<std::size_t>(beast::field::xref)) break;
        const beast_text name = beast::to_string(field);
        table[i] = find_header_id(std::string_view(name.data(), name.size()));
    }
    return table;
}

header_id id_of(beast::field field, std::string_view name) {
    static const std::array<header_id, field_count> table = make_id_table();
    if (field == beast::field::unknown) return find_header_id(name);
    return table[static_cast<std::size_t>(field)];
}

std::string_view view_of(beast_text text) { return std::string_view(text.data(), text.size()); }

constexpr h1_error bad_version(const char* reason) { return {505, reason}; }

h1_error meaning_of(const error_code& code, std::string_view head) {
    if (code == beast::error::bad_version) {
        // "HTTP/" digit "." digit at the end of the start line names a version, if not one of ours.
        const std::string_view line = head.substr(0, head.find("\r\n"));
        const std::size_t at = line.find("HTTP/");
        const std::string_view version = at == std::string_view::npos ? std::string_view() : line.substr(at + 5, 3);
        const bool alone = at != std::string_view::npos && (at == 0 || at + 8 == line.size());
        if (alone && version.size() == 3 && is(digit_character, version[0]) && version[1] == '.' &&
            is(digit_character, version[2]) && version != "1.0" && version != "1.1")
            return bad_version("http version is neither 1.0 nor 1.1");
        return {400, "malformed http version"};
    }
    if (code == beast::error::bad_method) return {400, "malformed method"};
    if (code == beast::error::bad_target) return {400, "malformed request target"};
    if (code == beast::error::bad_status) return {400, "malformed status"};
    if (code == beast::error::bad_field) return {400, "malformed header name"};
    if (code == beast::error::bad_value) return {400, "malformed header value"};
    if (code == beast::error::bad_line_ending) return {400, "carriage return without line feed"};
    if (code == beast::error::bad_content_length) return {400, "malformed content-length"};
    if (code == beast::error::multiple_content_length) return {400, "several different content-lengths"};
    if (code == beast::error::bad_transfer_encoding) return {400, "transfer-encoding repeated or beside content-length"};
    if (code == beast::error::header_limit) return {431, "header field is too long"};
    return {400, "malformed head"};
}

// Keeps each field as a place in the copied head.
template <bool IsRequest, class Message>
class head_sink final : public beast::basic_parser<IsRequest> {
public:
    head_sink(std::string_view head, Message& out) : head_(head), out_(out) {
        this->header_limit(0xffffffffU);
        this->skip(true);
    }

private:
    void on_request_impl(beast::verb, beast_text method, beast_text target, int version, error_code&) override {
        if constexpr (IsRequest) {
            request_access::set_method(out_, view_of(method));
            request_access::set_version(out_, version == 10 ? http::version::http_1_0 : http::version::http_1_1);
            target_ = view_of(target);
        }
    }
    void on_response_impl(int status, beast_text reason, int version, error_code&) override {
        if constexpr (!IsRequest)
            out_.set_status_line(
                status, version == 10 ? http::version::http_1_0 : http::version::http_1_1, view_of(reason));
    }
    void on_field_impl(beast::field field, beast_text name, beast_text value, error_code&) override {
        const std::string_view name_text = view_of(name);
        const std::string_view value_text = view_of(value);
        if (name_text.size() > 0xffff) {
            name_too_long_ = true;
            return;
        }
        const auto name_at = static_cast<std::size_t>(name_text.data() - head_.data());
        const bool inside = value_text.data() >= head_.data() && value_text.data() <= head_.data() + head_.size();
        // A folded value was put together elsewhere.
        const std::size_t value_at = inside ? static_cast<std::size_t>(value_text.data() - head_.data())
                                            : headers_access::append_text(out_.headers(), value_text);
        headers_access::add_place(
            out_.headers(), id_of(field, name_text), name_at, name_text.size(), value_at, value_text.size());
    }
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(beast_text text, error_code&) override { return text.size(); }
    void on_chunk_header_impl(std::uint64_t, beast_text, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, beast_text text, error_code&) override { return text.size(); }
    void on_finish_impl(error_code&) override {}

public:
    [[nodiscard]] std::string_view target() const noexcept { return target_; }
    [[nodiscard]] bool name_too_long() const noexcept { return name_too_long_; }

private:
    std::string_view head_;
    Message& out_;
    std::string_view target_;
    bool name_too_long_ = false;
};

template <class Parser>
head_facts run(Parser& parser, std::string_view head) {
    head_facts facts;
    error_code code;
    std::size_t used = parser.put(boost::asio::const_buffer(head.data(), head.size()), code);
    if (code) {
        facts.error = meaning_of(code, head);
    } else if (!parser.is_done() || used != head.size()) {
        facts.error = {400, "malformed head"};
    } else if (parser.name_too_long()) {
        facts.error = {431, "header name is too long"};
    } else if (const auto length = parser.content_length()) {
        facts.content_length = *length;
        facts.has_content_length = true;
    }
    return facts;
}

}  // namespace

head_facts parse_request_head(std::string_view head, request& out) {
    headers_access::assign_block(out.headers(), head);
    head_sink<true, request> sink(head, out);
    head_facts facts = run(sink, head);
    if (facts.error) return facts;
    if (out.method() == method::connect) {
        facts.error = {501, "method CONNECT is not supported"};
    } else if (!request_access::target(out).assign(sink.target()) ||
        (out.path() == "*" && out.method() != method::options)) {
        facts.error = {400, "malformed request target"};
    }
    return facts;
}

head_facts parse_response_head(std::string_view head, response& out) {
    headers_access::assign_block(out.headers(), head);
    head_sink<false, response> sink(head, out);
    return run(sink, head);
}

}  // namespace weft::inline WEFT_ABI::http::detail
