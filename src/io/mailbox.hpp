#pragma once
// src/io/mailbox.hpp: a line of operations that any thread appends to and one taker empties.
// SPDX-License-Identifier: MIT

#include <atomic>

#include "weft/base/atomics.hpp"
#include "weft/io/io_operation.hpp"

namespace weft::inline WEFT_ABI::detail {

/// A chain of operations through their `next`, oldest first.
template <class Operation>
class basic_operation_list {
public:
    void append(Operation& operation) noexcept {
        operation.next = nullptr;
        if (last_ == nullptr) first_ = &operation;
        else last_->next = &operation;
        last_ = &operation;
    }
    [[nodiscard]] Operation* take() noexcept {
        Operation* operation = first_;
        if (operation != nullptr) {
            first_ = operation->next;
            if (first_ == nullptr) last_ = nullptr;
        }
        return operation;
    }
    /// Unlinks `operation`. @returns false when it is not here
    bool remove(Operation& operation) noexcept {
        Operation* before = nullptr;
        for (Operation* at = first_; at != nullptr; before = at, at = at->next) {
            if (at != &operation) continue;
            (before == nullptr ? first_ : before->next) = at->next;
            if (last_ == at) last_ = before;
            return true;
        }
        return false;
    }
    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }
    [[nodiscard]] Operation* front() const noexcept { return first_; }

    /// Calls every `complete`; a completed operation may be gone. @returns whether there was any
    bool complete_all() noexcept {
        bool any = false;
        while (Operation* operation = take()) {
            operation->complete(*operation);
            any = true;
        }
        return any;
    }

private:
    Operation* first_ = nullptr;
    Operation* last_ = nullptr;
};

using operation_list = basic_operation_list<io_operation>;

/// Many writers, one reader at a time; lock-free.
template <class Operation, class Atomics>
class basic_mailbox {
public:
    void push(Operation& operation) noexcept {
        Operation* head = head_.load(std::memory_order_relaxed);
        do operation.next = head;
        // Release pairs with take_all()'s acquire: the taker sees the record. seq_cst, because the writer then looks whether
        // the owner sleeps while the owner goes to sleep and then looks here (sleep_state.hpp).
        while (!head_.compare_exchange_weak(head, &operation, std::memory_order_seq_cst, std::memory_order_relaxed));
    }
    [[nodiscard]] bool empty() const noexcept { return head_.load(std::memory_order_seq_cst) == nullptr; }
    /// Everything pushed so far, oldest first.
    [[nodiscard]] basic_operation_list<Operation> take_all() noexcept {
        Operation* newest = empty() ? nullptr : head_.exchange(nullptr, std::memory_order_seq_cst);
        Operation* oldest = nullptr;
        while (newest != nullptr) {
            Operation* next = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = next;
        }
        basic_operation_list<Operation> list;
        while (oldest != nullptr) {
            Operation* next = oldest->next;
            list.append(*oldest);
            oldest = next;
        }
        return list;
    }

private:
    typename Atomics::template atomic<Operation*> head_{nullptr};
};

using mailbox = basic_mailbox<io_operation, std_atomics>;

}  // namespace weft::inline WEFT_ABI::detail
