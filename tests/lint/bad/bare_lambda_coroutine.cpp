// A capturing lambda coroutine called where it stands: its captures die at the end of the statement, its body runs on.
// gcc12: fails
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

using namespace mini;

int main() {
    int value = 7;
    auto stored = [value]() -> task<int> {  // lint: bare-lambda-coroutine
        co_await later();
        co_return value;
    }();
    auto owning = [text = long_text()]() -> task<int> {  // lint: bare-lambda-coroutine
        co_await later();
        co_return static_cast<int>(text.size());
    }();
    return stored.get() + owning.get() == 7 + 64 ? 0 : 1;
}
