#pragma once
// <weft/coordination/detail/broadcast_select.hpp>: a subscription as a case of select().
// SPDX-License-Identifier: MIT

#include <optional>
#include <utility>

#include "weft/coordination/detail/broadcast_state.hpp"
#include "weft/coordination/detail/channel_select.hpp"

namespace weft::inline WEFT_ABI::detail {

template <class T>
class select_receiving : public select_part {
public:
    explicit select_receiving(channel_ref<broadcast_subscription<T>> from) noexcept
        : from_(std::move(from)), party_(from_.get(), cancellation_token()) {}

    [[nodiscard]] bool attempt() override {
        return channel_core::settled(party_, from_->channel->try_read(*from_.get(), party_.item));
    }
    [[nodiscard]] bool attempt_locked(claimed_waiters& woken) override {
        return channel_core::settled(party_, from_->channel->take(*from_.get(), party_.item, woken));
    }
    void line_up(claimed_waiters&) override { from_->channel->line_up_reader(party_); }
    void after_attempt() override {}
    [[nodiscard]] channel_waiter& party() noexcept override { return party_; }

    /// The item; nothing at the end. @throws  what the channel was completed with
    [[nodiscard]] std::optional<T> result() {
        if (party_.state == channel_wait::closed)
            static_cast<void>(channel_core::watched_closed(from_->channel->error_for(*from_.get())));
        return party_.item.has_value() ? std::optional<T>(party_.item->take()) : std::nullopt;
    }

private:
    channel_ref<broadcast_subscription<T>> from_;
    reading_subscriber<T> party_;
};

}  // namespace weft::inline WEFT_ABI::detail
