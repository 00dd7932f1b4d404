#pragma once
// src/io/net/happy_eyeballs.hpp: the order in which addresses are tried.
// SPDX-License-Identifier: MIT

#include <vector>

#include "weft/io/net/endpoint.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The families in turn, beginning with the first address's; within each in the order they had. RFC 8305, 4.
[[nodiscard]] std::vector<net::endpoint> interleave_families(const std::vector<net::endpoint>& addresses);

}  // namespace weft::inline WEFT_ABI::detail
