#pragma once
// <weft/context/async_local.hpp>: a variable with one value for each flow of control, across awaits and threads.
// Follows System.Threading.AsyncLocal<T> (semantics 1.6).
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"
#include "weft/base/unique_function.hpp"
#include "weft/context/execution_context.hpp"

namespace weft::inline WEFT_ABI {

/// What a value-changed callback is told. The pointers are null where no value was or is set.
template <class T>
struct async_local_change {
    const T* previous;
    const T* current;
    /// True when another context came into force on this thread, false for set() and clear().
    bool is_context_switch;
};

namespace detail {

class local_slot;

/// One value of one variable, shared by every map it is in.
struct local_value {
    using destroy_function = void (*)(local_value&) noexcept;

    explicit local_value(destroy_function function) noexcept : destroy(function) {}

    std::atomic<std::uint32_t> references{1};
    destroy_function destroy;
};

/// The identity of a variable, which outlives it for as long as some map has a value of it.
class local_slot {
public:
    using change_function = unique_function<void(const local_value*, const local_value*, bool)>;

    explicit local_slot(change_function on_change);

    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }
    // Relaxed: a plain switch, it publishes nothing.
    [[nodiscard]] bool notifies() const noexcept { return notifies_.load(std::memory_order_relaxed); }
    /// The variable is gone, and with it what its callback refers to; its values may still flow.
    void silence() noexcept { notifies_.store(false, std::memory_order_relaxed); }
    void notify(const local_value* previous, const local_value* current, bool is_context_switch) {
        on_change_(previous, current, is_context_switch);
    }
    void retain() noexcept;
    void release() noexcept;

private:
    std::atomic<std::uint32_t> references_{1};
    std::uint64_t id_;  // rises with creation: maps are sorted by it, so notifications have one order
    std::atomic<bool> notifies_;
    change_function on_change_;
};

/// The slot behind `place`, made at its first use.
[[nodiscard]] local_slot& slot_of(std::atomic<local_slot*>& place);
/// The calling thread's value of `slot`; null when unset.
[[nodiscard]] local_value* find_local(const local_slot& slot) noexcept;
/// Replaces the calling thread's map by one in which `slot` has `value` (whose reference is taken over), or none if null.
void store_local(local_slot& slot, local_value* value);

template <class T>
struct typed_local_value final : local_value {
    template <class... Args>
    explicit typed_local_value(Args&&... args)
        : local_value([](local_value& self) noexcept { delete static_cast<typed_local_value*>(&self); }),
          value(std::forward<Args>(args)...) {}

    T value;
};

template <class T>
inline constexpr bool is_reference_like = std::is_pointer_v<T>;
template <class T>
inline constexpr bool is_reference_like<std::shared_ptr<T>> = true;

}  // namespace detail

/// A variable whose value belongs to the logical flow of control: a coroutine sees its caller's value, keeps its own changes
/// across its awaits, and its changes never reach the caller. Values flow into tasks, continuations, timers and registered
/// callbacks at the moment those are created.
///
/// Use it for what is ambient: a request id, a culture, a transaction. An object behind a pointer is shared, not copied.
///
/// Threads     every member may be called from any thread; each flow has its own value.
/// Allocation  one block for a value and one for the map at each set(); reading allocates nothing.
/// Lifetime    safe as a static of any kind: constructing one runs no code.
template <class T>
class async_local {
    static_assert(std::is_object_v<T> && !std::is_const_v<T>, "async_local<T> holds a plain object type");

public:
    using change = async_local_change<T>;

    constexpr async_local() noexcept = default;

    /// `on_change` runs when set() or clear() changes the value in the calling flow, and when a switch of contexts changes it
    /// on the running thread (1.6/6). It may set this or another variable. What it throws leaves set(); at a switch it ends
    /// the process. It is not called any more once the variable is gone, even where its values still flow.
    explicit async_local(unique_function<void(const change&)> on_change) : slot_(make_slot(std::move(on_change))) {}

    async_local(const async_local&) = delete;
    async_local& operator=(const async_local&) = delete;
    ~async_local() {
        detail::local_slot* slot = slot_.load(std::memory_order_relaxed);
        if (slot == nullptr) return;
        slot->silence();
        slot->release();
    }

    /// The flow's value, or null when it has none. Valid until this flow sets or clears it.
    [[nodiscard]] const T* value() const noexcept {
        // Acquire pairs with the release in slot_of(): the slot's fields are seen.
        const detail::local_slot* slot = slot_.load(std::memory_order_acquire);
        if (slot == nullptr) return nullptr;
        const detail::local_value* found = detail::find_local(*slot);
        return found == nullptr ? nullptr : &static_cast<const stored*>(found)->value;
    }

    /// A copy of the flow's value, or `fallback`.
    template <class U>
    [[nodiscard]] T value_or(U&& fallback) const {
        const T* found = value();
        if (found != nullptr) return *found;
        return static_cast<T>(std::forward<U>(fallback));
    }

    /// Gives the flow a value. Setting the pointer (or shared_ptr) that is already there changes nothing and tells nobody.
    void set(T next) {
        if constexpr (detail::is_reference_like<T>) {
            const T* found = value();
            if (found != nullptr && *found == next) return;
        }
        detail::store_local(detail::slot_of(slot_), new stored(std::move(next)));
    }

    /// Takes the flow's value away.
    void clear() {
        if (value() != nullptr) detail::store_local(detail::slot_of(slot_), nullptr);
    }

private:
    using stored = detail::typed_local_value<T>;

    static const T* address(const detail::local_value* held) noexcept {
        return held == nullptr ? nullptr : &static_cast<const stored*>(held)->value;
    }

    static detail::local_slot* make_slot(unique_function<void(const change&)> on_change) {
        if (!on_change) return nullptr;
        return new detail::local_slot([callback = std::move(on_change)](const detail::local_value* previous,
                                          const detail::local_value* current, bool is_context_switch) mutable {
            callback(change{address(previous), address(current), is_context_switch});
        });
    }

    std::atomic<detail::local_slot*> slot_{nullptr};
};

}  // namespace weft::inline WEFT_ABI
