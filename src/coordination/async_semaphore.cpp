// SPDX-License-Identifier: MIT

#include "weft/coordination/async_semaphore.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace weft::inline WEFT_ABI {
namespace {

constexpr const char* name = "async_semaphore";

std::string numbers(std::int32_t count, std::int32_t present, std::int32_t maximum) {
    return "async_semaphore::release(" + std::to_string(count) + "): " + std::to_string(present) + " of at most " +
        std::to_string(maximum) + " permits are free already";
}

}  // namespace

async_semaphore::async_semaphore(std::int32_t initial, std::int32_t maximum)
    : wait_queue(static_cast<word>(initial < 0 ? 0 : initial) * unit), maximum_(maximum) {
    if (maximum < 1 || initial < 0 || initial > maximum)
        throw std::invalid_argument("async_semaphore: takes 0 <= initial <= maximum and maximum > 0, got initial " +
            std::to_string(initial) + " and maximum " + std::to_string(maximum));
}

bool async_semaphore::try_take_slowly() {
    word now = lock_word();
    const bool is_disposed = (now & disposed) != 0;
    const bool taken = !is_disposed && permits_of(now) > 0;
    if (taken) now -= unit;
    unlock_word(now);
    if (is_disposed) throw object_disposed(name);
    return taken;
}

std::int32_t async_semaphore::release_slowly(std::int32_t count) {
    if (count < 1) throw std::invalid_argument("async_semaphore::release takes a count of at least 1");
    word now = lock_word();
    const std::int32_t present = permits_of(now);
    if ((now & disposed) != 0 || maximum_ - present < count) {
        unlock_word(now);
        if ((now & disposed) != 0) throw object_disposed(name);
        throw semaphore_full(numbers(count, present, maximum_));
    }
    detail::claimed_list woken;
    std::int32_t left = count;
    for (; left > 0 && grant_front(woken); --left) {}
    unlock_word(now + static_cast<word>(left) * unit);
    woken.resume_all();
    return present;
}

void async_semaphore::dispose() noexcept { unlock_word(lock_word() | disposed); }

// The permit of a task that will never run: dispose() does not change that it was taken.
void detail::semaphore_request::give_back() const noexcept {
    wait_queue::word now = on->lock_word();
    claimed_list woken;
    if (!on->grant_front(woken)) now += wait_queue::unit;
    on->unlock_word(now);
    woken.resume_all();
}

}  // namespace weft::inline WEFT_ABI
