#pragma once
// One thread's bed: it sleeps until woken or until a deadline, and a wake that comes first is not lost.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/base/time_provider.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Sleeps on a futex with an absolute deadline of the monotonic clock.
class parker {
public:
    /// Sleeps until wake() or `deadline` (time_point::max(): none). The owner's thread only. @returns whether it was woken
    bool park(time_point deadline) noexcept;
    /// Ends the present or the next park(). Any thread; a system call only if the owner sleeps.
    void wake() noexcept;

private:
    enum : std::uint32_t { awake, notified, asleep };
    std::atomic<std::uint32_t> state_{awake};
};

}  // namespace weft::inline WEFT_ABI::detail
