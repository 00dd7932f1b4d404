#pragma once
// <weft/base/start_and_end.hpp>: a wait that may end while it is still being started: the later of the two lets its awaiter go on.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Each party comes once. Both acquire and release: the later sees what the earlier wrote, and once `started` is set the frame may go.
template <class Atomics>
class basic_start_and_end {
public:
    /// Who starts, as its last step. @returns whether the awaiter sleeps; if not, it has ended, and goes on in place
    [[nodiscard]] bool start() noexcept { return (phase_.fetch_or(started, std::memory_order_acq_rel) & ended) == 0; }
    /// Who ends it. @returns whether the caller resumes the awaiter
    [[nodiscard]] bool end() noexcept { return (phase_.fetch_or(ended, std::memory_order_acq_rel) & started) != 0; }

private:
    static constexpr std::uint8_t started = 1;
    static constexpr std::uint8_t ended = 2;

    typename Atomics::template atomic<std::uint8_t> phase_{0};
};

using start_and_end = basic_start_and_end<std_atomics>;

}  // namespace weft::inline WEFT_ABI::detail
