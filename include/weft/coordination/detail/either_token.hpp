#pragma once
// <weft/coordination/detail/either_token.hpp>: one token that fires when either of two does.
// SPDX-License-Identifier: MIT

#include <optional>
#include <utility>

#include "weft/context/cancellation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// A source of its own only when both can fire.
class either_token {
public:
    either_token(cancellation_token one, cancellation_token other) : token_(std::move(one)) {
        if (!token_.can_be_canceled()) {
            token_ = std::move(other);
        } else if (other.can_be_canceled()) {
            both_.emplace(cancellation_source::linked(token_, other));
            token_ = both_->token();
        }
    }
    [[nodiscard]] const cancellation_token& token() const noexcept { return token_; }

private:
    cancellation_token token_;
    std::optional<cancellation_source> both_;
};

}  // namespace weft::inline WEFT_ABI::detail
