// SPDX-License-Identifier: MIT

#include "weft/coordination/progress.hpp"

#include <utility>

namespace weft::inline WEFT_ABI::detail {

void post_to_captured(synchronization_context* captured, synchronization_context::callback function) {
    if (captured != nullptr) {
        captured->post(std::move(function));
        return;
    }
    synchronization_context pool;  // the base class hands over to the pool and keeps nothing
    pool.post(std::move(function));
}

}  // namespace weft::inline WEFT_ABI::detail
