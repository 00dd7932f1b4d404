#pragma once
// HTTP/1.1 without I/O: readers that turn bytes into messages, and writers for the other way.
//
// A verdict depends only on the bytes, never on how they were cut: heads are looked at line by line and given to the parser
// when they are complete, bodies by a decoder that keeps its state between any two bytes.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "weft/http/message.hpp"

namespace weft::inline WEFT_ABI::http::detail {

/// What a reader accepts; Kestrel's defaults.
struct h1_limits {
    std::size_t start_line = 8 * 1024;
    std::size_t fields = 32 * 1024;
    std::size_t field_count = 100;
    std::uint64_t body = 30'000'000;
};

/// Why a message was refused: the status a server answers with, and a sentence.
struct h1_error {
    int status = 0;
    const char* reason = "";

    explicit operator bool() const noexcept { return status != 0; }
};

/// Bytes that were read and not yet used. Grows at its end, is used from its start; one allocation, kept.
class read_buffer {
public:
    [[nodiscard]] std::string_view view() const noexcept { return {memory_.get() + begin_, end_ - begin_}; }
    [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
    [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }
    void consume(std::size_t count) noexcept {
        begin_ += count;
        if (begin_ == end_) begin_ = end_ = 0;
    }
    /// Room for at least `wanted` bytes after the unused ones; they may move. Then commit() what was written.
    [[nodiscard]] std::span<std::byte> prepare(std::size_t wanted);
    void commit(std::size_t count) noexcept { end_ += count; }
    void append(std::string_view bytes);
    /// Gives memory back when nothing is unused and more than `keep` bytes are held.
    void trim(std::size_t keep) noexcept;

private:
    std::unique_ptr<char[]> memory_;
    std::size_t capacity_ = 0;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

enum class h1_progress : std::uint8_t {
    need_more,  ///< everything useful was consumed; read and ask again
    head,       ///< the head has just become complete and a body follows; ask again
    complete,   ///< the message is complete; what is left in the buffer belongs to the next
    failed,     ///< error() says why; the connection is of no further use
};

/// Finds the end of a head line by line and applies the limits. Remembers where it was.
class head_scanner {
public:
    /// @param folding_allowed  whether lines that begin with a blank are accepted (responses only)
    /// @returns the size of the complete head, 0 if more is needed or error is set
    std::size_t scan(std::string_view input, const h1_limits& limits, bool folding_allowed, h1_error& error) noexcept;
    void restart() noexcept { *this = head_scanner(); }
    /// Bytes of a blank line before the start line; part of the size of the head.
    [[nodiscard]] std::size_t skipped() const noexcept { return head_at_; }

private:
    h1_error check_line(
        std::string_view line, std::size_t line_end, const h1_limits& limits, bool folding_allowed) noexcept;
    [[nodiscard]] h1_error check_partial(std::size_t size, const h1_limits& limits) const noexcept;

    std::size_t head_at_ = 0;
    std::size_t line_at_ = 0;    // start of the line that is not complete
    std::size_t seen_ = 0;       // bytes without a line end after line_at_ are not searched again
    std::size_t fields_at_ = 0;  // 0: in the start line
    std::size_t fields_ = 0;
};

/// How the end of a body is found.
enum class framing : std::uint8_t { none, length, chunked, until_close };

/// Takes the chunked coding off (RFC 9112, 7.1): a state machine over single bytes outside the data. Trailers are checked and
/// dropped.
class chunk_decoder {
public:
    enum class outcome : std::uint8_t { need_more, complete, failed };

    void restart() noexcept { *this = chunk_decoder(); }
    /// Takes bytes from the front of `input`, which is shortened; appends data to `body`, which may not exceed `limit`.
    outcome decode(std::string_view& input, std::string& body, std::uint64_t limit);
    [[nodiscard]] h1_error error() const noexcept { return error_; }

private:
    enum class state : std::uint8_t {
        size_first,
        size,
        extension,
        size_end,
        data,
        data_end,
        data_line_feed,
        trailer_first,
        trailer_name,
        trailer_value,
        trailer_line_feed,
        end_line_feed,
        done
    };

    bool step(char byte, std::uint64_t body_size, std::uint64_t limit) noexcept;
    bool fail(int status, const char* reason) noexcept;
    bool end_of_size(std::uint64_t body_size, std::uint64_t limit) noexcept;

    std::uint64_t left_ = 0;
    std::uint32_t digits_ = 0;
    std::uint32_t extensions_ = 0;  // bytes of extensions in the whole message
    std::uint32_t trailers_ = 0;
    state state_ = state::size_first;
    h1_error error_;
};

/// Collects a body whose framing is known.
class body_reader {
public:
    void start(framing how, std::uint64_t length, std::uint64_t limit) noexcept;
    h1_progress advance(read_buffer& input, std::string& body);
    /// The connection was closed by the peer. @returns complete if that is how this body ends
    [[nodiscard]] h1_progress at_end() noexcept;
    [[nodiscard]] framing how() const noexcept { return how_; }
    /// Bytes that are certain to follow, to read them in one piece.
    [[nodiscard]] std::uint64_t known_rest() const noexcept { return how_ == framing::length ? left_ : 0; }
    [[nodiscard]] h1_error error() const noexcept { return error_; }

private:
    framing how_ = framing::none;
    std::uint64_t left_ = 0;
    std::uint64_t limit_ = 0;
    h1_error error_;
    chunk_decoder chunks_;
};

/// Reads the requests of one connection, one after the other.
class request_reader {
public:
    explicit request_reader(const h1_limits& limits) noexcept : limits_(limits) {}

    /// Goes on with the present request. `out` is the same object at least until it is complete, best for all requests: its
    /// memory is used again, and a head that repeats the one before is not parsed again.
    h1_progress advance(read_buffer& input, request& out);
    /// Gets ready for the next request.
    void next() noexcept;
    /// Whether anything of the present request has arrived.
    [[nodiscard]] bool started() const noexcept { return started_; }
    /// After the head: whether the client waits for "100 Continue" before it sends the body.
    [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
    /// After the head: whether the client wants to go on with this connection.
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    [[nodiscard]] h1_error error() const noexcept { return error_; }
    [[nodiscard]] std::uint64_t known_rest() const noexcept { return in_body_ ? body_.known_rest() : 0; }

private:
    bool take_head(read_buffer& input, request& out);
    bool same_head(std::string_view input, const request& out) const noexcept;
    h1_error finish_head(request& out);

    h1_limits limits_;
    head_scanner scanner_;
    body_reader body_;
    h1_error error_;
    // The head parsed last, recognised by its stamp in the request; framing_, length_ and keep_alive_ belong to it.
    std::uint64_t last_stamp_ = 0;
    std::size_t last_head_size_ = 0;
    std::uint64_t length_ = 0;
    framing framing_ = framing::none;
    bool started_ = false;
    bool in_body_ = false;
    bool expects_continue_ = false;
    bool keep_alive_ = false;
};

/// Reads the response to one request; interim responses (1xx) are dropped.
class response_reader {
public:
    response_reader(const h1_limits& limits, method of_request) noexcept : limits_(limits), method_(of_request) {}

    h1_progress advance(read_buffer& input, response& out);
    /// The server closed the connection. @returns complete if that is how the body ends, else failed
    [[nodiscard]] h1_progress at_end() noexcept;
    /// Whether any byte of a response has arrived.
    [[nodiscard]] bool started() const noexcept { return started_; }
    /// After completion: whether the server goes on with this connection.
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    [[nodiscard]] h1_error error() const noexcept { return error_; }
    [[nodiscard]] std::uint64_t known_rest() const noexcept { return in_body_ ? body_.known_rest() : 0; }

private:
    bool take_head(read_buffer& input, response& out);

    h1_limits limits_;
    method method_;
    head_scanner scanner_;
    body_reader body_;
    h1_error error_;
    bool started_ = false;
    bool in_body_ = false;
    bool keep_alive_ = false;
};

/// What the parser found in a head besides the fields.
struct head_facts {
    std::uint64_t content_length = 0;
    bool has_content_length = false;
    h1_error error;
};

/// Gives a complete head to the parser library. In h1_parser.cpp, the only source that sees it.
head_facts parse_request_head(std::string_view head, request& out);
head_facts parse_response_head(std::string_view head, response& out);
/// Framing by Transfer-Encoding and Content-Length, with the checks of RFC 9112, 6 that the library leaves to us.
h1_error find_framing(const headers& fields, const head_facts& facts, version seen, framing& how);
/// Whether the sender of this head goes on with the connection (RFC 9112, 9.3).
[[nodiscard]] bool wants_keep_alive(const headers& fields, version seen) noexcept;

// ---- writing

/// What the serializer must know besides the response.
struct response_framing {
    version to = version::http_1_1;
    bool keep_alive = true;
    bool head_only = false;   ///< the request was HEAD
    bool streamed = false;    ///< the body follows: in chunks, under 1.0 up to the end of the connection
    bool head_alone = false;  ///< the body follows as it is: append the head only
    std::int64_t now = 0;     ///< seconds since 1970, for Date
};

/// Appends the head, and the body unless that follows.
/// A Content-Length or Transfer-Encoding set by the application counts only where there is no body to contradict it (HEAD, 304).
void write_response(std::string& out, const response& what, const response_framing& how);
/// Appends the request with its body. `host` is the value of Host unless the request has one.
void write_request(std::string& out, const request& what, std::string_view target, std::string_view host);
/// Appends one chunk; an empty one is not sent, since it would be the end.
void write_chunk(std::string& out, std::string_view data);
void write_last_chunk(std::string& out);
/// Whether a response of that status to that method has a body (RFC 9112, 6.3).
[[nodiscard]] bool has_body(int status, method of_request) noexcept;
/// "Sun, 06 Nov 1994 08:49:37 GMT", kept for a second on each thread. The view ends with the next call on this thread.
[[nodiscard]] std::string_view http_date(std::int64_t seconds) noexcept;

}  // namespace weft::inline WEFT_ABI::http::detail
