// Uses the installed database access: one query on a database in memory.
// SPDX-License-Identifier: MIT
#include <weft/data/database.hpp>
#include <weft/weft.hpp>

static weft::task<int> three() {
    const weft::data::database db = co_await weft::data::database::open("sqlite://:memory:");
    const int sum = co_await db.query_scalar<int>("select {0} + {1}", 1, 2);
    co_return sum;
}

int main() { return weft::block_on(three()) == 3 ? 0 : 1; }
