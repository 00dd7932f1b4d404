// The neighbour of task_ignored that is right.
// accepts
// SPDX-License-Identifier: MIT
#include "weft/task.hpp"

weft::task<> work() { co_return; }

weft::task<> right() {
    weft::forget(work());
    co_await work();
}
