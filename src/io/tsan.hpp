#pragma once
// src/io/tsan.hpp: the happens-before marks through the kernel's rings, which the thread sanitizer cannot see.
// SPDX-License-Identifier: MIT

#include "weft/base/config.hpp"

#if WEFT_TSAN
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace weft::inline WEFT_ABI::detail {

/// What this thread wrote so far is seen by whoever calls tsan_acquire(address) after the kernel's answer.
inline void tsan_release([[maybe_unused]] void* address) noexcept {
#if WEFT_TSAN
    __tsan_release(address);
#endif
}
inline void tsan_acquire([[maybe_unused]] void* address) noexcept {
#if WEFT_TSAN
    __tsan_acquire(address);
#endif
}

}  // namespace weft::inline WEFT_ABI::detail
