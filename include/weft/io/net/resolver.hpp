#pragma once
// <weft/io/net/resolver.hpp>: addresses of host names, and names of addresses, without a thread that waits.
// Follows System.Net.Dns.GetHostAddressesAsync and GetHostEntryAsync; the object with options has no peer in .NET.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {
class dns_engine;
}

namespace weft::inline WEFT_ABI::net {

/// Why a name has no answer: the codes of an io_error of the resolver. Negative as in getaddrinfo(3), where it knows the case.
enum class resolve_errc : int {
    not_found = -2,      ///< there is no such name (EAI_NONAME)
    server_failed = -3,  ///< the name server could not tell now (EAI_AGAIN)
    failed = -4,         ///< refused, or an answer that makes no sense (EAI_FAIL)
    no_address = -5,     ///< the name exists, but has no address of the families asked for (EAI_NODATA)
    timed_out = -1001,   ///< no name server answered in time
    no_server = -1002,   ///< no name server can be reached
    bad_name = -1003     ///< the text is no host name
};
[[nodiscard]] std::error_code make_error_code(resolve_errc error) noexcept;

/// Who looks names up.
enum class resolve_through : std::uint8_t {
    dns,    ///< c-ares: the hosts file, then DNS as resolv.conf says. No thread waits
    system  ///< getaddrinfo(3) on a blocking thread: whatever nsswitch.conf names, such as mdns, ldap or systemd-resolved
};

/// Which addresses are wanted.
enum class address_family : std::uint8_t { any, v4, v6 };

/// How a resolver is made. Zero and empty mean: as the system is configured.
struct resolver_options {
    /// Name servers, asked in this order; a port of 0 is 53.
    std::span<const endpoint> servers = {};
    /// Domains to try behind a short name.
    std::span<const std::string_view> search = {};
    /// A file in the place of /etc/resolv.conf.
    std::string_view configuration = {};
    /// How long one try may take.
    std::chrono::milliseconds timeout{0};
    /// Most tries of each server; later ones wait longer.
    int tries = 0;
    /// A name with fewer dots is tried behind the search domains first; negative: as configured.
    int ndots = -1;
    /// Answers kept; 0: none. Those of the hosts file and of `system` are never kept.
    std::size_t cache_size = 1024;
    /// Longest that an answer is kept, whatever its time to live says.
    std::chrono::seconds longest_ttl{3600};
    /// How long it is remembered that a name does not exist; 0: not at all.
    std::chrono::seconds negative_ttl{5};
    resolve_through through = resolve_through::dns;
    address_family family = address_family::any;
    /// Whether answers are ordered as RFC 6724 says; otherwise they are in the order of the server's answer.
    bool sorted = true;
};
static_assert(std::is_trivially_destructible_v<resolver_options>);

/// What a resolver has done; never falls, except `kept`.
struct resolver_statistics {
    std::uint64_t asked = 0;   ///< questions that were not answered from the cache and not shared
    std::uint64_t shared = 0;  ///< joined an equal question that was under way
    std::uint64_t cached = 0;  ///< answered from the cache
    std::size_t kept = 0;      ///< answers in the cache now
};

/// Looks names up, remembers answers for their time to live, and asks an equal question that is under way only once.
///
/// A resource: move-only. It belongs to the runtime it was made in and must not outlive it; many tasks may use it at once. Time limits
/// of tries run by the system's clock, the cache by the runtime's.
///
/// Continuation  posted to the captured context, else to the pool.
/// Threads       any, except for moving and destroying it.
/// Lifetime      look-ups under way go on when it is destroyed.
class resolver {
public:
    /// @throws std::invalid_argument  for a value out of range
    /// @throws invalid_operation      with resolve_through::dns, when the runtime does no I/O
    explicit resolver(const resolver_options& options = {});
    resolver(resolver&&) noexcept;
    resolver& operator=(resolver&&) noexcept;
    ~resolver();

    /// The addresses of `host`, best first, each with `port`; at least one. Numeric addresses, names under localhost (127.0.0.1 and
    /// ::1) and under invalid (not found) are answered at once, from the rules of RFC 6761.
    ///
    /// Cancellation  at once. Once nobody waits for any answer of this resolver, its questions are dropped; till then a question
    ///               whose asker has gone is still answered, into the cache.
    /// @throws io_error  "resolve 'nowhere.example' failed: name or service not known (resolver -2)", with a resolve_errc
    [[nodiscard]] task<std::vector<endpoint>> resolve(
        std::string host, std::uint16_t port, cancellation_token token = {}) const;

    /// The name of `address`: from the hosts file or the reverse zone. Not kept in the cache. Cancellation as of resolve().
    /// @throws io_error  with resolve_errc::not_found, when it has none
    [[nodiscard]] task<std::string> name_of(endpoint address, cancellation_token token = {}) const;

    /// Forgets every answer.
    void clear_cache() noexcept;
    [[nodiscard]] resolver_statistics statistics() const noexcept;

private:
    std::shared_ptr<detail::dns_engine> engine_;
};

/// resolver::resolve() of the calling runtime's own resolver, which has the default options; the environment's WEFT_RESOLVER=system
/// makes it one through getaddrinfo(3), which also serves a runtime without I/O.
///
/// Cancellation  at once.
/// @throws io_error  "resolve 'nowhere.invalid' failed: name or service not known (resolver -2)"
[[nodiscard]] task<std::vector<endpoint>> resolve(std::string host, std::uint16_t port, cancellation_token token = {});

/// resolver::name_of() of the calling runtime's own resolver. Cancellation at once. @throws io_error
[[nodiscard]] task<std::string> name_of(endpoint address, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI::net

template <>
struct std::is_error_code_enum<weft::net::resolve_errc> : std::true_type {};
