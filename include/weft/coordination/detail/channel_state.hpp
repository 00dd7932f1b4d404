#pragma once
// <weft/coordination/detail/channel_state.hpp>: a channel's items, and what a read or a write does with them and with who waits.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/coordination/detail/channel_core.hpp"
#include "weft/coordination/detail/item_buffer.hpp"

namespace weft::inline WEFT_ABI {

/// What a write to a full bounded channel does.
enum class channel_full_mode : std::uint8_t {
    wait,         ///< waits for room
    drop_newest,  ///< drops the item that was written last
    drop_oldest,  ///< drops the item that would be read next
    drop_write    ///< drops the item that is being written
};

namespace detail {

inline constexpr std::size_t unbounded_capacity = std::numeric_limits<std::size_t>::max();

struct channel_shape {
    std::size_t capacity = unbounded_capacity;
    channel_full_mode full_mode = channel_full_mode::wait;
    bool single_reader = false;
    bool synchronous = false;
};

template <class T>
struct reading_waiter : channel_waiter {
    using channel_waiter::channel_waiter;
    std::optional<T> item;
};

template <class T>
struct writing_waiter : channel_waiter {
    writing_waiter(channel_core* of, cancellation_token with, T&& written) noexcept
        : channel_waiter(of, std::move(with)), item(std::move(written)) {}
    T item;
};

// The order of things in every attempt: a reader that waits is served before the buffer, so readers wait only while it is empty, and
// writers only while it is full.
template <class T>
class channel_state final : public channel_core {
    static_assert(std::is_nothrow_move_constructible_v<T>,
        "an item that changes hands must not throw: give its type a noexcept move constructor, or send a std::unique_ptr "
        "of it");

public:
    using drop_handler = std::function<void(T&&)>;

    explicit channel_state(const channel_shape& shape, std::unique_ptr<item_heap<T>> heap = nullptr)
        : channel_core(shape.synchronous), shape_(shape), heap_(std::move(heap)) {}

    // ---- attempts

    [[nodiscard]] channel_answer try_read(std::optional<T>& into) {
        section now(*this);
        return take(into, now.woken, now.drained);
    }
    /// `item` is moved from unless the answer is must_wait or closed.
    [[nodiscard]] channel_answer try_write(T& item) {
        std::optional<T> dropped;
        const channel_answer found = [&] {
            section now(*this);
            return put(item, dropped, now.woken);
        }();
        tell_dropped(dropped);
        return found;
    }
    [[nodiscard]] channel_answer try_watch_read() {
        const section now(*this);
        return watch_read();
    }
    [[nodiscard]] channel_answer try_watch_write() {
        const section now(*this);
        return watch_write();
    }
    [[nodiscard]] std::optional<T> peek() {
        const section now(*this);
        return has_items() ? std::optional<T>(front()) : std::nullopt;
    }
    [[nodiscard]] std::size_t count() {
        const section now(*this);
        return size();
    }

    // ---- attempts that stand in line. @return false: `who` waits now, and must not be touched any more

    [[nodiscard]] bool read_or_wait(reading_waiter<T>& who) {
        section now(*this);
        if (who.state != channel_wait::idle) return true;
        if (settled(who, take(who.item, now.woken, now.drained))) return true;
        line_up_reader(who, now.woken);
        return false;
    }
    [[nodiscard]] bool write_or_wait(writing_waiter<T>& who) {
        section now(*this);
        if (who.state != channel_wait::idle) return true;
        std::optional<T> dropped;  // only full channels that wait come here
        if (settled(who, put(who.item, dropped, now.woken))) return true;
        line_up_writer(who, now.woken);
        return false;
    }
    [[nodiscard]] bool watch_read_or_wait(channel_waiter& who) {
        section now(*this);
        if (who.state != channel_wait::idle || settled(who, watch_read())) return true;
        displace_readers(now.woken);
        who.is_reader = true;
        stand_in(read_watchers_, who);
        return false;
    }
    [[nodiscard]] bool watch_write_or_wait(channel_waiter& who) {
        section now(*this);
        if (who.state != channel_wait::idle || settled(who, watch_write())) return true;
        stand_in(write_watchers_, who);
        return false;
    }

    // ---- the parts, for a select() that holds the locks of several channels

    [[nodiscard]] channel_answer take(std::optional<T>& into, claimed_waiters& woken, bool& drained) {
        if (has_items()) {
            into.emplace(heap_ ? heap_->pop_front() : ring_.pop_front());
            if (auto* const writer = static_cast<writing_waiter<T>*>(writers_.claim())) {
                ring_.push_back(std::move(writer->item));
                woken.add(*writer, channel_wait::served);
            } else {
                woken.add_all(write_watchers_, channel_wait::served);
            }
            drained = closed_ && !has_items();
            return channel_answer::done;
        }
        if (auto* const writer = static_cast<writing_waiter<T>*>(writers_.claim())) {  // a rendezvous
            into.emplace(std::move(writer->item));
            woken.add(*writer, channel_wait::served);
            return channel_answer::done;
        }
        return closed_ ? channel_answer::closed : channel_answer::must_wait;
    }

    [[nodiscard]] channel_answer put(T& item, std::optional<T>& dropped, claimed_waiters& woken) {
        if (closed_) return channel_answer::closed;
        if (auto* const reader = static_cast<reading_waiter<T>*>(readers_.claim())) {
            reader->item.emplace(std::move(item));
            woken.add(*reader, channel_wait::served);
            return channel_answer::done;
        }
        if (size() >= shape_.capacity && !make_room(dropped)) {
            if (shape_.full_mode == channel_full_mode::wait) return channel_answer::must_wait;
            dropped.emplace(std::move(item));
            return channel_answer::done;
        }
        if (heap_) heap_->push(std::move(item));
        else ring_.push_back(std::move(item));
        woken.add_all(read_watchers_, channel_wait::served);
        return channel_answer::done;
    }
    void line_up_reader(channel_waiter& who, claimed_waiters& woken) noexcept {
        displace_readers(woken);
        who.is_reader = true;
        stand_in(readers_, who);
        if (shape_.capacity == 0) woken.add_all(write_watchers_, channel_wait::served);
    }
    void line_up_writer(channel_waiter& who, claimed_waiters& woken) noexcept {
        stand_in(writers_, who);
        if (shape_.capacity == 0) woken.add_all(read_watchers_, channel_wait::served);
    }
    [[nodiscard]] bool is_synchronous() const noexcept { return synchronous_; }
    void tell_dropped(std::optional<T>& dropped) {
        if (dropped.has_value() && on_dropped_) on_dropped_(std::move(*dropped));  // outside the lock (1.17/13)
    }

    /// Before the first write.
    void set_on_dropped(drop_handler handler) { on_dropped_ = std::move(handler); }

private:
    /// The lock, and what has to happen after it: the end of completion(), then those who were claimed.
    struct section {
        explicit section(channel_state& of) noexcept : channel(of), synchronous(of.synchronous_) { of.lock_.lock(); }
        ~section() {
            channel.lock_.unlock();
            if (drained) channel.finish();
            woken.resume_all(synchronous);
        }
        section(const section&) = delete;
        section& operator=(const section&) = delete;

        channel_state& channel;
        const bool synchronous;
        bool drained =
            false;  ///< a waiter that queues itself leaves it false: the channel is not touched after the lock then
        claimed_waiters woken;
    };

    [[nodiscard]] std::size_t size() const noexcept { return heap_ ? heap_->size() : ring_.size(); }
    [[nodiscard]] bool has_items() const noexcept override { return size() > 0; }
    [[nodiscard]] const T& front() const noexcept { return heap_ ? heap_->front() : ring_.front(); }

    /// Of a full channel. @returns whether an item has gone
    [[nodiscard]] bool make_room(std::optional<T>& dropped) noexcept {
        if (shape_.capacity == 0) return false;
        if (shape_.full_mode == channel_full_mode::drop_oldest) dropped.emplace(ring_.pop_front());
        if (shape_.full_mode == channel_full_mode::drop_newest) dropped.emplace(ring_.pop_back());
        return dropped.has_value();
    }

    [[nodiscard]] channel_answer watch_read() const noexcept {
        if (has_items() || !writers_.empty()) return channel_answer::done;
        return closed_ ? channel_answer::closed : channel_answer::must_wait;
    }
    [[nodiscard]] channel_answer watch_write() const noexcept {
        if (closed_) return channel_answer::closed;
        const bool room = shape_.full_mode != channel_full_mode::wait || size() < shape_.capacity || !readers_.empty();
        return room ? channel_answer::done : channel_answer::must_wait;
    }

    /// Who promised to be the only reader and waits a second time gives up the first wait (1.17/22).
    void displace_readers(claimed_waiters& woken) noexcept {
        if (!shape_.single_reader || shape_.capacity != unbounded_capacity) return;
        woken.add_all(readers_, channel_wait::canceled);
        woken.add_all(read_watchers_, channel_wait::canceled);
    }

    const channel_shape shape_;
    item_ring<T> ring_;
    const std::unique_ptr<item_heap<T>> heap_;  ///< of a prioritised channel, in place of the ring
    drop_handler on_dropped_;
};

}  // namespace detail

}  // namespace weft::inline WEFT_ABI
