#pragma once
// tests/support/lifetime_tracked.hpp: a value that counts its lives and notices when it dies twice.
// SPDX-License-Identifier: MIT

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <utility>

namespace weft_test {

struct lifetime_counts {
    std::atomic<int> constructed{0};
    std::atomic<int> copied{0};
    std::atomic<int> moved{0};
    std::atomic<int> destroyed{0};
    [[nodiscard]] int alive() const noexcept { return constructed + copied + moved - destroyed; }
};

/// Holds a T and reports every construction, copy, move and destruction to its counts, which must outlive it.
template <class T>
class lifetime_tracked {
public:
    explicit lifetime_tracked(lifetime_counts& counts, T initial = T()) : value(std::move(initial)), counts_(&counts) {
        ++counts_->constructed;
    }
    lifetime_tracked(const lifetime_tracked& other) : value(other.value), counts_(other.counts_) {
        other.check();
        ++counts_->copied;
    }
    lifetime_tracked(lifetime_tracked&& other) noexcept : value(std::move(other.value)), counts_(other.counts_) {
        other.check();
        ++counts_->moved;
    }
    lifetime_tracked& operator=(const lifetime_tracked&) = default;
    lifetime_tracked& operator=(lifetime_tracked&&) = default;
    ~lifetime_tracked() {
        check();
        mark_ = dead;
        ++counts_->destroyed;
    }

    T value;

private:
    static constexpr std::uint32_t living = 0x11fe11fe;
    static constexpr std::uint32_t dead = 0xdeaddead;

    void check() const noexcept { EXPECT_EQ(mark_, living) << "a lifetime_tracked was used or destroyed after its end"; }

    volatile std::uint32_t mark_ = living;  // volatile: a second destruction must find what the first one wrote
    lifetime_counts* counts_;
};

}  // namespace weft_test
