// Counting down to the allocation that fails: in the thread for its own, in one word for those of the process.
// SPDX-License-Identifier: MIT

#include "weft/testing/allocation_failure.hpp"

#include <atomic>
#include <cstdlib>
#include <limits>

#include "weft/base/error.hpp"
#include "weft/base/frame_allocator.hpp"
#include "weft/base/thread_block.hpp"

namespace weft::inline WEFT_ABI::testing {

namespace {

// How many allocations go well before the one that fails; below 0: nobody asks.
constexpr std::int64_t idle = std::numeric_limits<std::int64_t>::min() / 2;
constinit thread_local std::int64_t left_here = idle;
constinit std::atomic<std::int64_t> left_anywhere{idle};
constinit thread_local std::size_t spared = 0;
constinit std::atomic<std::size_t> calls{
    0};  // of the replaced operators, while a failure is made; shows that they are there

bool fails() noexcept {
    if (spared != 0) return false;
    if (left_here >= 0) {
        --left_here;
        if (left_here < 0) return true;
    }
    return left_anywhere.load(std::memory_order_relaxed) >= 0 && left_anywhere.fetch_sub(1, std::memory_order_relaxed) == 0;
}

bool operators_are_replaced() {
    const allocations_succeed own;
    const std::size_t before = calls.load(std::memory_order_relaxed);
    ::operator delete(::operator new(1));
    return calls.load(std::memory_order_relaxed) != before;
}

void* allocate(std::size_t size, std::size_t alignment) noexcept {
    calls.fetch_add(1, std::memory_order_relaxed);
    if (fails()) return nullptr;
    if (alignment <= alignof(std::max_align_t)) return std::malloc(size == 0 ? 1 : size);
    const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
    return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

}  // namespace

namespace detail {

void* allocate_or_null(std::size_t size, std::size_t alignment) noexcept { return allocate(size, alignment); }

void* allocate_or_fail(std::size_t size, std::size_t alignment) {
    void* const block = allocate(size, alignment);
    if (block == nullptr) throw std::bad_alloc();
    return block;
}

void deallocate(void* block) noexcept { std::free(block); }

}  // namespace detail

allocation_failure::allocation_failure(std::size_t n, allocations_of whose) : whose_(whose) {
    if (WEFT_TSAN) throw invalid_operation("allocation_failure: the thread sanitizer keeps operator new to itself");
    if (!operators_are_replaced())
        throw invalid_operation("allocation_failure: write WEFT_ALLOCATIONS_MAY_FAIL(); in one file of this program");
    // What an earlier run has left in the store of frames would be a run without allocations.
    weft::detail::discard_frames(weft::detail::this_thread_block().frames);
    const auto count = static_cast<std::int64_t>(n);
    if (whose_ == allocations_of::this_thread) {
        if (left_here != idle) throw invalid_operation("allocation_failure: this thread has one already");
        left_here = count;
        return;
    }
    std::int64_t expected = idle;
    if (!left_anywhere.compare_exchange_strong(expected, count, std::memory_order_relaxed))
        throw invalid_operation("allocation_failure: there is one for every thread already");
}

allocation_failure::~allocation_failure() {
    if (whose_ == allocations_of::this_thread) left_here = idle;
    else left_anywhere.store(idle, std::memory_order_relaxed);
}

bool allocation_failure::struck() const noexcept {
    return (whose_ == allocations_of::this_thread ? left_here : left_anywhere.load(std::memory_order_relaxed)) < 0;
}

allocations_succeed::allocations_succeed() noexcept { ++spared; }
allocations_succeed::~allocations_succeed() { --spared; }

allocation_sweep fail_each_allocation(const std::function<void()>& scenario, allocations_of whose, std::size_t most) {
    allocation_sweep done;
    for (std::size_t n = 0; n < most; ++n) {
        bool thrown = false;
        bool struck = false;
        {
            const allocation_failure failing(n, whose);
            try {
                scenario();
            } catch (const std::bad_alloc&) {
                thrown = true;
                if (!failing.struck()) throw;
            }
            struck = failing.struck();
        }
        if (!struck) return done;
        ++done.allocations;
        ++(thrown ? done.thrown : done.survived);
    }
    throw invalid_operation("fail_each_allocation: each of so many runs still had an allocation to fail");
}

}  // namespace weft::inline WEFT_ABI::testing
