// SPDX-License-Identifier: MIT

#include "weft/coordination/async_manual_reset_event.hpp"

namespace weft::inline WEFT_ABI {

void async_manual_reset_event::set() noexcept {
    word seen = 0;
    if (change_to_leave(seen, is_open)) return;
    // Set already: the change to the same value makes what was written before this call visible to who comes through.
    if (seen == is_open && change_to_leave(seen, is_open)) return;
    static_cast<void>(lock_word());
    detail::claimed_list woken;
    grant_all(woken);
    unlock_word(is_open);
    woken.resume_all();
}

void async_manual_reset_event::reset() noexcept {
    word seen = is_open;
    if (change_to_enter(seen, 0) || (seen & locked) == 0) return;  // not set: there is nothing to close
    static_cast<void>(lock_word());
    unlock_word(0);
}

}  // namespace weft::inline WEFT_ABI
