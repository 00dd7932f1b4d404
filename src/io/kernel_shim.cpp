// src/io/kernel_shim.cpp: the one pointer that drivers look at.
// SPDX-License-Identifier: MIT

#include "weft/io/kernel_shim.hpp"

#include <atomic>

namespace weft::inline WEFT_ABI {

namespace {
// Relaxed reads: it changes only while nothing is in flight, and what starts an operation later has been synchronised with that.
constinit std::atomic<kernel_shim*> installed{nullptr};
}  // namespace

void set_kernel_shim(kernel_shim* shim) noexcept { installed.store(shim, std::memory_order_release); }

kernel_shim* detail::current_kernel_shim() noexcept { return installed.load(std::memory_order_acquire); }

}  // namespace weft::inline WEFT_ABI
