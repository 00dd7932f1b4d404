// SPDX-License-Identifier: MIT

#include "weft/base/error_memory.hpp"

#include <array>
#include <mutex>
#include <new>

#include "weft/base/assert.hpp"
#include "weft/base/spin_lock.hpp"

namespace weft::inline WEFT_ABI::detail {

namespace {

constexpr std::size_t reserve_block = 256;  // the record of a failure, or a list of 32 errors
constexpr std::size_t reserve_blocks = 64;

struct alignas(std::max_align_t) block_of_reserve {
    std::byte bytes[reserve_block];
};

// Constant-initialized and never destroyed: tasks fail before main() and after it.
constinit block_of_reserve reserve[reserve_blocks]{};
constinit std::array<bool, reserve_blocks> taken{};
constinit spin_lock reserve_lock;

void* take_from_reserve(std::size_t size) noexcept {
    if (size > reserve_block) return nullptr;
    const std::lock_guard guard(reserve_lock);
    for (std::size_t i = 0; i < reserve_blocks; ++i) {
        if (taken[i]) continue;
        taken[i] = true;
        return &reserve[i];
    }
    return nullptr;
}

}  // namespace

void* allocate_for_error(std::size_t size) noexcept {
    void* block = ::operator new(size, std::nothrow);
    if (block == nullptr) block = take_from_reserve(size);
    WEFT_ASSERT(block != nullptr, "there is no memory to record the failure of a task");
    return block;
}

void free_for_error(void* block) noexcept {
    auto* const mine = static_cast<block_of_reserve*>(block);
    if (mine < reserve || mine >= reserve + reserve_blocks) {
        ::operator delete(block);
        return;
    }
    const std::lock_guard guard(reserve_lock);
    taken[static_cast<std::size_t>(mine - reserve)] = false;
}

}  // namespace weft::inline WEFT_ABI::detail
