// The neighbour of operation_stored_cold that is right.
// accepts
// SPDX-License-Identifier: MIT
#include "weft/delay.hpp"
#include "weft/task.hpp"

weft::task<> right() {
    weft::task<> later = weft::delay(std::chrono::milliseconds(1));
    co_await later;
}
