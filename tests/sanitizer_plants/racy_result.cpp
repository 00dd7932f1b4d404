// Planted: two tasks on the pool write one variable without any order between them.
// sanitizer: thread
// report: ThreadSanitizer: data race
// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstdio>

#include "weft/run.hpp"
#include "weft/task.hpp"

static volatile int result = 0;  // volatile: each write stays one
static std::atomic<int> arrived{0};

// Both are inside before either writes, so the race is there in every schedule. Relaxed: no edge between the two. Many
// writes, because the sanitizer can miss two that fall into the same instant.
static void write(int value) {
    arrived.fetch_add(1, std::memory_order_relaxed);
    while (arrived.load(std::memory_order_relaxed) < 2) {}
    for (int round = 0; round < 100'000; ++round) {
        result = result + value;
    }
}

int main() {
    weft::task<> first = weft::run([] { write(1); });
    weft::task<> second = weft::run([] { write(2); });
    first.get();
    second.get();
    std::printf("%d\n", result);
    return 0;
}
