// bench/support/allocations.cpp: counts what a process allocates. run.py loads it in front of the C library in a run of its own,
// whose times it throws away: so the counting is in no measured time, and it may be as simple as this.
// SPDX-License-Identifier: MIT

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

// The C library's own functions under the names it keeps for libraries like this one.
extern "C" void* __libc_malloc(std::size_t);
extern "C" void* __libc_calloc(std::size_t, std::size_t);
extern "C" void* __libc_realloc(void*, std::size_t);
extern "C" void* __libc_memalign(std::size_t, std::size_t);

namespace {
std::atomic<std::uint64_t> counter{0};
void count() { counter.fetch_add(1, std::memory_order_relaxed); }
}  // namespace

// harness.hpp and lib.rs look for this name.
extern "C" std::uint64_t bench_allocations() { return counter.load(std::memory_order_relaxed); }

extern "C" void* malloc(std::size_t size) {
    count();
    return __libc_malloc(size);
}
extern "C" void* calloc(std::size_t n, std::size_t size) {
    count();
    return __libc_calloc(n, size);
}
extern "C" void* realloc(void* block, std::size_t size) {
    count();
    return __libc_realloc(block, size);
}
extern "C" void* memalign(std::size_t alignment, std::size_t size) {
    count();
    return __libc_memalign(alignment, size);
}
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }
extern "C" int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
    *block = memalign(alignment, size);
    return *block == nullptr ? ENOMEM : 0;
}
