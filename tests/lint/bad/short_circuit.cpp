// An await on the right of && or || (or in a branch of ?:) where GCC 12 executes it first and always.
// gcc12: fails
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

using namespace mini;

static int asked = 0;

task<bool> ask() {
    ++asked;
    co_await later();
    co_return true;
}

task<int> in_while(int n) {
    int rounds = 0;
    while (n-- > 0 && co_await ask()) ++rounds;  // lint: short-circuit
    co_return rounds;
}

task<int> in_for(bool go) {
    int rounds = 0;
    for (; go && co_await ask(); go = false) ++rounds;  // lint: short-circuit
    co_return rounds;
}

task<int> in_do(bool again) {
    int rounds = 0;
    do ++rounds;
    while (again && co_await ask());  // lint: short-circuit
    co_return rounds;
}

task<bool> in_return(bool a) {
    co_return a && co_await ask();  // lint: short-circuit
}

task<int> in_conditional(bool c) {
    co_return c ? co_await later() : 0;  // lint: short-circuit
}

task<bool> nested(bool a, bool b) {
    int local = 0;
    if (!(a && co_await ask())) ++local;  // lint: short-circuit
    if ((a && co_await ask()) || b) ++local;  // lint: short-circuit
    co_return local == 1;
}

task<bool> chained(bool a) {
    bool both = a && co_await ask() && co_await ask();  // lint: short-circuit
    co_return both;
}

task<bool> same(bool value) {
    co_await later();
    co_return value;
}

task<bool> argument(bool a) {
    bool given = co_await same(a && co_await ask());  // lint: short-circuit
    co_return given;
}

int main() {
    // With every left side false nothing may be asked.
    int rounds = in_while(0).get() + in_for(false).get() + in_do(false).get() + in_conditional(false).get();
    bool any = in_return(false).get() || argument(false).get() || chained(false).get() || !nested(false, false).get();
    return rounds == 1 && !any && asked == 0 ? 0 : 1;
}
