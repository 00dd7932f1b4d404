// A closure that owns something, made inside the awaiting expression: GCC 12 destroys the captured string twice.
// gcc12: fails
// SPDX-License-Identifier: MIT
#include "../mini_task.hpp"

using namespace mini;

task<int> by_copy(std::string s) {
    co_return co_await run([s] { return static_cast<int>(s.size()); });  // lint: closure-temporary
}

task<int> by_move(std::string s) {
    int size = co_await run([moved = std::move(s)] { return static_cast<int>(moved.size()); });  // lint: closure-temporary
    co_return size;
}

task<int> into_function(std::string s) {
    auto call = [](std::function<int()> f) -> task<int> {
        co_await later();
        co_return f();
    };
    co_return co_await call([s] { return static_cast<int>(s.size()); });  // lint: closure-temporary
}

task<int> called_at_once(std::string s) {
    co_return co_await [s]() -> task<int> {  // lint: closure-temporary
        co_await later();
        co_return static_cast<int>(s.size());
    }();
}

int main() {
    int sum = by_copy(long_text()).get() + by_move(long_text()).get() + into_function(long_text()).get() +
              called_at_once(long_text()).get();
    return sum == 4 * 64 ? 0 : 1;
}
