// src/io/net/endpoint.cpp: text forms of addresses.
// SPDX-License-Identifier: MIT

#include "weft/io/net/endpoint.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>

#include <arpa/inet.h>
#include <net/if.h>

namespace weft::inline WEFT_ABI::net {

namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
    return port;
}

std::uint32_t parse_scope(const char* name) noexcept {
    std::uint32_t number = 0;
    const char* end = name + std::strlen(name);
    const auto [stop, error] = std::from_chars(name, end, number);
    return error == std::errc() && stop == end ? number : ::if_nametoindex(name);
}

}  // namespace

std::optional<endpoint> endpoint::try_from_address(std::string_view address, std::uint16_t port) noexcept {
    char text[80];
    if (address.size() >= sizeof text) return std::nullopt;
    std::copy(address.begin(), address.end(), text);
    text[address.size()] = '\0';
    std::uint8_t bytes[16]{};
    if (::inet_pton(AF_INET, text, bytes) == 1) return from_bytes(false, bytes, port);
    std::uint32_t scope = 0;
    if (char* percent = std::strchr(text, '%')) {
        *percent = '\0';
        scope = parse_scope(percent + 1);
        if (scope == 0) return std::nullopt;
    }
    if (::inet_pton(AF_INET6, text, bytes) == 1) return from_bytes(true, bytes, port, scope);
    return std::nullopt;
}

endpoint::endpoint(std::string_view address, std::uint16_t port) {
    const std::optional<endpoint> known = try_from_address(address, port);
    if (!known) throw std::invalid_argument("'" + std::string(address) + "' is not an IP address");
    *this = *known;
}

endpoint endpoint::parse(std::string_view text) {
    std::optional<endpoint> result;
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos) {
        std::string_view address = text.substr(0, colon);
        const bool brackets = address.size() > 1 && address.front() == '[' && address.back() == ']';
        if (brackets) address = address.substr(1, address.size() - 2);
        const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
        // Without brackets the last colon of an IPv6 address would be taken for the port's.
        if (port && brackets == (address.find(':') != std::string_view::npos)) result = try_from_address(address, *port);
    }
    if (!result)
        throw std::invalid_argument("'" + std::string(text) + "' is not an endpoint such as '127.0.0.1:80' or '[::1]:80'");
    return *result;
}

endpoint endpoint::from_bytes(bool v6, const std::uint8_t* bytes, std::uint16_t port, std::uint32_t scope) noexcept {
    endpoint result;
    result.v6_ = v6;
    result.port_ = port;
    result.scope_ = scope;
    std::copy_n(bytes, v6 ? 16 : 4, result.bytes_.begin());
    return result;
}

endpoint endpoint::any_v4(std::uint16_t port) noexcept {
    const std::uint8_t bytes[4]{};
    return from_bytes(false, bytes, port);
}

endpoint endpoint::any_v6(std::uint16_t port) noexcept {
    const std::uint8_t bytes[16]{};
    return from_bytes(true, bytes, port);
}

endpoint endpoint::loopback_v4(std::uint16_t port) noexcept {
    const std::uint8_t bytes[4]{127, 0, 0, 1};
    return from_bytes(false, bytes, port);
}

endpoint endpoint::loopback_v6(std::uint16_t port) noexcept {
    std::uint8_t bytes[16]{};
    bytes[15] = 1;
    return from_bytes(true, bytes, port);
}

endpoint endpoint::unmapped() const noexcept {
    constexpr std::uint8_t prefix[12]{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (!v6_ || !std::equal(std::begin(prefix), std::end(prefix), bytes_.begin())) return *this;
    return from_bytes(false, bytes_.data() + 12, port_);
}

std::string endpoint::address() const {
    char text[INET6_ADDRSTRLEN] = "?";
    ::inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
    std::string result = text;
    if (scope_ != 0) result += '%' + std::to_string(scope_);
    return result;
}

std::string endpoint::to_string() const {
    std::string result = v6_ ? '[' + address() + ']' : address();
    return result += ':' + std::to_string(port_);
}

}  // namespace weft::inline WEFT_ABI::net
