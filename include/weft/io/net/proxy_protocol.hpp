#pragma once
// <weft/io/net/proxy_protocol.hpp>: who is behind a proxy that says so in front of the connection.
// Follows the PROXY protocol of HAProxy, versions 1 and 2.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/io/buffered_reader.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::net {

/// Whose word is taken: addresses and networks of proxies. Empty: nobody's.
class trusted_proxies {
public:
    trusted_proxies() = default;
    /// @param network  "10.0.0.0/8", "2001:db8::/32", "127.0.0.1" @throws std::invalid_argument
    void add(std::string_view network);
    /// Whether `peer` is one of them; its port does not matter, and ::ffff:10.0.0.1 is 10.0.0.1.
    [[nodiscard]] bool contains(const endpoint& peer) const noexcept;

private:
    struct network {
        endpoint address;
        unsigned bits;
    };
    std::vector<network> networks_;
};

/// The two ends of a connection, as its client made it.
struct proxied_connection {
    endpoint client;       ///< who connected: the real peer
    endpoint server;       ///< where to; of a connection without a header the default endpoint
    bool proxied = false;  ///< a proxy told it
};

}  // namespace weft::inline WEFT_ABI::net

namespace weft::inline WEFT_ABI::detail {

struct proxy_header {
    enum class outcome : std::uint8_t { incomplete, whole, malformed };
    outcome how = outcome::incomplete;
    std::size_t size = 0;  ///< of the header; incomplete: bytes to wait for
    net::proxied_connection ends;
    const char* problem = "";  ///< of a malformed one
};
/// @param bytes  the beginning of the connection
[[nodiscard]] proxy_header parse_proxy_header(std::span<const std::byte> bytes) noexcept;

[[noreturn]] void fail_proxy_header(const char* problem, const net::endpoint& peer);

}  // namespace weft::inline WEFT_ABI::detail

namespace weft::inline WEFT_ABI::net {

/// Who has connected: of a peer that is trusted what its header says, which is taken from the reader; of any other itself, and nothing
/// is read. A trusted peer must send a header; one that speaks for itself (LOCAL, UNKNOWN) is the client.
///
///     io::buffered_reader in(stream);
///     const net::proxied_connection who = co_await net::read_proxy_header(in, stream.remote_endpoint(), proxies);
///
/// @param peer  the connection's remote_endpoint()
/// @throws io_error  (EBADMSG) "read the PROXY header of '10.0.0.1:4711' (no port) failed: bad message (EBADMSG)"; nothing is taken then
/// Cancellation  ends with operation_canceled and loses nothing. A peer that sends nothing is waited for: use a time limit.
template <io::async_readable S>
[[nodiscard]] task<proxied_connection> read_proxy_header(
    io::buffered_reader<S>& from, endpoint peer, const trusted_proxies& trusted, cancellation_token token = {}) {
    using outcome = detail::proxy_header::outcome;
    if (!trusted.contains(peer)) co_return proxied_connection{peer, endpoint(), false};
    detail::proxy_header header = detail::parse_proxy_header(from.buffered());
    while (header.how == outcome::incomplete) {
        const std::span<const std::byte> there = co_await from.peek(header.size, token).configure_await(false);
        if (there.size() < header.size) detail::fail_proxy_header("the stream ends in it", peer);
        header = detail::parse_proxy_header(there);
    }
    if (header.how == outcome::malformed) detail::fail_proxy_header(header.problem, peer);
    from.consume(header.size);
    if (!header.ends.proxied) header.ends.client = peer;
    co_return header.ends;
}

}  // namespace weft::inline WEFT_ABI::net
