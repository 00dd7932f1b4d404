#pragma once
// <weft/base/unique_function.hpp>: an owning, move-only callable with room for three pointers inside.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI {

template <class Signature>
class unique_function;

/// Owns one callable, which may be move-only. Callables of up to three words that move without throwing live inside.
///
/// Allocation  one for a larger callable, none otherwise.
template <class R, class... Args>
class unique_function<R(Args...)> {
    static constexpr std::size_t room = 3 * sizeof(void*);

    enum class action { move, destroy };

    template <class F>
    static constexpr bool fits =
        sizeof(F) <= room && alignof(F) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<F>;

public:
    unique_function() noexcept = default;
    unique_function(std::nullptr_t) noexcept {}

    template <class F>
        requires(
            !std::is_same_v<std::remove_cvref_t<F>, unique_function> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
    unique_function(F&& callable) {
        using stored = std::decay_t<F>;
        if constexpr (fits<stored>) {
            ::new (static_cast<void*>(storage_)) stored(std::forward<F>(callable));
            call_ = [](void* self, Args... args) -> R {
                return static_cast<R>((*std::launder(static_cast<stored*>(self)))(std::forward<Args>(args)...));
            };
            manage_ = [](action what, void* self, void* target) noexcept {
                stored* source = std::launder(static_cast<stored*>(self));
                if (what == action::move) ::new (target) stored(std::move(*source));
                source->~stored();
            };
        } else {
            ::new (static_cast<void*>(storage_)) stored*(new stored(std::forward<F>(callable)));
            call_ = [](void* self, Args... args) -> R {
                return static_cast<R>((**std::launder(static_cast<stored**>(self)))(std::forward<Args>(args)...));
            };
            manage_ = [](action what, void* self, void* target) noexcept {
                stored* source = *std::launder(static_cast<stored**>(self));
                if (what == action::move) ::new (target) stored*(source);
                else delete source;
            };
        }
    }

    unique_function(unique_function&& other) noexcept { take(other); }
    unique_function& operator=(unique_function&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    unique_function(const unique_function&) = delete;
    unique_function& operator=(const unique_function&) = delete;
    ~unique_function() { reset(); }

    /// Calls the callable. Precondition: not empty.
    R operator()(Args... args) { return call_(storage_, std::forward<Args>(args)...); }
    [[nodiscard]] explicit operator bool() const noexcept { return call_ != nullptr; }

private:
    void reset() noexcept {
        if (manage_ != nullptr) manage_(action::destroy, storage_, nullptr);
        call_ = nullptr;
        manage_ = nullptr;
    }
    void take(unique_function& other) noexcept {
        if (other.manage_ != nullptr) other.manage_(action::move, other.storage_, storage_);
        call_ = std::exchange(other.call_, nullptr);
        manage_ = std::exchange(other.manage_, nullptr);
    }

    alignas(std::max_align_t) std::byte storage_[room];
    R (*call_)(void*, Args...) = nullptr;
    void (*manage_)(action, void*, void*) noexcept = nullptr;
};

}  // namespace weft::inline WEFT_ABI
