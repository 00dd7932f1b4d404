// Messages to bytes: one contiguous buffer, nothing formatted that can be copied.
// SPDX-License-Identifier: MIT

#include <array>
#include <charconv>
#include <cstring>

#include "http/h1.hpp"

namespace weft::inline WEFT_ABI::http::detail {

namespace {

void append_number(std::string& out, std::uint64_t value) {
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
}

void append_status_line(std::string& out, const response& what) {
    // Always 1.1: the version says what the sender can do, not what the message uses (RFC 9112, 2.3).
    if (what.status() == 200) {
        out.append("HTTP/1.1 200 OK\r\n");
        return;
    }
    out.append("HTTP/1.1 ");
    append_number(out, static_cast<std::uint64_t>(what.status()));
    out.append(" ").append(reason_phrase(what.status())).append("\r\n");
}

// Fields that say where the message ends or what becomes of the connection: the serializer's own business.
bool is_framing(header_id id) noexcept {
    return id == header_id::content_length || id == header_id::transfer_encoding || id == header_id::connection;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
struct date_cache {
    std::int64_t seconds = -1;
    std::array<char, 29> text{};
};

void put_two(char* at, int value) noexcept {
    at[0] = static_cast<char>('0' + value / 10);
    at[1] = static_cast<char>('0' + value % 10);
}

void format_date(date_cache& cache) noexcept {
    static constexpr std::string_view days = "ThuFriSatSunMonTueWed";
    static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const std::int64_t day = cache.seconds / 86400;
    const int rest = static_cast<int>(cache.seconds % 86400);
    // Civil date from the number of days, by eras of 400 years that begin on 1 March.
    const std::int64_t shifted = day + 719468;
    const std::int64_t era = shifted / 146097;
    const int day_of_era = static_cast<int>(shifted % 146097);
    const int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int march_month = (5 * day_of_year + 2) / 153;
    const int month = march_month < 10 ? march_month + 2 : march_month - 10;  // 0: January
    const int year = static_cast<int>(era * 400) + year_of_era + (month < 2 ? 1 : 0);

    char* at = cache.text.data();
    std::memcpy(at, "Thu, 00 Jan 0000 00:00:00 GMT", 29);
    std::memcpy(at, days.data() + 3 * (day % 7), 3);
    put_two(at + 5, day_of_year - (153 * march_month + 2) / 5 + 1);
    std::memcpy(at + 8, months.data() + 3 * month, 3);
    put_two(at + 12, year / 100);
    put_two(at + 14, year % 100);
    put_two(at + 17, rest / 3600);
    put_two(at + 20, rest / 60 % 60);
    put_two(at + 23, rest % 60);
}

}  // namespace

std::string_view http_date(std::int64_t seconds) noexcept {
    thread_local date_cache cache;
    if (cache.seconds != seconds) {
        cache.seconds = seconds < 0 ? 0 : seconds;
        format_date(cache);
    }
    return std::string_view(cache.text.data(), cache.text.size());
}

void write_response(std::string& out, const response& what, const response_framing& how) {
    const bool with_body = has_body(what.status(), how.head_only ? method::head : method::get);
    const http::headers& fields = what.headers();
    const std::string_view body = what.content().bytes();
    append_status_line(out, what);
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const header_field field = fields[i];
        if (!is_framing(field.id)) append_field(out, field.name, field.value);
    }
    if (!fields.contains(header_id::date)) out.append("Date: ").append(http_date(how.now)).append("\r\n");
    if (!what.content().media_type().empty() && !fields.contains(header_id::content_type) && what.status() != 304)
        append_field(out, "Content-Type", what.content().media_type());
    if (how.streamed) {
        if (has_body(what.status(), method::get) && how.to == version::http_1_1)
            out.append("Transfer-Encoding: chunked\r\n");
    } else if (with_body || (how.head_only && has_body(what.status(), method::get)) || what.status() == 304) {
        const auto told = with_body || !body.empty() ? std::nullopt : fields.get(header_id::content_length);
        if (told) {
            append_field(out, "Content-Length", *told);
        } else if (what.status() != 304) {
            out.append("Content-Length: ");
            append_number(out, body.size());
            out.append("\r\n");
        }
    }
    if (!how.keep_alive) out.append("Connection: close\r\n");
    else if (how.to == version::http_1_0) out.append("Connection: keep-alive\r\n");
    out.append("\r\n");
    if (with_body && !how.streamed && !how.head_alone) out.append(body);
}

void write_request(std::string& out, const request& what, std::string_view target, std::string_view host) {
    const http::headers& fields = what.headers();
    const std::string_view body = what.content().bytes();
    out.append(what.method_name()).append(" ").append(target).append(" HTTP/1.1\r\n");
    if (!fields.contains(header_id::host)) append_field(out, "Host", host);
    for (std::size_t i = 0; i < fields.size(); ++i) {
        const header_field field = fields[i];
        if (!is_framing(field.id)) append_field(out, field.name, field.value);
    }
    if (fields.has_token(header_id::connection, "close")) out.append("Connection: close\r\n");
    if (!body.empty() && !what.content().media_type().empty() && !fields.contains(header_id::content_type))
        append_field(out, "Content-Type", what.content().media_type());
    if (what.is_sent_chunked()) {
        out.append("Transfer-Encoding: chunked\r\n\r\n");
        constexpr std::size_t piece = 64 * 1024;
        for (std::size_t at = 0; at < body.size(); at += piece) write_chunk(out, body.substr(at, piece));
        write_last_chunk(out);
        return;
    }
    const bool expects_body =
        what.method() == method::post || what.method() == method::put || what.method() == method::patch;
    if (!body.empty() || expects_body) {
        out.append("Content-Length: ");
        append_number(out, body.size());
        out.append("\r\n");
    }
    out.append("\r\n").append(body);
}

void write_chunk(std::string& out, std::string_view data) {
    if (data.empty()) return;
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), data.size(), 16).ptr;
    out.append(digits.data(), static_cast<std::size_t>(end - digits.data())).append("\r\n").append(data).append("\r\n");
}

void write_last_chunk(std::string& out) { out.append("0\r\n\r\n"); }

}  // namespace weft::inline WEFT_ABI::http::detail
