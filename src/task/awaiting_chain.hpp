#pragma once
// Who waits for whom: from a coroutine that cannot run up to a thread that blocks.
// SPDX-License-Identifier: MIT

#include <string>
#include <vector>

#include "weft/task/detail/task_core.hpp"

namespace weft::inline WEFT_ABI::detail {

/// The coroutines from `from` to the one whose task `blocked` is registered with; empty when `from` does not lead there. Only
/// links that must complete count: a plain await and when_all.
/// Precondition: `from` is suspended, and nothing can resume it meanwhile. Then everything found on the way is as still as it is.
[[nodiscard]] std::vector<task_core*> chain_to(task_core& from, const continuation& blocked);

/// The functions of the calling thread, innermost first, without those of the library at the top.
[[nodiscard]] std::string names_of_this_stack();
/// The coroutines' functions, as `a() <- b()`.
[[nodiscard]] std::string names_of(const std::vector<task_core*>& chain);

}  // namespace weft::inline WEFT_ABI::detail
