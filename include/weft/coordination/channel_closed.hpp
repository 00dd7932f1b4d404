#pragma once
// <weft/coordination/channel_closed.hpp>: what a channel's end looks like to those who still want something of it.
// Follows System.Threading.Channels.ChannelClosedException.
// SPDX-License-Identifier: MIT

#include <exception>

#include "weft/base/config.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI {

/// The channel is complete: nothing more can be written, or nothing is left to be read.
class channel_closed : public invalid_operation {
public:
    explicit channel_closed(std::exception_ptr inner = nullptr);
    /// What complete() was given; null when it was nothing.
    [[nodiscard]] const std::exception_ptr& inner_exception() const noexcept { return inner_; }

private:
    std::exception_ptr inner_;
};

}  // namespace weft::inline WEFT_ABI
