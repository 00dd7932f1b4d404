#pragma once
// Pending timers in buckets by the highest digit in which their deadline differs from "now".
//
// Deadlines are counted in ticks of 8 µs, rounded up, and written in base 256. `last_` is the tick up to which everything has
// been taken out. A timer lies in the bucket (level, digit): `level` is the highest digit position where its tick differs from
// `last_`, `digit` the tick's value there. Then
//
//  1. Insertion and removal are O(1): find a bucket, link; unlink.
//  2. Every timer of a lower level is due before every one of a higher level, and within a level digits are in order, because
//     ticks are never smaller than `last_`. So the earliest timers are in the lowest non-empty bucket, and a bucket of level 0
//     holds exactly one tick.
//  3. When the start of a higher bucket's span is reached, `last_` moves there and the bucket's timers are sifted: each goes to
//     a lower level. A timer moves at most once a level, twice for ten seconds; one that is cancelled early, never.
//  4. Equal ticks always share a bucket (they differ from `last_` in the same place), and lists keep their order, so they come
//     out in the order in which they came in.
//
// One call does a bounded number of steps; a large bucket is sifted over several calls, from a list of its own.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "weft/base/config.hpp"
#include "weft/base/time_provider.hpp"

namespace weft::inline WEFT_ABI::detail {

/// Not thread-safe: timer_service puts a lock around each.
class timer_buckets {
public:
    /// Takes what is due by `now` out, oldest tick first, into `due`. @returns how many; at most `limit`
    std::size_t take_due(time_point now, timer_node** due, std::size_t limit) noexcept {
        const std::uint64_t now_tick = floor_tick(now);
        std::size_t taken = 0;
        for (int steps = 0; steps < steps_a_call; ++steps) {
            if (sifting_ >= 0) {
                sift_one();
                continue;
            }
            const int bucket = lowest();
            if (bucket < 0 || start_of(bucket) > now_tick) {
                // Nothing is due. Moving on to now keeps every timer where it is: all of them differ from now where they
                // differed from last_, since the earliest span starts later.
                last_ = std::max(last_, now_tick);
                break;
            }
            last_ = start_of(bucket);
            if (bucket >= digits) {
                sifting_ = bucket;
                warm_ = lists_[bucket];
                continue;
            }
            if (taken == limit) break;
            timer_node* node = lists_[bucket];
            unlink(*node);
            due[taken++] = node;
        }
        return taken;
    }

    void insert(timer_node& node) noexcept { link(node, bucket_of(tick_of(node.deadline))); }

    /// Precondition: `node` is in this set.
    void remove(timer_node& node) noexcept { unlink(node); }

    [[nodiscard]] std::size_t size() const noexcept { return count_; }

    /// When take_due() should be called next: exact for few timers, else not later than the earliest; max() when empty.
    [[nodiscard]] time_point next_due() const noexcept {
        if (sifting_ >= 0) return time_point::min();
        const int bucket = lowest();
        if (bucket < 0) return time_point::max();
        std::uint64_t tick = start_of(bucket);
        if (bucket >= digits) {
            // Saves a lone sleeper the wake-ups at the borders of its buckets.
            std::uint64_t earliest = ~std::uint64_t{0};
            const timer_node* node = lists_[bucket];
            for (int seen = 0; seen < 8; ++seen) {
                earliest = std::min(earliest, tick_of(node->deadline));
                node = node->next;
                if (node == lists_[bucket]) {
                    tick = earliest;
                    break;
                }
            }
        }
        return time_of(tick);
    }

    /// When a timer with `deadline` comes out of take_due(): the end of its tick.
    [[nodiscard]] static time_point due_time(time_point deadline) noexcept { return time_of(tick_of(deadline)); }

private:
    static constexpr int tick_bits = 13;
    static constexpr int digit_bits = 8;  // each level less is one cold look at every timer less
    static constexpr int digits = 1 << digit_bits;
    static constexpr int words = digits / 64;
    static constexpr int levels = 7;          // 7 * 8 bits cover the 51 that a deadline's tick has
    static constexpr int steps_a_call = 256;  // about 20 µs under the lock when every node is a cache miss
    static constexpr std::uint64_t largest_tick = (std::uint64_t{1} << (63 - tick_bits)) - 1;

    static std::uint64_t floor_tick(time_point when) noexcept {
        const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
        return count <= 0 ? 0 : static_cast<std::uint64_t>(count) >> tick_bits;
    }
    // Rounded up: a timer never fires early.
    static std::uint64_t tick_of(time_point when) noexcept {
        const auto count = std::chrono::duration_cast<std::chrono::nanoseconds>(when.time_since_epoch()).count();
        return count <= 0 ? 0 : (static_cast<std::uint64_t>(count) + ((1U << tick_bits) - 1)) >> tick_bits;
    }

    static time_point time_of(std::uint64_t tick) noexcept {
        return tick > largest_tick ? time_point::max() : time_point(std::chrono::nanoseconds(tick << tick_bits));
    }

    [[nodiscard]] int bucket_of(std::uint64_t tick) const noexcept {
        tick = std::max(tick, last_);
        const std::uint64_t changed = tick ^ last_;
        const int level = changed == 0 ? 0 : (63 - std::countl_zero(changed)) / digit_bits;
        return level * digits + static_cast<int>((tick >> (level * digit_bits)) & (digits - 1));
    }
    [[nodiscard]] std::uint64_t start_of(int bucket) const noexcept {
        const int shift = bucket / digits * digit_bits;
        const std::uint64_t above = last_ >> shift >> digit_bits << digit_bits << shift;
        return above | static_cast<std::uint64_t>(bucket % digits) << shift;
    }
    [[nodiscard]] int lowest() const noexcept {
        for (int word = 0; word < levels * words; ++word)
            if (used_[word] != 0) return word * 64 + std::countr_zero(used_[word]);
        return -1;
    }

    // Moves the first timer of the bucket whose span has begun. New ones cannot land in that bucket: they differ from last_,
    // which is in its span, at a lower level or at a later digit.
    void sift_one() noexcept {
        timer_node* node = lists_[sifting_];
        if (node != nullptr) {
            // The timers of a large bucket are in no cache, and each says where the next one is. Walking it from its end as well, only
            // to look, brings two at a time, and the second half has been seen when its turn comes.
            if (warm_ != nullptr) warm_ = warm_->prev;
            unlink(*node);
            link(*node, bucket_of(tick_of(node->deadline)));
        }
        if (lists_[sifting_] == nullptr) {
            sifting_ = -1;
            warm_ = nullptr;
        }
    }

    // Lists are circular; the head's prev is the tail.
    void link(timer_node& node, int bucket) noexcept {
        timer_node*& head = lists_[bucket];
        if (head == nullptr) {
            node.next = node.prev = head = &node;
            used_[bucket / 64] |= std::uint64_t{1} << (bucket % 64);
        } else {
            node.next = head;
            node.prev = head->prev;
            node.prev->next = &node;
            head->prev = &node;
        }
        node.slot = static_cast<std::uint16_t>(bucket);
        ++count_;
    }
    void unlink(timer_node& node) noexcept {
        const int bucket = node.slot;
        timer_node*& head = lists_[bucket];
        if (warm_ == &node) warm_ = nullptr;
        if (node.next == &node) {
            head = nullptr;
            used_[bucket / 64] &= ~(std::uint64_t{1} << (bucket % 64));
        } else {
            node.next->prev = node.prev;
            node.prev->next = node.next;
            if (head == &node) head = node.next;
        }
        node.slot = timer_node::unarmed;
        --count_;
    }

    timer_node* lists_[levels * digits] = {};
    std::uint64_t used_[levels * words] = {};  ///< a bit for each bucket that holds a timer
    std::uint64_t last_ = 0;
    int sifting_ = -1;            ///< the bucket being sifted; -1: none
    timer_node* warm_ = nullptr;  ///< of that bucket: looked at last from its end; null: no use in looking further
    std::size_t count_ = 0;
};

}  // namespace weft::inline WEFT_ABI::detail
