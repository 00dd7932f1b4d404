#pragma once
// <weft/coordination/detail/item_buffer.hpp>: the items of a channel: a ring that grows, or a heap.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// First in, first out; doubles when it is full. Not thread-safe.
template <class T>
class item_ring {
public:
    item_ring() noexcept = default;
    ~item_ring() {
        while (count_ > 0) static_cast<void>(pop_front());
        std::allocator<T>().deallocate(cells_, size_);
    }
    item_ring(const item_ring&) = delete;
    item_ring& operator=(const item_ring&) = delete;

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] const T& front() const noexcept { return cells_[head_]; }
    /// @param index  from the front, below size()
    [[nodiscard]] T& operator[](std::size_t index) noexcept { return cells_[(head_ + index) & (size_ - 1)]; }
    /// The next push_back() does not throw. @throws std::bad_alloc
    void reserve_one() {
        if (count_ == size_) grow();
    }
    /// @throws std::bad_alloc  and then `item` is as it was
    void push_back(T&& item) {
        if (count_ == size_) grow();
        ::new (static_cast<void*>(cells_ + ((head_ + count_) & (size_ - 1)))) T(std::move(item));
        ++count_;
    }
    [[nodiscard]] T pop_front() noexcept {
        T* const cell = cells_ + head_;
        T item(std::move(*cell));
        std::destroy_at(cell);
        head_ = (head_ + 1) & (size_ - 1);
        --count_;
        return item;
    }
    [[nodiscard]] T pop_back() noexcept {
        T* const cell = cells_ + ((head_ + count_ - 1) & (size_ - 1));
        T item(std::move(*cell));
        std::destroy_at(cell);
        --count_;
        return item;
    }

private:
    void grow() {
        const std::size_t larger = size_ == 0 ? 8 : size_ * 2;
        T* const cells = std::allocator<T>().allocate(larger);
        for (std::size_t index = 0; index < count_; ++index) {
            T* const cell = cells_ + ((head_ + index) & (size_ - 1));
            ::new (static_cast<void*>(cells + index)) T(std::move(*cell));
            std::destroy_at(cell);
        }
        if (cells_ != nullptr) std::allocator<T>().deallocate(cells_, size_);
        cells_ = cells;
        size_ = larger;
        head_ = 0;
    }

    T* cells_ = nullptr;
    std::size_t size_ = 0;  ///< a power of two, or 0
    std::size_t head_ = 0;
    std::size_t count_ = 0;
};

/// The lowest by `less` first.
template <class T>
class item_heap {
public:
    using comparison = std::function<bool(const T&, const T&)>;
    explicit item_heap(comparison less) : less_(std::move(less)) {}

    [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
    [[nodiscard]] const T& front() const noexcept { return items_.front(); }
    void push(T&& item) {
        items_.reserve(items_.size() + 1 > items_.capacity() ? items_.size() * 2 + 8 : 0);
        items_.push_back(std::move(item));
        std::push_heap(items_.begin(), items_.end(), after());
    }
    [[nodiscard]] T pop_front() {
        std::pop_heap(items_.begin(), items_.end(), after());
        T item(std::move(items_.back()));
        items_.pop_back();
        return item;
    }

private:
    [[nodiscard]] auto after() const {
        return [this](const T& a, const T& b) { return less_(b, a); };
    }

    comparison less_;
    std::vector<T> items_;
};

}  // namespace weft::inline WEFT_ABI::detail
