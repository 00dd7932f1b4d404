// src/io/net/connection_pool.cpp: what a pool needs that is no template.
// SPDX-License-Identifier: MIT

#include "weft/io/net/connection_pool.hpp"

#include <stdexcept>

#include "weft/task/detail/timed_wait.hpp"

namespace weft::inline WEFT_ABI::detail {

time_point pool_now() noexcept { return current_time_provider().now(); }

void check_pool_options(const net::pool_options& options) {
    if (options.max_per_key == 0)
        throw std::invalid_argument("connection_pool: max_per_key is 0, so that nobody would ever get a connection");
}

}  // namespace weft::inline WEFT_ABI::detail
