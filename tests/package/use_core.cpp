// Uses the installed core: a task, a delay, a combinator.
// SPDX-License-Identifier: MIT
#include <weft/weft.hpp>

#include <chrono>

static weft::task<int> number(int value) {
    co_await weft::delay(std::chrono::milliseconds(1));
    co_return value;
}

static weft::task<int> sum() {
    auto [first, second] = co_await weft::when_all(number(1), number(2));
    co_return first + second;
}

int main() { return weft::block_on(sum()) == 3 ? 0 : 1; }
