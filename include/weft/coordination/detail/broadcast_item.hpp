#pragma once
// <weft/coordination/detail/broadcast_item.hpp>: an item that several subscribers read: a copy each of a small plain one, else one that
// they share until each copies it, outside the channel's lock. Whoever comes last moves it instead.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

template <class T>
class copied_item {
public:
    struct room {};  ///< what has to be there before an item is made; nothing
    copied_item(room&, T&& item) noexcept : item_(std::move(item)) {}

    [[nodiscard]] const T& get() const noexcept { return item_; }
    [[nodiscard]] T take() noexcept { return item_; }

private:
    T item_;
};

template <class T>
class shared_item {
    struct cell {
        explicit cell(T&& made_of) noexcept : item(std::move(made_of)) {}
        std::atomic<std::uint32_t> references{1};
        T item;
    };

public:
    /// Memory for one item, so that making it under a lock neither allocates nor throws.
    class room {
    public:
        room() : memory_(std::allocator<cell>().allocate(1)) {}
        ~room() {
            if (memory_ != nullptr) std::allocator<cell>().deallocate(memory_, 1);
        }
        room(const room&) = delete;
        room& operator=(const room&) = delete;

    private:
        friend class shared_item;
        cell* memory_;
    };

    shared_item(room& in, T&& item) noexcept
        : cell_(std::construct_at(std::exchange(in.memory_, nullptr), std::move(item))) {}
    shared_item(const shared_item& other) noexcept : cell_(other.cell_) {
        cell_->references.fetch_add(1, std::memory_order_relaxed);
    }
    shared_item(shared_item&& other) noexcept : cell_(std::exchange(other.cell_, nullptr)) {}
    shared_item& operator=(const shared_item&) = delete;
    ~shared_item() {
        // Release orders our use before the end; the acquire half lets the last see those of all others.
        if (cell_ == nullptr || cell_->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        std::destroy_at(cell_);
        std::allocator<cell>().deallocate(cell_, 1);
    }

    [[nodiscard]] const T& get() const noexcept { return cell_->item; }
    /// Acquire: pairs with the releases of the others, who have copied.
    [[nodiscard]] T take() {
        if (cell_->references.load(std::memory_order_acquire) == 1) return std::move(cell_->item);
        return std::as_const(cell_->item);
    }

private:
    cell* cell_;
};

inline constexpr std::size_t largest_copied_item = 64;  // a cache line costs less than a reference count does

template <class T>
using broadcast_item =
    std::conditional_t<std::is_trivially_copyable_v<T> && sizeof(T) <= largest_copied_item, copied_item<T>, shared_item<T>>;

}  // namespace weft::inline WEFT_ABI::detail
