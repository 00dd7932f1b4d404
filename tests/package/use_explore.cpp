// Uses the installed explorer: an update that is lost in some orders is found.
// SPDX-License-Identifier: MIT
#include <weft/testing/explore.hpp>
#include <weft/weft.hpp>

static weft::task<> add_one(int& total) {
    const int before = total;
    co_await weft::completed_task();
    total = before + 1;
}

static weft::task<> both_count(weft::testing::world& world) {
    int total = 0;
    weft::task<> first = add_one(total);
    weft::task<> second = add_one(total);
    co_await weft::when_all(first, second);
    world.check(total == 2, "both updates count");
}

int main() { return weft::testing::explore({}, both_count).ok() ? 1 : 0; }
