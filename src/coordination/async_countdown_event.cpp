// SPDX-License-Identifier: MIT

#include "weft/coordination/async_countdown_event.hpp"

#include <limits>
#include <stdexcept>
#include <string>

#include "weft/base/error.hpp"
#include "weft/coordination/async_latch.hpp"

namespace weft::inline WEFT_ABI {
namespace detail {

// A signal that is not the last leaves the line alone and needs no lock, though others wait. Release: what was done before any
// of the signals is seen by who waits, as every change of the word is a read-modify-write.
std::int32_t countdown::subtract(std::int32_t by) noexcept {
    word seen = load();
    for (;;) {
        const std::int32_t before = count_of(seen);
        if (by > before || by == 0) return before;
        const word desired = seen - static_cast<word>(by) * unit;
        if ((seen & locked) == 0 && (by < before || (seen & waiting) == 0)) {
            if (change_to_leave(seen, desired)) return before;
            continue;
        }
        word now = lock_word();
        const std::int32_t left = count_of(now) - by;
        if (left > 0) {
            unlock_word(now - static_cast<word>(by) * unit);
            return left + by;
        }
        claimed_list woken;
        if (left == 0) {
            now -= static_cast<word>(by) * unit;
            grant_all(woken);
        }
        unlock_word(now);
        woken.resume_all();
        return left + by;
    }
}

std::int32_t countdown::add(std::int32_t by) noexcept {
    word seen = load();
    for (;;) {
        const std::int32_t before = count_of(seen);
        if ((seen & locked) != 0) {
            cpu_pause();
            seen = load();
        } else {
            const bool is_refused = before == 0 || by > std::numeric_limits<std::int32_t>::max() - before;
            if (is_refused || change_to_leave(seen, seen + static_cast<word>(by) * unit)) return before;
        }
    }
}

void countdown::set_count(std::int32_t count) noexcept {
    static_cast<void>(lock_word());
    claimed_list woken;
    if (count == 0) grant_all(woken);
    unlock_word(static_cast<word>(count) * unit);
    woken.resume_all();
}

bool latch_arrival::try_take() const {
    const std::int32_t before = on->subtract(1);
    if (before == 0)
        throw invalid_operation("async_latch::arrive_and_wait: every expected arrival has been counted already");
    return before == 1;
}

}  // namespace detail

namespace {

std::int32_t not_negative(std::int32_t count, const char* what) {
    if (count < 0) throw std::invalid_argument(std::string(what) + " takes a count that is not negative");
    return count;
}
std::int32_t positive(std::int32_t count, const char* what) {
    if (count < 1) throw std::invalid_argument(std::string(what) + " takes a count of at least 1");
    return count;
}
[[noreturn]] void throw_too_many(const char* what, std::int32_t count, std::int32_t left) {
    throw invalid_operation(
        std::string(what) + "(" + std::to_string(count) + "): only " + std::to_string(left) + " more are expected");
}

}  // namespace

async_countdown_event::async_countdown_event(std::int32_t initial_count)
    : count_(not_negative(initial_count, "async_countdown_event")), initial_(initial_count) {}

bool async_countdown_event::signal(std::int32_t count) {
    const std::int32_t before = count_.subtract(positive(count, "async_countdown_event::signal"));
    if (before < count) throw_too_many("async_countdown_event::signal", count, before);
    return before == count;
}

void async_countdown_event::add_count(std::int32_t count) {
    if (!try_add_count(count)) throw invalid_operation("async_countdown_event::add_count: the event is set already");
}

bool async_countdown_event::try_add_count(std::int32_t count) {
    const std::int32_t before = count_.add(positive(count, "async_countdown_event::add_count"));
    if (before > 0 && count > std::numeric_limits<std::int32_t>::max() - before)
        throw invalid_operation("async_countdown_event::add_count: the count would exceed 2147483647");
    return before > 0;
}

void async_countdown_event::reset(std::int32_t count) {
    initial_.store(not_negative(count, "async_countdown_event::reset"), std::memory_order_relaxed);
    count_.set_count(count);
}

async_latch::async_latch(std::int32_t expected) : count_(not_negative(expected, "async_latch")) {}

void async_latch::count_down(std::int32_t count) {
    const std::int32_t before = count_.subtract(not_negative(count, "async_latch::count_down"));
    if (before < count) throw_too_many("async_latch::count_down", count, before);
}

}  // namespace weft::inline WEFT_ABI
