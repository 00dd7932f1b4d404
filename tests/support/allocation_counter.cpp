// The replaced operators stand in this file alone: a program that does not use the counter does not link them.
// SPDX-License-Identifier: MIT

#include "support/allocation_counter.hpp"

#include <cstdlib>
#include <new>

#include "weft/base/config.hpp"

namespace {
constinit thread_local std::size_t allocations = 0;
constinit thread_local std::size_t allocated_bytes = 0;
}  // namespace

namespace weft_test {

const bool allocation_counter::is_available = !WEFT_ASAN && !WEFT_TSAN;

allocation_counter::allocation_counter() noexcept : first_count_(allocations), first_bytes_(allocated_bytes) {}
std::size_t allocation_counter::count() const noexcept { return allocations - first_count_; }
std::size_t allocation_counter::bytes() const noexcept { return allocated_bytes - first_bytes_; }

}  // namespace weft_test

#if !WEFT_ASAN && !WEFT_TSAN

namespace {
void* counted(std::size_t size, std::size_t alignment) {
    ++allocations;
    allocated_bytes += size;
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    void* block = alignment <= alignof(std::max_align_t)
        ? std::malloc(size == 0 ? 1 : size)
        : std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}
}  // namespace

void* operator new(std::size_t size) { return counted(size, 1); }
void* operator new[](std::size_t size) { return counted(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
    return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

#endif
