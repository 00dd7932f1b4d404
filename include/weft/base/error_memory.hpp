#pragma once
// <weft/base/error_memory.hpp>: room to write down a failure when there is no memory.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::detail {

/// For what records the failure of a task that has ended, where nobody can be told that there is no memory for it: a block of the global
/// allocator, or, when that has none, of a small reserve of the process. When that is used up, too, the process ends with a sentence,
/// as .NET's does.
[[nodiscard]] void* allocate_for_error(std::size_t size) noexcept;
void free_for_error(void* block) noexcept;

/// The base of what is allocated there.
struct kept_in_error_memory {
    static void* operator new(std::size_t size) noexcept { return allocate_for_error(size); }
    static void operator delete(void* block) noexcept { free_for_error(block); }
};

template <class T>
struct error_allocator {
    using value_type = T;
    error_allocator() = default;
    template <class U>
    error_allocator(const error_allocator<U>&) noexcept {}
    [[nodiscard]] T* allocate(std::size_t count) noexcept { return static_cast<T*>(allocate_for_error(count * sizeof(T))); }
    void deallocate(T* block, std::size_t) noexcept { free_for_error(block); }
    friend bool operator==(const error_allocator&, const error_allocator&) noexcept { return true; }
};

/// The errors of one task. Making and growing one never fails.
struct error_list : std::vector<std::exception_ptr, error_allocator<std::exception_ptr>> {
    using vector::vector;
    explicit error_list(std::exception_ptr only) { push_back(std::move(only)); }
    operator std::vector<std::exception_ptr>() const { return {begin(), end()}; }
};

}  // namespace weft::inline WEFT_ABI::detail
