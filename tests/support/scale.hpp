#pragma once
// tests/support/scale.hpp: fewer rounds where every instruction costs more: WEFT_TEST_SCALE divides counts.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstdlib>

namespace weft_test {

/// `count`, divided by the environment's WEFT_TEST_SCALE; at least 1.
[[nodiscard]] inline int scaled(int count) {
    const char* text = std::getenv("WEFT_TEST_SCALE");
    const int by = text == nullptr ? 1 : std::atoi(text);
    return by <= 1 ? count : std::max(1, count / by);
}

}  // namespace weft_test
