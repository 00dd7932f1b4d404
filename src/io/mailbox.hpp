#pragma once
// src/io/mailbox.hpp: a line of operations that any thread appends to and one taker empties.
// SPDX-License-Identifier: MIT

#include <atomic>

#include "weft/io/io_operation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// A chain of operations through their `next`, oldest first.
class operation_list {
public:
    void append(io_operation& operation) noexcept {
        operation.next = nullptr;
        if (last_ == nullptr) first_ = &operation;
        else last_->next = &operation;
        last_ = &operation;
    }
    [[nodiscard]] io_operation* take() noexcept {
        io_operation* operation = first_;
        if (operation != nullptr) {
            first_ = operation->next;
            if (first_ == nullptr) last_ = nullptr;
        }
        return operation;
    }
    /// Unlinks `operation`. @returns false when it is not here
    bool remove(io_operation& operation) noexcept {
        io_operation* before = nullptr;
        for (io_operation* at = first_; at != nullptr; before = at, at = at->next) {
            if (at != &operation) continue;
            (before == nullptr ? first_ : before->next) = at->next;
            if (last_ == at) last_ = before;
            return true;
        }
        return false;
    }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] io_operation* front() const noexcept { return first_; }

    /// Calls every `complete`; a completed operation may be gone. @returns whether there was any
    bool complete_all() noexcept {
        bool any = false;
        while (io_operation* operation = take()) {
            operation->complete(*operation);
            any = true;
        }
        return any;
    }

private:
    io_operation* first_ = nullptr;
    io_operation* last_ = nullptr;
};

/// Many writers, one reader at a time; lock-free.
class mailbox {
public:
    void push(io_operation& operation) noexcept {
        io_operation* head = head_.load(std::memory_order_relaxed);
        do operation.next = head;
        // Release pairs with take_all()'s acquire: the taker sees the record. seq_cst, because the writer then looks whether
        // the owner sleeps while the owner goes to sleep and then looks here (ring::sleep_state).
        while (!head_.compare_exchange_weak(head, &operation, std::memory_order_seq_cst, std::memory_order_relaxed));
    }
    [[nodiscard]] bool empty() const noexcept { return head_.load(std::memory_order_seq_cst) == nullptr; }
    /// Everything pushed so far, oldest first.
    [[nodiscard]] operation_list take_all() noexcept {
        io_operation* newest = empty() ? nullptr : head_.exchange(nullptr, std::memory_order_seq_cst);
        io_operation* oldest = nullptr;
        while (newest != nullptr) {
            io_operation* next = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = next;
        }
        operation_list list;
        while (oldest != nullptr) {
            io_operation* next = oldest->next;
            list.append(*oldest);
            oldest = next;
        }
        return list;
    }

private:
    std::atomic<io_operation*> head_{nullptr};
};

}  // namespace weft::inline WEFT_ABI::detail
