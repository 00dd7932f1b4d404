// expect: co_await needs a task, an operation, or a type with await_ready
// SPDX-License-Identifier: MIT
#include "weft/task.hpp"

weft::task<> wrong() { co_await 3; }
