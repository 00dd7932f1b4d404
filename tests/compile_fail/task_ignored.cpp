// A task that nobody looks at is a forgotten co_await.
// expect: a task that is dropped is neither awaited nor observed: co_await it, keep it, or call .forget()
// SPDX-License-Identifier: MIT
#include "weft/task.hpp"

weft::task<> work() { co_return; }

weft::task<> wrong() {
    work();
    co_return;
}
