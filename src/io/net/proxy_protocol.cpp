// src/io/net/proxy_protocol.cpp: both versions of the header, byte by byte: what is read comes from outside.
// SPDX-License-Identifier: MIT

#include "weft/io/net/proxy_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <system_error>

#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

using outcome = proxy_header::outcome;

std::size_t byte_count(const net::endpoint& of) noexcept { return of.is_v6() ? 16 : 4; }

template <class Number>
std::optional<Number> number_of(std::string_view text) noexcept {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    // "+1", "01" and the like are not numbers of this protocol.
    const bool plain = !text.empty() && (text.size() == 1 || text.front() != '0');
    return plain && error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::net {

using detail::byte_count;
using detail::number_of;

// ---- trusted_proxies

void trusted_proxies::add(std::string_view text) {
    const std::size_t slash = text.find('/');
    const std::optional<endpoint> address = endpoint::try_from_address(text.substr(0, slash), 0);
    std::optional<unsigned> bits;
    if (address) bits = static_cast<unsigned>(byte_count(*address) * 8);
    if (bits && slash != std::string_view::npos) {
        const std::optional<unsigned> said = number_of<unsigned>(text.substr(slash + 1));
        bits = said && *said <= *bits ? said : std::nullopt;
    }
    if (!bits) throw std::invalid_argument("'" + std::string(text) + "' is not a network such as '10.0.0.0/8'");
    networks_.push_back({*address, *bits});
}

bool trusted_proxies::contains(const endpoint& peer) const noexcept {
    const endpoint known = peer.unmapped();
    return std::ranges::any_of(networks_, [&](const network& each) {
        if (each.address.is_v6() != known.is_v6()) return false;
        const unsigned whole = each.bits / 8;
        const unsigned rest = each.bits % 8;
        if (!std::equal(known.bytes().begin(), known.bytes().begin() + whole, each.address.bytes().begin())) return false;
        return rest == 0 || ((known.bytes()[whole] ^ each.address.bytes()[whole]) >> (8 - rest)) == 0;
    });
}

}  // namespace weft::inline WEFT_ABI::net

namespace weft::inline WEFT_ABI::detail {

namespace {

constexpr std::string_view v1_start = "PROXY ";
constexpr std::size_t v1_longest = 107;  // with its end, says the protocol
constexpr std::string_view v2_start("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t v2_head = 16;
constexpr std::size_t v2_longest = 4096;  // of what follows the head: addresses and extensions

proxy_header malformed(const char* problem) noexcept {
    proxy_header result;
    result.how = outcome::malformed;
    result.problem = problem;
    return result;
}

proxy_header wait_for(std::size_t size) noexcept {
    proxy_header result;
    result.size = size;
    return result;
}

proxy_header whole(std::size_t size) noexcept {
    proxy_header result;
    result.how = outcome::whole;
    result.size = size;
    return result;
}

/// Takes the text before the next blank off `line`.
std::string_view next_word(std::string_view& line) noexcept {
    const std::size_t blank = line.find(' ');
    const std::string_view word = line.substr(0, blank);
    line = blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
    return word;
}

/// "TCP4 192.0.2.1 198.51.100.2 56324 443"
proxy_header parse_v1(std::string_view line, std::size_t size) noexcept {
    proxy_header result = whole(size);
    const std::string_view family = next_word(line);
    if (family == "UNKNOWN") return result;
    if (family != "TCP4" && family != "TCP6") return malformed("neither TCP4, TCP6 nor UNKNOWN");
    const std::string_view from = next_word(line), to = next_word(line);
    const std::string_view from_port = next_word(line), to_port = next_word(line);
    const std::optional<std::uint16_t> client_port = number_of<std::uint16_t>(from_port);
    const std::optional<std::uint16_t> server_port = number_of<std::uint16_t>(to_port);
    if (!client_port || !server_port) return malformed("no port");
    if (!line.empty()) return malformed("more than two addresses and two ports");
    const bool scoped = from.find('%') != std::string_view::npos || to.find('%') != std::string_view::npos;
    const std::optional<net::endpoint> client = net::endpoint::try_from_address(from, *client_port);
    const std::optional<net::endpoint> server = net::endpoint::try_from_address(to, *server_port);
    const bool v6 = family == "TCP6";
    if (!client || !server || scoped || client->is_v6() != v6 || server->is_v6() != v6)
        return malformed("no address of that family");
    result.ends = {*client, *server, true};
    return result;
}

proxy_header find_v1(std::string_view text) noexcept {
    const std::size_t end = text.substr(0, v1_longest).find("\r\n");
    if (end == std::string_view::npos) {
        if (text.size() >= v1_longest) return malformed("a line longer than 107 bytes");
        return wait_for(text.size() + 1);
    }
    const std::string_view line = text.substr(0, end);
    if (line.find_first_of("\r\n") != std::string_view::npos) return malformed("a line that does not end in CR LF");
    return parse_v1(line.substr(v1_start.size()), end + 2);
}

std::uint16_t big_endian(std::span<const std::byte> bytes, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 | std::to_integer<unsigned>(bytes[at + 1]));
}

proxy_header parse_v2(std::span<const std::byte> bytes) noexcept {
    const auto command = std::to_integer<unsigned>(bytes[12]);
    const auto family = std::to_integer<unsigned>(bytes[13]);
    const std::size_t length = big_endian(bytes, 14);
    if (command >> 4 != 2) return malformed("neither version 1 nor 2");
    if ((command & 15) > 1) return malformed("neither LOCAL nor PROXY");
    if (length > v2_longest) return malformed("longer than 4096 bytes");
    if (bytes.size() < v2_head + length) return wait_for(v2_head + length);
    proxy_header result = whole(v2_head + length);
    if ((command & 15) == 0) return result;
    // Unspecified, and families that are no addresses of ours (UNIX): the connection speaks for itself.
    const bool v4 = family >> 4 == 1, v6 = family >> 4 == 2;
    if (family >> 4 > 3 || (family & 15) > 2) return malformed("an unknown family");
    if (!v4 && !v6) return result;
    const std::size_t size = v6 ? 16 : 4;
    if (length < 2 * size + 4) return malformed("too short for its addresses");
    std::array<std::uint8_t, 32> addresses{};
    for (std::size_t i = 0; i < 2 * size; ++i) addresses[i] = std::to_integer<std::uint8_t>(bytes[v2_head + i]);
    result.ends.client = net::endpoint::from_bytes(v6, addresses.data(), big_endian(bytes, v2_head + 2 * size));
    result.ends.server = net::endpoint::from_bytes(v6, addresses.data() + size, big_endian(bytes, v2_head + 2 * size + 2));
    result.ends.proxied = true;
    return result;
}

}  // namespace

proxy_header parse_proxy_header(std::span<const std::byte> bytes) noexcept {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.starts_with(v1_start)) return find_v1(text);
    if (text.starts_with(v2_start)) return text.size() < v2_head ? wait_for(v2_head) : parse_v2(bytes);
    if (v1_start.starts_with(text) || v2_start.starts_with(text)) return wait_for(text.size() + 1);
    return malformed("there is none");
}

void fail_proxy_header(const char* problem, const net::endpoint& peer) {
    throw io_error(std::make_error_code(std::errc::bad_message),
        "read the PROXY header of '" + peer.to_string() + "' (" + problem + ")");
}

}  // namespace weft::inline WEFT_ABI::detail
