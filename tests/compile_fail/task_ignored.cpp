// A task that nobody looks at is a forgotten co_await.
// expect: nodiscard
// SPDX-License-Identifier: MIT
#include "weft/task.hpp"

weft::task<> work() { co_return; }

weft::task<> wrong() {
    work();
    co_return;
}
