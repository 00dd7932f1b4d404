// SPDX-License-Identifier: MIT

#include "weft/coordination/async_auto_reset_event.hpp"

namespace weft::inline WEFT_ABI {

void async_auto_reset_event::set() noexcept {
    word seen = 0;
    if (change_to_leave(seen, signalled)) return;
    // Also when it was set already: the change to the same value makes what was written before this call visible to the taker.
    if (seen == signalled && change_to_leave(seen, signalled)) return;
    word now = lock_word();
    detail::claimed_list woken;
    if (!grant_front(woken)) now |= signalled;
    unlock_word(now);
    woken.resume_all();
}

void async_auto_reset_event::reset() noexcept {
    word seen = signalled;
    if (change_to_enter(seen, 0) || (seen & locked) == 0) return;
    unlock_word(lock_word() & ~signalled);
}

}  // namespace weft::inline WEFT_ABI
