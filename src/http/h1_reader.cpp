// Finding where messages end, and collecting their bodies.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <atomic>
#include <cstring>

#include "http/characters.hpp"
#include "http/h1.hpp"
#include "http/headers_access.hpp"
#include "http/request_access.hpp"

namespace weft::inline WEFT_ABI::http::detail {

namespace {

constexpr std::size_t smallest_buffer = 4 * 1024;
constexpr std::uint32_t longest_chunk_size = 16;      // hexadecimal digits: 64 bits
constexpr std::uint32_t most_extensions = 16 * 1024;  // bytes of chunk extensions in a message
constexpr std::uint32_t most_trailers = 8 * 1024;     // bytes of trailer fields
constexpr std::size_t kept_body = 64 * 1024;          // memory of a body that stays for the next request

// Only unequal numbers matter, so relaxed is enough.
std::atomic<std::uint64_t> next_stamp{1};

}  // namespace

// ---- read_buffer

std::span<std::byte> read_buffer::prepare(std::size_t wanted) {
    if (capacity_ - end_ < wanted && begin_ != 0) {
        std::memmove(memory_.get(), memory_.get() + begin_, size());
        end_ -= begin_;
        begin_ = 0;
    }
    if (capacity_ - end_ < wanted) {
        const std::size_t larger = std::max({capacity_ * 2, end_ + wanted, smallest_buffer});
        std::unique_ptr<char[]> memory(new char[larger]);
        if (end_ != 0) std::memcpy(memory.get(), memory_.get(), end_);
        memory_ = std::move(memory);
        capacity_ = larger;
    }
    return std::as_writable_bytes(std::span<char>(memory_.get() + end_, capacity_ - end_));
}

void read_buffer::append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(prepare(bytes.size()).data(), bytes.data(), bytes.size());
    commit(bytes.size());
}

void read_buffer::trim(std::size_t keep) noexcept {
    if (!empty() || capacity_ <= keep) return;
    memory_.reset();
    capacity_ = begin_ = end_ = 0;
}

// ---- head_scanner

// Limits come before everything else, so that a line that is too long is refused the same whether its end has arrived or not.
h1_error head_scanner::check_partial(std::size_t size, const h1_limits& limits) const noexcept {
    if (fields_at_ == 0) {
        if (size - line_at_ > limits.start_line) return {414, "start line is too long"};
    } else if (size - fields_at_ > limits.fields) {
        return {431, "header section is too long"};
    }
    return {};
}

h1_error head_scanner::check_line(
    std::string_view line, std::size_t line_end, const h1_limits& limits, bool folding_allowed) noexcept {
    if (const h1_error error = check_partial(line_end, limits)) return error;
    if (line.size() < 2 || line[line.size() - 2] != '\r') return {400, "line feed without carriage return"};
    if (fields_at_ == 0 || line.size() == 2) return {};
    if ((line.front() == ' ' || line.front() == '\t') && !folding_allowed) return {400, "folded header line"};
    if (++fields_ > limits.field_count) return {431, "too many header fields"};
    return {};
}

std::size_t head_scanner::scan(
    std::string_view input, const h1_limits& limits, bool folding_allowed, h1_error& error) noexcept {
    if (seen_ == 0 && !input.empty() && !is(token_character, input[0]) && input[0] != '\r' && input[0] != '\n') {
        error = {400, "message does not begin with a method or version"};
        return 0;
    }
    for (;;) {
        const void* found = seen_ < input.size() ? std::memchr(input.data() + seen_, '\n', input.size() - seen_) : nullptr;
        if (found == nullptr) {
            seen_ = input.size();
            error = check_partial(input.size(), limits);
            return 0;
        }
        const std::size_t line_end = static_cast<std::size_t>(static_cast<const char*>(found) - input.data()) + 1;
        const std::string_view line = input.substr(line_at_, line_end - line_at_);
        error = check_line(line, line_end, limits, folding_allowed);
        if (error) return 0;
        line_at_ = seen_ = line_end;
        if (fields_at_ != 0) {
            if (line.size() == 2) return line_end;
        } else if (line.size() != 2) {
            fields_at_ = line_end;
        } else if (head_at_ == 0) {
            head_at_ = line_end;  // RFC 9112, 2.2: one empty line before the start line is forgiven
        } else {
            error = {400, "empty lines instead of a message"};
            return 0;
        }
    }
}

// ---- chunk_decoder

bool chunk_decoder::fail(int status, const char* reason) noexcept {
    error_ = {status, reason};
    return false;
}

bool chunk_decoder::end_of_size(std::uint64_t body_size, std::uint64_t limit) noexcept {
    if (left_ > limit || body_size > limit - left_) return fail(413, "body is too large");
    digits_ = 0;
    state_ = left_ == 0 ? state::trailer_first : state::data;
    return true;
}

// One byte outside the data.
bool chunk_decoder::step(char byte, std::uint64_t body_size, std::uint64_t limit) noexcept {
    switch (state_) {
        case state::size_first:
        case state::size: {
            const int digit = hex_value(byte);
            if (digit >= 0) {
                if (++digits_ > longest_chunk_size) return fail(400, "chunk size has too many digits");
                left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
                state_ = state::size;
                return true;
            }
            if (state_ == state::size_first) return fail(400, "chunk without a size");
            if (byte == ';') state_ = state::extension;
            else if (byte == '\r') state_ = state::size_end;
            else return fail(400, "malformed chunk size");
            return true;
        }
        case state::extension:
            if (byte == '\r') {
                state_ = state::size_end;
                return true;
            }
            if (!is(value_character, byte)) return fail(400, "malformed chunk extension");
            if (++extensions_ > most_extensions) return fail(400, "chunk extensions are too long");
            return true;
        case state::size_end:
            if (byte != '\n') return fail(400, "chunk size does not end its line");
            return end_of_size(body_size, limit);
        case state::data_end:
            if (byte != '\r') return fail(400, "chunk is longer than its size");
            state_ = state::data_line_feed;
            return true;
        case state::data_line_feed:
            if (byte != '\n') return fail(400, "chunk does not end its line");
            state_ = state::size_first;
            return true;
        case state::trailer_first:
            if (byte == '\r') {
                state_ = state::end_line_feed;
                return true;
            }
            if (!is(token_character, byte)) return fail(400, "malformed trailer");
            state_ = state::trailer_name;
            break;
        case state::trailer_name:
            if (byte == ':') state_ = state::trailer_value;
            else if (!is(token_character, byte)) return fail(400, "malformed trailer");
            break;
        case state::trailer_value:
            if (byte == '\r') state_ = state::trailer_line_feed;
            else if (!is(value_character, byte)) return fail(400, "malformed trailer");
            break;
        case state::trailer_line_feed:
            if (byte != '\n') return fail(400, "trailer does not end its line");
            state_ = state::trailer_first;
            break;
        case state::end_line_feed:
            if (byte != '\n') return fail(400, "chunked body does not end its line");
            state_ = state::done;
            return true;
        case state::data:
        case state::done: return true;
    }
    if (++trailers_ > most_trailers) return fail(431, "trailer section is too long");
    return true;
}

chunk_decoder::outcome chunk_decoder::decode(std::string_view& input, std::string& body, std::uint64_t limit) {
    while (state_ != state::done) {
        if (input.empty()) return outcome::need_more;
        if (state_ == state::data) {
            const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
            body.append(input.substr(0, taken));
            input.remove_prefix(taken);
            left_ -= taken;
            if (left_ == 0) state_ = state::data_end;
        } else {
            const char byte = input.front();
            input.remove_prefix(1);
            if (!step(byte, body.size(), limit)) return outcome::failed;
        }
    }
    return outcome::complete;
}

// ---- body_reader

void body_reader::start(framing how, std::uint64_t length, std::uint64_t limit) noexcept {
    how_ = how;
    left_ = length;
    limit_ = limit;
    error_ = {};
    chunks_.restart();
    if (how == framing::length && length > limit) error_ = {413, "body is too large"};
}

h1_progress body_reader::advance(read_buffer& input, std::string& body) {
    if (error_) return h1_progress::failed;
    std::string_view bytes = input.view();
    switch (how_) {
        case framing::none: return h1_progress::complete;
        case framing::length: {
            if (body.empty() && left_ > bytes.size())
                body.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(left_, 1 << 20)));
            const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
            body.append(bytes.substr(0, taken));
            input.consume(taken);
            left_ -= taken;
            return left_ == 0 ? h1_progress::complete : h1_progress::need_more;
        }
        case framing::chunked: {
            const std::size_t before = bytes.size();
            const auto result = chunks_.decode(bytes, body, limit_);
            input.consume(before - bytes.size());
            if (result == chunk_decoder::outcome::failed) error_ = chunks_.error();
            if (error_) return h1_progress::failed;
            return result == chunk_decoder::outcome::complete ? h1_progress::complete : h1_progress::need_more;
        }
        case framing::until_close:
            if (bytes.size() > limit_ - std::min<std::uint64_t>(limit_, body.size())) {
                error_ = {413, "body is too large"};
                return h1_progress::failed;
            }
            body.append(bytes);
            input.consume(bytes.size());
            return h1_progress::need_more;
    }
    return h1_progress::complete;
}

h1_progress body_reader::at_end() noexcept {
    if (how_ == framing::until_close) return h1_progress::complete;
    error_ = {400, "connection closed in the middle of a body"};
    return h1_progress::failed;
}

// ---- framing

namespace {

// The codings of Transfer-Encoding, checked: exactly "chunked" is ours; chunked behind others is well formed but unknown.
h1_error check_transfer_encoding(const headers& fields, version seen) noexcept {
    if (seen == version::http_1_0) return {400, "transfer-encoding under http/1.0"};
    if (fields.count(header_id::transfer_encoding) != 1) return {400, "transfer-encoding is repeated"};
    const std::string_view codings = *fields.get(header_id::transfer_encoding);
    if (equal_ignoring_case(codings, "chunked")) return {};
    const std::size_t comma = codings.rfind(',');
    const std::string_view last = trim_blanks(comma == std::string_view::npos ? codings : codings.substr(comma + 1));
    if (!equal_ignoring_case(last, "chunked")) return {400, "transfer-encoding does not end in chunked"};
    const std::string_view before = codings.substr(0, comma);
    for (std::size_t at = 0; at <= before.size();) {
        const std::size_t end = std::min(before.find(',', at), before.size());
        if (equal_ignoring_case(trim_blanks(before.substr(at, end - at)), "chunked"))
            return {400, "chunked is applied twice"};
        at = end + 1;
    }
    return {501, "transfer coding is not supported"};
}

}  // namespace

h1_error find_framing(const headers& fields, const head_facts& facts, version seen, framing& how) {
    how = framing::none;
    if (fields.contains(header_id::transfer_encoding)) {
        if (fields.contains(header_id::content_length)) return {400, "transfer-encoding beside content-length"};
        how = framing::chunked;
        return check_transfer_encoding(fields, seen);
    }
    if (!facts.has_content_length) return {};
    if (fields.count(header_id::content_length) != 1 || !all_are(digit_character, *fields.get(header_id::content_length)))
        return {400, "content-length is repeated or not a number"};
    how = framing::length;
    return {};
}

bool wants_keep_alive(const headers& fields, version seen) noexcept {
    if (!fields.contains(header_id::connection)) return seen == version::http_1_1;
    if (fields.has_token(header_id::connection, "close")) return false;
    return seen == version::http_1_1 || fields.has_token(header_id::connection, "keep-alive");
}

// ---- request_reader

namespace {

template <class Message>
void take_media_type(Message& message) {
    if (!message.headers().contains(header_id::content_type)) return;
    message.content().set_media_type(*message.headers().get(header_id::content_type));
}

// Exactly one Host under 1.1, at most one under 1.0; its characters are those of a host and a port.
h1_error check_host(const headers& fields, version seen) noexcept {
    const std::size_t hosts = fields.count(header_id::host);
    if (hosts == 0) return seen == version::http_1_1 ? h1_error{400, "no host field"} : h1_error{};
    if (hosts != 1) return {400, "several host fields"};
    const std::string_view host = *fields.get(header_id::host);
    for (char character : host)
        if (!is(target_character, character) || character == '@' || character == '/' || character == '?' ||
            character == ',')
            return {400, "malformed host field"};
    return {};
}

}  // namespace

// Clients repeat themselves byte for byte. The stamp makes sure that `out` still holds what this reader parsed last.
bool request_reader::same_head(std::string_view input, const request& out) const noexcept {
    return last_stamp_ != 0 && headers_access::stamp(out.headers()) == last_stamp_ && input.size() >= last_head_size_ &&
        std::memcmp(input.data(), headers_access::block(out.headers()), last_head_size_) == 0;
}

// Checks a parsed head and fixes how its body is framed.
h1_error request_reader::finish_head(request& out) {
    if (const h1_error error = check_host(out.headers(), out.version())) return error;
    expects_continue_ = false;
    if (const auto expected = out.headers().get(header_id::expect)) {
        if (!equal_ignoring_case(*expected, "100-continue")) return {417, "expectation is not 100-continue"};
        expects_continue_ = out.version() == version::http_1_1;
    }
    keep_alive_ = wants_keep_alive(out.headers(), out.version());
    return {};
}

// @returns whether a head is complete; else error_ or more bytes
bool request_reader::take_head(read_buffer& input, request& out) {
    out.content().reset(kept_body);
    request_access::clear_route(out);
    if (same_head(input.view(), out)) {
        input.consume(last_head_size_);
        take_media_type(out);
        return true;
    }
    const std::size_t size = scanner_.scan(input.view(), limits_, false, error_);
    if (size == 0) return false;
    const std::size_t skipped = scanner_.skipped();
    const std::string_view head = input.view().substr(skipped, size - skipped);
    const head_facts facts = parse_request_head(head, out);
    error_ = facts.error;
    if (!error_) error_ = find_framing(out.headers(), facts, out.version(), framing_);
    if (!error_) error_ = finish_head(out);
    if (error_) return false;
    length_ = facts.content_length;
    last_head_size_ = head.size();
    last_stamp_ = next_stamp.fetch_add(1, std::memory_order_relaxed);
    headers_access::set_stamp(out.headers(), last_stamp_);
    take_media_type(out);
    input.consume(size);
    return true;
}

h1_progress request_reader::advance(read_buffer& input, request& out) {
    if (error_) return h1_progress::failed;
    if (!in_body_) {
        if (input.empty()) return h1_progress::need_more;
        started_ = true;
        if (!take_head(input, out)) return error_ ? h1_progress::failed : h1_progress::need_more;
        if (framing_ == framing::none || (framing_ == framing::length && length_ == 0)) {
            expects_continue_ = false;
            return h1_progress::complete;
        }
        in_body_ = true;
        body_.start(framing_, length_, limits_.body);
        error_ = body_.error();
        return error_ ? h1_progress::failed : h1_progress::head;
    }
    const h1_progress progress = body_.advance(input, out.content().storage());
    if (progress == h1_progress::failed) error_ = body_.error();
    if (progress == h1_progress::complete) expects_continue_ = false;
    return progress;
}

void request_reader::next() noexcept {
    scanner_.restart();
    started_ = in_body_ = false;
}

// ---- response_reader

bool has_body(int status, method of_request) noexcept {
    return of_request != method::head && status >= 200 && status != 204 && status != 304;
}

bool response_reader::take_head(read_buffer& input, response& out) {
    for (;;) {
        const std::size_t size = scanner_.scan(input.view(), limits_, true, error_);
        if (size == 0) return false;
        const std::size_t skipped = scanner_.skipped();
        const head_facts facts = parse_response_head(input.view().substr(skipped, size - skipped), out);
        error_ = facts.error;
        framing how = framing::none;
        if (!error_) error_ = find_framing(out.headers(), facts, out.version(), how);
        if (!error_ && (out.status() < 100 || out.status() == 101)) error_ = {400, "unexpected status"};
        if (error_) return false;
        input.consume(size);
        scanner_.restart();
        if (out.status() < 200) {
            if (input.empty()) return false;
            continue;
        }
        if (!has_body(out.status(), method_)) how = framing::none;
        else if (how == framing::none) how = framing::until_close;
        keep_alive_ = wants_keep_alive(out.headers(), out.version()) && how != framing::until_close;
        take_media_type(out);
        body_.start(how, facts.content_length, limits_.body);
        error_ = body_.error();
        return !error_;
    }
}

h1_progress response_reader::advance(read_buffer& input, response& out) {
    if (error_) return h1_progress::failed;
    if (!in_body_) {
        if (input.empty()) return h1_progress::need_more;
        started_ = true;
        if (!take_head(input, out)) return error_ ? h1_progress::failed : h1_progress::need_more;
        in_body_ = true;
    }
    const h1_progress progress = body_.advance(input, out.content().storage());
    if (progress == h1_progress::failed) error_ = body_.error();
    return progress;
}

h1_progress response_reader::at_end() noexcept {
    if (in_body_) {
        const h1_progress progress = body_.at_end();
        error_ = body_.error();
        return progress;
    }
    error_ = {400, started_ ? "connection closed in the middle of a response head" : "connection closed before a response"};
    return h1_progress::failed;
}

}  // namespace weft::inline WEFT_ABI::http::detail
