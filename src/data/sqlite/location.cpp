// SPDX-License-Identifier: MIT

#include "data/sqlite/location.hpp"

#include <charconv>
#include <cstdint>
#include <stdexcept>

namespace weft::inline WEFT_ABI::data::detail {

namespace {

constexpr std::string_view scheme = "sqlite://";

[[noreturn]] void refuse(std::string_view url, const std::string& reason) {
    throw std::invalid_argument("database url '" + std::string(url) + "': " + reason);
}

int digit(char letter) noexcept {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    return -1;
}

std::string percent_decoded(std::string_view url, std::string_view text) {
    std::string result;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            result += text[at];
            continue;
        }
        const int high = at + 2 < text.size() ? digit(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? digit(text[at + 2]) : -1;
        if (high < 0 || low < 0) refuse(url, "'%' is not followed by two hexadecimal digits; write %25 for a percent sign");
        if (high == 0 && low == 0) refuse(url, "a path cannot hold a zero byte");
        result += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return result;
}

std::int64_t number(
    std::string_view url, std::string_view key, std::string_view value, std::int64_t lowest, std::int64_t highest) {
    std::int64_t result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc() || end != value.data() + value.size() || result < lowest || result > highest)
        refuse(url,
            "'" + std::string(key) + "=" + std::string(value) + "' is not a number from " + std::to_string(lowest) +
                " to " + std::to_string(highest));
    return result;
}

void apply(std::string_view url, sqlite_location& result, std::string_view key, std::string_view value) {
    constexpr std::int64_t longest_timeout = 86'400'000;  // a day
    if (key == "mode") {
        if (value == "ro") result.mode = open_mode::read_only;
        else if (value == "rw") result.mode = open_mode::must_exist;
        else if (value == "rwc") result.mode = open_mode::create;
        else refuse(url, "'mode=" + std::string(value) + "' is none of ro, rw, rwc");
    } else if (key == "pool") {
        result.options.max_connections = static_cast<std::size_t>(number(url, key, value, 1, 1000));
    } else if (key == "busy_timeout") {
        result.options.busy_timeout = std::chrono::milliseconds(number(url, key, value, 0, longest_timeout));
    } else if (key == "statement_cache") {
        result.options.statement_cache = static_cast<std::size_t>(number(url, key, value, 0, 100'000));
    } else if (key == "wal") {
        result.options.write_ahead_log = number(url, key, value, 0, 1) != 0;
    } else if (key == "exclusive") {
        result.options.exclusive = number(url, key, value, 0, 1) != 0;
    } else {
        refuse(url,
            "'" + std::string(key) +
                "' is no option; there are mode, pool, busy_timeout, statement_cache, wal and exclusive");
    }
}

}  // namespace

sqlite_location parse_sqlite_url(std::string_view url, const database_options& options) {
    const std::size_t question = url.find('?');
    const std::string_view front = url.substr(0, question);
    sqlite_location result;
    result.name = front;
    result.path = percent_decoded(url, front.substr(scheme.size()));
    result.options = options;
    if (result.path.empty()) refuse(url, "it names no file; write sqlite:///path or sqlite://:memory:");
    if (options.max_connections == 0) throw std::invalid_argument("database_options::max_connections must be at least 1");
    if (options.busy_timeout < std::chrono::milliseconds::zero())
        throw std::invalid_argument("database_options::busy_timeout must not be negative");

    std::string_view rest = question == std::string_view::npos ? std::string_view() : url.substr(question + 1);
    while (!rest.empty()) {
        const std::string_view part = rest.substr(0, rest.find('&'));
        rest.remove_prefix(part.size() == rest.size() ? part.size() : part.size() + 1);
        const std::size_t equals = part.find('=');
        if (equals == std::string_view::npos) refuse(url, "'" + std::string(part) + "' has no value; write key=value");
        apply(url, result, part.substr(0, equals), part.substr(equals + 1));
    }
    // A memory database belongs to the one connection that made it, and an exclusive lock keeps every other connection out.
    if (result.path == ":memory:" || result.options.exclusive) result.options.max_connections = 1;
    return result;
}

}  // namespace weft::inline WEFT_ABI::data::detail
