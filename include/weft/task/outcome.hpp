#pragma once
// <weft/task/outcome.hpp>: how a task ended, without throwing: a value, an exception, or a cancellation.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/error.hpp"

namespace weft::inline WEFT_ABI {

/// The result of `co_await t.as_outcome()`. A value type: copyable when T is.
///
/// Use it where a failure is an ordinary answer, and where C++ forbids `co_await` in a handler.
template <class T = void>
class [[nodiscard]] outcome {
    using stored = std::conditional_t<std::is_void_v<T>, std::nullptr_t,
        std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

public:
    /// A failure. @param error  not null  @param canceled  whether it is a cancellation
    outcome(std::exception_ptr error, bool canceled) noexcept : error_(std::move(error)), canceled_(canceled) {}
    /// A success with `value` (void: `outcome<>{}` is a success).
    template <class U>
        requires(
            !std::is_void_v<T> && !std::is_same_v<std::remove_cvref_t<U>, outcome> && std::is_constructible_v<stored, U>)
    explicit outcome(std::in_place_t, U&& value) : value_(std::in_place, std::forward<U>(value)) {}
    outcome() noexcept
        requires(std::is_void_v<T>)
    = default;

    [[nodiscard]] bool has_value() const noexcept { return error_ == nullptr; }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
    [[nodiscard]] bool is_canceled() const noexcept { return canceled_; }
    [[nodiscard]] bool is_faulted() const noexcept { return error_ != nullptr && !canceled_; }
    /// The exception or cancellation; null after success.
    [[nodiscard]] const std::exception_ptr& error() const noexcept { return error_; }

    /// The value. @throws the stored exception when there is none.
    decltype(auto) value() & { return get(*this); }
    decltype(auto) value() const& { return get(*this); }
    T value() && {
        if (error_ != nullptr) std::rethrow_exception(error_);
        if constexpr (std::is_reference_v<T>) return static_cast<T>(**value_);
        else if constexpr (!std::is_void_v<T>) return std::move(*value_);
    }

private:
    template <class Self>
    static decltype(auto) get(Self& self) {
        if (self.error_ != nullptr) std::rethrow_exception(self.error_);
        if constexpr (std::is_void_v<T>) return;
        else if constexpr (std::is_reference_v<T>) return static_cast<T>(**self.value_);
        else return (*self.value_);
    }

    std::optional<stored> value_;
    std::exception_ptr error_;
    bool canceled_ = false;
};

}  // namespace weft::inline WEFT_ABI
