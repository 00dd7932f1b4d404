// Awaiting a kept value_task says that it is used up.
// expect: std::move
// SPDX-License-Identifier: MIT
#include "weft/task.hpp"
#include "weft/value_task.hpp"

weft::value_task<int> number() { co_return 1; }

weft::task<int> wrong() {
    weft::value_task<int> first = number();
    co_return co_await first;
}
