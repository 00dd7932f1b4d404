#pragma once
// <weft/coordination/detail/broadcast_state.hpp>: the items of a broadcast channel, and where each subscriber stands among them.
//
// Items are numbered from 0 as they are written. The buffer holds the last ones, each with the number of subscribers who have still to
// read it; a subscription is the number of the item it reads next. What nobody has to read any more leaves at the front. A subscription
// that fell behind the front has missed what is in between, and finds out when it looks.
//
// Waiting, locking and ending are channel_core's. Whoever waits to read has read everything, so a write serves them all, and only what
// some subscriber has not got by that goes into the buffer. Items are copied and destroyed outside the lock.
// SPDX-License-Identifier: MIT

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/coordination/detail/broadcast_item.hpp"
#include "weft/coordination/detail/channel_core.hpp"
#include "weft/coordination/detail/item_buffer.hpp"
#include "weft/coordination/detail/subscription.hpp"

namespace weft::inline WEFT_ABI {

/// What a write to a full broadcast channel does.
enum class broadcast_full_mode : std::uint8_t {
    wait,         ///< waits for the slowest subscriber
    drop_oldest,  ///< drops the oldest item: whoever has not read it has missed it
    drop_write    ///< drops the item that is being written: nobody gets it
};

namespace detail {

template <class T>
class broadcast_state;

struct broadcast_shape {
    std::size_t capacity = static_cast<std::size_t>(-1);
    broadcast_full_mode full_mode = broadcast_full_mode::wait;
    bool keeps_last = false;  ///< with a capacity of 1: the item stays for those who subscribe later
};

template <class T>
class broadcast_subscription final : public subscription_core {
public:
    explicit broadcast_subscription(channel_ref<broadcast_state<T>> to) : channel(std::move(to)) {
        channel->subscribe(*this, nullptr);
    }
    /// One that stands where `other` stands.
    explicit broadcast_subscription(broadcast_subscription& other) : channel(other.channel) {
        channel->subscribe(*this, &other);
    }
    ~broadcast_subscription() { channel->unsubscribe(*this); }
    broadcast_subscription(const broadcast_subscription&) = delete;
    broadcast_subscription& operator=(const broadcast_subscription&) = delete;

    void add_ref() noexcept { references.fetch_add(1, std::memory_order_relaxed); }  // the caller has one already
    void release() noexcept {
        // Release orders the uses before the end; the acquire half lets the last user see those of all others.
        if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    const channel_ref<broadcast_state<T>> channel;
};

/// Waits for an item, or for there to be one, on behalf of a subscription, which it keeps.
template <class T>
struct watching_subscriber : channel_waiter {
    watching_subscriber(broadcast_subscription<T>* of, cancellation_token with) noexcept
        : channel_waiter(of->channel.get(), std::move(with)), from(of) {}
    void hold() const noexcept { from->add_ref(); }
    void let_go() const noexcept { from->release(); }
    broadcast_subscription<T>* from;
};
template <class T>
struct reading_subscriber : watching_subscriber<T> {
    using watching_subscriber<T>::watching_subscriber;
    std::optional<broadcast_item<T>> item;
};
template <class T>
struct broadcasting_waiter : channel_waiter {
    broadcasting_waiter(channel_core* of, cancellation_token with, T&& written) noexcept
        : channel_waiter(of, std::move(with)), raw(std::move(written)) {}
    T raw;                                  ///< until it waits
    std::optional<broadcast_item<T>> item;  ///< then
};

template <class T>
class broadcast_state final : public channel_core {
    static_assert(std::is_copy_constructible_v<T>,
        "every subscriber gets its own copy of an item: give its type a copy constructor, or send a std::shared_ptr of it");
    static_assert(std::is_nothrow_move_constructible_v<T>,
        "an item that changes hands must not throw: give its type a noexcept move constructor, or send a std::shared_ptr "
        "of it");
    using item = broadcast_item<T>;
    struct slot {
        item value;
        std::size_t unread;  ///< by so many subscribers
    };

public:
    using drop_handler = std::function<void(const T&)>;

    explicit broadcast_state(const broadcast_shape& shape) : channel_core(false), shape_(shape) {}

    // ---- writing

    /// `from` is moved from unless the answer is must_wait or closed.
    [[nodiscard]] channel_answer try_write(T& from) {
        typename item::room room;
        leftovers left;
        const channel_answer found = [&] {
            section now(*this);
            return put(left, now.woken, [&] { left.written.emplace(room, std::move(from)); });
        }();
        tell_dropped(left);
        return found;
    }
    /// @returns false: `who` waits now, and must not be touched any more
    [[nodiscard]] bool write_or_wait(broadcasting_waiter<T>& who) {
        typename item::room room;
        leftovers left;
        section now(*this);
        if (who.state != channel_wait::idle) return true;
        // Only full channels that wait come here.
        if (settled(who, put(left, now.woken, [&] { left.written.emplace(room, std::move(who.raw)); }))) return true;
        who.item.emplace(room, std::move(who.raw));
        stand_in(writers_, who);
        return false;
    }
    [[nodiscard]] channel_answer try_watch_write() {
        const section now(*this);
        return watch_write();
    }
    [[nodiscard]] bool watch_write_or_wait(channel_waiter& who) {
        const section now(*this);
        if (who.state != channel_wait::idle || settled(who, watch_write())) return true;
        stand_in(write_watchers_, who);
        return false;
    }

    // ---- reading, by a subscription

    [[nodiscard]] channel_answer try_read(subscription_core& by, std::optional<item>& into) {
        section now(*this);
        return take(by, into, now.woken);
    }
    [[nodiscard]] bool read_or_wait(reading_subscriber<T>& who) {
        section now(*this);
        if (who.state != channel_wait::idle || settled(who, take(*who.from, who.item, now.woken))) return true;
        line_up_reader(who);
        return false;
    }
    [[nodiscard]] channel_answer try_watch_read(const subscription_core& by) {
        const section now(*this);
        return watch_read(by);
    }
    [[nodiscard]] bool watch_read_or_wait(watching_subscriber<T>& who) {
        const section now(*this);
        if (who.state != channel_wait::idle || settled(who, watch_read(*who.from))) return true;
        stand_in(who.from->watchers, who);
        awaited_.add(*who.from);
        return false;
    }
    [[nodiscard]] std::size_t unread(const subscription_core& by) {
        const section now(*this);
        return by.subscribed ? static_cast<std::size_t>(written_ - std::max(by.next, first_kept())) : 0;
    }
    [[nodiscard]] std::uint64_t take_missed(subscription_core& by) {
        const section now(*this);
        return std::exchange(by.missed, 0);
    }
    /// The newest item that lies here, read or not.
    [[nodiscard]] std::optional<T> latest() {
        std::optional<item> found;
        {
            const section now(*this);
            if (ring_.size() > 0) {
                const slot& newest = at(written_ - 1);
                if (newest.unread > 0 || shape_.keeps_last) found.emplace(newest.value);
            }
        }
        return found.has_value() ? std::optional<T>(found->take()) : std::nullopt;
    }

    // ---- subscribing

    /// @param where  stands where this one does; null: reads what is written from now on, and what is kept
    void subscribe(subscription_core& one, subscription_core* where) {
        const section now(*this);
        one.next = written_ - (shape_.keeps_last ? ring_.size() : 0);
        if (where != nullptr) {
            one.subscribed = where->subscribed;
            one.next = std::max(where->next, first_kept());
        }
        if (!one.subscribed) return;
        ++subscribers_;
        for (std::uint64_t each = one.next; each < written_; ++each) ++at(each).unread;
    }
    /// The channel is at its end for it. What only it had to read goes, in portions, so that nobody waits long for the lock.
    void unsubscribe(subscription_core& one) noexcept {
        std::uint64_t end = 0;
        {
            section now(*this);
            if (!std::exchange(one.subscribed, false)) return;
            --subscribers_;
            end = written_;
            now.woken.add_all(one.readers, channel_wait::closed);
            now.woken.add_all(one.watchers, channel_wait::closed);
            awaited_.remove(one);
        }
        while (!give_up(one, end)) {}
    }
    /// What a subscription meets at its end. Null also when only the subscription has ended.
    [[nodiscard]] std::exception_ptr error_for(const subscription_core& one) {
        const section now(*this);
        return one.subscribed ? error_ : nullptr;
    }
    [[nodiscard]] std::size_t subscribers() {
        const section now(*this);
        return subscribers_;
    }

    // ---- the parts of a read, for a select() that holds the locks of several channels

    [[nodiscard]] channel_answer take(subscription_core& by, std::optional<item>& into, claimed_waiters& woken) noexcept {
        if (!by.subscribed) return channel_answer::closed;
        if (by.next < first_kept()) {
            by.missed += first_kept() - by.next;
            by.next = first_kept();
        }
        if (by.next == written_) return closed_ ? channel_answer::closed : channel_answer::must_wait;
        slot& one = at(by.next++);
        if (leave_item(one, into)) drop_read(woken);
        return channel_answer::done;
    }
    void line_up_reader(reading_subscriber<T>& who) noexcept {
        stand_in(who.from->readers, who);
        awaited_.add(*who.from);
    }

    /// Before the first write.
    void set_on_dropped(drop_handler handler) { on_dropped_ = std::move(handler); }

private:
    /// The lock, and after it those who were claimed.
    struct section {
        explicit section(broadcast_state& of) noexcept : channel(of) { of.lock_.lock(); }
        ~section() {
            channel.lock_.unlock();
            woken.resume_all(false);
        }
        section(const section&) = delete;
        section& operator=(const section&) = delete;

        broadcast_state& channel;
        claimed_waiters woken;
    };
    /// What a write leaves behind, to go outside the lock.
    struct leftovers {
        std::optional<item> written;   ///< the item, unless it lies in the buffer or its last reader has it
        std::optional<slot> replaced;  ///< the oldest
        bool refused = false;          ///< `written` was dropped
    };

    // Those who wait to read have read everything, so each end of a wait to read is the end of the channel for it.
    [[nodiscard]] bool has_items() const noexcept override { return false; }
    void claim_readers(claimed_waiters& ended) noexcept override {
        while (subscription_core* const each = awaited_.first()) {
            ended.add_all(each->readers, channel_wait::closed);
            ended.add_all(each->watchers, channel_wait::closed);
            awaited_.remove(*each);
        }
    }

    [[nodiscard]] std::uint64_t first_kept() const noexcept { return written_ - ring_.size(); }
    [[nodiscard]] slot& at(std::uint64_t number) noexcept { return ring_[static_cast<std::size_t>(number - first_kept())]; }
    [[nodiscard]] bool is_full() const noexcept { return ring_.size() >= shape_.capacity; }

    /// @param make  makes left.written; does not throw
    template <class Make>
    [[nodiscard]] channel_answer put(leftovers& left, claimed_waiters& woken, Make make) {
        if (closed_) return channel_answer::closed;
        if (is_full()) {
            if (shape_.full_mode == broadcast_full_mode::wait) return channel_answer::must_wait;
            if (shape_.full_mode == broadcast_full_mode::drop_write) {
                make();
                left.refused = true;
                return channel_answer::done;
            }
            left.replaced.emplace(ring_.pop_front());
        } else {
            ring_.reserve_one();
        }
        make();
        deliver(*left.written, woken);
        return channel_answer::done;
    }
    /// To all who wait, and to the buffer, which has room, for the others. The item is moved from when it is not needed any more.
    void deliver(item& one, claimed_waiters& woken) noexcept {
        std::size_t unread = subscribers_;
        for (subscription_core *each = awaited_.first(), *following = nullptr; each != nullptr; each = following) {
            following = each->behind;
            if (auto* const reader = static_cast<reading_subscriber<T>*>(each->readers.claim())) {
                if (--unread == 0 && !shape_.keeps_last) reader->item.emplace(std::move(one));
                else reader->item.emplace(std::as_const(one));
                ++each->next;
                woken.add(*reader, channel_wait::served);
            } else {
                woken.add_all(each->watchers, channel_wait::served);
            }
            if (each->readers.empty() && each->watchers.empty()) awaited_.remove(*each);
        }
        ++written_;
        // An item that everybody has keeps its place while one before it, of a subscriber who is leaving, is in the buffer.
        if (unread > 0 || shape_.keeps_last || ring_.size() > 0) ring_.push_back(slot{std::move(one), unread});
    }
    void admit_writers(claimed_waiters& woken) noexcept {
        while (!is_full()) {
            auto* const writer = static_cast<broadcasting_waiter<T>*>(writers_.claim());
            if (writer == nullptr) {
                woken.add_all(write_watchers_, channel_wait::served);
                return;
            }
            deliver(*writer->item, woken);
            woken.add(*writer, channel_wait::served);
        }
    }

    /// One subscriber less has to read it. @returns whether it was the last, and `into` has it for good
    [[nodiscard]] bool leave_item(slot& one, std::optional<item>& into) noexcept {
        const bool is_last = --one.unread == 0 && !shape_.keeps_last;
        if (is_last) into.emplace(std::move(one.value));
        else into.emplace(std::as_const(one.value));
        return is_last;
    }
    /// Lets go of the places of items that everybody has.
    void drop_read(claimed_waiters& woken) noexcept {
        while (ring_.size() > 0 && ring_[0].unread == 0) static_cast<void>(ring_.pop_front());
        admit_writers(woken);
    }
    /// @returns whether `one` has given up everything before `end`
    [[nodiscard]] bool give_up(subscription_core& one, std::uint64_t end) noexcept {
        std::array<std::optional<item>, 32> gone;
        section now(*this);
        one.next = std::max(one.next, first_kept());
        bool any = false;
        for (std::optional<item>& each : gone) {
            if (one.next >= end) break;
            const std::uint64_t given_up = one.next++;
            if (leave_item(at(given_up), each)) any = true;
        }
        if (any) drop_read(now.woken);
        return one.next >= end;
    }

    [[nodiscard]] channel_answer watch_read(const subscription_core& by) const noexcept {
        if (by.subscribed && by.next != written_) return channel_answer::done;
        return closed_ || !by.subscribed ? channel_answer::closed : channel_answer::must_wait;
    }
    [[nodiscard]] channel_answer watch_write() const noexcept {
        if (closed_) return channel_answer::closed;
        const bool room = shape_.full_mode != broadcast_full_mode::wait || !is_full();
        return room ? channel_answer::done : channel_answer::must_wait;
    }
    void tell_dropped(const leftovers& left) {
        if (!on_dropped_) return;
        if (left.refused) on_dropped_(left.written->get());
        if (left.replaced.has_value() && left.replaced->unread > 0) on_dropped_(left.replaced->value.get());
    }

    const broadcast_shape shape_;
    item_ring<slot> ring_;
    std::uint64_t written_ = 0;    ///< items so far; the buffer holds the last of them
    std::size_t subscribers_ = 0;  ///< who will read the next item
    subscription_list awaited_;    ///< whose readers have read everything
    drop_handler on_dropped_;
};

}  // namespace detail
}  // namespace weft::inline WEFT_ABI
