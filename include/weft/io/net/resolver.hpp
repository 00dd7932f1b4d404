#pragma once
// <weft/io/net/resolver.hpp>: addresses of host names.
// Follows System.Net.Dns.GetHostAddressesAsync.
// SPDX-License-Identifier: MIT

#include <cstdint>
#include <string>
#include <vector>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/net/endpoint.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::net {

/// The addresses of `host`, best first, each with `port`; at least one. An IP address is answered at once; a name is looked up
/// as the system is configured (files, DNS, …) on a blocking thread.
///
/// Cancellation  at once; the look-up goes on unobserved until the system answers it.
/// @throws io_error  "resolve 'nowhere.invalid' failed: name or service not known (resolver -2)"
[[nodiscard]] task<std::vector<endpoint>> resolve(std::string host, std::uint16_t port, cancellation_token token = {});

}  // namespace weft::inline WEFT_ABI::net
