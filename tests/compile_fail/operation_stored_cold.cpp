// An operation kept in a variable would be a cold task by accident.
// expect: an operation is awaited where it is made
// SPDX-License-Identifier: MIT
#include "weft/delay.hpp"
#include "weft/task.hpp"

weft::task<> wrong() {
    auto later = weft::delay(std::chrono::milliseconds(1));
    co_await later;
}
