#pragma once
// tests/support/descriptors.hpp: whether a test that opens many descriptors can run here.
// SPDX-License-Identifier: MIT

#include <sys/resource.h>

#include <cstddef>

namespace weft_test {

/// Whether `ulimit -n` lets this process open `count` descriptors, with room for what a test program has open anyway.
[[nodiscard]] inline bool may_open(std::size_t count) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    return limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= count + 64;
}

}  // namespace weft_test
