#pragma once
// src/io/net/dns/system_lookup.hpp: names through the C library, on a blocking thread.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "weft/context/cancellation.hpp"
#include "weft/io/net/resolver.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {

/// getaddrinfo(3).
[[nodiscard]] task<std::vector<net::endpoint>> system_addresses(
    std::string host, std::uint16_t port, net::address_family family, cancellation_token token);
/// getnameinfo(3).
[[nodiscard]] task<std::string> system_name(net::endpoint address, cancellation_token token);

/// The error `answer` of getaddrinfo(3), or a resolve_errc. @param system_error  errno, for EAI_SYSTEM
[[nodiscard]] std::error_code resolver_error(int answer, int system_error = 0);

}  // namespace weft::inline WEFT_ABI::detail
