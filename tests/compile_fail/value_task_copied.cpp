// A value_task is awaited once, so it has one owner.
// expect: deleted
// SPDX-License-Identifier: MIT
#include "weft/value_task.hpp"

weft::value_task<int> number() { co_return 1; }

void wrong() {
    weft::value_task<int> first = number();
    weft::value_task<int> second = first;
}
