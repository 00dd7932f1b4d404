#pragma once
// <weft/base/reference_count.hpp>: how many owners a shared object has.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

template <class Atomics>
class basic_reference_count {
public:
    /// The caller is an owner, so the object stays: the count orders nothing.
    void add() noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
    /// @returns whether it was the last: the caller frees the object, and sees what every other owner did with it
    [[nodiscard]] bool drop() noexcept {
        // Release hands over what this owner did; acquire takes it over from the others, for the one who frees. 1 means that we
        // are the only owner, and nobody can make a second one but through us: no read-modify-write.
        return count_.load(std::memory_order_acquire) == 1 || count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
    /// Whether the caller is the only owner, who then sees what the others did.
    [[nodiscard]] bool is_sole() const noexcept { return count_.load(std::memory_order_acquire) == 1; }
    /// While nobody else knows the object.
    void set(std::uint32_t owners) noexcept { count_.store(owners, std::memory_order_relaxed); }
    /// Drops one of two references that the caller has; it hands nothing over by that.
    void drop_second() noexcept { count_.fetch_sub(1, std::memory_order_relaxed); }

private:
    typename Atomics::template atomic<std::uint32_t> count_{1};
};

using reference_count = basic_reference_count<std_atomics>;

}  // namespace weft::inline WEFT_ABI::detail
