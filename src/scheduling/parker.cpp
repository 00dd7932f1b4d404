// Parking on a futex.
// SPDX-License-Identifier: MIT

#include "scheduling/parker.hpp"

#include <cerrno>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace weft::inline WEFT_ABI::detail {

namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t), "a futex is a plain word");

// FUTEX_WAIT_BITSET takes an absolute deadline, so a spurious wake needs no arithmetic on what is left.
bool futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, time_point deadline) noexcept {
    timespec limit{};
    timespec* until = nullptr;
    if (deadline != time_point::max()) {
        const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline.time_since_epoch()).count();
        if (nanoseconds <= 0) return false;
        limit.tv_sec = static_cast<time_t>(nanoseconds / 1'000'000'000);
        limit.tv_nsec = static_cast<long>(nanoseconds % 1'000'000'000);
        until = &limit;
    }
    const long result = syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG,
        expected, until, nullptr, FUTEX_BITSET_MATCH_ANY);
    return result == 0 || errno != ETIMEDOUT;
}

}  // namespace

bool parker::park(time_point deadline) noexcept {
    if (state_.lie_down()) {
        while (state_.is_asleep())
            if (!futex_wait(state_.futex(), state_.asleep, deadline)) break;
    }
    return state_.get_up();
}

void parker::wake() noexcept {
    if (state_.wake())
        syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&state_.futex()), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, nullptr,
            nullptr, 0);
}

}  // namespace weft::inline WEFT_ABI::detail
