#pragma once
// <weft/scheduling/blocking_region.hpp>: tells the pool that the calling thread is about to block.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"
#include "weft/base/dispatcher.hpp"
#include "weft/base/thread_block.hpp"

namespace weft::inline WEFT_ABI {

/// While one lives on a pool thread, the pool replaces that thread: other work goes on, on another one.
///
/// For a short wait in code that cannot be made asynchronous; for a whole function that blocks use run_blocking(). A task's
/// wait() does this by itself. Does nothing on threads of no runtime. Nests.
///
/// Threads   made and destroyed on the same one.
class [[nodiscard]] blocking_region {
public:
    blocking_region() noexcept : home_(detail::this_thread_block().home) {
        if (home_ != nullptr) home_->blocking_began();
    }
    ~blocking_region() {
        if (home_ != nullptr) home_->blocking_ended();
    }
    blocking_region(const blocking_region&) = delete;
    blocking_region& operator=(const blocking_region&) = delete;

private:
    dispatcher* home_;
};

}  // namespace weft::inline WEFT_ABI
