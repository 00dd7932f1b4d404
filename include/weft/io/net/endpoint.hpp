#pragma once
// <weft/io/net/endpoint.hpp>: an IP address with a port.
// SPDX-License-Identifier: MIT

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::net {

/// An IPv4 or IPv6 address and a port. A value; a default one is 0.0.0.0:0.
class endpoint {
public:
    endpoint() noexcept = default;
    /// @param address  "127.0.0.1", "::1", "fe80::1%2"
    /// @throws std::invalid_argument  when it is not an IP address; names are for net::resolve()
    endpoint(std::string_view address, std::uint16_t port);

    /// Reads "127.0.0.1:80" or "[::1]:80". @throws std::invalid_argument
    [[nodiscard]] static endpoint parse(std::string_view text);
    /// As the constructor; empty when `address` is not an IP address.
    [[nodiscard]] static std::optional<endpoint> try_from_address(std::string_view address, std::uint16_t port) noexcept;

    /// 0.0.0.0 and [::]: listen on every interface.
    [[nodiscard]] static endpoint any_v4(std::uint16_t port = 0) noexcept;
    [[nodiscard]] static endpoint any_v6(std::uint16_t port = 0) noexcept;
    /// 127.0.0.1 and [::1].
    [[nodiscard]] static endpoint loopback_v4(std::uint16_t port = 0) noexcept;
    [[nodiscard]] static endpoint loopback_v6(std::uint16_t port = 0) noexcept;
    /// From the sixteen (or, for IPv4, first four) bytes in network order.
    [[nodiscard]] static endpoint from_bytes(
        bool v6, const std::uint8_t* bytes, std::uint16_t port, std::uint32_t scope = 0) noexcept;

    [[nodiscard]] bool is_v6() const noexcept { return v6_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    /// The address in network order; IPv4 uses the first four bytes.
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
    /// The interface of a link-local IPv6 address; 0: none.
    [[nodiscard]] std::uint32_t scope() const noexcept { return scope_; }

    /// Itself, but ::ffff:1.2.3.4, by which an IPv6 socket knows an IPv4 peer, as 1.2.3.4.
    [[nodiscard]] endpoint unmapped() const noexcept;

    /// "127.0.0.1", "::1"
    [[nodiscard]] std::string address() const;
    /// "127.0.0.1:80", "[::1]:80"
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const endpoint&, const endpoint&) noexcept = default;
    friend std::strong_ordering operator<=>(const endpoint&, const endpoint&) noexcept = default;

private:
    std::array<std::uint8_t, 16> bytes_{};
    std::uint32_t scope_ = 0;
    std::uint16_t port_ = 0;
    bool v6_ = false;
};

}  // namespace weft::inline WEFT_ABI::net
