#pragma once
// src/io/signal_subscription.hpp: somebody who is told of signals, through an eventfd that a handler writes to.
// SPDX-License-Identifier: MIT

#include <cstdint>

#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_state.hpp"
#include "weft/task/task.hpp"

namespace weft::inline WEFT_ABI::detail {

struct signal_listener;

/// Told of signals from its construction on. Move-only.
class signal_subscription {
public:
    /// @param bits  bit n-1: signal n
    /// @throws io_error
    explicit signal_subscription(std::uint64_t bits);
    signal_subscription(signal_subscription&& other) noexcept
        : listener_(std::exchange(other.listener_, nullptr)), owner_(std::move(other.owner_)) {}
    signal_subscription& operator=(signal_subscription&&) = delete;
    ~signal_subscription();

    /// The next signal. @throws operation_canceled
    [[nodiscard]] task<int> next(cancellation_token token);

private:
    signal_listener* listener_;
    descriptor_owner owner_;
};

}  // namespace weft::inline WEFT_ABI::detail
