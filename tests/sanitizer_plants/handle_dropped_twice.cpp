// Planted: a handle's bytes are copied behind its back, so that two destructors drop one reference.
// sanitizer: address
// report: AddressSanitizer: heap-use-after-free
// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstring>
#include <new>

#include "weft/task.hpp"

static weft::task<int> number() { co_return 7; }

int main() {
    using handle = weft::task<int>;
    alignas(handle) unsigned char bytes[sizeof(handle)];
    handle first = number();
    std::memcpy(bytes, static_cast<const void*>(&first), sizeof(handle));
    std::printf("%d\n", first.get());
    // first's destructor, at the end of main, is the second to drop the reference.
    std::launder(reinterpret_cast<handle*>(bytes))->~handle();
    return 0;
}
