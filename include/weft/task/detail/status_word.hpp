#pragma once
// <weft/task/detail/status_word.hpp>: one word that is a task's status, and until then the list of who waits for it.
//
//     0                      pending, nobody waits
//     node                   one continuation
//     node | list_bit        the head of a circular list of them, changed under lock_bit
//     ... | claim_bit        a completion source has won the right to complete
//     done_bit | status      final
//
// Whoever takes a node out of the word, and only they, runs or queues it: publish() by the one exchange that writes done_bit, or
// remove(). Why the orders suffice:
//
//  1. A node is registered by a releasing exchange, or by opening the lock with one; publish() and everybody who locks acquire
//     the word: they see the node's contents and its links.
//  2. publish() releases: whoever sees done_bit, by an acquiring load or a failed add(), sees the result.
//  3. claim() may set its bit at any time, under somebody's lock too. So the lock is opened by an exchange that keeps the bit, and
//     every change in between is a read-modify-write: the chain of releases never breaks.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstdint>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// `Node` is aligned to 16, its `next` and `prev` are the list's.
template <class Node, class Atomics>
class basic_status_word {
public:
    static constexpr std::uintptr_t done_bit = 1;
    static constexpr std::uintptr_t list_bit = 2;
    static constexpr std::uintptr_t lock_bit = 4;
    static constexpr std::uintptr_t claim_bit = 8;
    static constexpr std::uintptr_t word_bits = 15;
    static constexpr unsigned status_shift = 8;

    [[nodiscard]] std::uintptr_t load() const noexcept { return word_.load(std::memory_order_acquire); }
    [[nodiscard]] bool is_done() const noexcept { return (load() & done_bit) != 0; }
    /// The status in a word that has done_bit.
    [[nodiscard]] static std::uintptr_t status_in(std::uintptr_t word) noexcept { return word >> status_shift; }

    /// @returns false when done already (nothing was registered)
    [[nodiscard]] bool add(Node& node) noexcept {
        std::uintptr_t now = word_.load(std::memory_order_acquire);
        for (;;) {
            if ((now & done_bit) != 0) return false;
            if ((now & lock_bit) != 0) {
                Atomics::pause();
                now = word_.load(std::memory_order_acquire);
            } else if (node_of(now) == nullptr) {
                if (word_.compare_exchange_weak(
                        now, (now & claim_bit) | bits_of(&node), std::memory_order_acq_rel, std::memory_order_acquire))
                    return true;
            } else if (word_.compare_exchange_weak(
                           now, now | lock_bit, std::memory_order_acquire, std::memory_order_acquire)) {
                Node* head = node_of(now);
                if ((now & list_bit) == 0) head->next = head->prev = head;
                node.prev = head->prev;
                node.next = head;
                head->prev->next = &node;
                head->prev = &node;
                open(bits_of(head) | list_bit);
                return true;
            }
        }
    }

    /// @returns false when completion has taken `node`: it is run
    [[nodiscard]] bool remove(Node& node) noexcept {
        std::uintptr_t now = word_.load(std::memory_order_acquire);
        for (;;) {
            if ((now & done_bit) != 0) return false;
            if ((now & lock_bit) != 0) {
                Atomics::pause();
                now = word_.load(std::memory_order_acquire);
            } else if ((now & list_bit) == 0) {
                if (node_of(now) != &node) return false;
                if (word_.compare_exchange_weak(now, now & claim_bit, std::memory_order_acq_rel, std::memory_order_acquire))
                    return true;
            } else if (word_.compare_exchange_weak(
                           now, now | lock_bit, std::memory_order_acquire, std::memory_order_acquire)) {
                Node* head = node_of(now);
                Node* rest = head;
                if (head == &node) rest = next_of(*head) == head ? nullptr : next_of(*head);
                node.prev->next = node.next;
                next_of(node)->prev = node.prev;
                open(rest == nullptr ? 0 : bits_of(rest) | list_bit);
                return true;
            }
        }
    }

    /// Wins the right to complete. @returns false when somebody else has, or it is done
    [[nodiscard]] bool claim() noexcept {
        return (word_.fetch_or(claim_bit, std::memory_order_acq_rel) & (claim_bit | done_bit)) == 0;
    }

    /// The end. @returns the nodes, in the order in which they came, the last one's `next` null; null when there are none
    [[nodiscard]] Node* publish(std::uintptr_t status) noexcept {
        const std::uintptr_t done = done_bit | status << status_shift;
        std::uintptr_t now = word_.load(std::memory_order_relaxed);
        for (;;) {
            if ((now & lock_bit) != 0) {
                Atomics::pause();
                now = word_.load(std::memory_order_relaxed);
                continue;
            }
            // Release publishes the result; acquire sees the nodes that are taken here.
            if (word_.compare_exchange_weak(now, done, std::memory_order_acq_rel, std::memory_order_relaxed)) break;
        }
        Node* first = node_of(now);
        if (first == nullptr) return nullptr;
        if ((now & list_bit) != 0) first->prev->next = nullptr;
        else first->next = nullptr;
        return first;
    }
    /// The end while nobody else knows the word: a plain store, ordered by whatever hands it to another thread.
    void publish_unseen(std::uintptr_t status) noexcept {
        word_.store(done_bit | status << status_shift, std::memory_order_release);
    }

    /// Locks the nodes for looking at them. @returns the first; null, and unlocked, when there is none
    [[nodiscard]] Node* lock_nodes(std::uintptr_t& was) noexcept {
        was = word_.load(std::memory_order_acquire);
        for (;;) {
            if ((was & done_bit) != 0 || node_of(was) == nullptr) return nullptr;
            if ((was & lock_bit) != 0) {
                Atomics::pause();
                was = word_.load(std::memory_order_acquire);
            } else if (word_.compare_exchange_weak(
                           was, was | lock_bit, std::memory_order_acquire, std::memory_order_acquire)) {
                return node_of(was);
            }
        }
    }
    /// @param list  the list_bit of what lock_nodes() found
    void unlock_nodes(Node& head, std::uintptr_t list) noexcept { open(bits_of(&head) | list); }

private:
    static Node* node_of(std::uintptr_t word) noexcept { return reinterpret_cast<Node*>(word & ~word_bits); }
    static std::uintptr_t bits_of(const Node* node) noexcept { return reinterpret_cast<std::uintptr_t>(node); }
    static Node* next_of(Node& node) noexcept { return static_cast<Node*>(node.next); }

    /// Opens the lock with `content`: rule 3.
    void open(std::uintptr_t content) noexcept {
        std::uintptr_t now = word_.load(std::memory_order_relaxed);
        while (!word_.compare_exchange_weak(
            now, (now & claim_bit) | content, std::memory_order_release, std::memory_order_relaxed)) {}
    }

    typename Atomics::template atomic<std::uintptr_t> word_{0};
};

}  // namespace weft::inline WEFT_ABI::detail
