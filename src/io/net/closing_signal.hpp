#pragma once
// src/io/net/closing_signal.hpp: ends operations on sockets that shutdown(2) does not wake, by cancelling them.
// SPDX-License-Identifier: MIT

#include <optional>
#include <string>

#include "weft/base/error.hpp"
#include "weft/context/cancellation.hpp"
#include "weft/io/detail/descriptor_state.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Part of such a socket's state; interrupt() calls fire().
class closing_signal {
public:
    [[nodiscard]] cancellation_token token() const { return source_.token(); }
    void fire() noexcept {
        try {
            source_.cancel();
        } catch (...) {
            // Only our own operations are registered, and their callbacks do not throw.
        }
    }

private:
    cancellation_source source_;
};

/// What one operation waits with: the caller's token, and the signal.
class closable_wait {
public:
    closable_wait(const closing_signal& signal, cancellation_token of_caller)
        : caller_(std::move(of_caller)), token_(signal.token()) {
        if (!caller_.can_be_canceled()) return;
        both_ = cancellation_source::linked(caller_, token_);
        token_ = both_->token();
    }
    [[nodiscard]] cancellation_token token() const noexcept { return token_; }
    /// In a handler of operation_canceled: throws what the caller shall see.
    [[noreturn]] void fail(const descriptor_state& state, const std::string& attempt) const {
        if (caller_.is_cancellation_requested()) throw operation_canceled(caller_);
        if (state.is_closing()) throw operation_canceled(attempt + " was canceled: it was closed meanwhile");
        throw;
    }

private:
    cancellation_token caller_;
    cancellation_token token_;
    std::optional<cancellation_source> both_;
};

}  // namespace weft::inline WEFT_ABI::detail
