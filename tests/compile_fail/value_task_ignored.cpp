// A value_task that nobody looks at is a forgotten co_await.
// expect: a value_task that is dropped is never observed: co_await it
// SPDX-License-Identifier: MIT
#include "weft/task.hpp"
#include "weft/value_task.hpp"

weft::value_task<int> number() { co_return 1; }

weft::task<> wrong() {
    number();
    co_return;
}
