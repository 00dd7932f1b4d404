// SPDX-License-Identifier: MIT

#include "weft/base/spin_lock.hpp"

#include <sched.h>

namespace weft::inline WEFT_ABI::detail {

void yield_processor() noexcept { ::sched_yield(); }

}  // namespace weft::inline WEFT_ABI::detail
