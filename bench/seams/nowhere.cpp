// In place of src/task/nowhere.cpp: no dispatcher, so that the pool is the only one. Nothing is posted there in these programs.
// SPDX-License-Identifier: MIT

#include "task/nowhere.hpp"

#include "weft/task/detail/task_core.hpp"

namespace weft::inline WEFT_ABI::detail {

std::uintptr_t place_nowhere() noexcept {
    alignas(16) static char never_called;
    return reinterpret_cast<std::uintptr_t>(&never_called) | place_dispatcher;
}

}  // namespace weft::inline WEFT_ABI::detail
