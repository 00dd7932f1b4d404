// URLs and request targets.
// SPDX-License-Identifier: MIT

#include "weft/http/url.hpp"

#include <algorithm>
#include <stdexcept>

#include "http/characters.hpp"
#include "weft/http/headers.hpp"

namespace weft::inline WEFT_ABI::http {

namespace {

constexpr std::string_view upper_hex = "0123456789ABCDEF";

void append_encoded(std::string& out, char character) {
    const auto byte = static_cast<unsigned char>(character);
    out.push_back('%');
    out.push_back(upper_hex[byte >> 4]);
    out.push_back(upper_hex[byte & 15]);
}

[[noreturn]] void refuse(std::string_view text, const char* reason) {
    throw std::invalid_argument("url '" + std::string(text) + "' " + reason);
}

// The byte of the triplet at `text[place]`, or -1.
int triplet(std::string_view text, std::size_t place) noexcept {
    if (place + 2 >= text.size()) return -1;
    const int high = detail::hex_value(text[place + 1]);
    const int low = detail::hex_value(text[place + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Takes '.' and '..' out of a path that starts with '/' (RFC 3986, 5.2.4).
std::string without_dot_segments(std::string_view path) {
    std::string out;
    out.reserve(path.size());
    for (;;) {
        path.remove_prefix(1);
        const std::size_t slash = path.find('/');
        const std::string_view segment = path.substr(0, slash);
        const bool last = slash == std::string_view::npos;
        if (segment == "..") {
            const std::size_t previous = out.rfind('/');
            out.resize(previous == std::string::npos ? 0 : previous);
            if (last) out.push_back('/');
        } else if (segment == ".") {
            if (last) out.push_back('/');
        } else {
            out.push_back('/');
            out.append(segment);
        }
        if (last) return out;
        path.remove_prefix(slash);
    }
}

std::uint16_t parse_port(std::string_view whole, std::string_view digits) {
    if (digits.empty() || digits.size() > 5 || !detail::all_are(detail::digit_character, digits))
        refuse(whole, "has a port that is not a number from 1 to 65535");
    unsigned value = 0;
    for (char digit : digits) value = value * 10 + static_cast<unsigned>(digit - '0');
    if (value == 0 || value > 65535) refuse(whole, "has a port that is not a number from 1 to 65535");
    return static_cast<std::uint16_t>(value);
}

// Path and query of a URL as they may go on the wire: bytes outside ASCII are encoded, dot segments resolved.
std::string clean_target(std::string_view whole, std::string_view rest) {
    rest = rest.substr(0, rest.find('#'));
    std::string encoded;
    encoded.reserve(rest.size() + 1);
    for (char character : rest) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte <= ' ' || byte == 127) refuse(whole, "has a space or a control character; encode it as %20 or the like");
        if (detail::is(detail::target_character, character)) encoded.push_back(character);
        else append_encoded(encoded, character);
    }
    const std::size_t query = encoded.find('?');
    std::string path = encoded.substr(0, query);
    if (path.empty()) path = "/";
    path = without_dot_segments(path);
    if (query != std::string::npos) path.append(encoded, query);
    return path;
}

std::string decode_query_part(std::string_view text, bool& well_formed) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out.push_back(' ');
        } else if (text[i] != '%') {
            out.push_back(text[i]);
        } else {
            const int byte = triplet(text, i);
            if (byte < 0) {
                well_formed = false;
                return {};
            }
            out.push_back(static_cast<char>(byte));
            i += 2;
        }
    }
    return out;
}

// Calls visit(name, value) with the undecoded parts of each parameter until it returns false.
template <class Visit>
void each_parameter(std::string_view query, Visit visit) {
    while (!query.empty()) {
        const std::size_t ampersand = query.find('&');
        const std::string_view parameter = query.substr(0, ampersand);
        query.remove_prefix(ampersand == std::string_view::npos ? query.size() : ampersand + 1);
        if (parameter.empty()) continue;
        const std::size_t equals = parameter.find('=');
        const bool valued = equals != std::string_view::npos;
        if (!visit(parameter.substr(0, equals), valued ? parameter.substr(equals + 1) : std::string_view())) return;
    }
}

}  // namespace

std::string percent_encode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char character : text) {
        if (detail::is(detail::unreserved_character, character)) out.push_back(character);
        else append_encoded(out, character);
    }
    return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        const int byte = triplet(text, i);
        if (byte < 0) return std::nullopt;
        out.push_back(static_cast<char>(byte));
        i += 2;
    }
    return out;
}

bool url::is_absolute(std::string_view text) noexcept {
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos || colon == 0) return false;
    return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
        [](char character) { return detail::is(detail::unreserved_character, character) || character == '+'; });
}

url::url(std::string_view text) {
    if (!is_absolute(text)) refuse(text, "is not absolute: it should start with http://");
    const std::size_t colon = text.find("://");
    for (char character : text.substr(0, colon)) scheme_.push_back(detail::to_lower(character));
    if (scheme_ != "http" && scheme_ != "https") refuse(text, "has a scheme that is neither http nor https");

    std::string_view rest = text.substr(colon + 3);
    const std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
    const std::string_view authority = rest.substr(0, authority_end);
    rest.remove_prefix(authority_end);
    if (authority.find('@') != std::string_view::npos) refuse(text, "has user information, which is not sent");

    std::string_view port;
    bool has_port = false;
    std::string_view host = authority;
    if (!authority.empty() && authority.front() == '[') {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) refuse(text, "has an address without its closing bracket");
        host = authority.substr(1, close - 1);
        has_port = close + 1 < authority.size();
        if (has_port && authority[close + 1] != ':') refuse(text, "has characters after the address");
        if (has_port) port = authority.substr(close + 2);
        if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos)
            refuse(text, "has an address that is not IPv6");
    } else if (const std::size_t last = authority.rfind(':'); last != std::string_view::npos) {
        host = authority.substr(0, last);
        port = authority.substr(last + 1);
        has_port = true;
    }
    if (host.empty()) refuse(text, "has no host");
    for (char character : host) {
        if (!detail::is(detail::target_character, character) || (authority.front() != '[' && character == ':'))
            refuse(text, "has a host with a character that is not allowed");
        host_.push_back(detail::to_lower(character));
    }
    port_ = has_port ? parse_port(text, port) : static_cast<std::uint16_t>(scheme_ == "http" ? 80 : 443);
    target_ = clean_target(text, rest);
}

url url::resolve(const url& base, std::string_view reference) {
    if (is_absolute(reference)) return url(reference);
    const std::string origin = base.scheme_ + "://" + base.authority();
    if (reference.substr(0, 2) == "//") return url(base.scheme_ + ":" + std::string(reference));
    if (!reference.empty() && reference.front() == '/') return url(origin + std::string(reference));
    const std::string base_path = base.target_.substr(0, base.target_.find('?'));
    if (reference.empty()) return base;
    if (reference.front() == '?') return url(origin + base_path + std::string(reference));
    if (reference.front() == '#') return base;
    return url(origin + base_path.substr(0, base_path.rfind('/') + 1) + std::string(reference));
}

std::string url::authority() const {
    std::string text = host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
    if (port_ != (scheme_ == "http" ? 80 : 443)) text += ":" + std::to_string(port_);
    return text;
}

void request_target::assign_unparsed(std::string_view raw) {
    raw_.assign(raw);
    path_.clear();
    path_at_ = path_size_ = query_at_ = query_size_ = 0;
    normalised_ = false;
}

bool request_target::assign(std::string_view raw) {
    assign_unparsed(raw);
    if (raw == "*") {
        path_size_ = 1;
        return true;
    }
    std::size_t path_at = 0;
    if (raw.empty()) return false;
    if (raw.front() != '/') {
        const std::string_view scheme = raw.substr(0, raw.find("://"));
        if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https")) return false;
        const std::size_t authority_at = scheme.size() + 3;
        path_at = std::min(raw.find_first_of("/?", authority_at), raw.size());
        const std::string_view authority = raw.substr(authority_at, path_at - authority_at);
        if (authority.empty() || authority.find('@') != std::string_view::npos) return false;
    }
    if (!detail::all_are(detail::target_character, raw)) return false;
    const std::size_t question = std::min(raw.find('?', path_at), raw.size());
    if (!normalise(raw.substr(path_at, question - path_at))) {
        path_.clear();
        path_size_ = 0;
        normalised_ = false;
        return false;
    }
    if (!normalised_) {
        path_at_ = static_cast<std::uint32_t>(path_at);
        path_size_ = static_cast<std::uint32_t>(question - path_at);
    }
    if (question < raw.size()) {
        query_at_ = static_cast<std::uint32_t>(question + 1);
        query_size_ = static_cast<std::uint32_t>(raw.size() - question - 1);
    }
    return true;
}

// Leaves the path where it stands in raw_ when there is nothing to change, which is nearly always.
bool request_target::normalise(std::string_view path) {
    if (path.empty()) {  // absolute form without a path
        path_ = "/";
        normalised_ = true;
        return true;
    }
    const bool encoded = path.find('%') != std::string_view::npos;
    if (!encoded && path.find("/.") == std::string_view::npos) return true;
    normalised_ = true;
    if (!encoded) {
        path_ = without_dot_segments(path);
        return true;
    }
    std::string decoded;
    decoded.reserve(path.size());
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] != '%') {
            decoded.push_back(path[i]);
            continue;
        }
        const int byte = triplet(path, i);
        if (byte < ' ' || byte == 127 || byte == '\\') return false;
        if (byte == '/' || byte == '%') decoded.append(path.substr(i, 3));
        else decoded.push_back(static_cast<char>(byte));
        i += 2;
    }
    path_ = without_dot_segments(decoded);
    return true;
}

std::string_view request_target::path() const noexcept {
    if (normalised_) return path_;
    return std::string_view(raw_.data() + path_at_, path_size_);
}

std::string_view request_target::raw_query() const noexcept {
    return std::string_view(raw_.data() + query_at_, query_size_);
}

std::optional<std::string> request_target::query(std::string_view name) const {
    std::optional<std::string> found;
    each_parameter(raw_query(), [&](std::string_view raw_name, std::string_view raw_value) {
        bool well_formed = true;
        if (decode_query_part(raw_name, well_formed) != name || !well_formed) return true;
        std::string value = decode_query_part(raw_value, well_formed);
        if (well_formed) found = std::move(value);
        return false;
    });
    return found;
}

std::vector<std::pair<std::string, std::string>> request_target::query_parameters() const {
    std::vector<std::pair<std::string, std::string>> all;
    each_parameter(raw_query(), [&](std::string_view raw_name, std::string_view raw_value) {
        bool well_formed = true;
        std::string name = decode_query_part(raw_name, well_formed);
        std::string value = decode_query_part(raw_value, well_formed);
        if (well_formed) all.emplace_back(std::move(name), std::move(value));
        return true;
    });
    return all;
}

}  // namespace weft::inline WEFT_ABI::http
