// SPDX-License-Identifier: MIT

#include "weft/coordination/async_mutex.hpp"

namespace weft::inline WEFT_ABI {

void async_mutex::unlock_slowly() {
    word now = lock_word();
    if ((now & held) == 0) {
        unlock_word(now);
        throw invalid_operation("async_mutex::unlock: the mutex is not locked");
    }
    detail::claimed_list woken;
    if (!grant_front(woken)) now = 0;
    unlock_word(now);
    woken.resume_all();
}

}  // namespace weft::inline WEFT_ABI
