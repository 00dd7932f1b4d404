#pragma once
// tests/support/eventually.hpp: waits for something that real threads or the kernel will do, with a bound.
// SPDX-License-Identifier: MIT

#include <chrono>
#include <thread>

namespace weft_test {

/// Looks at `predicate` until it holds. @returns false when it still does not after `limit`
template <class Predicate>
[[nodiscard]] bool eventually(Predicate predicate, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!predicate()) {
        if (std::chrono::steady_clock::now() > deadline) return static_cast<bool>(predicate());
        std::this_thread::yield();
    }
    return true;
}

}  // namespace weft_test
