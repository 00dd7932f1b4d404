// Planted: a finished task whose only handle is overwritten, never destroyed.
// sanitizer: address
// report: LeakSanitizer: detected memory leaks
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstring>
#include <new>

#include "weft/task.hpp"

static weft::task<int> number() { co_return 7; }

// Not in main, where what is left of the handle on the stack would still lead to the frame when the program ends.
[[gnu::noinline]] static void lose_a_task() {
    using handle = weft::task<int>;
    alignas(handle) unsigned char bytes[sizeof(handle)];
    handle* lost = ::new (static_cast<void*>(bytes)) handle(number());
    std::printf("%d\n", lost->get());
    std::memset(bytes, 0, sizeof bytes);
}

int main() {
    lose_a_task();
    return 0;
}
