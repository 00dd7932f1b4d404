#pragma once
// How the default runtime comes to its end.
// SPDX-License-Identifier: MIT

#include <chrono>

#include "weft/base/config.hpp"
#include "weft/scheduling/runtime.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Ends the threads of the default runtime, if there is one and this is the process that made it, and touches nothing else.
void stop_default_runtime(std::chrono::nanoseconds limit) noexcept;

[[nodiscard]] bool default_runtime_exists() noexcept;

/// Reaches into a runtime at exit.
struct runtime_exit {
    static void stop_threads(runtime& which, std::chrono::nanoseconds limit) noexcept;
};

}  // namespace weft::inline WEFT_ABI::detail
