// Planted: a finished task whose only handle is overwritten, never destroyed.
// sanitizer: address
// report: LeakSanitizer: detected memory leaks
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstring>
#include <new>

#include "weft/task.hpp"

static weft::task<int> number() { co_return 7; }

int main() {
    using handle = weft::task<int>;
    alignas(handle) unsigned char bytes[sizeof(handle)];
    handle* lost = ::new (static_cast<void*>(bytes)) handle(number());
    std::printf("%d\n", lost->get());
    std::memset(bytes, 0, sizeof bytes);
    return 0;
}
