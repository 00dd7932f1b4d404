#pragma once
// <weft/coordination/detail/select_race.hpp>: who ends a select(): one of its channels, or its token.
//
// While start() attempts, the race is its own, so that a token that fires then finds it lost; therefore the token is asked once more
// when the race is opened to everybody. The token's callback resumes only what has started; else start() finds that it ended.
//
// Acquire and release everywhere: the loser of an exchange must see nothing of the select, the winner everything. A callback that
// found the race lost exchanged it before open_and_wait() did, which therefore reads what it wrote, and sees the token signalled, as
// it was before the callback began.
// SPDX-License-Identifier: MIT

#include <atomic>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"
#include "weft/base/start_and_end.hpp"

namespace weft::inline WEFT_ABI::detail {

template <class Atomics>
class basic_select_race {
public:
    /// A channel, under its lock, the token, or start() for its attempts. @returns whether the caller has won
    [[nodiscard]] bool win() noexcept { return !taken_.exchange(true, std::memory_order_acq_rel); }

    /// start(), having won, and stood in line everywhere: everybody may win from here on.
    /// @param is_signalled  whether the token has fired
    /// @returns false when the token has ended it: the awaiter goes on in place, and nobody else resumes it
    template <class Signalled>
    [[nodiscard]] bool open_and_wait(Signalled is_signalled) noexcept {
        taken_.exchange(false, std::memory_order_acq_rel);
        if (is_signalled() && win()) return false;
        return phase_.start();
    }
    /// The token's callback, having won. @returns whether it resumes the awaiter; if not, start() goes on in place
    [[nodiscard]] bool end() noexcept { return phase_.end(); }

private:
    typename Atomics::template atomic<bool> taken_{false};
    basic_start_and_end<Atomics> phase_;
};

using select_race = basic_select_race<std_atomics>;

}  // namespace weft::inline WEFT_ABI::detail
