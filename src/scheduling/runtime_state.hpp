#pragma once
// What a runtime consists of.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "scheduling/blocking_pool.hpp"
#include "scheduling/pool_core.hpp"
#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::detail {

class runtime_state {
public:
    /// @param options  resolved
    runtime_state(runtime& owner, const runtime_options& options);

    /// @throws object_disposed  when shutdown has begun and the caller is none of this runtime's threads
    void refuse_when_stopping() const;
    shutdown_report shutdown(std::chrono::nanoseconds limit);
    /// At exit: ends the threads and leaves everything else as it is.
    void stop_threads(std::chrono::nanoseconds limit) noexcept;

    [[nodiscard]] pool_core& core() noexcept { return *pool.core_; }

    cancellation_source stop_source;
    thread_pool pool;
    blocking_pool blocking;
    std::atomic<std::uint64_t> last_id{0};
    std::atomic<std::size_t> dedicated{0};
    std::atomic<bool> stopping{false};
    bool threads_left = false;  ///< some thread still uses this: it must never be freed
    runtime_state* next_abandoned = nullptr;

private:
    [[nodiscard]] bool drained() noexcept;
    [[nodiscard]] bool wait_until(time_point deadline, bool (runtime_state::*condition)() noexcept) noexcept;
    [[nodiscard]] bool no_operations() noexcept { return !core().io().has_operations(); }
};

}  // namespace weft::inline WEFT_ABI::detail
