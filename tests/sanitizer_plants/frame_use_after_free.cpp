// Planted: reads a local of a coroutine after the coroutine and its last handle are gone.
// sanitizer: address
// report: AddressSanitizer: heap-use-after-free
// SPDX-License-Identifier: MIT
#include <cstdio>

#include "weft/task.hpp"
#include "weft/task_completion_source.hpp"

static const volatile int* leaked_address = nullptr;

static weft::task<int> body(weft::task<> gate) {
    volatile int local = 7;
    leaked_address = &local;
    co_await gate;
    co_return local;
}

int main() {
    {
        weft::task_completion_source<void> gate;
        weft::task<int> running = body(gate.task());
        gate.set_result();
        std::printf("%d\n", running.get());
    }
    std::printf("%d\n", *leaked_address);
    return 0;
}
