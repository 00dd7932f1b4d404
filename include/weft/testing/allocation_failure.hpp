#pragma once
// <weft/testing/allocation_failure.hpp>: makes the n-th allocation of a test fail, for each n in turn.
//
// A program that uses it writes WEFT_ALLOCATIONS_MAY_FAIL(); in one of its files.
// SPDX-License-Identifier: MIT

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>

#include "weft/base/config.hpp"

namespace weft::inline WEFT_ABI::testing {

/// Whose allocations are counted, and may fail.
enum class allocations_of : std::uint8_t {
    this_thread,  ///< those of the thread that asks: the same ones in every run of a deterministic_scheduler
    every_thread  ///< those of the process: with a pool, which one is the n-th depends on the threads
};

/// While it lives, one allocation fails: the global operator new throws std::bad_alloc, or returns null where it is asked without
/// exceptions. The others go on as ever. What malloc() gives, to a C library or for an exception that is thrown, never fails.
///
/// A frame that the library takes from its store of old frames is no allocation. The calling thread's store and the common one are
/// emptied first; those of other threads stay. Under a sanitizer there is no store.
///
/// A resource: one at a time for a thread, and one for every_thread. Made and destroyed by the same thread.
class allocation_failure {
public:
    /// @param n  which one fails, from 0
    /// @throws invalid_operation  the program has not replaced operator new by WEFT_ALLOCATIONS_MAY_FAIL(), or was built with the thread
    ///                            sanitizer, or another one lives
    explicit allocation_failure(std::size_t n, allocations_of whose = allocations_of::this_thread);
    ~allocation_failure();
    allocation_failure(const allocation_failure&) = delete;
    allocation_failure& operator=(const allocation_failure&) = delete;

    /// Whether it has failed.
    [[nodiscard]] bool struck() const noexcept;

private:
    const allocations_of whose_;
};

/// While it lives, no allocation of this thread counts or fails: for what belongs to the test and not to what is tested. The
/// deterministic_scheduler's own notes are kept under it. May be nested.
class allocations_succeed {
public:
    allocations_succeed() noexcept;
    ~allocations_succeed();
    allocations_succeed(const allocations_succeed&) = delete;
    allocations_succeed& operator=(const allocations_succeed&) = delete;
};

/// What fail_each_allocation() did.
struct allocation_sweep {
    std::size_t allocations = 0;  ///< that were made to fail, one a run
    std::size_t thrown = 0;       ///< runs that ended with std::bad_alloc
    std::size_t survived = 0;     ///< runs that ended well all the same
};

/// Runs `scenario` with its first allocation failing, then with its second, and so on, until one run ends without a failure: that one
/// shows that everything works again. A scenario does its work from the start, checks what came of it, and returns or throws
/// std::bad_alloc; it waits for what it started before it returns.
///
/// Threads  runs on the calling thread; `every_thread` is for scenarios that use a runtime.
/// @throws  what a scenario throws but std::bad_alloc; invalid_operation as allocation_failure does, and after `most` runs
allocation_sweep fail_each_allocation(
    const std::function<void()>& scenario, allocations_of whose = allocations_of::this_thread, std::size_t most = 100'000);

namespace detail {
[[nodiscard]] void* allocate_or_fail(std::size_t size, std::size_t alignment);
[[nodiscard]] void* allocate_or_null(std::size_t size, std::size_t alignment) noexcept;
void deallocate(void* block) noexcept;
}  // namespace detail

}  // namespace weft::inline WEFT_ABI::testing

// The operators of one family, plain or of arrays; `suffix` is empty or [].
#define WEFT_TESTING_REPLACE_OPERATORS(suffix)                                                                          \
    void* operator new suffix(std::size_t size) { return ::weft::testing::detail::allocate_or_fail(size, 0); }          \
    void* operator new suffix(std::size_t size, std::align_val_t alignment) {                                           \
        return ::weft::testing::detail::allocate_or_fail(size, static_cast<std::size_t>(alignment));                    \
    }                                                                                                                   \
    void* operator new suffix(std::size_t size, const std::nothrow_t&) noexcept {                                       \
        return ::weft::testing::detail::allocate_or_null(size, 0);                                                      \
    }                                                                                                                   \
    void* operator new suffix(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {           \
        return ::weft::testing::detail::allocate_or_null(size, static_cast<std::size_t>(alignment));                    \
    }                                                                                                                   \
    void operator delete suffix(void* block) noexcept { ::weft::testing::detail::deallocate(block); }                   \
    void operator delete suffix(void* block, std::size_t) noexcept { ::weft::testing::detail::deallocate(block); }      \
    void operator delete suffix(void* block, std::align_val_t) noexcept { ::weft::testing::detail::deallocate(block); } \
    void operator delete suffix(void* block, std::size_t, std::align_val_t) noexcept {                                  \
        ::weft::testing::detail::deallocate(block);                                                                     \
    }                                                                                                                   \
    void operator delete suffix(void* block, const std::nothrow_t&) noexcept {                                          \
        ::weft::testing::detail::deallocate(block);                                                                     \
    }                                                                                                                   \
    void operator delete suffix(void* block, std::align_val_t, const std::nothrow_t&) noexcept {                        \
        ::weft::testing::detail::deallocate(block);                                                                     \
    }

/// Replaces the global operators new and delete of the program by malloc() and free() with a count: once a program, at namespace
/// scope of no namespace. The address sanitizer sees the allocations all the same. The thread sanitizer has operators of its own that
/// cannot be replaced: there this does nothing, and an allocation_failure cannot be made.
#if WEFT_TSAN
#define WEFT_ALLOCATIONS_MAY_FAIL() static_assert(true, "takes the semicolon")
#else
#define WEFT_ALLOCATIONS_MAY_FAIL()    \
    WEFT_TESTING_REPLACE_OPERATORS()   \
    WEFT_TESTING_REPLACE_OPERATORS([]) \
    static_assert(true, "takes the semicolon")
#endif
