// Lambda coroutines that outlive their call: named, captureless with parameters, or awaited where they are called.
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

using namespace mini;

template <class F>
int block_on_call(F f) {
    return f().get();
}

task<int> awaited(int n) {
    co_return co_await [n]() -> task<int> {
        co_await later();
        co_return n;
    }();
}

int main() {
    int value = 7;
    auto named = [value]() -> task<int> {
        co_await later();
        co_return value;
    };
    auto stored = named();
    auto captureless = [](int n) -> task<int> {
        co_await later();
        co_return n;
    }(value);
    int at_once = [&]() -> task<int> {
        co_await later();
        co_return value;
    }().get();
    return stored.get() + captureless.get() + at_once + awaited(value).get() + block_on_call(named) == 5 * 7 ? 0 : 1;
}
