#pragma once
// tests/support/allocation_counter.hpp: how often a piece of code asks the global allocator.
// SPDX-License-Identifier: MIT

#include <cstddef>

namespace weft_test {

/// Counts the calling thread's calls of the global operator new from its construction on. A program that uses it has its
/// operators replaced; under a sanitizer they are the sanitizer's own and `is_available` is false.
class allocation_counter {
public:
    static const bool is_available;

    allocation_counter() noexcept;
    [[nodiscard]] std::size_t count() const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept;

private:
    std::size_t first_count_;
    std::size_t first_bytes_;
};

}  // namespace weft_test
