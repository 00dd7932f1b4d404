#pragma once
// <weft/interop/stop_token.hpp>: std::stop_token and cancellation_token, each as the other.
// SPDX-License-Identifier: MIT

#include <optional>
#include <stop_token>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/context/cancellation.hpp"

namespace weft::inline WEFT_ABI {

/// A cancellation_token that follows a std::stop_token for as long as this lives. What as_cancellation_token() returns.
///
/// Continuation  callbacks run inside the request_stop() that caused them. What one throws ends the process, as for a
///               std::stop_callback.
/// Lifetime      when it goes, tokens that were taken from it stay usable and do not follow any more. A resource: immovable.
class linked_cancellation {
public:
    explicit linked_cancellation(std::stop_token followed) {
        if (followed.stop_possible()) {
            source_.emplace();
            callback_.emplace(std::move(followed), canceller(*source_));
        }
    }
    linked_cancellation(const linked_cancellation&) = delete;
    linked_cancellation& operator=(const linked_cancellation&) = delete;
    ~linked_cancellation() = default;

    /// One that never cancels when the stop_token never stops.
    [[nodiscard]] cancellation_token token() const { return source_.has_value() ? source_->token() : cancellation_token(); }

private:
    class canceller {
    public:
        explicit canceller(cancellation_source source) noexcept : source_(std::move(source)) {}
        void operator()() noexcept { source_.cancel(); }

    private:
        cancellation_source source_;
    };

    std::optional<cancellation_source> source_;
    std::optional<std::stop_callback<canceller>> callback_;
};

/// A std::stop_token that follows a cancellation_token for as long as this lives. What as_stop_token() returns.
///
/// Continuation  stop callbacks run inside the cancel() that caused them.
/// Lifetime      when it goes, tokens that were taken from it do not follow any more. A resource: immovable.
class linked_stop {
public:
    explicit linked_stop(const cancellation_token& followed)
        : source_(followed.can_be_canceled() ? std::stop_source() : std::stop_source(std::nostopstate)) {
        if (followed.can_be_canceled())
            registration_ = followed.unsafe_register([source = source_]() mutable { source.request_stop(); });
    }
    linked_stop(const linked_stop&) = delete;
    linked_stop& operator=(const linked_stop&) = delete;
    ~linked_stop() = default;

    /// One whose stop_possible() is false when the cancellation_token never cancels.
    [[nodiscard]] std::stop_token token() const noexcept { return source_.get_token(); }

private:
    std::stop_source source_;
    cancellation_registration registration_;
};

/// `const auto link = as_cancellation_token(stop); co_await fetch(link.token());`
[[nodiscard]] inline linked_cancellation as_cancellation_token(std::stop_token followed) {
    return linked_cancellation(std::move(followed));
}
/// `const auto link = as_stop_token(token); blocking_library_call(link.token());`
[[nodiscard]] inline linked_stop as_stop_token(const cancellation_token& followed) { return linked_stop(followed); }

}  // namespace weft::inline WEFT_ABI
