#pragma once
// <weft/context/detail/cancellation_registry.hpp>: the registrations of a cancellation state, and who is calling which of them.
//
// 1. begin() moves the phase from live to canceling; whoever succeeds is the canceller. From here on nothing can be added: add()
//    looks at the phase under the lock, and the canceller takes the lock after it has written the phase.
// 2. The canceller takes the newest node off the list and makes it `running_`, both under the lock, lets the lock go and calls
//    it. It repeats this until the list is empty; a node not yet reached can still be removed.
// 3. After the call the canceller does not touch the node: its callback may have freed it. "Over" is told by running_ alone.
// 4. remove() succeeds exactly when the node is still in the list. Who needs the callback over goes on to wait while running_ is
//    the node, unless it runs on the waiting thread's own stack.
//
// Why the orders suffice: the list is the lock's. A remover that finds its node gone took the lock after the canceller, who had
// written running_ under it: so it reads that value or a later one, and a later one was released after the callback returned,
// which is_running() acquires. `executing_` is written before the first running_, so the acquiring reader of running_ sees it.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "weft/base/atomics.hpp"
#include "weft/base/config.hpp"
#include "weft/base/spin_lock.hpp"

namespace weft::inline WEFT_ABI::detail {

/// How far a state's cancellation has come.
enum class cancellation_phase : std::uint8_t { live, canceling, canceled };

/// `Node` has the links `next`, `prev` and the flag `linked`, all guarded by the registry's lock. `Thread` is only compared.
template <class Node, class Thread, class Atomics>
class basic_cancellation_registry {
public:
    enum class answer : std::uint8_t { listed, canceled, disposed };

    explicit basic_cancellation_registry(cancellation_phase initial) noexcept : phase_(initial) {}
    basic_cancellation_registry(const basic_cancellation_registry&) = delete;
    basic_cancellation_registry& operator=(const basic_cancellation_registry&) = delete;

    [[nodiscard]] bool is_canceled() const noexcept {
        // Acquire pairs with begin(): who sees the request sees what was written before it.
        return phase_.load(std::memory_order_acquire) != cancellation_phase::live;
    }
    /// As !is_canceled(), in one order with begin(): see there.
    [[nodiscard]] bool is_live_in_order() const noexcept {
        return phase_.load(std::memory_order_seq_cst) == cancellation_phase::live;
    }
    [[nodiscard]] bool is_disposed() const noexcept { return disposed_.load(std::memory_order_acquire); }

    // ---- registering

    /// A listed node may be gone when this returns: its callback has run.
    [[nodiscard]] answer add(Node& node) noexcept {
        if (is_canceled()) return answer::canceled;
        const lock_scope guard(lock_);
        if (is_canceled()) return answer::canceled;
        if (is_disposed()) return answer::disposed;
        node.linked = true;
        node.prev = nullptr;
        node.next = newest_;
        if (newest_ != nullptr) newest_->prev = &node;
        newest_ = &node;
        return answer::listed;
    }
    /// @returns false when the canceller has taken it, or it never was here
    bool remove(Node& node) noexcept {
        const lock_scope guard(lock_);
        if (!node.linked) return false;
        unlink(node);
        return true;
    }
    /// How many there are; takes time for each.
    [[nodiscard]] std::size_t count() const noexcept {
        const lock_scope guard(lock_);
        std::size_t listed = 0;
        for (const Node* node = newest_; node != nullptr; node = node->next) ++listed;
        return listed;
    }
    /// Whether the callback of `node` runs right now.
    [[nodiscard]] bool is_running(const Node& node) const noexcept {
        // Acquire pairs with next_to_run(): when it is over, everything the callback did is seen.
        return running_.load(std::memory_order_acquire) == &node;
    }
    /// Whether it runs, and not on the stack of `self`.
    [[nodiscard]] bool is_running_elsewhere(const Node& node, const Thread& self) const noexcept {
        // Acquire: the canceller wrote its own thread before it made the node the running one.
        return is_running(node) && executing_.load(std::memory_order_acquire) != &self;
    }
    /// Blocks while is_running_elsewhere().
    void wait_while_running(Node& node, const Thread& self) noexcept {
        while (is_running_elsewhere(node, self)) running_.wait(&node, std::memory_order_acquire);
    }

    // ---- cancelling

    /// @returns whether the caller is the canceller
    [[nodiscard]] bool begin() noexcept {
        cancellation_phase expected = cancellation_phase::live;
        // Sequentially consistent, as what looks at the timer after it, and the publication of a timer and is_live_in_order()
        // on the other side: either who sets a timer sees the new phase, or the canceller sees the timer. With anything weaker
        // both could miss.
        return phase_.compare_exchange_strong(expected, cancellation_phase::canceling, std::memory_order_seq_cst);
    }
    /// Whose stack the callbacks run on from here. @returns whose it was before
    Thread* set_executing(Thread* thread) noexcept {
        // Release pairs with is_running_elsewhere().
        return executing_.exchange(thread, std::memory_order_acq_rel);
    }
    /// Canceller: the next callback, which is_running() from now on; null when there are no more.
    [[nodiscard]] Node* next_to_run() noexcept {
        Node* node = nullptr;
        {
            const lock_scope guard(lock_);
            node = newest_;
            if (node != nullptr) unlink(*node);
            // Release pairs with is_running(): what the callback before this one did is seen by whoever waited for it.
            running_.store(node, std::memory_order_release);
        }
        running_.notify_all();
        return node;
    }
    /// Canceller: no callback runs any more.
    void finish() noexcept {
        running_.store(nullptr, std::memory_order_release);  // as in next_to_run()
        running_.notify_all();
        phase_.store(cancellation_phase::canceled, std::memory_order_release);
    }

    // ---- ending

    /// Forgets every registration. @returns false, and forgets none, when it is cancelled
    bool clear() noexcept {
        const lock_scope guard(lock_);
        // A canceller under way keeps what it has not reached.
        if (is_canceled()) return false;
        while (newest_ != nullptr) unlink(*newest_);
        return true;
    }
    /// Nothing registers any more. @returns false when it was disposed before
    [[nodiscard]] bool dispose() noexcept {
        return !disposed_.exchange(true, std::memory_order_acq_rel);  // release pairs with is_disposed()
    }

private:
    void unlink(Node& node) noexcept {
        (node.prev == nullptr ? newest_ : node.prev->next) = node.next;
        if (node.next != nullptr) node.next->prev = node.prev;
        node.linked = false;
    }

    template <class T>
    using atomic = typename Atomics::template atomic<T>;

    atomic<cancellation_phase> phase_;
    atomic<bool> disposed_{false};
    mutable basic_spin_lock<Atomics> lock_;                     // guards newest_ and the links of its nodes
    typename Atomics::template plain<Node*> newest_ = nullptr;  // a doubly linked list, newest first
    atomic<Node*> running_{nullptr};                            // written under lock_, waited on without
    atomic<Thread*> executing_{nullptr};                        // whose stack the callbacks run on; only compared
};

}  // namespace weft::inline WEFT_ABI::detail
