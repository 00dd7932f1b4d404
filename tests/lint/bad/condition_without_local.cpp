// A coroutine without any named local that awaits in a condition: GCC 12 shifts its frame by eight bytes.
// gcc12: fails
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

using namespace mini;

static int left = 3;

task<int> in_while() {
    while (co_await later() && --left > 0) {  // lint: condition-without-local
    }
    co_return left;
}

task<int> in_if() {
    if (co_await truth(true)) {  // lint: condition-without-local
        co_return 1;
    }
    co_return 2;
}

int main() { return in_while().get() + in_if().get() == 1 ? 0 : 1; }
