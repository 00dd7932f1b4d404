// Awaits in conditions that GCC 12 translates rightly.
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

using namespace mini;

static int asked = 0;

task<bool> ask() {
    ++asked;
    co_await later();
    co_return true;
}

task<int> plain_if(bool a) {
    int local = 0;
    if (a && co_await ask()) ++local;
    bool initialised = a && co_await ask();
    bool assigned = true;
    assigned = a && co_await ask();
    co_return local + static_cast<int>(initialised) + static_cast<int>(assigned);
}

task<int> loop(int n) {
    int rounds = 0;
    for (;;) {
        if (n-- <= 0) break;
        bool more = co_await ask();
        if (!more) break;
        ++rounds;
    }
    co_return rounds;
}

task<int> left_side(bool b) {
    int rounds = 0;
    while (co_await truth(b) && rounds < 3) ++rounds;
    co_return rounds;
}

int main() {
    int none = plain_if(false).get() + loop(0).get();
    return none == 0 && asked == 0 && plain_if(true).get() == 3 && loop(2).get() == 2 && left_side(true).get() == 3 ? 0 : 1;
}
