#pragma once
// <weft/coordination/detail/subscription.hpp>: where one subscriber of a broadcast channel stands, and those for whom somebody waits.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <utility>

#include "weft/coordination/detail/channel_core.hpp"

namespace weft::inline WEFT_ABI::detail {

/// One subscriber. Under the channel's lock, but for its references: the handle's and each wait's.
struct subscription_core {
    channel_line readers;
    channel_line watchers;
    std::uint64_t next = 0;    ///< the number of the item that it reads next
    std::uint64_t missed = 0;  ///< items that went before it read them
    bool subscribed = true;
    bool listed = false;  ///< in the list; somebody waits, or did until a token fired
    subscription_core* behind = nullptr;
    subscription_core* ahead = nullptr;
    std::atomic<std::uint32_t> references{1};
};

/// The subscriptions for which somebody waits. Under the channel's lock.
class subscription_list {
public:
    [[nodiscard]] subscription_core* first() const noexcept { return first_; }
    void add(subscription_core& one) noexcept {
        if (std::exchange(one.listed, true)) return;
        one.behind = nullptr;
        one.ahead = last_;
        (last_ == nullptr ? first_ : last_->behind) = &one;
        last_ = &one;
    }
    void remove(subscription_core& one) noexcept {
        if (!std::exchange(one.listed, false)) return;
        (one.ahead == nullptr ? first_ : one.ahead->behind) = one.behind;
        (one.behind == nullptr ? last_ : one.behind->ahead) = one.ahead;
    }

private:
    subscription_core* first_ = nullptr;
    subscription_core* last_ = nullptr;
};

}  // namespace weft::inline WEFT_ABI::detail
